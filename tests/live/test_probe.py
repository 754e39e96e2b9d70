"""The probe on real servers: read-only, bounded, cancellable, and honest about what it could not read."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from housecall.engines.engine import ProbeLimits, Row, Unavailable, parse_reading
from housecall.engines.postgresql import ENGINE
from housecall.errors import (
    InstanceBusy,
    InstanceRefused,
    InstanceTimeout,
    InstanceUnreachable,
    StatementFailed,
    StatementRefused,
)
from housecall.testing import PrivateDatabase

pytestmark = pytest.mark.anyio


@dataclass(frozen=True, slots=True)
class Secret(Row, reading="secrets"):
    rolname: str


def probe_of(database: PrivateDatabase, *, role: str | None = None, **limits: float):
    return ENGINE.open_probe(database.target(role=role), ProbeLimits(**limits), instance_id="orders-db")


async def test_every_reading_answers_for_a_role_that_may_monitor(database: PrivateDatabase) -> None:
    role = database.create_reader()
    async with probe_of(database, role=role) as probe:
        for reading in ENGINE.readings:
            if reading.serves(probe.facts.version):
                rows = await probe.read(reading)
                assert not isinstance(rows, Unavailable) or rows.kind in ("extension", "privilege", "setting"), rows


async def test_every_row_survives_the_way_through_a_bundle(database: PrivateDatabase) -> None:
    from housecall.diagnosis.snapshot import snapshot_from_json, snapshot_to_json, take_snapshot

    async with probe_of(database) as probe:
        snapshot = await take_snapshot(probe, "orders-db", ENGINE)
    again = snapshot_from_json(snapshot_to_json(snapshot), ENGINE.readings)
    assert again == snapshot


async def test_the_session_cannot_write_even_past_the_guard(database: PrivateDatabase) -> None:
    async with probe_of(database) as probe:
        with pytest.raises(StatementFailed, match="read-only transaction"):
            await probe.query_trusted("CREATE TABLE t (i int)")


async def test_rows_are_cut_at_the_limit_and_the_cut_is_told(database: PrivateDatabase) -> None:
    async with probe_of(database, max_rows=10) as probe:
        whole = await probe.query("SELECT n FROM generate_series(1, 10) AS n")
        cut = await probe.query("SELECT n FROM generate_series(1, 11) AS n")
    assert (len(whole.rows), whole.truncated) == (10, False)
    assert (len(cut.rows), cut.truncated) == (10, True)


async def test_the_connection_is_usable_after_a_cut(database: PrivateDatabase) -> None:
    async with probe_of(database, max_rows=1) as probe:
        await probe.query("SELECT n FROM generate_series(1, 100000) AS n")
        assert (await probe.query("SELECT 41 + 1")).rows == ((42,),)


async def test_bytes_are_cut_at_the_limit(database: PrivateDatabase) -> None:
    database.execute("CREATE TABLE t AS SELECT repeat('x', 1000) AS wide FROM generate_series(1, 100)")
    async with probe_of(database, max_bytes=5000) as probe:
        result = await probe.query("SELECT wide FROM t")
    assert result.truncated
    assert len(result.rows) == 5


async def test_a_statement_that_takes_too_long_is_ended_by_the_server(database: PrivateDatabase) -> None:
    async with probe_of(database, statement_timeout_seconds=0.2) as probe:
        with pytest.raises(InstanceTimeout, match="orders-db"):
            await probe.query_trusted("SELECT pg_sleep(30)")


async def test_cancel_ends_the_statement_on_the_server(database: PrivateDatabase) -> None:
    async with probe_of(database, statement_timeout_seconds=30.0) as probe:
        running = asyncio.create_task(probe.query_trusted("SELECT pg_sleep(30)"))
        seen = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%'"
        while database.value(seen) == 0:  # noqa: ASYNC110 - the event is in the server, not here
            await asyncio.sleep(0)
        await probe.cancel()
        with pytest.raises(InstanceTimeout):
            await running
    assert database.value(seen) == 0


async def test_a_generic_plan_is_had_for_a_statement_with_parameters(database: PrivateDatabase) -> None:
    async with probe_of(database) as probe:
        plan = await probe.explain("SELECT * FROM pg_class WHERE oid = $1 AND relkind = $2")
        again = await probe.explain("SELECT * FROM pg_class WHERE oid IN ($1,$2,$3)")
    assert plan[0]["Plan"]["Relation Name"] == again[0]["Plan"]["Relation Name"] == "pg_class"


async def test_explaining_an_update_changes_nothing(database: PrivateDatabase) -> None:
    database.execute("CREATE TABLE t AS SELECT 1 AS i")
    async with probe_of(database) as probe:
        plan = await probe.explain("UPDATE t SET i = 2")
    assert plan[0]["Plan"]["Node Type"] == "ModifyTable"
    assert database.value("SELECT i FROM t") == 1


async def test_a_reading_without_privilege_is_unavailable_and_names_the_grant(database: PrivateDatabase) -> None:
    role = database.create_reader(monitor=False)
    header = "-- asks: passwords\n-- privilege: superuser\n-- versions: 13-\n-- cost: none\n"
    reading = parse_reading("secrets", header + "SELECT rolname FROM pg_catalog.pg_authid", Secret)
    async with probe_of(database, role=role) as probe:
        found = await probe.read(reading)
    assert isinstance(found, Unavailable)
    assert found.kind == "privilege"
    assert role in found.reason


async def test_a_refused_role_is_named_with_the_address_and_without_the_password(database: PrivateDatabase) -> None:
    target = ENGINE.parse_dsn(database.dsn.replace("postgres@", "nobody-here:hunter2@"))
    with pytest.raises(InstanceRefused, match=r"orders-db.*nobody-here.*check the names") as caught:
        async with ENGINE.open_probe(target, ProbeLimits(), instance_id="orders-db"):
            pass
    assert "hunter2" not in str(caught.value)


async def test_a_full_server_is_busy(fresh_server: Callable[..., PrivateDatabase]) -> None:
    database = fresh_server({"max_connections": "5", "superuser_reserved_connections": "0"})
    held = [database.connect() for _ in range(4)]
    try:
        while True:
            try:
                held.append(database.connect())
            except Exception:  # noqa: BLE001 - whatever full servers say
                break
        with pytest.raises(InstanceBusy, match="no connection left"):
            async with probe_of(database):
                pass
    finally:
        for connection in held:
            connection.close()


async def test_an_address_where_nothing_listens_is_unreachable() -> None:
    target = ENGINE.parse_dsn("postgresql://someone:hunter2@127.0.0.1:1/shop")
    with pytest.raises(InstanceUnreachable, match=r"orders-db.*127\.0\.0\.1:1/shop") as caught:
        async with ENGINE.open_probe(target, ProbeLimits(), instance_id="orders-db"):
            pass
    assert "hunter2" not in str(caught.value)


async def test_a_server_that_accepts_and_never_answers_is_a_timeout() -> None:
    writers: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _reader, writer: writers.append(writer), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    target = ENGINE.parse_dsn(f"postgresql://someone@127.0.0.1:{port}/shop")
    try:
        with pytest.raises(InstanceTimeout, match="orders-db"):
            async with ENGINE.open_probe(target, ProbeLimits(connect_timeout_seconds=1.0), instance_id="orders-db"):
                pass
    finally:
        silent.close()
        for writer in writers:
            writer.close()
            await writer.wait_closed()


async def test_a_users_function_that_overloads_a_built_in_is_refused(database: PrivateDatabase) -> None:
    database.execute(
        "CREATE FUNCTION lower(i integer) RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT i'",
    )
    async with probe_of(database) as probe:
        with pytest.raises(StatementRefused, match="lower"):
            await probe.query("SELECT lower(1)")
        assert (await probe.query("SELECT upper('a')")).rows == (("A",),)


async def test_an_extensions_harmless_overload_does_not_spoil_the_built_in(database: PrivateDatabase) -> None:
    available = database.value("SELECT count(*) FROM pg_available_extensions WHERE name = 'citext'")
    if not available:
        pytest.skip("this server has no citext")
    database.execute("CREATE EXTENSION citext")
    async with probe_of(database) as probe:
        assert (await probe.query("SELECT max(n) FROM generate_series(1, 3) AS n")).rows == ((3,),)
