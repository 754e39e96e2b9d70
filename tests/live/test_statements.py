"""What hot statements lack, on real servers: clean, broken, found, fixed by the remedy's own statements, clean."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from housecall.diagnosis.cause import Cause
from housecall.diagnosis.examine import Diagnosis
from housecall.testing import PrivateDatabase

pytestmark = pytest.mark.anyio

SHOP = (
    "CREATE TABLE customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL)",
    "INSERT INTO customers (email) SELECT 'c' || g || '@example.org' FROM generate_series(1, 30000) AS g",
    "CREATE INDEX customers_email ON customers (email)",
    (
        "CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id bigint NOT NULL,"
        " status text NOT NULL, created timestamptz NOT NULL, total numeric, note text)"
    ),
    (
        "INSERT INTO orders (customer_id, status, created, total, note)"
        " SELECT 1 + g * 7 % 30000, CASE WHEN g % 100 = 0 THEN 'open' ELSE 'done' END, now() - g * interval '1 minute',"
        " g % 1000, repeat('n', 40) FROM generate_series(1, 150000) AS g"
    ),
    "VACUUM ANALYZE customers, orders",
    "SELECT pg_stat_reset()",
)
SCANS = "SELECT sum(seq_scan + COALESCE(idx_scan, 0)) FROM pg_stat_user_tables"
JIT_SECONDS = """
    SELECT sum(jit_generation_time + jit_inlining_time + jit_optimization_time + jit_emission_time) / 1000
    FROM pg_stat_statements WHERE query LIKE 'SELECT sum(total)%'
"""
ORDERS_OF_CUSTOMER = "SELECT * FROM orders WHERE customer_id = %s"


def shop(database: PrivateDatabase) -> PrivateDatabase:
    database.execute(*SHOP)
    if "pg_stat_statements" in database.server.kind.extensions:
        database.execute("SELECT pg_stat_statements_reset()")
    return database


def run(database: PrivateDatabase, statement: str, parameters: list[tuple], *, text: bool = False) -> None:
    """As an application would: one session, bound parameters (or `text`: with its values in the text)."""
    with database.connect() as connection:
        for each in parameters:
            if text:
                connection.execute(statement.encode())
            else:
                connection.execute(statement.encode(), each)


@contextmanager
def loop(database: PrivateDatabase, statement: str) -> Iterator[None]:
    """The statement in a loop of another session, for as long as the block runs."""
    stop, started = threading.Event(), threading.Event()

    def work() -> None:
        with database.connect() as connection:
            while not stop.is_set():
                connection.execute(statement.encode()).fetchall()
                started.set()

    thread = threading.Thread(target=work)
    thread.start()
    started.wait(30.0)
    deadline = time.monotonic() + 30.0
    # a session reports its counters about once a second: wait until the server shows them
    while (database.value(SCANS) or 0) < 6 and time.monotonic() < deadline:
        pass
    try:
        yield
    finally:
        stop.set()
        thread.join()


def causes(diagnosis: Diagnosis, cause_id: str) -> list[Cause]:
    return [cause for cause in diagnosis.causes if cause.id == cause_id]


def findings(diagnosis: Diagnosis, check: str) -> list[str]:
    return [finding.object for finding in diagnosis.findings if finding.check == f"postgresql.{check}"]


def alarms(diagnosis: Diagnosis) -> list[str]:
    """Causes that ask a person to act, but for those of the test servers' own settings."""
    return [
        f"{cause.id}: {cause.object}"
        for cause in diagnosis.causes
        if cause.severity.rank >= 2 and cause.object_kind != "setting"
    ]


async def test_missing_index_is_the_first_cause_and_its_statement_mends_it(database: PrivateDatabase) -> None:
    shop(database)
    assert causes(await database.examine(), "missing_index") == []
    with loop(database, "SELECT * FROM orders WHERE customer_id = 77"):
        diagnosis = await database.examine()
    (cause,) = causes(diagnosis, "missing_index")
    assert cause.object == "public.orders(customer_id)"
    assert cause.severity == "warning"
    assert cause.confidence >= 0.8
    assert [each.id for each in diagnosis.causes if each.severity.rank >= 2 and each.object_kind != "setting"] == [
        "missing_index"
    ]
    assert findings(diagnosis, "hot_sequential_scans") == ["public.orders"]
    assert findings(diagnosis, "missing_index") == ["public.orders(customer_id)"]
    assert len(findings(diagnosis, "top_statements")) >= 1
    database.execute(*cause.remedies[0].statements, "SELECT pg_stat_reset()")
    if "pg_stat_statements" in database.server.kind.extensions:
        database.execute("SELECT pg_stat_statements_reset()")
    with loop(database, "SELECT * FROM orders WHERE customer_id = 77"):
        assert causes(await database.examine(), "missing_index") == []


