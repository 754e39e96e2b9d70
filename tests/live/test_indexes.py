"""Checks of indexes on real servers: clean, broken, found, fixed by the remedy's own statements, clean."""

import pytest

from housecall.diagnosis.cause import Cause
from housecall.diagnosis.examine import Diagnosis
from housecall.testing import PrivateDatabase

pytestmark = pytest.mark.anyio

ORDERS = (
    "CREATE TABLE customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL UNIQUE)",
    "INSERT INTO customers (email) SELECT 'c' || g || '@example.org' FROM generate_series(1, 5000) AS g",
    (
        'CREATE TABLE "Orders" (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,'
        " customer_id bigint NOT NULL REFERENCES customers, status text NOT NULL, note text)"
    ),
    (
        "INSERT INTO \"Orders\" (customer_id, status, note) SELECT 1 + g % 5000, 'done', repeat('x', 50)"
        " FROM generate_series(1, 60000) AS g"
    ),
    'ANALYZE customers, "Orders"',
)


def causes(diagnosis: Diagnosis, cause_id: str) -> list[Cause]:
    return [cause for cause in diagnosis.causes if cause.id == cause_id]


def findings(diagnosis: Diagnosis, check: str) -> list[str]:
    return [finding.object for finding in diagnosis.findings if finding.check == f"postgresql.{check}"]


def apply(database: PrivateDatabase, cause: Cause) -> None:
    database.execute(*cause.remedies[0].statements)


async def test_duplicate_index_is_found_and_the_younger_twin_is_dropped(database: PrivateDatabase) -> None:
    database.execute(*ORDERS, 'CREATE INDEX status_a ON "Orders" (status)')
    assert causes(await database.examine(), "duplicate_index") == []
    database.execute('CREATE INDEX status_b ON "Orders" (status)')
    (cause,) = causes(await database.examine(), "duplicate_index")
    assert cause.object == "public.status_b"
    assert ("duplicates", "public.status_a") in [(each.name, each.value) for each in cause.evidence]
    apply(database, cause)
    assert causes(await database.examine(), "duplicate_index") == []
    database.execute(*cause.remedies[0].rollback)
    assert [each.object for each in causes(await database.examine(), "duplicate_index")] == ["public.status_b"]


async def test_redundant_index_is_the_shorter_one_and_its_drop_cleans_up(database: PrivateDatabase) -> None:
    database.execute(
        *ORDERS, 'CREATE INDEX short ON "Orders" (status)', 'CREATE INDEX long ON "Orders" (status, customer_id)'
    )
    diagnosis = await database.examine()
    assert findings(diagnosis, "redundant_index") == ["public.short"]
    (cause,) = causes(diagnosis, "duplicate_index")
    apply(database, cause)
    assert causes(await database.examine(), "duplicate_index") == []


async def test_indexes_of_other_operator_class_or_predicate_are_no_duplicate_index(database: PrivateDatabase) -> None:
    database.execute(
        *ORDERS,
        'CREATE INDEX plain ON "Orders" (status)',
        'CREATE INDEX pattern ON "Orders" (status text_pattern_ops)',
        "CREATE INDEX partial ON \"Orders\" (status) WHERE status = 'open'",
        'CREATE INDEX hashed ON "Orders" USING hash (status)',
        'CREATE INDEX lowered ON "Orders" (lower(status))',
        'CREATE INDEX uppered ON "Orders" (upper(status))',
    )
    diagnosis = await database.examine()
    assert findings(diagnosis, "duplicate_index") + findings(diagnosis, "redundant_index") == []


async def test_a_plain_index_beside_a_unique_constraint_is_the_one_to_drop(database: PrivateDatabase) -> None:
    database.execute(*ORDERS, "CREATE INDEX by_email ON customers (email)")
    assert [each.object for each in causes(await database.examine(), "duplicate_index")] == ["public.by_email"]


async def test_duplicate_expression_indexes_are_compared_by_their_expression(database: PrivateDatabase) -> None:
    database.execute(
        *ORDERS, "CREATE INDEX low_a ON customers (lower(email))", "CREATE INDEX low_second ON customers (lower(email))"
    )
    assert findings(await database.examine(), "duplicate_index") == ["public.low_second"]


async def test_invalid_index_is_found_and_gone_after_the_remedy(database: PrivateDatabase) -> None:
    database.execute(*ORDERS)
    assert causes(await database.examine(), "invalid_index") == []
    with pytest.raises(Exception, match="could not create unique index"):
        database.execute('CREATE UNIQUE INDEX CONCURRENTLY one_each ON "Orders" (customer_id)')
    (cause,) = causes(await database.examine(), "invalid_index")
    assert cause.object == "public.one_each"
    assert cause.severity == "warning"
    apply(database, cause)
    assert causes(await database.examine(), "invalid_index") == []


async def test_unused_index_with_young_statistics_is_info_and_says_so(database: PrivateDatabase) -> None:
    database.execute(
        *ORDERS,
        'CREATE INDEX idle ON "Orders" (note, status, id)',
        "INSERT INTO \"Orders\" (customer_id, status, note) SELECT 1, 'done', repeat(md5(g::text), 4)"
        " FROM generate_series(1, 60000) AS g",
        'VACUUM ANALYZE "Orders"',
    )
    diagnosis = await database.examine()
    assert findings(diagnosis, "unused_index") == ["public.idle"]
    (cause,) = causes(diagnosis, "unused_index")
    assert (cause.severity, cause.confidence <= 0.5) == ("info", True)
    apply(database, cause)
    assert findings(await database.examine(), "unused_index") == []


