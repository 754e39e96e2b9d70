"""Readings asked together on real MySQL and MariaDB servers: the same rows in few statements, and no failure shared."""

from dataclasses import replace

import pytest

from housecall.diagnosis.snapshot import take_snapshot
from housecall.engines.engine import ProbeLimits, Reading, Rows, Unavailable, parse_reading
from housecall.engines.mysql import ENGINE
from housecall.engines.mysql.probe import MySQLProbe
from housecall.engines.mysql.rows.server import Plugin
from housecall.engines.mysql.together import can_be_joined
from housecall.testing_mysql import PrivateMySQLDatabase

pytestmark = pytest.mark.anyio

MOST_STATEMENTS = 40
_HEADER = "-- asks: a\n-- privilege: none\n-- flavours: mysql 8.0-, mariadb 10.6-\n-- cost: none\n"


def probe_of(database: PrivateMySQLDatabase, *, user: str = "root"):
    return ENGINE.open_probe(database.target(user=user), ProbeLimits(), instance_id="orders-db")


def usable(probe: MySQLProbe) -> list[Reading]:
    return [reading for reading in ENGINE.readings if reading.serves(probe.facts.version) and can_be_joined(reading)]


def shape(rows: Rows | Unavailable) -> object:
    """The types of every field, and which objects: figures move between two looks."""
    if isinstance(rows, Unavailable):
        return rows
    return [[type(getattr(row, name)) for name in row.__dataclass_fields__] for row in rows]


async def same_twice(probe: MySQLProbe, reading: Reading, beside: Reading) -> dict[str, Rows | Unavailable]:
    """What is read together; a server of its own life may gain a row between two looks, but not each time."""
    for _ in range(4):
        together = await probe.read_together([reading, beside])
        alone = await probe.read(reading)
        if shape(together[reading.name]) == shape(alone):
            return together
    raise AssertionError(f"{reading.name}: {together[reading.name]} together, {alone} alone")


def plugin_reading(name: str, sql: str) -> Reading:
    return replace(parse_reading(name, _HEADER + sql, Plugin), name=name)


@pytest.fixture
def busy_shop(shop: PrivateMySQLDatabase) -> PrivateMySQLDatabase:
    """Tables and statements such that most readings have rows; digests of other tests on this server are gone."""
    shop.execute(
        "TRUNCATE performance_schema.events_statements_summary_by_digest",
        "CREATE TABLE t (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, a INT, `b``'ü` VARCHAR(50), price DOUBLE,"
        " KEY i (a), KEY j (a), KEY k (a, `b``'ü`))",
        "CREATE TABLE bare (a INT)",
        "INSERT INTO t (a, `b``'ü`) VALUES (1, 'ä'), (2, '\\\\')",
        "ALTER TABLE t AUTO_INCREMENT = 18446744073709551000",
        *["SELECT COUNT(*) FROM t WHERE price = 3"] * 5,
    )
    return shop


async def test_every_reading_has_the_same_rows_together_as_alone(busy_shop: PrivateMySQLDatabase) -> None:
    beside = plugin_reading("beside", "SELECT 'a' AS name, 'b' AS type, 'c' AS status")
    async with probe_of(busy_shop) as probe:
        for reading in usable(probe):
            together = await same_twice(probe, reading, beside)
            assert reading.name not in probe._alone or isinstance(together[reading.name], Unavailable)
        keys = (await probe.read_together(usable(probe)))["auto_increments"]
    assert [row.next_value for row in keys if row.schema_name == busy_shop.name] == [18446744073709551000]


async def test_all_readings_of_the_catalogue_can_be_asked_together(busy_shop: PrivateMySQLDatabase) -> None:
    async with probe_of(busy_shop) as probe:
        there = [each for each in usable(probe) if not each.needs or each.needs in probe.facts.extensions]
        before = probe.statements_run
        await probe.read_together(there)
        assert probe.statements_run - before == 1


async def test_text_and_numbers_come_as_the_server_has_them(shop: PrivateMySQLDatabase) -> None:
    hard = plugin_reading("hard", "SELECT 'a\"\\\\\\n\\t/ü😀' AS name, CAST('raw' AS BINARY) AS type, 10.25 AS status")
    none = plugin_reading("none", "SELECT 'a' AS name, NULL AS type, '' AS status FROM DUAL WHERE FALSE")
    async with probe_of(shop) as probe:
        found = await probe.read_together([hard, none])
        assert found["hard"] == await probe.read(hard)
    assert (found["hard"][0].name, found["hard"][0].type, found["hard"][0].status) == ('a"\\\n\t/ü😀', "raw", "10.25")
    assert found["none"] == ()


async def test_order_is_kept_and_a_value_too_large_is_asked_again_alone(shop: PrivateMySQLDatabase) -> None:
    numbers = " UNION ALL ".join(f"SELECT {n} AS n" for n in range(50))
    backwards = plugin_reading(
        "backwards", f"SELECT n AS name, 'b' AS type, 'c' AS status FROM ({numbers}) AS x ORDER BY n DESC"
    )
    large = plugin_reading(
        "large", f"SELECT REPEAT('x', 100000) AS name, n AS type, 'c' AS status FROM ({numbers}) AS x ORDER BY n"
    )
    async with probe_of(shop) as probe:
        await probe._execute("SET SESSION group_concat_max_len = 1000000")  # what an old server has
        found = await probe.read_together([backwards, large])
    assert [int(row.name) for row in found["backwards"]] == list(range(49, -1, -1))
    assert [(len(row.name), int(row.type)) for row in found["large"]] == [(100000, n) for n in range(50)]


async def test_one_reading_that_fails_hides_no_other_and_is_asked_alone_from_then_on(
    shop: PrivateMySQLDatabase,
) -> None:
    good = [plugin_reading(f"good{n}", f"SELECT {n} AS name, 'b' AS type, 'c' AS status") for n in range(6)]
    bad = plugin_reading("bad", "SELECT a AS name, 'b' AS type, 'c' AS status FROM nowhere.to_be_found")
    async with probe_of(shop) as probe:
        found = await probe.read_together([*good[:3], bad, *good[3:]])
        before = probe.statements_run
        again = await probe.read_together([*good[:3], bad, *good[3:]])
        assert probe.statements_run - before == 2
    assert {name for name, rows in found.items() if isinstance(rows, Unavailable)} == {"bad"}
    assert again == found


async def test_a_diagnosis_takes_few_statements_with_plans_and_samples(busy_shop: PrivateMySQLDatabase) -> None:
    for extra in range(8):
        busy_shop.execute(*[f"SELECT COUNT(*) FROM t WHERE price = 3{' AND a = 1' * extra}"] * 30)
    diagnosis = await busy_shop.examine(window_seconds=0.5)
    assert len(diagnosis.snapshot.plans) == 6
    assert {plan.failure for plan in diagnosis.snapshot.plans if busy_shop.name in plan.statement} == {None}
    assert diagnosis.snapshot.samples
    assert diagnosis.statements <= MOST_STATEMENTS


async def test_a_diagnosis_by_an_account_without_rights_ends_and_says_what_is_missing(
    busy_shop: PrivateMySQLDatabase,
) -> None:
    user = busy_shop.create_reader(grants=[f"SELECT ON {busy_shop.name}.*"])
    async with probe_of(busy_shop, user=user) as probe:
        snapshot = await take_snapshot(probe, "orders-db", ENGINE)
    missing = snapshot.readings["sessions"]
    assert isinstance(missing, Unavailable)
    assert missing.kind == "privilege"
    assert not isinstance(snapshot.readings["plugins"], Unavailable)