@pytest.mark.extensions("pg_stat_statements")
async def test_counted_statements_with_parameters_prove_the_missing_index(database: PrivateDatabase) -> None:
    run(shop(database), ORDERS_OF_CUSTOMER, [(number,) for number in range(1, 40)])
    (cause,) = causes(await database.examine(), "missing_index")
    assert cause.object == "public.orders(customer_id)"
    assert cause.confidence >= 0.9
    assert cause.impact > 0.5


@pytest.mark.pg(15)
async def test_a_write_behind_with_has_a_plan_that_names_the_missing_index(database: PrivateDatabase) -> None:
    moved = (
        "WITH moved AS (UPDATE orders SET total = total WHERE customer_id = %s RETURNING id, total)"
        " SELECT count(*), sum(total) FROM moved"
    )
    run(shop(database), moved, [(number,) for number in range(1, 40)])
    before = database.value("SELECT count(*) FROM orders")
    (cause,) = causes(await database.examine(), "missing_index")
    assert cause.object == "public.orders(customer_id)"
    assert cause.confidence >= 0.9
    assert database.value("SELECT count(*) FROM orders") == before
    database.execute(*cause.remedies[0].statements, "SELECT pg_stat_reset()", "SELECT pg_stat_statements_reset()")
    run(database, moved, [(number,) for number in range(1, 40)])
    assert causes(await database.examine(), "missing_index") == []


async def test_without_statements_the_missing_index_names_the_table_with_low_confidence(
    database: PrivateDatabase,
) -> None:
    if "pg_stat_statements" in database.server.kind.extensions:
        database.execute("DROP EXTENSION pg_stat_statements")
    database.execute(*SHOP)
    run(database, ORDERS_OF_CUSTOMER, [(number,) for number in range(1, 40)])
    diagnosis = await database.examine()
    (cause,) = causes(diagnosis, "missing_index")
    assert (cause.object, cause.severity, cause.confidence < 0.5) == ("public.orders", "notice", True)
    missing = next(each for each in diagnosis.not_evaluated if each.check == "postgresql.top_statements")
    assert "pg_stat_statements" in str(missing.reason)
    assert missing.remedy is not None
    assert "CREATE EXTENSION pg_stat_statements" in str(missing.remedy)


@pytest.mark.extensions("pg_stat_statements")
async def test_a_role_without_pg_monitor_is_told_the_grant_for_top_statements(database: PrivateDatabase) -> None:
    run(shop(database), ORDERS_OF_CUSTOMER, [(number,) for number in range(1, 40)])
    role = database.create_reader(monitor=False)
    diagnosis = await database.examine(role=role)
    missing = next(each for each in diagnosis.not_evaluated if each.check == "postgresql.top_statements")
    assert missing.remedy == f"GRANT pg_monitor TO {role};"
    assert findings(diagnosis, "hot_sequential_scans") == ["public.orders"]


@pytest.mark.extensions("pg_stat_statements")
async def test_with_pg_monitor_only_the_missing_index_is_found_too(database: PrivateDatabase) -> None:
    run(shop(database), ORDERS_OF_CUSTOMER, [(number,) for number in range(1, 40)])
    (cause,) = causes(await database.examine(role=database.create_reader()), "missing_index")
    assert cause.object == "public.orders(customer_id)"


@pytest.mark.extensions("pg_stat_statements")
async def test_wrong_index_order_is_found_and_mended(database: PrivateDatabase) -> None:
    shop(database).execute("CREATE INDEX by_created ON orders (created, customer_id)", "VACUUM ANALYZE orders")
    database.execute("SELECT pg_stat_statements_reset()")
    run(database, "SELECT id FROM orders WHERE customer_id = %s", [(number,) for number in range(1, 60)])
    diagnosis = await database.examine()
    assert findings(diagnosis, "wrong_index_order") == ["public.orders(customer_id)"]
    (cause,) = causes(diagnosis, "wrong_index_order")
    assert causes(diagnosis, "missing_index") == []
    database.execute(*cause.remedies[0].statements, "SELECT pg_stat_statements_reset()")
    run(database, "SELECT id FROM orders WHERE customer_id = %s", [(number,) for number in range(1, 60)])
    assert causes(await database.examine(), "wrong_index_order") == []


