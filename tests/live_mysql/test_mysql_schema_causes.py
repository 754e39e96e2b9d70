"""Statistics, indexes, optimizer settings, partitions and spilling statements on real servers of both flavours.

The checks proved here: stale_statistics, unused_index, over_indexing, planner_switches, partition_pruning,
statement_sorts, statement_temporary_tables; and of hygiene slow_query_log, money_columns, mixed_collations,
wide_indexes.
"""

from collections.abc import Sequence

import pytest

from housecall.diagnosis.cause import Cause
from housecall.testing_mysql import PrivateMySQLDatabase

pytestmark = pytest.mark.anyio

DIGESTS = "performance_schema.events_statements_summary_by_digest"
NUMBERS = "WITH RECURSIVE r (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM r WHERE n < 199)"
ROWS = NUMBERS + " SELECT {columns} FROM r AS a JOIN r AS b"


async def causes_of(database: PrivateMySQLDatabase, cause_id: str, *, user: str = "root") -> list[Cause]:
    diagnosis = await database.examine(user=user, window_seconds=0)
    assert [each for each in diagnosis.not_evaluated if "itself failed" in str(each.reason)] == []
    return [each for each in diagnosis.causes if each.id == cause_id]


def run(database: PrivateMySQLDatabase, statements: Sequence[str], *settings: str) -> None:
    """The statements alone in the digests, in one session."""
    session = database.connect()
    session.execute(f"TRUNCATE {DIGESTS}", *settings, *statements)
    session.close()


async def test_stale_statistics_are_found_with_least_rights_and_gone_after_analyze(shop: PrivateMySQLDatabase) -> None:
    shop.execute(
        "CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, a INT, KEY a (a))"
        " STATS_PERSISTENT = 1, STATS_AUTO_RECALC = 0",
        f"INSERT INTO orders (a) {ROWS.format(columns='a.n')} WHERE b.n < 5",
        "ANALYZE TABLE orders",
    )
    user = shop.create_reader()
    assert await causes_of(shop, "stale_statistics", user=user) == []
    shop.execute(f"INSERT INTO orders (a) {ROWS.format(columns='99')}", "SELECT COUNT(*) FROM orders")
    (cause,) = await causes_of(shop, "stale_statistics", user=user)
    assert (cause.object, cause.severity) == (f"{shop.name}.orders", "warning")
    for remedy in cause.remedies:
        shop.execute(*remedy.statements)
    assert await causes_of(shop, "stale_statistics", user=user) == []


async def test_over_indexing_counts_indexes_that_no_statement_used(shop: PrivateMySQLDatabase) -> None:
    columns = ", ".join(f"c{number} INT DEFAULT 5, KEY k{number} (c{number})" for number in range(6))
    shop.execute(
        f"CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, {columns})",
        f"INSERT INTO orders (c0) {ROWS.format(columns='a.n')} WHERE b.n < 100",
    )
    (cause,) = await causes_of(shop, "over_indexing")
    assert (cause.object, cause.severity) == (f"{shop.name}.orders", "notice")
    for remedy in cause.remedies:
        shop.execute(*remedy.statements)
    assert await causes_of(shop, "over_indexing") == []


async def test_an_index_that_a_foreign_key_needs_is_never_called_unused(shop: PrivateMySQLDatabase) -> None:
    columns = ", ".join(f"c{number} INT DEFAULT 1, KEY k{number} (c{number})" for number in range(5))
    keys = ", ".join(f"FOREIGN KEY (c{number}) REFERENCES parents (id)" for number in range(5))
    shop.execute(
        "CREATE TABLE parents (id INT PRIMARY KEY)",
        "INSERT INTO parents VALUES (1)",
        f"CREATE TABLE children (id INT AUTO_INCREMENT PRIMARY KEY, {columns}, {keys})",
        f"INSERT INTO children (c0) {ROWS.format(columns='1')} WHERE b.n < 60",
    )
    assert await causes_of(shop, "over_indexing") == []
    assert await causes_of(shop, "unused_index") == []


async def test_planner_switches_that_are_off_are_found_and_gone_after_the_remedy(shop: PrivateMySQLDatabase) -> None:
    before = shop.value("SELECT @@GLOBAL.optimizer_switch")
    assert await causes_of(shop, "planner_switch_off") == []
    shop.execute(
        "SET GLOBAL optimizer_switch = 'semijoin=off,materialization=off'",
        "CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, a INT)",
        f"INSERT INTO orders (a) {ROWS.format(columns='a.n')} WHERE b.n < 50",
    )
    try:
        run(shop, ["SELECT COUNT(*) FROM orders WHERE a IN (SELECT id FROM orders WHERE a < 100)"] * 5)
        (cause,) = await causes_of(shop, "planner_switch_off", user=shop.create_reader())
        assert cause.object == "optimizer_switch"
        assert cause.impact > 0.3
        shop.execute(*cause.remedies[0].statements)
        assert await causes_of(shop, "planner_switch_off") == []
        assert shop.value("SELECT @@GLOBAL.optimizer_switch") == before
    finally:
        shop.execute(f"SET GLOBAL optimizer_switch = '{before}'")


