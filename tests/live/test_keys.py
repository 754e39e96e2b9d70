"""Checks of number keys on real servers: clean, broken, found, fixed, clean."""

import pytest

from housecall.diagnosis.cause import Cause
from housecall.diagnosis.examine import Diagnosis
from housecall.testing import PrivateDatabase

pytestmark = pytest.mark.anyio


def causes(diagnosis: Diagnosis, cause_id: str) -> list[Cause]:
    return [cause for cause in diagnosis.causes if cause.id == cause_id]


@pytest.mark.parametrize("kind", ["serial PRIMARY KEY", "integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY"])
async def test_key_exhaustion_of_an_integer_key_is_critical_and_widening_mends_it(
    database: PrivateDatabase, kind: str
) -> None:
    database.execute(f'CREATE TABLE "Orders" (id {kind}, note text)', "INSERT INTO \"Orders\" (note) VALUES ('first')")
    assert causes(await database.examine(), "key_exhaustion") == []
    database.execute("SELECT setval(pg_get_serial_sequence('\"Orders\"', 'id'), 2147483500)")
    (cause,) = causes(await database.examine(), "key_exhaustion")
    assert (cause.object, cause.severity) == ('public."Orders"(id)', "critical")
    database.execute(*cause.remedies[0].statements)
    assert causes(await database.examine(), "key_exhaustion") == []
    database.execute("INSERT INTO \"Orders\" (note) SELECT 'more' FROM generate_series(1, 300)")


async def test_a_bigint_sequence_that_fills_an_integer_column_ends_with_the_column(database: PrivateDatabase) -> None:
    database.execute(
        "CREATE SEQUENCE numbers",
        "CREATE TABLE invoices (id int PRIMARY KEY DEFAULT nextval('numbers'))",
        "SELECT setval('numbers', 1700000000)",
    )
    (cause,) = causes(await database.examine(), "key_exhaustion")
    assert (cause.object, cause.severity) == ("public.invoices(id)", "warning")
    database.execute(*cause.remedies[0].statements)
    assert causes(await database.examine(), "key_exhaustion") == []


async def test_the_parts_of_a_table_come_to_an_end_with_it(database: PrivateDatabase) -> None:
    database.execute(
        "CREATE TABLE visits (id serial, day date NOT NULL, PRIMARY KEY (id, day)) PARTITION BY RANGE (day)",
        "CREATE TABLE visits_2026 PARTITION OF visits FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
        "INSERT INTO visits (day) SELECT '2026-05-01' FROM generate_series(1, 100000)",
        "SELECT setval('visits_id_seq', 2147400000)",
        "VACUUM ANALYZE visits",
    )
    (cause,) = causes(await database.examine(), "key_exhaustion")
    assert cause.object == "public.visits(id)"
    assert "MB of table" in cause.remedies[0].duration.render("en")
    database.execute(*cause.remedies[0].statements)
    assert causes(await database.examine(), "key_exhaustion") == []


async def test_a_narrow_sequence_of_a_wide_column_is_raised(database: PrivateDatabase) -> None:
    database.execute(
        "CREATE TABLE wide (id bigint PRIMARY KEY)",
        "CREATE SEQUENCE narrow AS int OWNED BY wide.id",
        "SELECT setval('narrow', 2147483640)",
    )
    (cause,) = causes(await database.examine(), "key_exhaustion")
    database.execute(*cause.remedies[0].statements)
    assert causes(await database.examine(), "key_exhaustion") == []


async def test_an_integer_column_that_refers_to_a_bigint_key_ends_first(database: PrivateDatabase) -> None:
    database.execute(
        "CREATE TABLE parents (id bigserial PRIMARY KEY)",
        "CREATE TABLE children (parent_id int REFERENCES parents)",
        "SELECT setval('parents_id_seq', 2000000000)",
    )
    (cause,) = causes(await database.examine(), "key_exhaustion")
    assert cause.object == "public.parents(id)"
    database.execute(*cause.remedies[0].statements)
    assert causes(await database.examine(), "key_exhaustion") == []


async def test_a_role_that_may_not_read_sequences_is_told_so(database: PrivateDatabase) -> None:
    database.execute("CREATE TABLE a (id serial)", "SELECT nextval('a_id_seq')", "CREATE TABLE b (id serial)")
    role = database.create_reader()
    database.execute("GRANT SELECT ON a_id_seq TO " + role)
    diagnosis = await database.examine(role=role)
    missed = [each for each in diagnosis.not_evaluated if each.check == "postgresql.key_exhaustion"]
    assert len(missed) == 1
    assert "1 of 2 sequences" in str(missed[0].reason)


async def test_sequence_out_of_sync_is_found_and_setval_mends_it(database: PrivateDatabase) -> None:
    database.execute(
        "CREATE TABLE orders (id bigserial PRIMARY KEY, note text)",
        "INSERT INTO orders (note) SELECT 'x' FROM generate_series(1, 3000)",
        "ANALYZE orders",
    )
    assert causes(await database.examine(), "sequence_out_of_sync") == []
    database.execute("SELECT setval('orders_id_seq', 100)")
    (cause,) = causes(await database.examine(), "sequence_out_of_sync")
    assert (cause.object, cause.severity) == ("public.orders_id_seq", "warning")
    with pytest.raises(Exception, match="duplicate key"):
        database.execute("INSERT INTO orders (note) VALUES ('fails')")
    database.execute(*cause.remedies[0].statements, "INSERT INTO orders (note) VALUES ('works')")
    assert causes(await database.examine(), "sequence_out_of_sync") == []


async def test_sequence_out_of_sync_is_seen_by_statistics_when_most_rows_are_gone(database: PrivateDatabase) -> None:
    database.execute(
        "CREATE TABLE orders (id bigserial PRIMARY KEY, note text)",
        "INSERT INTO orders (note) SELECT 'x' FROM generate_series(1, 9000)",
        "DELETE FROM orders WHERE id <= 8000",
        "VACUUM ANALYZE orders",
        "SELECT setval('orders_id_seq', 5000)",
    )
    assert [each.object for each in causes(await database.examine(), "sequence_out_of_sync")] == [
        "public.orders_id_seq"
    ]


async def test_a_role_that_cannot_read_the_keys_infers_from_rows_and_invents_no_key(database: PrivateDatabase) -> None:
    database.execute(
        "CREATE TABLE orders (id bigserial PRIMARY KEY, note text)",
        "INSERT INTO orders (note) SELECT 'x' FROM generate_series(1, 3000)",
        "ANALYZE orders",
    )
    reader = database.create_reader()
    database.execute(f"GRANT SELECT ON SEQUENCE orders_id_seq TO {reader}")
    assert causes(await database.examine(role=reader), "sequence_out_of_sync") == []
    database.execute("SELECT setval('orders_id_seq', 100)")
    (cause,) = causes(await database.examine(role=reader), "sequence_out_of_sync")
    assert (cause.severity, cause.confidence < 0.7) == ("notice", True)
    assert [each.value for each in cause.evidence if each.name == "largest_key"] in ([], [None])


async def test_a_sequence_nobody_ever_used_is_only_a_notice(database: PrivateDatabase) -> None:
    database.execute(
        "CREATE TABLE imported (id bigserial PRIMARY KEY)",
        "INSERT INTO imported SELECT g FROM generate_series(1, 3000) AS g",
        "ANALYZE imported",
    )
    (cause,) = causes(await database.examine(), "sequence_out_of_sync")
    assert (cause.severity, cause.confidence < 0.7) == ("notice", True)