@pytest.mark.extensions("pg_stat_statements")
async def test_function_on_column_is_found_and_an_expression_index_mends_it(database: PrivateDatabase) -> None:
    statement, values = (
        "SELECT * FROM customers WHERE lower(email) = %s",
        [(f"c{n}@example.org",) for n in range(60)],
    )
    run(shop(database), statement, values)
    diagnosis = await database.examine()
    assert len(findings(diagnosis, "function_on_column")) == 1
    (cause,) = causes(diagnosis, "function_on_column")
    assert cause.object == "public.customers(email)"
    assert causes(diagnosis, "missing_index") == []
    database.execute(*cause.remedies[0].statements, "ANALYZE customers", "SELECT pg_stat_statements_reset()")
    run(database, statement, values)
    assert causes(await database.examine(), "function_on_column") == []


@pytest.mark.extensions("pg_stat_statements")
async def test_offset_pagination_is_seen_by_blocks_for_few_rows(database: PrivateDatabase) -> None:
    run(shop(database), "SELECT * FROM orders ORDER BY id LIMIT 20 OFFSET %s", [(10,)] * 30)
    assert findings(await database.examine(), "offset_pagination") == []
    database.execute("SELECT pg_stat_statements_reset()")
    run(database, "SELECT * FROM orders ORDER BY id LIMIT 20 OFFSET %s", [(120_000 + n,) for n in range(30)])
    diagnosis = await database.examine()
    assert len(findings(diagnosis, "offset_pagination")) == 1
    (cause,) = causes(diagnosis, "offset_pagination")
    # how slow a page is depends on the machine: its own measured time says which it must be
    (page,) = [each for each in diagnosis.findings if each.check == "postgresql.offset_pagination"]
    assert page.details["share"] > 0.5
    assert cause.severity == ("warning" if page.details["mean_seconds"] >= 0.01 else "notice")
    assert cause.object == "public.orders"
    assert [each.id for each in diagnosis.causes if each.id == "missing_index"] == []


@pytest.mark.extensions("pg_stat_statements")
async def test_correlated_subquery_is_found_with_the_index_as_its_first_remedy(database: PrivateDatabase) -> None:
    statement = (
        "SELECT c.id, (SELECT max(o.total) FROM orders AS o WHERE o.customer_id = c.id) FROM customers AS c LIMIT %s"
    )
    run(shop(database), statement, [(40,)] * 3)
    diagnosis = await database.examine()
    assert len(findings(diagnosis, "correlated_subquery")) == 1
    (cause,) = causes(diagnosis, "correlated_subquery")
    assert cause.object == "public.orders"
    assert causes(diagnosis, "missing_index") == []
    database.execute(*cause.remedies[0].statements, "SELECT pg_stat_statements_reset()")
    run(database, statement, [(40,)] * 3)
    assert causes(await database.examine(), "correlated_subquery") == []


@pytest.mark.extensions("pg_stat_statements")
async def test_n_plus_one_is_a_notice_about_many_lookups_by_key(database: PrivateDatabase) -> None:
    run(shop(database), "SELECT * FROM orders WHERE id = %s", [(number,) for number in range(1, 500)])
    assert findings(await database.examine(), "n_plus_one") == []
    run(database, "SELECT * FROM orders WHERE id = %s", [(number,) for number in range(1, 2500)])
    diagnosis = await database.examine()
    assert len(findings(diagnosis, "n_plus_one")) == 1
    (cause,) = causes(diagnosis, "n_plus_one")
    assert (cause.object, cause.severity) == ("public.orders", "notice")


@pytest.mark.extensions("pg_stat_statements")
async def test_huge_in_list_is_counted_in_the_text(database: PrivateDatabase) -> None:
    if database.server.version >= 18:
        pytest.skip("from version 18 on pg_stat_statements shortens a list to its first value")
    values = ", ".join(str(number) for number in range(1, 60))
    run(shop(database), f"SELECT count(*) FROM orders WHERE id IN ({values})", [()] * 20, text=True)
    assert findings(await database.examine(), "huge_in_list") == []
    values = ", ".join(str(number) for number in range(1, 900))
    run(database, f"SELECT count(*) FROM orders WHERE id IN ({values})", [()] * 60, text=True)
    diagnosis = await database.examine()
    assert len(findings(diagnosis, "huge_in_list")) == 1
    assert len(causes(diagnosis, "huge_in_list")) == 1


async def test_leading_wildcard_is_found_in_a_statement_seen_running(database: PrivateDatabase) -> None:
    shop(database)
    with loop(database, "SELECT count(*) FROM orders WHERE note LIKE '%xyz'"):
        diagnosis = await database.examine()
    assert len(findings(diagnosis, "leading_wildcard")) == 1
    (cause,) = causes(diagnosis, "leading_wildcard")
    assert cause.object == "public.orders"
    assert causes(diagnosis, "missing_index") == []


