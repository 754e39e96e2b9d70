"""The probe on real MySQL and MariaDB servers: read-only, bounded, cancellable, honest about what it could not read."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from housecall.engines.engine import ProbeLimits, Unavailable
from housecall.engines.mysql import ENGINE
from housecall.engines.mysql.probe import MySQLProbe
from housecall.engines.mysql.writer import open_writer
from housecall.errors import (
    InstanceBusy,
    InstanceRefused,
    InstanceTimeout,
    InstanceUnreachable,
    StatementFailed,
    StatementRefused,
)
from housecall.testing_mysql import MARIADB_PLUGINS, PrivateMySQLDatabase, Session
from housecall.testing_sessions import wait_until

pytestmark = pytest.mark.anyio
LONG = "SELECT COUNT(*) FROM information_schema.COLUMNS a, information_schema.COLUMNS b, information_schema.COLUMNS c"


def probe_of(database: PrivateMySQLDatabase, *, user: str = "root", **limits: float):
    return ENGINE.open_probe(database.target(user=user), ProbeLimits(**limits), instance_id="orders-db")


async def unavailable_readings(database: PrivateMySQLDatabase, user: str) -> dict[str, Unavailable]:
    async with probe_of(database, user=user) as probe:
        usable = [reading for reading in ENGINE.readings if reading.serves(probe.facts.version)]
        found = {reading.name: await probe.read(reading) for reading in usable}
    return {name: rows for name, rows in found.items() if isinstance(rows, Unavailable)}


async def test_every_reading_answers_for_the_accounts_of_the_guide(shop: PrivateMySQLDatabase) -> None:
    shop.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    missing = await unavailable_readings(shop, shop.create_reader())
    assert {name: each.reason for name, each in missing.items() if each.kind not in ("setting",)}.keys() <= {"accounts"}
    assert "SELECT ON mysql.user TO" in (missing["accounts"].remedy or "")


async def test_without_performance_schema_its_readings_say_so_and_the_others_answer(
    blind_shop: PrivateMySQLDatabase,
) -> None:
    missing = await unavailable_readings(blind_shop, "root")
    assert {"top_statements", "metadata_locks", "hot_tables"} <= missing.keys()
    assert {each.kind for each in missing.values()} == {"setting"}
    assert "sessions" not in missing


async def test_an_account_without_rights_gets_the_exact_grant_and_never_an_empty_answer(
    shop: PrivateMySQLDatabase,
) -> None:
    user = shop.create_reader(grants=[f"SELECT ON {shop.name}.*"])
    missing = await unavailable_readings(shop, user)
    for name in ("sessions", "auto_increments", "innodb_status", "foreign_engine_tables"):
        assert missing[name].kind == "privilege", name
    assert missing["sessions"].remedy == f"GRANT PROCESS ON *.* TO '{user}'@'localhost';"


async def test_every_row_survives_the_way_through_a_bundle(shop: PrivateMySQLDatabase) -> None:
    from housecall.diagnosis.snapshot import snapshot_from_json, snapshot_to_json, take_snapshot

    shop.execute("CREATE TABLE t (a INT, b INT, KEY i (a), KEY j (a), KEY k (a, b))", "INSERT INTO t VALUES (1, 2)")
    async with probe_of(shop) as probe:
        snapshot = await take_snapshot(probe, "orders-db", ENGINE)
    assert snapshot_from_json(snapshot_to_json(snapshot), ENGINE.readings) == snapshot


async def test_the_session_cannot_write_even_past_the_guard(shop: PrivateMySQLDatabase) -> None:
    shop.execute("CREATE TABLE t (a INT)")
    async with probe_of(shop) as probe:
        with pytest.raises(StatementFailed, match="READ ONLY"):
            await probe.query_trusted("INSERT INTO t VALUES (1)")
        with pytest.raises(StatementFailed):
            await probe.query_trusted("SELECT 1; SELECT 2")
    assert shop.value("SELECT COUNT(*) FROM t") == 0


async def test_rows_are_cut_at_the_limit_and_the_connection_stays_usable(shop: PrivateMySQLDatabase) -> None:
    rows = "SELECT 1 AS n" + " UNION ALL SELECT 1" * 9
    async with probe_of(shop, max_rows=10) as probe:
        whole = await probe.query(rows)
        cut = await probe.query(rows + " UNION ALL SELECT 1 LIMIT 1000")
        assert (await probe.query("SELECT 41 + 1")).rows == ((42,),)
    assert (len(whole.rows), whole.truncated) == (10, False)
    assert (len(cut.rows), cut.truncated) == (10, True)


async def test_bytes_are_cut_at_the_limit(shop: PrivateMySQLDatabase) -> None:
    wide = " UNION ALL ".join(["SELECT REPEAT('x', 1000) AS wide"] * 100)
    async with probe_of(shop, max_bytes=5000) as probe:
        result = await probe.query(wide)
    assert (len(result.rows), result.truncated) == (5, True)


async def test_a_statement_that_takes_too_long_is_ended_by_the_server(shop: PrivateMySQLDatabase) -> None:
    async with probe_of(shop, statement_timeout_seconds=0.3) as probe:
        with pytest.raises(InstanceTimeout, match="orders-db"):
            await probe.query_trusted(LONG)
        assert (await probe.query("SELECT 1")).rows == ((1,),)


async def test_cancel_ends_the_statement_on_the_server(shop: PrivateMySQLDatabase) -> None:
    async with probe_of(shop, statement_timeout_seconds=30.0) as probe:
        running = asyncio.create_task(probe.query_trusted(LONG))
        seen = f"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE '{LONG}' AND ID <> CONNECTION_ID()"
        while shop.value(seen) == 0:  # noqa: ASYNC110 - the event is in the server, not here
            await asyncio.sleep(0)
        await probe.cancel()
        with pytest.raises(InstanceTimeout):
            await running
    assert shop.value(seen) == 0


async def test_a_task_that_is_stopped_leaves_nothing_running_on_the_server(shop: PrivateMySQLDatabase) -> None:
    seen = f"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE '{LONG}' AND ID <> CONNECTION_ID()"
    async with probe_of(shop, statement_timeout_seconds=30.0) as probe:
        running = asyncio.create_task(probe.query_trusted(LONG))
        while shop.value(seen) == 0:  # noqa: ASYNC110 - the event is in the server, not here
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    while shop.value(seen):  # noqa: ASYNC110 - the kill is carried out, and the server needs a moment to obey
        await asyncio.sleep(0)


async def test_a_digest_with_placeholders_is_planned_in_its_own_database(shop: PrivateMySQLDatabase) -> None:
    shop.execute("CREATE TABLE t (id INT PRIMARY KEY, a INT)", "INSERT INTO t VALUES (1, 1), (2, 2)")
    target = replace(shop.target(), database="")
    async with ENGINE.open_probe(target, ProbeLimits(), instance_id="orders-db") as probe:
        plan = await probe.explain(f"/*schema:{shop.name}*/ SELECT COUNT ( * ) FROM `t` WHERE `a` IN (...) LIMIT ?")
        change = await probe.explain(f"/*schema:{shop.name}*/ UPDATE `t` SET `a` = ? WHERE `id` = ?")
    assert '"table_name": "t"' in str(plan).replace("'", '"')
    assert "const" in str(change)
    assert shop.value("SELECT SUM(a) FROM t") == 3


async def test_a_note_about_a_conversion_comes_with_the_plan(shop: PrivateMySQLDatabase) -> None:
    shop.execute("CREATE TABLE t (phone VARCHAR(20), KEY (phone))", "INSERT INTO t VALUES ('1'), ('2')")
    async with probe_of(shop) as probe:
        plan = await probe.explain("SELECT * FROM t WHERE phone = 555")
    assert any("phone" in note for note in plan["notes"])


async def test_stored_functions_are_refused_by_name(shop: PrivateMySQLDatabase) -> None:
    shop.server.connect().execute("SET GLOBAL log_bin_trust_function_creators = 1")
    shop.execute("CREATE FUNCTION json_schema_valid_2 () RETURNS INT NO SQL RETURN 1")
    async with probe_of(shop) as probe:
        with pytest.raises(StatementRefused):
            await probe.query("SELECT json_schema_valid_2()")


async def test_a_wrong_password_is_refused_without_being_told(shop: PrivateMySQLDatabase) -> None:
    target = shop.target(user="nobody_here", password="hunter2")
    with pytest.raises(InstanceRefused, match=r"orders-db.*nobody_here") as caught:
        async with ENGINE.open_probe(target, ProbeLimits(), instance_id="orders-db"):
            pass
    assert "hunter2" not in str(caught.value)


async def test_a_full_server_is_busy(own_server: Callable[..., PrivateMySQLDatabase]) -> None:
    database = own_server({"max_connections": "10"})
    user = database.create_reader()
    held: list[Session] = []
    try:
        while len(held) < 10:
            held.append(database.server.connect(user=user))
        with pytest.raises(InstanceBusy, match="no connection left"):
            async with ENGINE.open_probe(
                replace(database.target(user=user), database=""), ProbeLimits(), instance_id="orders-db"
            ):
                pass
    finally:
        for session in held:
            session.close()


def wait_until_gone(database: PrivateMySQLDatabase, sessions: str) -> None:
    """Until the server has ended the sessions that the condition on the process list names."""
    remaining = f"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE {sessions}"
    wait_until(lambda: database.value(remaining) == 0, "the server to end the sessions")


@pytest.mark.parametrize("mode", ["PREFERRED", "DISABLED"])
async def test_the_server_counts_no_client_of_ours_as_aborted(
    own_server: Callable[..., PrivateMySQLDatabase], mode: str
) -> None:
    database = own_server()
    target = ENGINE.parse_dsn(f"mysql://root@127.0.0.1:{database.server.port}/{database.name}?ssl-mode={mode}")
    before = database.fetch("SHOW GLOBAL STATUS LIKE 'Aborted_clients'")
    limits = ProbeLimits(statement_timeout_seconds=0.3)
    async with ENGINE.open_probe(target, limits, instance_id="orders-db") as probe:
        with pytest.raises((StatementFailed, InstanceTimeout)):
            await probe.query_trusted(LONG)
    async with open_writer(target, instance_id="orders-db", statement_timeout_seconds=1.0) as writer:
        await writer.run(["SELECT 1"], lock_timeout_seconds=1.0)
    wait_until_gone(database, "HOST LIKE '127.0.0.1%' OR HOST LIKE 'localhost:%'")
    assert database.fetch("SHOW GLOBAL STATUS LIKE 'Aborted_clients'") == before


async def test_a_probe_that_is_stopped_while_it_opens_leaves_no_session(
    shop: PrivateMySQLDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = asyncio.Event()

    async def hang(self: MySQLProbe) -> None:
        reached.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(MySQLProbe, "prepare", hang)
    user = shop.create_reader()
    opening = asyncio.ensure_future(probe_of(shop, user=user).__aenter__())
    await reached.wait()
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)
    wait_until_gone(shop, f"USER = '{user}'")


async def test_an_address_where_nothing_listens_is_unreachable() -> None:
    target = ENGINE.parse_dsn("mysql://someone:hunter2@127.0.0.1:1/shop")
    with pytest.raises(InstanceUnreachable, match=r"orders-db.*127\.0\.0\.1:1/shop") as caught:
        async with ENGINE.open_probe(target, ProbeLimits(), instance_id="orders-db"):
            pass
    assert "hunter2" not in str(caught.value)


async def test_login_plugins_work_over_tcp(shop: PrivateMySQLDatabase) -> None:
    name = f"plug_{shop.name}"
    if shop.server.kind.flavour == "mysql":
        shop.execute(f"CREATE USER {name}@'%' IDENTIFIED WITH caching_sha2_password BY 'pä:ss/1'")
    else:
        if not MARIADB_PLUGINS.exists():
            pytest.skip("MariaDB's plugins are not there; `make test` says why")
        shop.execute("INSTALL SONAME 'auth_ed25519'")
        shop.execute(f"CREATE USER {name}@'%' IDENTIFIED VIA ed25519 USING PASSWORD('pä:ss/1')")
    encrypts = offers_tls(shop)
    for mode in ("PREFERRED", "REQUIRED", "DISABLED") if encrypts else ("PREFERRED", "DISABLED"):
        dsn = f"mysql://{name}:p%C3%A4%3Ass%2F1@127.0.0.1:{shop.server.port}/?ssl-mode={mode}"
        async with ENGINE.open_probe(ENGINE.parse_dsn(dsn), ProbeLimits(), instance_id="orders-db") as probe:
            assert probe.facts.user == name
            cipher = (await probe.query_trusted("SHOW SESSION STATUS LIKE 'Ssl_cipher'")).rows[0][1]
        assert bool(cipher) == (encrypts and mode != "DISABLED")


def offers_tls(shop: PrivateMySQLDatabase) -> bool:
    """MySQL makes itself a certificate at its first start, and MariaDB from 11.4 on."""
    return shop.server.kind.flavour == "mysql" or shop.value("SELECT @@have_ssl") == "YES"


async def test_tls_that_is_asked_for_and_not_there_or_not_trusted_is_refused(shop: PrivateMySQLDatabase) -> None:
    mode = "VERIFY_CA" if offers_tls(shop) else "REQUIRED"
    dsn = f"mysql://root@127.0.0.1:{shop.server.port}/?ssl-mode={mode}"
    with pytest.raises(InstanceRefused, match=r"TLS|ssl-mode"):
        async with ENGINE.open_probe(ENGINE.parse_dsn(dsn), ProbeLimits(), instance_id="orders-db"):
            pass


async def test_readings_together_are_no_longer_than_the_server_takes(
    own_server: Callable[..., PrivateMySQLDatabase],
) -> None:
    shop = own_server({"max_allowed_packet": "16384", "performance_schema": "ON"})
    diagnosis = await shop.examine()
    failed = [each for each in diagnosis.snapshot.readings.values() if getattr(each, "kind", None) == "error"]
    assert failed == []


async def test_metadata_locks_are_told_by_the_plugin_of_mariadb(
    own_server: Callable[..., PrivateMySQLDatabase],
) -> None:
    database = own_server()
    if database.server.kind.flavour != "mariadb" or not MARIADB_PLUGINS.exists():
        pytest.skip("the plugin is MariaDB's")
    database.execute("INSTALL SONAME 'metadata_lock_info'", "CREATE TABLE t (a INT)")
    session = database.connect()
    session.execute("BEGIN", "SELECT * FROM t")
    reading = next(each for each in ENGINE.readings if each.name == "metadata_lock_info")
    async with probe_of(database) as probe:
        rows = await probe.read(reading)
    session.close()
    assert [(row.session_id, row.table_name) for row in rows] == [(session.id, "t")]
