"""Checks and causes of MySQL and MariaDB as a whole server, by hand-written rows, on both sides of each threshold."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from housecall.diagnosis.cause import Cause
from housecall.diagnosis.causes.mysql import buffer_too_small, redo_log_too_small
from housecall.diagnosis.causes.mysql._settings import Change, set_variables
from housecall.diagnosis.checks.mysql.pending_restart import same
from housecall.diagnosis.checks.mysql.unclean_stop import unclean_starts
from housecall.diagnosis.examine import Diagnosis, diagnose
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.looked import looked_at
from housecall.diagnosis.snapshot import Sample, Snapshot
from housecall.engines.engine import Row, ServerFacts, Unavailable
from housecall.engines.mysql import ENGINE
from housecall.engines.mysql.flavour import version_of
from housecall.engines.mysql.rows.innodb import InnodbStatus
from housecall.engines.mysql.rows.server import (
    AccountRow,
    ChangedVariable,
    Database,
    FailedStatement,
    LoggedError,
    PersistedVariable,
    ServerStart,
    StatementError,
    StatusCounter,
    Variable,
    Wait,
)
from housecall.engines.mysql.rows.sessions import Session
from housecall.engines.mysql.rows.statements import HotTable, TopStatement
from housecall.engines.mysql.rows.tables import (
    AutoIncrement,
    ForeignEngineTable,
    FragmentedTable,
    LargestTable,
    LargeTableColumn,
)
from housecall.testing import row_of

KB, MB, GB = 1024, 1024**2, 1024**3
DAY = 86400
SOUND = {"innodb_flush_log_at_trx_commit": "1", "sql_mode": "STRICT_TRANS_TABLES", "max_connections": "100"}


def snapshot(
    *rows: Row,
    variables: dict[str, Any] | None = None,
    status: dict[str, float] | None = None,
    version: str = "9.7.4",
    at: float = 0.0,
    unavailable: tuple[Unavailable, ...] = (),
    samples: tuple[Sample, ...] = (),
    user: str = "root",
) -> Snapshot:
    """A snapshot of a server that has run for ten days, with these settings and counters."""
    facts = ServerFacts(version_of(version), "shop", user, True, True, False, 10.0 * DAY, ())
    readings: dict[str, Any] = {reading.name: () for reading in ENGINE.readings}
    readings["variables"] = tuple(Variable(name, str(value)) for name, value in {**SOUND, **(variables or {})}.items())
    counters = {"Uptime": 10 * DAY, **(status or {})}
    readings["status_counters"] = tuple(StatusCounter(name, float(value)) for name, value in counters.items())
    for row in rows:
        readings[row.reading] = (*readings[row.reading], row)
    readings |= {each.reading: each for each in unavailable}
    taken = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
    return Snapshot("orders-db", "mysql", facts, taken, at, readings, samples)


def window(now: dict[str, float], before: dict[str, float], **more: Any) -> Diagnosis:
    """The verdict on two looks, a second apart."""
    return diagnose(snapshot(status=now, at=1.0, **more), snapshot(status=before, **more))


def found(diagnosis: Diagnosis, check: str) -> list[Finding]:
    return [each for each in diagnosis.findings if each.check == f"mysql.{check}"]


def severities(diagnosis: Diagnosis, check: str) -> list[str]:
    return [each.severity.value for each in found(diagnosis, check)]


def caused(diagnosis: Diagnosis, cause_id: str) -> list[Cause]:
    return [each for each in diagnosis.causes if each.id == cause_id]


def statements(cause: Cause) -> list[str]:
    return [statement for remedy in cause.remedies for statement in remedy.statements]


# Buffer pool

POOL = {"innodb_buffer_pool_size": 64 * MB}
TABLES = row_of(Database, schema_name="shop", data_bytes=300 * MB, index_bytes=20 * MB)


def pool(reads: float, requests: float, *, free: float = 0) -> dict[str, float]:
    return {
        "Innodb_pages_read": reads, "Innodb_buffer_pool_read_requests": requests,
        "Innodb_buffer_pool_pages_total": 4096, "Innodb_buffer_pool_pages_free": free,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("now", "more", "expected"),
    [
        (pool(20_500, 110_000), {}, ["warning"]),
        (pool(20_100, 105_000), {}, ["warning"]),
        (pool(20_099, 105_000), {}, ["notice"]),
        (pool(20_500, 125_001), {}, []),
        (pool(20_500, 110_000, free=205), {}, []),
        (pool(20_500, 110_000, free=204), {}, ["warning"]),
        (pool(20_500, 110_000, free=1024), {"innodb_lru_scan_depth": 1024}, ["warning"]),
        (pool(20_500, 110_000, free=1025), {"innodb_lru_scan_depth": 1024}, []),
    ],
)
def test_buffer_pool_reads_count_only_with_a_full_pool(now: dict, more: dict, expected: list[str]) -> None:
    before = pool(20_000, 100_000, free=now["Innodb_buffer_pool_pages_free"])
    variables = {**POOL, **more}
    diagnosis = diagnose(
        snapshot(TABLES, status=now, variables=variables, at=1.0), snapshot(TABLES, status=before, variables=variables)
    )
    assert severities(diagnosis, "buffer_pool_reads") == expected
    assert len(caused(diagnosis, "buffer_too_small")) == len(expected)


@pytest.mark.parametrize(("reads", "expected"), [(3 * 4096, 1), (3 * 4096 - 1, 0)])
def test_a_pool_that_was_filled_once_is_cold_and_not_too_small(reads: float, expected: int) -> None:
    diagnosis = diagnose(snapshot(TABLES, status=pool(reads, 20_000), variables=POOL))
    assert len(found(diagnosis, "buffer_pool_reads")) == expected


def test_buffer_pool_that_holds_all_tables_is_not_too_small() -> None:
    small = replace(TABLES, data_bytes=30 * MB, index_bytes=0)
    one = diagnose(snapshot(small, status=pool(50_000, 100_000), variables=POOL))
    assert severities(one, "buffer_pool_reads") == []


def test_buffer_too_small_that_is_over_is_past() -> None:
    before = pool(90_000_000, 200_000_000)
    diagnosis = diagnose(
        snapshot(TABLES, status=before, variables=POOL, at=1.0), snapshot(TABLES, status=before, variables=POOL)
    )
    (cause,) = caused(diagnosis, "buffer_too_small")
    assert cause.past


def test_buffer_pool_remedy_speaks_the_flavour_and_takes_itself_back() -> None:
    arguments: dict[str, Any] = {"status": pool(50_000, 100_000), "variables": POOL}
    (mysql,) = caused(diagnose(snapshot(TABLES, **arguments)), "buffer_too_small")
    (mariadb,) = caused(diagnose(snapshot(TABLES, **arguments, version="10.11.6-MariaDB")), "buffer_too_small")
    assert statements(mysql) == [f"SET PERSIST innodb_buffer_pool_size = {512 * MB};"]
    assert mysql.remedies[0].rollback == (f"SET PERSIST innodb_buffer_pool_size = {64 * MB};",)
    assert statements(mariadb) == [f"SET GLOBAL innodb_buffer_pool_size = {512 * MB};"]
    assert "configuration file" in str(mariadb.remedies[0].caution)
    assert "配置文件" in mariadb.remedies[0].caution.render("zh-CN")


@pytest.mark.parametrize(
    ("pool_bytes", "tables", "memory", "expected"),
    [
        (8 * MB, 46 * MB, None, 64 * MB),
        (64 * MB, 10 * GB, None, 1 * GB),
        (1 * GB, 100 * GB, 16 * GB, 8 * GB),
        (10 * GB, 100 * GB, 16 * GB, 10 * GB),
    ],
)
def test_buffer_pool_is_enlarged_within_memory(pool_bytes: int, tables: int, memory: int | None, expected: int) -> None:
    assert buffer_too_small.wanted_bytes(pool_bytes, tables, memory) == expected


@pytest.mark.parametrize(
    ("size", "data", "expected"),
    [(128 * MB, 1 * GB, ["notice"]), (128 * MB, 1 * GB - 1, []), (129 * MB, 9 * GB, [])],
)
def test_buffer_pool_size_at_its_default_beside_much_data(size: int, data: int, expected: list[str]) -> None:
    row = row_of(Database, schema_name="shop", data_bytes=data)
    diagnosis = diagnose(snapshot(row, variables={"innodb_buffer_pool_size": size}))
    assert severities(diagnosis, "buffer_pool_size") == expected


def memory_line(size: int) -> ServerStart:
    return ServerStart("MY-015603", 100.0, f"MySQL Server has access to {size} bytes of physical memory.")


@pytest.mark.parametrize(("size", "expected"), [(9 * GB, []), (9 * GB + 1, ["notice"])])
def test_buffer_pool_size_is_compared_with_memory_where_the_server_tells_it(size: int, expected: list[str]) -> None:
    diagnosis = diagnose(snapshot(memory_line(10 * GB), variables={"innodb_buffer_pool_size": size}))
    assert severities(diagnosis, "buffer_pool_size") == expected


# Redo log and flushing


def redo(written: float, *, age: float = 60 * MB) -> dict[str, float]:
    return {
        "Innodb_os_log_written": written, "Innodb_redo_log_current_lsn": 1e9 + age,
        "Innodb_redo_log_checkpoint_lsn": 1e9,
        "Innodb_redo_log_capacity_resized": 100 * MB, "Uptime": 10 * DAY,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (redo(401 * MB), ["warning"]),
        (redo(400 * MB + int(0.8 * MB)), []),
        (redo(401 * MB, age=50 * MB - 1), []),
        (redo(401 * MB, age=50 * MB), ["warning"]),
        (redo(299 * MB), []),
    ],
)
def test_redo_log_is_too_small_when_it_fills_in_minutes_and_no_checkpoint_follows(now: dict, expected: list) -> None:
    before = {**redo(400 * MB), "Innodb_redo_log_current_lsn": now["Innodb_redo_log_current_lsn"]}
    if now["Innodb_os_log_written"] < 400 * MB:
        before["Innodb_os_log_written"] = now["Innodb_os_log_written"] - MB
    diagnosis = window(now, before)
    assert severities(diagnosis, "redo_log") == expected
    assert [each.object for each in caused(diagnosis, "redo_log_too_small")] == ["innodb_redo_log_capacity"] * len(
        expected
    )


def test_redo_log_of_mariadb_is_judged_by_its_checkpoint_age_and_not_by_the_old_rule() -> None:
    now = {"Innodb_os_log_written": 50 * MB, "Innodb_checkpoint_age": 3 * MB, "Innodb_checkpoint_max_age": 3.2 * MB}
    before = {**now, "Innodb_os_log_written": 45 * MB}
    small = {"innodb_log_file_size": 4 * MB, "innodb_buffer_pool_size": 16 * MB}
    (cause,) = caused(window(now, before, variables=small, version="10.11.6-MariaDB"), "redo_log_too_small")
    assert statements(cause) == [f"SET GLOBAL innodb_log_file_size = {8 * GB};"]
    idle = {"innodb_log_file_size": 96 * MB, "innodb_buffer_pool_size": 64 * GB}
    quiet = {"Innodb_os_log_written": 96 * MB}
    assert found(diagnose(snapshot(status=quiet, variables=idle, version="10.11.6-MariaDB")), "redo_log") == []


def test_redo_log_of_older_servers_waits_for_a_restart() -> None:
    now = {"Innodb_os_log_written": 1e12}
    old = {"innodb_log_file_size": 48 * MB, "innodb_log_files_in_group": 2}
    (mysql,) = caused(diagnose(snapshot(status=now, variables=old, version="8.0.28")), "redo_log_too_small")
    assert statements(mysql)[0].startswith("SET PERSIST_ONLY innodb_log_file_size = ")
    (mariadb,) = caused(diagnose(snapshot(status=now, variables=old, version="10.6.4-MariaDB")), "redo_log_too_small")
    assert statements(mariadb) == []
    assert mariadb.remedies[0].when == "later"


@pytest.mark.parametrize(
    ("capacity", "rate", "expected"),
    [(8 * MB, 1, 256 * MB), (100 * MB, 100_000, 448 * MB), (100 * MB, 1e9, 8 * GB), (6 * GB, 1e9, 12 * GB)],
)
def test_redo_log_is_enlarged_to_an_hour_of_writes(capacity: float, rate: float, expected: int) -> None:
    assert redo_log_too_small.wanted_bytes(capacity, rate) == expected


@pytest.mark.parametrize(
    ("waits", "before", "expected"),
    [(10, 0, ["warning"]), (9, 0, []), (100, 100, ["notice"]), (99, 99, [])],
)
def test_redo_log_buffer_waits(waits: float, before: float, expected: list[str]) -> None:
    diagnosis = window({"Innodb_log_waits": waits}, {"Innodb_log_waits": before},
                       variables={"innodb_log_buffer_size": MB})  # fmt: skip
    assert severities(diagnosis, "redo_log") == expected


@pytest.mark.parametrize(
    ("waits", "dirty", "expected"),
    [(120, 2048, ["warning"]), (119, 2048, []), (120, 2047, []), (1000, 0, ["notice"])],
)
def test_page_flushing_waits_count_with_a_dirty_pool(waits: float, dirty: float, expected: list[str]) -> None:
    more = {"Innodb_buffer_pool_pages_total": 4096, "Innodb_buffer_pool_pages_dirty": dirty}
    diagnosis = window(
        {"Innodb_buffer_pool_wait_free": waits, **more}, {"Innodb_buffer_pool_wait_free": 100, **more},
        variables={"innodb_io_capacity": 200, "innodb_io_capacity_max": 400},
    )  # fmt: skip
    assert severities(diagnosis, "page_flushing") == expected
    assert len(caused(diagnosis, "checkpoint_storm")) == len(expected)


# Temporary tables, sorts, caches


@pytest.mark.parametrize(
    ("size", "disk", "before", "expected"),
    [
        (16 * KB, 600, 500, ["warning"]),
        (16 * KB, 599, 500, ["notice"]),
        (16 * KB, 50, 50, ["notice"]),
        (16 * KB, 49, 49, []),
        (16 * MB, 600, 500, ["notice"]),
        (16 * MB, 599, 500, []),
        (16 * MB, 499, 99, []),
    ],
)
def test_temporary_table_size(size: int, disk: float, before: float, expected: list[str]) -> None:
    diagnosis = window(
        {"Created_tmp_disk_tables": disk, "Created_tmp_tables": disk + 10},
        {"Created_tmp_disk_tables": before, "Created_tmp_tables": before},
        variables={"tmp_table_size": size, "temptable_max_ram": GB, "max_heap_table_size": size},
    )
    assert severities(diagnosis, "temporary_table_size") == expected
    for cause in caused(diagnosis, "temporary_tables_on_disk"):
        assert len(statements(cause)) == 2


@pytest.mark.parametrize(
    ("size", "passes", "before", "expected"),
    [
        (32 * KB, 70, 50, ["warning"]),
        (32 * KB, 69, 50, []),
        (256 * KB, 70, 50, ["notice"]),
        (32 * KB, 49, 9, []),
    ],
)
def test_sort_buffer(size: int, passes: float, before: float, expected: list[str]) -> None:
    diagnosis = window({"Sort_merge_passes": passes, "Sort_scan": 30}, {"Sort_merge_passes": before, "Sort_scan": 20},
                       variables={"sort_buffer_size": size})  # fmt: skip
    assert severities(diagnosis, "sort_buffer") == expected
    assert [each.object for each in caused(diagnosis, "sort_spill")] == ["sort_buffer_size"] * len(expected)


def test_sort_spill_by_a_setting_far_below_its_default_weighs_what_the_spilling_statements_take() -> None:
    spilling = row_of(TopStatement, query="a", total_seconds=6.0, sort_merge_passes=9, all_seconds=10.0)
    other = row_of(TopStatement, query="b", total_seconds=4.0, all_seconds=10.0)
    now, before = {"Sort_merge_passes": 90, "Sort_scan": 30}, {"Sort_merge_passes": 50, "Sort_scan": 20}
    low = {"sort_buffer_size": 32 * KB}
    diagnosis = diagnose(
        snapshot(spilling, other, status=now, variables=low, at=1.0), snapshot(status=before, variables=low)
    )
    (cause,) = caused(diagnosis, "sort_spill")
    assert (cause.impact, cause.confidence) == (0.6, 0.95)


def test_a_page_that_sorts_through_files_is_a_symptom_of_the_small_buffer() -> None:
    query = "SELECT `id` , `note` FROM `orders` ORDER BY `total` , `note` LIMIT ?, ..."
    paging = row_of(
        TopStatement, digest="d1", schema_name="shop", query=query, calls=100, total_seconds=9.0, all_seconds=10.0,
        rows_examined=3_000_000, rows_sent=500, sort_rows=3_000_000, sort_merge_passes=400, digests=2,
        last_seen_seconds=0.0,
    )  # fmt: skip
    now, before = {"Sort_merge_passes": 400, "Sort_scan": 100}, {"Sort_merge_passes": 300, "Sort_scan": 80}
    low = {"sort_buffer_size": 32 * KB}
    earlier = replace(paging, calls=80, total_seconds=7.0, all_seconds=7.5, sort_merge_passes=300)
    diagnosis = diagnose(
        snapshot(paging, status=now, variables=low, at=1.0), snapshot(earlier, status=before, variables=low)
    )
    assert found(diagnosis, "offset_pagination")
    assert [(each.id, each.object) for each in diagnosis.causes][:1] == [("sort_spill", "sort_buffer_size")]
    assert caused(diagnosis, "offset_pagination") == []


@pytest.mark.parametrize(
    ("opened", "held", "expected"),
    [(1050, 90, ["warning"]), (1049, 90, []), (1050, 89, []), (499, 90, [])],
)
def test_table_cache_is_small_when_full_and_opening(opened: float, held: float, expected: list[str]) -> None:
    before = 1000 if opened >= 1000 else opened - 50
    diagnosis = window({"Opened_tables": opened, "Open_tables": held}, {"Opened_tables": before, "Open_tables": held},
                       variables={"table_open_cache": 100, "open_files_limit": 20000})  # fmt: skip
    assert severities(diagnosis, "table_cache") == expected
    assert [statements(each) for each in caused(diagnosis, "table_cache_small")] == [
        ["SET PERSIST table_open_cache = 2000;"]
    ] * len(expected)


def test_table_cache_in_parts_is_full_when_most_openings_throw_one_out() -> None:
    opened = {"Opened_tables": 5000, "Open_tables": 1, "Table_open_cache_overflows": 2500}
    variables = {"table_open_cache": 12}
    (cause,) = caused(window(opened, {**opened, "Opened_tables": 4000}, variables=variables), "table_cache_small")
    assert cause.object == "table_open_cache"
    few = {**opened, "Table_open_cache_overflows": 2499}
    assert caused(window(few, {**few, "Opened_tables": 4000}, variables=variables), "table_cache_small") == []


def cache(hits: float, inserts: float) -> dict[str, float]:
    return {"Qcache_hits": hits, "Qcache_inserts": inserts}


ON = {"query_cache_type": "ON", "query_cache_size": 64 * MB}


@pytest.mark.parametrize(
    ("variables", "now", "waiting", "expected"),
    [
        (ON, cache(100, 1100), 0, ["warning"]),
        (ON, cache(100, 1099), 0, ["notice"]),
        (ON, cache(5000, 1100), 0, ["info"]),
        (ON, cache(5000, 1100), 2, ["warning"]),
        (ON, cache(5000, 1100), 1, ["info"]),
        ({**ON, "query_cache_type": "OFF"}, cache(0, 0), 0, []),
        ({**ON, "query_cache_size": 0}, cache(0, 0), 0, []),
    ],
)
def test_query_cache(variables: dict, now: dict, waiting: int, expected: list[str]) -> None:
    session = row_of(Session, id=1, command="Query", state="Waiting for query cache lock")
    samples = tuple(Sample(float(number), {"sessions": (session,)}) for number in range(waiting))
    before = cache(now["Qcache_hits"], 1000)
    diagnosis = window(now, before, variables=variables, version="10.11.6-MariaDB", samples=samples)
    assert severities(diagnosis, "query_cache") == expected
    for cause in caused(diagnosis, "query_cache_contention"):
        assert statements(cause) == ["SET GLOBAL query_cache_type = OFF;", "SET GLOBAL query_cache_size = 0;"]
        assert cause.remedies[0].rollback[0] == f"SET GLOBAL query_cache_size = {64 * MB};"


@pytest.mark.parametrize(
    ("reads", "requests", "unused", "expected"),
    [(10_000, 200_000, 0, 1), (9_999, 100_000, 0, 0), (10_000, 200_001, 0, 0), (10_000, 200_000, 10_001, 0)],
)
def test_key_caches(reads: float, requests: float, unused: float, expected: int) -> None:
    status = {"Key_reads": reads, "Key_read_requests": requests, "Key_blocks_unused": unused}
    assert len(found(diagnose(snapshot(status=status)), "key_caches")) == expected


@pytest.mark.parametrize(("disk", "used", "expected"), [(100, 1000, 1), (99, 500, 0), (100, 1001, 0)])
def test_binlog_cache(disk: float, used: float, expected: int) -> None:
    status = {"Binlog_cache_disk_use": disk, "Binlog_cache_use": used}
    assert len(found(diagnose(snapshot(status=status)), "binlog_cache")) == expected


@pytest.mark.parametrize(
    ("created", "connections", "expected"), [(1005, 2010, 1), (1005, 2011, 0), (1004, 1500, 0), (999, 1000, 0)]
)
def test_thread_cache(created: float, connections: float, expected: int) -> None:
    diagnosis = window({"Threads_created": created, "Connections": connections},
                       {"Threads_created": 1000 if created >= 1000 else 0, "Connections": 0},
                       variables={"thread_cache_size": 0})  # fmt: skip
    assert len(found(diagnosis, "thread_cache")) == expected


@pytest.mark.parametrize(
    ("rows", "joins", "by_key", "expected"),
    [
        (2_200_000, 0, 2_200_000, 1),
        (2_199_999, 0, 0, 0),
        (2_200_000, 0, 2_200_001, 0),
        (2_000_000, 50, 9_000_000, 1),
        (2_000_000, 49, 9_000_000, 0),
    ],
)
def test_rows_scanned_is_a_notice_however_much(rows: float, joins: float, by_key: float, expected: int) -> None:
    now = {"Handler_read_rnd_next": rows, "Handler_read_key": by_key, "Select_full_join": joins}
    before = {"Handler_read_rnd_next": 2_000_000, "Handler_read_key": 0, "Select_full_join": 0}
    assert severities(window(now, before), "rows_scanned") == ["notice"] * expected
    few = window({"Handler_read_rnd_next": 999_999}, {"Handler_read_rnd_next": 0})
    assert found(few, "rows_scanned") == []


@pytest.mark.parametrize(
    ("scanned", "other", "rows", "examined", "expected"),
    [
        (200_000, 0, 10_000, 0.0, ["shop.bins"]),
        (200_000, 0, 9_999, 0.0, []),
        (200_000, 200_000, 10_000, 0.0, ["shop.bins"]),
        (200_000, 200_001, 10_000, 0.0, []),
        (199_999, 0, 200_000, 0.0, []),
        (200_000, 0, 10_000, 999.0, ["shop.bins"]),
        (200_000, 0, 10_000, 1_000.0, []),
    ],
)
def test_a_table_that_no_statement_reads_by_itself_is_scanned_inside_a_routine(
    scanned: int, other: int, rows: int, examined: float, expected: list[str]
) -> None:
    """`other` is what scans of a second table read; `examined` what the statement on the table examines a call.

    The statement that fires a trigger is counted with the rows that the trigger examines, as MySQL does.
    """

    def look(at: float, calls: int, bins: int, others: int) -> Snapshot:
        tables = [
            row_of(HotTable, schema_name="shop", table_name=name, rows_read_without_index=read)
            for name, read in (("bins", bins), ("others", others))
        ]
        columns = [
            row_of(LargeTableColumn, schema_name="shop", table_name=name, column_name="id", table_rows=size)
            for name, size in (("bins", rows), ("others", 0))
        ]
        texts = {"INSERT INTO `scans` VALUES (?)": 10_000.0, "SELECT `n` FROM `bins` WHERE `id` = ?": examined}
        counted = [
            row_of(
                TopStatement, schema_name="shop", query=text, digest=text, calls=calls, total_seconds=calls * 0.1,
                all_seconds=calls * 0.2, rows_examined=int(calls * each),
            )
            for text, each in texts.items()
        ]  # fmt: skip
        status = {"Handler_read_rnd_next": 2_000_000 + at * 2_000_000}
        return snapshot(*tables, *columns, *counted, status=status, at=at)

    diagnosis = diagnose(look(1.0, 2_000, 500_000 + scanned, 500_000 + other), look(0.0, 1_000, 500_000, 500_000))
    causes = [each for each in caused(diagnosis, "missing_index") if each.object_kind == "table"]
    assert [each.object for each in causes] == expected
    for cause in causes:
        assert cause.severity.name == "NOTICE"
        assert cause.impact == 0.5
        assert "insert into scans" in cause.because[-1].render("en")


# Memory and files


@pytest.mark.parametrize(
    ("files", "limit", "connections", "expected"),
    [(850, 1000, 50, ["warning"]), (849, 1000, 50, []), (1, 1023, 100, ["notice"]), (1, 1024, 100, []),
     (1, 1023, 99, [])],
)  # fmt: skip
def test_open_files(files: float, limit: int, connections: int, expected: list[str]) -> None:
    variables = {"open_files_limit": limit, "max_connections": connections}
    diagnosis = diagnose(snapshot(status={"Open_files": files}, variables=variables))
    assert severities(diagnosis, "open_files") == expected
    assert len(caused(diagnosis, "file_limit_reached")) == expected.count("warning")


def memory(session_mb: int, *, connections: int = 100, reached: int = 10, known: int | None = None) -> Diagnosis:
    variables = {"innodb_buffer_pool_size": 1 * GB, "sort_buffer_size": session_mb * MB, "max_connections": connections}
    rows = [memory_line(known)] if known else []
    return diagnose(snapshot(*rows, variables=variables, status={"Max_used_connections": reached}))


@pytest.mark.parametrize(
    ("diagnosis", "expected"),
    [
        (memory(100, reached=31, known=4 * GB), ["warning"]),
        (memory(100, reached=30, known=4 * GB), ["notice"]),
        (memory(17, connections=200, known=4 * GB), ["notice"]),
        (memory(16, connections=200, known=4 * GB), []),
        (memory(82), ["notice"]),
        (memory(81), []),
    ],
)
def test_memory_budget(diagnosis: Diagnosis, expected: list[str]) -> None:
    assert severities(diagnosis, "memory_budget") == expected
    for cause in caused(diagnosis, "memory_overcommitted"):
        assert statements(cause)[0] == f"SET PERSIST sort_buffer_size = {256 * KB};"
        assert not any("max_connections" in each for each in statements(cause))


@pytest.mark.parametrize(("value", "expected"), [(16 * MB, 1), (16 * MB - 1, 0)])
def test_session_buffers(value: int, expected: int) -> None:
    assert len(found(diagnose(snapshot(variables={"join_buffer_size": value})), "session_buffers")) == expected


# Settings


@pytest.mark.parametrize(
    ("name", "value", "version", "expected"),
    [
        ("innodb_flush_log_at_trx_commit", "0", "9.7.4", "warning"),
        ("innodb_flush_log_at_trx_commit", "2", "9.7.4", "notice"),
        ("innodb_flush_log_at_trx_commit", "1", "9.7.4", None),
        ("innodb_doublewrite", "OFF", "9.7.4", "warning"),
        ("innodb_doublewrite", "DETECT_AND_RECOVER", "9.7.4", None),
        ("innodb_force_recovery", "1", "9.7.4", "critical"),
        ("innodb_force_recovery", "0", "9.7.4", None),
        ("innodb_flush_method", "nosync", "9.7.4", "critical"),
        ("innodb_flush_method", "O_DIRECT_NO_FSYNC", "9.7.4", None),
        ("innodb_checksum_algorithm", "none", "8.0.36", "warning"),
        ("skip_grant_tables", "ON", "10.11.6-MariaDB", "critical"),
        ("foreign_key_checks", "OFF", "9.7.4", "warning"),
        ("sql_mode", "NO_ENGINE_SUBSTITUTION", "9.7.4", "notice"),
        ("sql_mode", "TRADITIONAL", "9.7.4", None),
        ("local_infile", "ON", "9.7.4", "notice"),
        ("local_infile", "ON", "10.11.6-MariaDB", "info"),
        ("secure_file_priv", "", "9.7.4", "notice"),
        ("secure_file_priv", "NULL", "9.7.4", None),
        ("innodb_fast_shutdown", "2", "9.7.4", "notice"),
    ],
)
def test_dangerous_settings(name: str, value: str, version: str, expected: str | None) -> None:
    diagnosis = diagnose(snapshot(variables={name: value}, version=version))
    assert severities(diagnosis, "dangerous_settings") == ([expected] if expected else [])
    told = [each.object for each in caused(diagnosis, "dangerous_setting")]
    assert told == ([name] if expected and expected != "info" else [])


@pytest.mark.parametrize(
    ("allowed", "queued", "expected"),
    [("4", 4, ["warning"]), ("4", 3, ["notice"]), ("4", 0, []), ("0", 0, []), ("4", None, [])],
)
def test_a_limit_of_threads_is_told_where_statements_stand_in_front_of_it(
    allowed: str, queued: int | None, expected: list[str]
) -> None:
    status = row_of(InnodbStatus, queued=queued)
    diagnosis = diagnose(snapshot(status, variables={"innodb_thread_concurrency": allowed}))
    assert severities(diagnosis, "dangerous_settings") == expected
    for cause in caused(diagnosis, "dangerous_setting"):
        assert statements(cause) == ["SET PERSIST innodb_thread_concurrency = 0;"]


def test_sync_binlog_matters_where_there_is_a_binary_log() -> None:
    off = {"sync_binlog": "0", "log_bin": "OFF"}
    assert severities(diagnose(snapshot(variables=off)), "dangerous_settings") == []
    assert severities(diagnose(snapshot(variables={**off, "log_bin": "ON"})), "dangerous_settings") == ["notice"]


def test_skip_grant_tables_of_mysql_is_seen_by_who_one_is() -> None:
    on = snapshot(variables={"skip_grant_tables": "OFF"}, user="skip-grants user")
    (cause,) = caused(diagnose(on), "dangerous_setting")
    assert (cause.object, cause.severity.value) == ("skip_grant_tables", "critical")
    assert statements(cause) == []


def test_a_dangerous_setting_of_mysql_is_seen_without_its_variable() -> None:
    assert [each.object for each in found(diagnose(snapshot(user="skip-grants user")), "dangerous_settings")] == [
        "skip_grant_tables"
    ]


def test_sql_mode_is_mended_by_adding_to_it() -> None:
    (cause,) = caused(diagnose(snapshot(variables={"sql_mode": "ONLY_FULL_GROUP_BY"})), "dangerous_setting")
    assert statements(cause) == ["SET PERSIST sql_mode = 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES';"]
    assert cause.remedies[0].rollback == ("SET PERSIST sql_mode = 'ONLY_FULL_GROUP_BY';",)
    assert cause.remedies[0].when == "later"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [("autocommit", "OFF", 1), ("autocommit", "ON", 0), ("transaction_isolation", "SERIALIZABLE", 1),
     ("transaction_isolation", "READ-COMMITTED", 0), ("tx_isolation", "READ-UNCOMMITTED", 1)],
)  # fmt: skip
def test_session_defaults(name: str, value: str, expected: int) -> None:
    assert len(found(diagnose(snapshot(variables={name: value})), "session_defaults")) == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("ON", "1", True), ("128", "128.000000", True), ("900", "152", False), ("off", "OFF", True), ("a", "b", False),
     (None, "", True)],
)  # fmt: skip
def test_values_of_settings_are_compared_by_meaning(one: str | None, other: str, expected: bool) -> None:
    assert same(one, other) is expected


def test_pending_restart_is_a_kept_value_that_does_not_hold() -> None:
    kept = PersistedVariable("back_log", "900", "152")
    (cause,) = caused(diagnose(snapshot(kept)), "pending_restart")
    assert (cause.object, cause.severity.value) == ("back_log", "warning")
    assert statements(cause) == ["RESET PERSIST IF EXISTS back_log;"]
    assert cause.remedies[1].rollback == ("SET PERSIST_ONLY back_log = 900;",)
    assert found(diagnose(snapshot(replace(kept, current_value="900"))), "pending_restart") == []
    drifted = ChangedVariable("back_log", "152", "DYNAMIC", 60.0, "root")
    assert found(diagnose(snapshot(kept, drifted)), "pending_restart") == []


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [("max_connections", "DYNAMIC", 1), ("max_connections", "SQL", 1), ("max_connections", "EXPLICIT", 0),
     ("sql_mode", "DYNAMIC", 0)],
)  # fmt: skip
def test_configuration_drift(name: str, source: str, expected: int) -> None:
    assert (
        len(found(diagnose(snapshot(ChangedVariable(name, "5", source, None, None))), "configuration_drift"))
        == expected
    )


def test_deprecated_variables_are_told_by_flavour() -> None:
    row = ChangedVariable("expire_logs_days", "7", "EXPLICIT", None, None)
    (finding,) = found(diagnose(snapshot(row)), "deprecated_variables")
    assert "binlog_expire_logs_seconds" in str(finding.message)
    assert found(diagnose(snapshot(row, version="10.11.6-MariaDB")), "deprecated_variables") == []


@pytest.mark.parametrize(("version", "expected"), [("11.7.2-MariaDB", 0), ("11.8.0-MariaDB", 1), ("9.7.4", 0)])
def test_what_mariadb_deprecates_with_11_8_is_told_from_then_on(version: str, expected: int) -> None:
    row = ChangedVariable("innodb_flush_method", "O_DIRECT", "CONFIG", None, None)
    told = found(diagnose(snapshot(row, version=version)), "deprecated_variables")
    assert [str(each.details["instead"]) for each in told] == ["innodb_data_file_buffering"] * expected


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("10.11.19-MariaDB", []),
        ("10.6.20-MariaDB", ["info"]),
        ("10.5.20-MariaDB", []),
        ("11.2.3-MariaDB", ["notice"]),
        ("9.7.4", []),
        ("9.6.0", ["notice"]),
        ("8.0.36", ["notice"]),
        ("8.4.8", []),
        ("8.4.7", ["info"]),
    ],
)
def test_version_support(version: str, expected: list[str]) -> None:
    assert severities(diagnose(snapshot(version=version)), "version_support") == expected


@pytest.mark.parametrize(("seconds", "expected"), [(0, 1), (DAY - 1, 1), (DAY, 0)])
def test_young_counters(seconds: int, expected: int) -> None:
    status = {"Uptime": 5 * DAY, "Uptime_since_flush_status": seconds}
    assert len(found(diagnose(snapshot(status=status)), "young_counters")) == expected


@pytest.mark.parametrize(
    ("check", "variables", "mysql", "mariadb"),
    [
        ("performance_schema_off", {"performance_schema": "OFF"}, ["notice"], ["info"]),
        ("performance_schema_off", {"performance_schema": "ON"}, [], []),
        ("binlog_off", {"log_bin": "OFF"}, ["notice"], ["info"]),
        ("binlog_off", {"log_bin": "ON"}, [], []),
        ("binlog_retention", {"log_bin": "ON", "binlog_expire_logs_seconds": 3 * DAY - 1}, ["notice"], ["notice"]),
        ("binlog_retention", {"log_bin": "ON", "binlog_expire_logs_seconds": 3 * DAY}, [], []),
        ("binlog_retention", {"log_bin": "ON", "expire_logs_days": 2}, ["notice"], ["notice"]),
        ("binlog_retention", {"log_bin": "ON", "binlog_expire_logs_seconds": 0}, [], []),
        ("file_per_table", {"innodb_file_per_table": "OFF"}, ["notice"], ["notice"]),
        ("file_per_table", {"innodb_file_per_table": "ON"}, [], []),
        ("transport_security", {"have_ssl": "DISABLED"}, ["notice"], ["notice"]),
        ("transport_security", {"have_ssl": "DISABLED", "bind_address": "127.0.0.1"}, [], []),
        ("transport_security", {"have_ssl": "YES", "tls_version": "TLSv1.1,TLSv1.2"}, ["notice"], ["notice"]),
        ("transport_security", {"ssl_cert": "c.pem", "require_secure_transport": "OFF"}, ["info"], ["info"]),
        ("transport_security", {"ssl_cert": "c.pem", "require_secure_transport": "ON"}, [], []),
    ],
)
def test_hygiene_of_settings(check: str, variables: dict, mysql: list[str], mariadb: list[str]) -> None:
    assert severities(diagnose(snapshot(variables=variables)), check) == mysql
    assert severities(diagnose(snapshot(variables=variables, version="10.11.6-MariaDB")), check) == mariadb


# Accounts


def login(user: str, host: str, **more: Any) -> AccountRow:
    known = {"plugin": "caching_sha2_password", "has_password": True, **more}
    return row_of(AccountRow, user_name=user, host=host, **known)


@pytest.mark.parametrize(
    ("row", "version", "expected"),
    [
        (login("app", "%", has_password=False), "9.7.4", ["warning"]),
        (login("app", "%", has_password=False, has_all=True), "9.7.4", ["critical"]),
        (login("app", "localhost", has_password=False, has_all=True), "9.7.4", ["notice"]),
        (login("app", "%", has_password=False, is_locked=True), "9.7.4", []),
        (login("app", "%", has_password=False, plugin="auth_socket"), "9.7.4", []),
        (login("app", "%"), "9.7.4", []),
        (login("", "%"), "9.7.4", ["warning"]),
        (login("app", "%", password_is_name=True), "8.0.36", ["warning"]),
        (login("app", "%", plugin="mysql_native_password"), "8.0.36", ["info"]),
        (login("app", "%", plugin="mysql_native_password"), "10.11.6-MariaDB", []),
        (login("reporting", "", has_password=False, plugin=""), "10.11.6-MariaDB", []),
    ],
)
def test_weak_accounts(row: AccountRow, version: str, expected: list[str]) -> None:
    diagnosis = diagnose(snapshot(row, version=version))
    assert severities(diagnosis, "weak_accounts") == expected
    assert len(caused(diagnosis, "weak_authentication")) == (0 if expected in ([], ["info"]) else 1)


def test_weak_authentication_is_one_cause_an_account_and_its_remedy_speaks_the_flavour() -> None:
    row = login("app", "%", has_password=False, has_all=True, has_super=True, plugin="mysql_native_password")
    (mysql,) = caused(diagnose(snapshot(row)), "weak_authentication")
    assert len(mysql.rests_on) == 2
    assert statements(mysql) == ["ALTER USER 'app'@'%' IDENTIFIED BY RANDOM PASSWORD;"]
    (mariadb,) = caused(diagnose(snapshot(row, version="10.11.6-MariaDB")), "weak_authentication")
    assert statements(mariadb) == ["ALTER USER 'app'@'%' ACCOUNT LOCK;"]


def test_weak_accounts_of_one_user_on_the_machine_itself_are_one() -> None:
    rows = [login("root", host, has_password=False, has_all=True) for host in ("127.0.0.1", "::1", "localhost", "db1")]
    diagnosis = diagnose(snapshot(*rows, login("root", "10.%", has_password=False), variables={"hostname": "db1"}))
    told = [(each.object, each.severity.value) for each in caused(diagnosis, "weak_authentication")]
    assert told == [("'root'@'10.%'", "warning"), ("'root'@'localhost'", "notice")]
    assert len(statements(diagnosis.causes[1])) == 4


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (login("app", "%", has_all=True, has_super=True), 1),
        (login("app", "%", has_create_user=True), 1),
        (login("app", "10.0.%", has_all=True, has_super=True), 0),
        (login("app", "%"), 0),
    ],
)
def test_wide_accounts_are_hygiene(row: AccountRow, expected: int) -> None:
    assert severities(diagnose(snapshot(row)), "wide_accounts") == ["notice"] * expected


def test_accounts_that_may_not_be_read_are_not_evaluated_with_the_grant_that_would_help() -> None:
    hidden = Unavailable(
        "accounts", "privilege", "accounts: SELECT command denied", "GRANT SELECT ON mysql.user TO 'r'@'h';"
    )
    missed = {each.check: each for each in diagnose(snapshot(unavailable=(hidden,))).not_evaluated}
    assert {"mysql.weak_accounts", "mysql.wide_accounts"} <= missed.keys()
    assert missed["mysql.weak_accounts"].remedy == "GRANT SELECT ON mysql.user TO 'r'@'h';"


# Logs and errors


def logged(text: str, ago: float) -> LoggedError:
    return row_of(LoggedError, code="MY-000000", priority="Error", entries=3, last_seconds_ago=ago, latest=text)


@pytest.mark.parametrize(
    ("row", "cause_id", "expected"),
    [
        (logged("Disk is full writing './b.000004' (OS errno 28 - No space left on device)", 60), "disk_full",
         "critical"),
        (logged("No space left on device", 15 * 60 + 1), "disk_full", "notice"),
        (logged("No space left on device", DAY + 1), "disk_full", None),
        (row_of(StatementError, number=1021, name="ER_DISK_FULL", raised=4, last_seconds_ago=5.0), "disk_full",
         "critical"),
        (row_of(FailedStatement, number=3, message="Error writing file (Errcode: 28 \"No space left on device\")",
                statements=1), "disk_full", "critical"),
        (row_of(StatementError, number=1041, name="ER_OUT_OF_RESOURCES", raised=1, last_seconds_ago=5.0),
         "out_of_memory_kill", "critical"),
        (row_of(StatementError, number=1037, name="ER_OUTOFMEMORY", raised=4, last_seconds_ago=5.0),
         "out_of_memory_kill", None),
        (logged("Database page corruption on disk or a failed file read", 60), "damaged_pages", "critical"),
        (logged("Too many open files", 60), "file_limit_reached", "warning"),
        (logged("CA certificate ca.pem is self signed.", 60), "disk_full", None),
        (row_of(StatementError, number=1062, name="ER_DUP_ENTRY", raised=400, last_seconds_ago=1.0), "disk_full", None),
    ],
)  # fmt: skip
def test_error_log_kinds(row: Row, cause_id: str, expected: str | None) -> None:
    diagnosis = diagnose(snapshot(row))
    assert severities(diagnosis, "error_log") == ([expected] if expected else [])
    assert [each.severity.value for each in caused(diagnosis, cause_id)] == ([expected] if expected else [])


def starts(*codes_and_ages: tuple[str, float]) -> list[ServerStart]:
    names = {"start": "MY-010116", "stop": "MY-010910", "ready": "MY-010931"}
    return [ServerStart(names[code], age, "") for code, age in codes_and_ages]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (starts(("start", 50)), []),
        (starts(("start", 50), ("stop", 60), ("ready", 90), ("start", 100)), []),
        (starts(("start", 50), ("ready", 90), ("start", 100)), [50]),
        (starts(("start", 10), ("start", 50), ("start", 100)), [10, 50]),
    ],
)
def test_starts_without_a_stop_before(rows: list[ServerStart], expected: list[float]) -> None:
    assert unclean_starts(tuple(rows)) == expected


@pytest.mark.parametrize(
    ("ago", "expected"), [(DAY, ["warning"]), (DAY + 1, ["notice"]), (30 * DAY, ["notice"]), (30 * DAY + 1, [])]
)
def test_unclean_stop_by_age(ago: float, expected: list[str]) -> None:
    diagnosis = diagnose(snapshot(*starts(("start", ago), ("start", ago + 500))))
    assert severities(diagnosis, "unclean_stop") == expected
    assert [each.past for each in caused(diagnosis, "unclean_shutdown")] == [True] * len(expected)


def test_a_kill_with_more_memory_promised_than_there_is_was_likely_for_memory() -> None:
    variables = {"innodb_buffer_pool_size": 5 * GB}
    diagnosis = diagnose(snapshot(memory_line(4 * GB), *starts(("start", 60), ("start", 500)), variables=variables))
    assert [each.id for each in diagnosis.causes][:1] == ["out_of_memory_kill"]
    assert caused(diagnosis, "unclean_shutdown") == []


def refused(
    times: int, text: str = "SELECT command denied to user 'app'@'10.0.0.5' for table 'items'"
) -> FailedStatement:
    return row_of(FailedStatement, number=1142, schema_name="shop", user_name="app", message=text, statements=times)


def test_permission_error_names_account_table_and_grant() -> None:
    (cause,) = caused(diagnose(snapshot(refused(3))), "permission_error")
    assert cause.object == "'app'@'10.0.0.5'"
    assert statements(cause) == ["GRANT SELECT ON shop.items TO 'app'@'10.0.0.5';"]
    assert cause.remedies[0].rollback == ("REVOKE SELECT ON shop.items FROM 'app'@'10.0.0.5';",)
    assert caused(diagnose(snapshot(refused(2))), "permission_error") == []
    named = refused(5, "SELECT command denied to user 'app'@'localhost' for table `shop`.`items`")
    (mariadb,) = caused(diagnose(snapshot(named, version="10.11.6-MariaDB")), "permission_error")
    assert statements(mariadb) == ["GRANT SELECT ON shop.items TO 'app'@'localhost';"]


@pytest.mark.parametrize(
    ("text", "account", "statement"),
    [
        ("execute command denied to user 'app'@'%' for routine 'shop.close_day'", "'app'@'%'",
         "GRANT EXECUTE ON PROCEDURE shop.close_day TO 'app'@'%';"),
        ("Access denied for user 'app'@'%' to database 'billing'", "'app'@'%'", None),
        ("Access denied; you need (at least one of) the SUPER privilege(s) for this operation", "app", None),
        ("INSERT, UPDATE command denied to user 'app'@'%' for table 'items'", "'app'@'%'",
         "GRANT INSERT, UPDATE ON shop.items TO 'app'@'%';"),
    ],
)  # fmt: skip
def test_permission_error_reads_the_servers_words(text: str, account: str, statement: str | None) -> None:
    (cause,) = caused(diagnose(snapshot(refused(9, text))), "permission_error")
    assert cause.object == account
    assert statements(cause) == ([statement] if statement else [])


def test_refused_logins_count_too() -> None:
    row = row_of(StatementError, number=1045, name="ER_ACCESS_DENIED_ERROR", raised=90, last_seconds_ago=2.0)
    assert severities(diagnose(snapshot(row, status={"Questions": 100})), "permission_errors") == ["warning"]


@pytest.mark.parametrize(
    ("raised", "ago", "questions", "expected"),
    [(20, 600.0, 2000, ["warning"]), (20, 600.0, 2001, ["notice"]), (19, 1.0, 100, []), (20, 601.0, 100, [])],
)
def test_permission_errors_by_count(raised: int, ago: float, questions: float, expected: list[str]) -> None:
    row = row_of(StatementError, number=1142, name="ER_TABLEACCESS_DENIED_ERROR", raised=raised, last_seconds_ago=ago)
    diagnosis = diagnose(snapshot(row, status={"Questions": questions}))
    assert severities(diagnosis, "permission_errors") == expected


def test_permission_errors_of_mariadb_are_counted_and_told_with_the_statement_that_fails() -> None:
    failing = row_of(TopStatement, query="SELECT COUNT ( * ) FROM `items`", calls=50, errors=50, last_seen_seconds=3.0)
    diagnosis = diagnose(
        snapshot(failing, status={"Access_denied_errors": 50, "Questions": 900}, version="10.11.6-MariaDB")
    )
    (cause,) = caused(diagnosis, "permission_error")
    assert "items" in " ".join(str(each) for each in cause.because)
    old = replace(failing, last_seen_seconds=9000.0)
    status = {"Access_denied_errors": 50.0, "Questions": 900.0}
    assert caused(diagnose(snapshot(old, status=status, version="10.11.6-MariaDB")), "permission_error") == []


# Tables


@pytest.mark.parametrize(
    ("free", "used", "expected"),
    [
        (7 * MB, 1 * MB, 0),
        (20 * MB, 40 * MB, 1),
        (20 * MB - 1, 10 * MB, 0),
        (30 * MB, 70 * MB, 1),
        (29 * MB, 71 * MB, 0),
    ],
)
def test_fragmentation_ignores_what_innodb_keeps_ready(free: int, used: int, expected: int) -> None:
    row = row_of(FragmentedTable, schema_name="shop", table_name="archive", engine="InnoDB", free_bytes=free,
                 used_bytes=used)  # fmt: skip
    diagnosis = diagnose(snapshot(row))
    assert [statements(each) for each in caused(diagnosis, "fragmentation")] == [
        ["ALTER TABLE shop.archive ENGINE=InnoDB, ALGORITHM=INPLACE, LOCK=NONE;"]
    ] * expected


@pytest.mark.parametrize(
    ("engine", "size", "expected"),
    [("MyISAM", MB, ["notice"]), ("MyISAM", MB - 1, ["info"]), ("FEDERATED", GB, []), ("MEMORY", 0, ["info"])],
)
def test_foreign_engines(engine: str, size: int, expected: list[str]) -> None:
    row = row_of(ForeignEngineTable, schema_name="shop", table_name="a", engine=engine, size_bytes=size)
    assert severities(diagnose(snapshot(row)), "foreign_engines") == expected


@pytest.mark.parametrize(
    ("size", "whole", "expected"), [(50 * GB, 100 * GB, 1), (50 * GB - 1, 60 * GB, 0), (50 * GB, 167 * GB, 0)]
)
def test_largest_tables(size: int, whole: int, expected: int) -> None:
    row = row_of(LargestTable, schema_name="shop", table_name="events", data_bytes=size, all_bytes=whole, tables=9)
    assert severities(diagnose(snapshot(row)), "largest_tables") == ["info"] * expected


@pytest.mark.parametrize(("data", "log", "expected"), [(0.5, 0.5, 1), (0.5, 0.51, 1), (0.2, 0.2, 0), (0.3, 0.3, 1)])
def test_wait_profile_tells_what_takes_most_of_a_window(data: float, log: float, expected: int) -> None:
    now = [
        Wait("wait/io/file/innodb/innodb_data_file", 9, 5 + data, 1.0),
        Wait("wait/io/file/sql/binlog", 9, 5 + log, 1.0),
    ]
    before = [replace(each, total_seconds=5.0) for each in now]
    diagnosis = diagnose(snapshot(*now, at=1.0), snapshot(*before))
    assert len(found(diagnosis, "wait_profile")) == expected
    assert found(diagnose(snapshot(*now)), "wait_profile") == []


# The whole


def test_a_sound_server_has_no_cause_and_says_what_was_looked_at() -> None:
    keys = row_of(AutoIncrement, schema_name="shop", table_name="orders", column_name="id", next_value=51,
                  max_value=100, keys_total=3)  # fmt: skip
    status = {**pool(10, 1000, free=900), "Innodb_buffer_pool_reads": 10}
    diagnosis = diagnose(snapshot(TABLES, keys, status=status, variables=POOL))
    assert diagnosis.causes == ()
    told = {topic: str(message) for topic, message in looked_at(diagnosis.snapshot).items()}
    assert "99 % of 1,000 page requests" in told["memory"]
    assert "10 reads went to disk" in told["memory"]
    assert "64 MB" in told["memory"]
    assert told["keys"] == "3 AUTO_INCREMENT columns; the fullest, shop.orders.id, has used 50 % of its range"
    assert "300 MB" in told["disk"]
    assert {"locks", "connections", "statements", "configuration", "replication", "indexes"} <= told.keys()
    chinese = {topic: message.render("zh-CN") for topic, message in looked_at(diagnosis.snapshot).items()}
    assert chinese["memory"].startswith("1,000 次页请求中 99 %")


def test_what_could_not_be_looked_at_is_left_out() -> None:
    hidden = tuple(Unavailable(name, "privilege", "hidden") for name in ("databases", "sessions", "session_groups"))
    told = looked_at(snapshot(unavailable=hidden))
    assert not {"disk", "locks", "connections"} & told.keys()


def test_a_setting_that_needs_a_restart_is_kept_for_it_on_mysql_and_written_to_the_file_on_mariadb() -> None:
    change = [Change("open_files_limit", "65535")]
    mysql = set_variables(version_of("9.7.4"), change, needs_restart=True)
    assert mysql.statements == ("SET PERSIST_ONLY open_files_limit = 65535;",)
    assert mysql.rollback == ("RESET PERSIST IF EXISTS open_files_limit;",)
    mariadb = set_variables(version_of("10.11.6-MariaDB"), change, needs_restart=True)
    assert mariadb.statements == ()
    assert "open_files_limit = 65535" in str(mariadb.title)