async def test_implicit_cast_of_a_bigint_column_to_numeric_is_found(database: PrivateDatabase) -> None:
    shop(database).execute("CREATE INDEX by_customer ON orders (customer_id)")
    with loop(database, "SELECT * FROM orders WHERE customer_id = 77.0::numeric"):
        diagnosis = await database.examine()
    assert len(findings(diagnosis, "implicit_cast")) == 1
    (cause,) = causes(diagnosis, "implicit_cast")
    assert cause.object == "public.orders(customer_id)"
    assert causes(diagnosis, "missing_index") == []


@pytest.mark.since(15, "statements are counted with their compilation")
@pytest.mark.extensions("pg_stat_statements")
async def test_jit_overhead_is_found_and_a_higher_cost_mends_it(database: PrivateDatabase) -> None:
    shop(database)
    if not database.value("SELECT pg_jit_available()"):
        pytest.skip("this server was built without just-in-time compilation")
    database.execute(
        f'ALTER DATABASE "{database.name}" SET jit_above_cost = 10',
        f'ALTER DATABASE "{database.name}" SET jit_optimize_above_cost = 10',
        f'ALTER DATABASE "{database.name}" SET jit_inline_above_cost = 10',
    )
    statement = "SELECT sum(total) FROM orders WHERE id < %s"
    while (database.value(JIT_SECONDS) or 0.0) < 0.6:  # a quick machine needs more runs for what counts as much
        run(database, statement, [(2000,)] * 12)
    diagnosis = await database.examine()
    assert len(findings(diagnosis, "jit_overhead")) == 1
    (cause,) = causes(diagnosis, "jit_overhead")
    database.execute(*cause.remedies[0].statements, "SELECT pg_stat_statements_reset()")
    run(database, statement, [(2000,)] * 12)
    assert findings(await database.examine(), "jit_overhead") == []


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("SELECT * FROM tiny WHERE value = 7", id="forty-rows"),
        pytest.param("SELECT count(*) FROM orders WHERE status = 'done'", id="most-rows"),
    ],
)
async def test_scans_that_are_right_raise_no_alarm(database: PrivateDatabase, statement: str) -> None:
    shop(database).execute(
        "CREATE TABLE tiny (id int PRIMARY KEY, value int)",
        "INSERT INTO tiny SELECT g, g FROM generate_series(1, 40) AS g",
        "VACUUM ANALYZE tiny",
    )
    with loop(database, statement):
        diagnosis = await database.examine()
    assert alarms(diagnosis) == []


@pytest.mark.extensions("pg_stat_statements")
async def test_our_own_statements_at_the_top_are_no_finding(database: PrivateDatabase) -> None:
    reader = shop(database).create_reader()
    for _ in range(3):
        diagnosis = await database.examine(role=reader, window_seconds=0)
    assert not any("pg_catalog" in text for text in findings(diagnosis, "top_statements"))
    assert alarms(diagnosis) == []


@pytest.mark.extensions("pg_stat_statements")
async def test_a_range_without_its_index_gets_one_of_gist(database: PrivateDatabase) -> None:
    shop(database).execute(
        'CREATE TABLE "Stay.s" AS SELECT n AS id, int4range(n, n + 3) AS "Span", repeat(\'n\', 60) AS note'
        " FROM generate_series(1, 120000) AS n",
        'VACUUM ANALYZE "Stay.s"',
    )
    run(database, 'SELECT id FROM "Stay.s" WHERE "Span" && int4range(%s, %s)', [(n, n + 2) for n in range(1, 60)])
    (cause,) = causes(await database.examine(), "missing_index")
    assert cause.object == 'public."Stay.s"("Span")'
    assert 'USING gist ("Span")' in cause.remedies[0].statements[0]
    database.execute(*cause.remedies[0].statements)
    plan = database.fetch('EXPLAIN SELECT id FROM "Stay.s" WHERE "Span" && int4range(5, 7)')
    assert any("Index" in line for (line,) in plan)


@pytest.mark.extensions("pg_stat_statements")
async def test_a_member_of_an_array_is_to_be_written_as_what_gin_serves(database: PrivateDatabase) -> None:
    shop(database).execute(
        "CREATE TABLE papers AS SELECT n AS id, ARRAY[n % 4000, n % 7] AS tags, repeat('n', 60) AS note"
        " FROM generate_series(1, 120000) AS n",
        "VACUUM ANALYZE papers",
    )
    run(database, "SELECT id FROM papers WHERE %s = ANY (tags)", [(n,) for n in range(100, 160)])
    (cause,) = causes(await database.examine(), "function_on_column")
    rewrite, built = cause.remedies
    assert "tags @> ARRAY[value]" in rewrite.title.render()
    database.execute(*built.statements)
    plan = database.fetch("EXPLAIN SELECT id FROM papers WHERE tags @> ARRAY[105]")
    assert any("papers_tags_idx" in line for (line,) in plan)