async def test_unique_and_primary_key_indexes_without_scans_are_never_unused(database: PrivateDatabase) -> None:
    database.execute(
        "CREATE TABLE big (id bigint PRIMARY KEY, code text UNIQUE)",
        "INSERT INTO big SELECT g, md5(g::text) || md5((g + 1)::text) FROM generate_series(1, 150000) AS g",
        "VACUUM ANALYZE big",
    )
    assert findings(await database.examine(), "unused_index") == []


async def test_over_indexing_names_the_table_and_absorbs_its_unused_indexes(database: PrivateDatabase) -> None:
    database.execute(*ORDERS)
    assert causes(await database.examine(), "over_indexing") == []
    database.execute(*(f'CREATE INDEX extra_{n} ON "Orders" ((id % {n}), status)' for n in range(2, 10)))
    (cause,) = causes(await database.examine(), "over_indexing")
    assert cause.object == 'public."Orders"'
    assert len(cause.remedies[0].statements) == 8
    apply(database, cause)
    assert causes(await database.examine(), "over_indexing") == []
    database.execute(*cause.remedies[0].rollback)
    assert len(causes(await database.examine(), "over_indexing")) == 1


async def test_foreign_key_without_index_that_deletes_suffer_from_is_fk_without_index(
    database: PrivateDatabase,
) -> None:
    database.execute(*ORDERS)
    (quiet,) = causes(await database.examine(), "fk_without_index")
    assert quiet.severity == "info"
    database.execute(
        'DELETE FROM "Orders" WHERE customer_id <= 30',
        *(f"DELETE FROM customers WHERE id = {number}" for number in range(1, 31)),
    )
    diagnosis = await database.examine()
    assert findings(diagnosis, "foreign_key_without_index") == ['public."Orders"(customer_id)']
    (cause,) = causes(diagnosis, "fk_without_index")
    assert (cause.object, cause.severity) == ('public."Orders"(customer_id)', "warning")
    apply(database, cause)
    assert causes(await database.examine(), "fk_without_index") == []


async def test_a_foreign_key_of_two_columns_is_read_by_an_index_on_one_of_them(database: PrivateDatabase) -> None:
    database.execute(
        "CREATE TABLE jobs (tenant int, number int, PRIMARY KEY (tenant, number))",
        "INSERT INTO jobs SELECT 1 + n % 4, n FROM generate_series(1, 20000) AS n",
        'CREATE TABLE "Job Steps" (id bigint PRIMARY KEY, tenant int, number int, note text,'
        " FOREIGN KEY (tenant, number) REFERENCES jobs ON DELETE SET NULL)",
        'INSERT INTO "Job Steps"'
        " SELECT n, 1 + (n % 20000 + 1) % 4, n % 20000 + 1, 'x' FROM generate_series(1, 120000) AS n",
        'CREATE INDEX "By Tenant" ON "Job Steps" (tenant, id)',
        'VACUUM ANALYZE jobs, "Job Steps"',
    )
    (quiet,) = causes(await database.examine(), "fk_without_index")
    assert quiet.severity == "info"
    database.execute(*(f"DELETE FROM jobs WHERE number = {n} AND tenant = {1 + n % 4}" for n in range(1, 21)))
    (cause,) = causes(await database.examine(), "fk_without_index")
    assert (cause.object, cause.severity) == ('public."Job Steps"(tenant, number)', "warning")
    assert "By Tenant" in cause.summary.render()
    apply(database, cause)
    assert causes(await database.examine(), "fk_without_index") == []


async def test_index_bloat_is_estimated_and_a_rebuild_mends_it(database: PrivateDatabase) -> None:
    database.execute(
        "CREATE TABLE wide (id bigint, payload text)",
        "ALTER TABLE wide SET (autovacuum_enabled = off)",
        "INSERT INTO wide SELECT g, 'x' FROM generate_series(1, 400000) AS g",
        "CREATE INDEX by_id ON wide (id) WITH (fillfactor = 10)",
        "ALTER INDEX by_id RESET (fillfactor)",
        "VACUUM ANALYZE wide",
    )
    from housecall.diagnosis.check import Limits, all_checks

    check = next(each for each in all_checks() if each.check.id == "postgresql.index_bloat")
    small = Limits(check.check.thresholds, {"min_wasted_bytes": 20 * 1024 * 1024})
    diagnosis = await database.examine()
    (finding,) = check.judge(diagnosis.snapshot, None, small)
    assert finding.object == "public.by_id"
    database.execute("REINDEX INDEX CONCURRENTLY public.by_id", "VACUUM ANALYZE wide")
    assert list(check.judge((await database.examine()).snapshot, None, small)) == []


@pytest.mark.since(15, "datcollversion")
async def test_collation_version_that_differs_from_the_recorded_one_is_found(database: PrivateDatabase) -> None:
    database.execute("CREATE TABLE words (word text)", "CREATE INDEX by_word ON words (word)")
    assert findings(await database.examine(), "collation_version") == []
    if database.value("SELECT datcollversion IS NULL FROM pg_database WHERE datname = current_database()"):
        pytest.skip("the database's collation has no version on this server (locale C)")
    database.execute(
        "SET allow_system_table_mods = on",
        "UPDATE pg_database SET datcollversion = '0.1' WHERE datname = current_database()",
    )
    (cause,) = causes(await database.examine(), "collation_version_mismatch")
    database.execute(cause.remedies[0].statements[-1])
    assert findings(await database.examine(), "collation_version") == []