async def test_partition_pruning_is_defeated_by_a_function_and_works_on_the_bare_column(
    shop: PrivateMySQLDatabase,
) -> None:
    days = "a.n * 200 + b.n, DATE(20190601) + INTERVAL (a.n * 200 + b.n) MOD 2500 DAY"
    years = ", ".join(f"PARTITION p{year} VALUES LESS THAN ('{year}-01-01')" for year in range(2020, 2026))
    shop.execute(
        f"CREATE TABLE log (id INT, day DATE, PRIMARY KEY (id, day)) PARTITION BY RANGE COLUMNS (day) ({years},"
        " PARTITION later VALUES LESS THAN (MAXVALUE))",
        f"INSERT INTO log {ROWS.format(columns=days)}",
        "ANALYZE TABLE log",
    )
    run(shop, ["SELECT COUNT(*) FROM log WHERE DAYOFYEAR(day) = 40"] * 8)
    for user in ("root", shop.create_reader()):
        (cause,) = await causes_of(shop, "partition_pruning_defeated", user=user)
        assert cause.object == f"{shop.name}.log"
    run(shop, ["SELECT COUNT(*) FROM log WHERE day >= '2022-01-01' AND day < '2022-01-09'"] * 8)
    assert await causes_of(shop, "partition_pruning_defeated") == []


async def test_statements_that_sort_or_group_on_disk_are_named_with_their_table(shop: PrivateMySQLDatabase) -> None:
    shop.execute(
        "CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, a INT, note TEXT)",
        f"INSERT INTO orders (a, note) {ROWS.format(columns='b.n * 7, REPEAT(SHA2(a.n, 256), 2)')} WHERE b.n < 100",
        "ANALYZE TABLE orders",  # MariaDB makes the buffer of a sort only as large as the statistics promise rows
    )
    run(shop, ["SELECT a, note FROM orders ORDER BY note, a"] * 6, "SET SESSION sort_buffer_size = 65536")
    found = [each.object for each in await causes_of(shop, "sort_spill")]
    assert f"{shop.name}.orders" in found
    if shop.server.kind.flavour == "mariadb":  # MySQL's TempTable keeps such tables in memory
        run(shop, ["SELECT DISTINCT note, a FROM orders"] * 6)
        assert f"{shop.name}.orders" in [each.object for each in await causes_of(shop, "temporary_tables_on_disk")]
    run(shop, ["SELECT a FROM orders WHERE id BETWEEN 5 AND 2000 ORDER BY a"] * 30)
    assert f"{shop.name}.orders" not in [each.object for each in await causes_of(shop, "sort_spill")]


async def test_hygiene_of_the_schema_and_of_the_slow_log_is_told_and_gone_when_mended(
    shop: PrivateMySQLDatabase,
) -> None:
    async def findings() -> set[str]:
        diagnosis = await shop.examine(window_seconds=0)
        assert [each for each in diagnosis.not_evaluated if "itself failed" in str(each.reason)] == []
        names = {"slow_query_log", "money_columns", "mixed_collations", "wide_indexes"}
        own = [each for each in diagnosis.findings if shop.name in each.object or each.object == "slow_query_log"]
        return names & {each.check.removeprefix("mysql.") for each in own}

    shop.execute(
        "SET GLOBAL slow_query_log = OFF",
        "CREATE TABLE orders (id INT PRIMARY KEY, price DOUBLE, a VARCHAR(9), b VARCHAR(9), c VARCHAR(9),"
        " d VARCHAR(9) COLLATE utf8mb4_unicode_ci, e VARCHAR(9) COLLATE utf8mb4_unicode_ci,"
        " f VARCHAR(9) COLLATE utf8mb4_unicode_ci, KEY wide (a, b, c, d, e, f)) CHARACTER SET utf8mb4",
    )
    try:
        assert await findings() == {"slow_query_log", "money_columns", "mixed_collations", "wide_indexes"}
        shop.execute(
            "SET GLOBAL slow_query_log = ON",
            "ALTER TABLE orders MODIFY price DECIMAL(12, 2), DROP KEY wide, CONVERT TO CHARACTER SET utf8mb4",
        )
        assert await findings() == set()
    finally:
        shop.execute("SET GLOBAL slow_query_log = OFF")
