"""Checks and causes of settings, memory, checkpoints and versions, by hand-written rows."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from housecall.diagnosis.cause import Cause
from housecall.diagnosis.examine import Diagnosis, diagnose
from housecall.engines.postgresql.rows.memory import Checkpoints, DatabaseCounters, MachineMemory
from housecall.engines.postgresql.rows.sessions import Session
from housecall.engines.postgresql.rows.settings import Extension, RoleSetting, ServerSetting, TablespaceSetting
from housecall.engines.postgresql.rows.statements import TopStatement
from housecall.testing import row_of, snapshot_of

GB = 1024**3


def caused(diagnosis: Diagnosis, cause_id: str) -> list[Cause]:
    return [each for each in diagnosis.causes if each.id == cause_id]


def found(diagnosis: Diagnosis, check: str) -> list[str]:
    return [each.object for each in diagnosis.findings if each.check == f"postgresql.{check}"]


def setting(name: str, value: str, unit: str | None = None, **more: object) -> ServerSetting:
    kind = "bool" if value in ("on", "off") else "string"
    base: dict[str, object] = {"source": "configuration file", "context": "sighup", "value_type": kind, **more}
    return row_of(ServerSetting, name=name, value=value, unit=unit, **base)


def stored(name: str, value: str, *, here: bool = True) -> RoleSetting:
    return row_of(RoleSetting, database_name="shop", name=name, value=value, is_here=here)


@pytest.mark.parametrize(
    ("name", "value", "severity"),
    [
        ("fsync", "off", "critical"),
        ("fsync", "on", None),
        ("full_page_writes", "off", "critical"),
        ("zero_damaged_pages", "on", "critical"),
        ("zero_damaged_pages", "off", None),
        ("synchronous_commit", "off", "notice"),
        ("synchronous_commit", "local", None),
        ("track_activities", "off", "notice"),
        ("track_activities", "on", None),
    ],
)
def test_dangerous_settings_are_those_that_lose_data(name: str, value: str, severity: str | None) -> None:
    diagnosis = diagnose(snapshot_of(setting(name, value)))
    assert [each.severity for each in caused(diagnosis, "dangerous_setting")] == ([severity] if severity else [])
    assert found(diagnosis, "dangerous_settings") == ([name] if severity else [])


@pytest.mark.parametrize(
    ("name", "backup", "last_moments"),
    [("fsync", True, False), ("full_page_writes", True, False), ("synchronous_commit", False, True)],
)
def test_only_what_can_damage_files_asks_for_a_fresh_base_backup(name: str, backup: bool, last_moments: bool) -> None:
    (cause,) = caused(diagnose(snapshot_of(setting(name, "off"))), "dangerous_setting")
    caution = cause.remedies[0].caution
    assert caution is not None
    assert ("base backup" in caution.render("en"), "全量备份" in caution.render("zh-CN")) == (backup, backup)
    assert ("nothing is corrupted" in caution.render("en"), "最后片刻" in caution.render("zh-CN")) == (
        last_moments,
        last_moments,
    )


def test_a_dangerous_setting_of_a_role_is_reset_at_the_role() -> None:
    row = row_of(RoleSetting, role_name="App User", name="zero_damaged_pages", value="on", is_here=True)
    (cause,) = caused(diagnose(snapshot_of(row, setting("fsync", "on"))), "dangerous_setting")
    assert cause.remedies[0].statements == ('ALTER ROLE "App User" RESET zero_damaged_pages;',)
    assert cause.remedies[0].rollback == ("ALTER ROLE \"App User\" SET zero_damaged_pages = 'on';",)


@pytest.mark.parametrize(
    ("row", "count"),
    [
        (setting("random_page_cost", "10"), 0),
        (setting("random_page_cost", "10.1"), 1),
        (setting("enable_indexscan", "off"), 1),
        (setting("enable_partitionwise_join", "off"), 0),
        (setting("enable_indexscan", "on"), 0),
        (setting("cpu_tuple_cost", "0.2"), 0),
        (setting("cpu_tuple_cost", "0.21"), 1),
        (setting("cpu_operator_cost", "0.05"), 0),
        (setting("cpu_operator_cost", "0.051"), 1),
        (setting("force_parallel_mode", "off"), 0),
        (setting("force_parallel_mode", "on"), 1),
        (setting("debug_parallel_query", "regress"), 1),
        (setting("join_collapse_limit", "2"), 0),
        (setting("join_collapse_limit", "1"), 1),
        (setting("from_collapse_limit", "1"), 1),
    ],
)
def test_planner_switches_are_told_when_against_sense(row: ServerSetting, count: int) -> None:
    assert len(found(diagnose(snapshot_of(row)), "planner_switches")) == count


@pytest.mark.parametrize(("sequential", "random", "count"), [("0.2", "4", 0), ("0.19", "4", 1), ("0.01", "0.02", 0)])
def test_a_low_cost_of_sequential_pages_is_measured_against_that_of_random_ones(
    sequential: str, random: str, count: int
) -> None:
    diagnosis = diagnose(snapshot_of(stored("seq_page_cost", sequential), setting("random_page_cost", random)))
    assert found(diagnosis, "planner_switches") == ["seq_page_cost"] * count


def test_the_costs_of_one_place_belong_together() -> None:
    both = (stored("seq_page_cost", "0.1"), stored("random_page_cost", "0.1"), setting("random_page_cost", "4"))
    assert found(diagnose(snapshot_of(*both)), "planner_switches") == []


def test_a_cost_that_a_tablespace_sets_is_taken_back_there() -> None:
    row = row_of(TablespaceSetting, tablespace_name="Disk 2", name="random_page_cost", value="90", is_here=True)
    (cause,) = caused(diagnose(snapshot_of(row, setting("fsync", "on"))), "planner_switch_off")
    assert cause.object == "random_page_cost"
    assert "tablespace Disk 2" in cause.summary.render("en")
    assert cause.remedies[0].statements == ('ALTER TABLESPACE "Disk 2" RESET (random_page_cost);',)
    assert cause.remedies[0].rollback == ("ALTER TABLESPACE \"Disk 2\" SET (random_page_cost = '90');",)


def test_a_tablespace_that_holds_nothing_of_this_database_is_not_ours() -> None:
    row = row_of(TablespaceSetting, tablespace_name="disk2", name="random_page_cost", value="90", is_here=False)
    assert found(diagnose(snapshot_of(row, setting("fsync", "on"))), "planner_switches") == []


@pytest.mark.parametrize(("joined", "severity"), [(3, "warning"), (2, "notice")])
def test_a_prescribed_order_of_joins_is_grave_where_joins_of_three_tables_take_the_time(
    joined: int, severity: str
) -> None:
    query = "SELECT * FROM t1 JOIN t2 USING (a)" + " JOIN t3 USING (b)" * (joined - 2) + " WHERE t1.c = $1"
    row = row_of(TopStatement, query=query, statement_id=1, calls=100, total_seconds=10.0, all_seconds=20.0)
    (cause,) = caused(diagnose(snapshot_of(stored("join_collapse_limit", "1"), row)), "planner_switch_off")
    assert cause.severity == severity


def test_planner_switches_of_one_scope_are_one_cause() -> None:
    diagnosis = diagnose(
        snapshot_of(stored("enable_indexscan", "off"), stored("enable_bitmapscan", "off"), setting("fsync", "on"))
    )
    (cause,) = caused(diagnosis, "planner_switch_off")
    (remedy,) = cause.remedies
    assert remedy.statements == (
        "ALTER DATABASE shop RESET enable_bitmapscan;",
        "ALTER DATABASE shop RESET enable_indexscan;",
    )
    assert len(remedy.rollback) == 2


def test_planner_switches_of_the_server_are_taken_back_with_one_reload() -> None:
    diagnosis = diagnose(snapshot_of(setting("enable_indexscan", "off"), setting("random_page_cost", "400")))
    (cause,) = caused(diagnosis, "planner_switch_off")
    statements = cause.remedies[0].statements
    assert [each.partition(" =")[0] for each in statements[:-1]] == [
        "ALTER SYSTEM SET enable_indexscan",
        "ALTER SYSTEM SET random_page_cost",
    ]
    assert "pg_reload_conf" in statements[-1]


def test_planner_switches_of_another_database_are_not_ours() -> None:
    row = stored("enable_indexscan", "off", here=False)
    assert found(diagnose(snapshot_of(row, setting("fsync", "on"))), "planner_switches") == []


def test_pending_restart_offers_the_restart_and_the_way_back() -> None:
    row = setting("shared_buffers", "16384", "8kB", pending_restart=True)
    diagnosis = diagnose(snapshot_of(row))
    (cause,) = caused(diagnosis, "pending_restart")
    assert found(diagnosis, "pending_restart") == ["shared_buffers"]
    assert cause.remedies[0].statements == ()
    assert cause.remedies[1].statements == ("ALTER SYSTEM RESET shared_buffers;", "SELECT pg_reload_conf();")


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        ([setting("shared_buffers", "16384", "8kB"), row_of(DatabaseCounters, heap_bytes=GB)], ["shared_buffers"]),
        ([setting("shared_buffers", "16384", "8kB"), row_of(DatabaseCounters, heap_bytes=GB - 1)], []),
        ([setting("shared_buffers", "16385", "8kB"), row_of(DatabaseCounters, heap_bytes=GB)], []),
        ([setting("shared_buffers", "524289", "8kB"), row_of(MachineMemory, memory_bytes=10 * GB)], ["shared_buffers"]),
        ([setting("shared_buffers", "524288", "8kB"), row_of(MachineMemory, memory_bytes=10 * GB)], []),
        ([setting("max_connections", "501")], ["max_connections"]),
        ([setting("max_connections", "500")], []),
        ([setting("work_mem", "1023", "kB")], ["work_mem"]),
        ([setting("work_mem", "1024", "kB")], []),
        ([setting("maintenance_work_mem", "16383", "kB")], ["maintenance_work_mem"]),
        (
            [setting("effective_cache_size", "100", "8kB"), setting("shared_buffers", "101", "8kB")],
            ["effective_cache_size"],
        ),
    ],
)
def test_memory_settings_far_off_are_named(rows: list, names: list[str]) -> None:
    assert found(diagnose(snapshot_of(*rows)), "memory_settings") == names


def counters(**values: object) -> DatabaseCounters:
    return row_of(DatabaseCounters, **{"reset_seconds_ago": 3600.0, "started_seconds_ago": 3600.0, **values})


@pytest.mark.parametrize(
    ("values", "count"),
    [
        ({"blocks_hit": 899_999, "blocks_read": 100_001}, 1),
        ({"blocks_hit": 900_000, "blocks_read": 100_000}, 0),
        ({"blocks_hit": 500_000, "blocks_read": 499_999}, 0),
        ({"blocks_hit": 500_000, "blocks_read": 600_000, "reset_seconds_ago": 599.0}, 0),
        ({"blocks_hit": 500_000, "blocks_read": 600_000, "started_seconds_ago": 599.0}, 0),
    ],
)
def test_cache_hit_is_judged_when_warm_and_busy(values: dict[str, object], count: int) -> None:
    diagnosis = diagnose(snapshot_of(counters(**values), setting("shared_buffers", "16384", "8kB")))
    assert len(found(diagnosis, "cache_hit")) == len(caused(diagnosis, "buffer_too_small")) == count


def test_cache_hit_that_recovered_in_the_window_is_not_told() -> None:
    cold = {"blocks_hit": 500_000, "blocks_read": 600_000}
    before = snapshot_of(counters(**cold))
    now = snapshot_of(counters(blocks_hit=520_000, blocks_read=600_000), taken_seconds=1.2)
    assert found(diagnose(now, before), "cache_hit") == []


@pytest.mark.parametrize(
    ("files", "size", "memory", "severity"),
    [
        (10, 10 * 1024**2, "1023", "warning"),
        (10, 10 * 1024**2, "1024", "notice"),
        (9, 10 * 1024**2, "64", None),
        (10, 10 * 1024**2 - 1, "64", None),
        (100, 10 * GB, "4096", "warning"),
    ],
)
def test_temp_spills_warn_when_work_mem_is_tiny_or_the_disk_is_busy(
    files: int, size: int, memory: str, severity: str | None
) -> None:
    row = counters(temp_files=files, temp_bytes=size)
    diagnosis = diagnose(snapshot_of(row, setting("work_mem", memory, "kB")))
    assert [each.severity for each in caused(diagnosis, "sort_spill")] == ([severity] if severity else [])
    assert bool(found(diagnosis, "temp_spills")) == (severity is not None)


@pytest.mark.parametrize(
    ("value", "size", "severity", "statement"),
    [
        ("64kB", 20 * 1024**2, "warning", "ALTER DATABASE shop RESET work_mem;"),
        ("1023", 20 * 1024**2, "warning", "ALTER DATABASE shop RESET work_mem;"),
        ("1 MB", 20 * 1024**2, "notice", "ALTER DATABASE shop RESET work_mem;"),
        ("64kB", 200 * 1024**2, "notice", "ALTER DATABASE shop RESET work_mem;"),  # files that the server's would spill
        ("256MB", 20 * 1024**2, "notice", "ALTER SYSTEM SET work_mem = '32MB';"),  # more than the server's is no lack
    ],
)
def test_who_has_less_work_mem_than_the_server_spills(value: str, size: int, severity: str, statement: str) -> None:
    row = counters(temp_files=10, temp_bytes=size)
    diagnosis = diagnose(snapshot_of(row, setting("work_mem", "16384", "kB"), stored("work_mem", value)))
    (cause,) = caused(diagnosis, "sort_spill")
    assert (cause.severity, cause.remedies[0].statements[0]) == (severity, statement)


@pytest.mark.parametrize(
    ("source", "statement"),
    [("database", "ALTER DATABASE shop RESET work_mem;"), ("configuration file", "ALTER SYSTEM SET work_mem = '4MB';")],
)
def test_a_small_work_mem_is_taken_back_where_this_session_has_it_from(source: str, statement: str) -> None:
    row, own = counters(temp_files=10, temp_bytes=20 * 1024**2), setting("work_mem", "64", "kB", source=source)
    (cause,) = caused(diagnose(snapshot_of(row, own, stored("work_mem", "64kB"))), "sort_spill")
    assert cause.remedies[0].statements[0] == statement


@pytest.mark.parametrize(
    ("requested", "timed", "limit_mb", "severity"),
    [(5, 20, "511", "warning"), (5, 21, "511", None), (4, 0, "32", None), (5, 20, "512", "notice")],
)
def test_checkpoint_pressure_counts_forced_checkpoints(
    requested: int, timed: int, limit_mb: str, severity: str | None
) -> None:
    row = row_of(Checkpoints, requested=requested, timed=timed, reset_seconds_ago=1000.0, wal_position_bytes=1e11)
    diagnosis = diagnose(snapshot_of(row, setting("max_wal_size", limit_mb, "MB")))
    assert [each.severity for each in caused(diagnosis, "checkpoint_storm")] == ([severity] if severity else [])
    assert bool(found(diagnosis, "checkpoint_pressure")) == (severity is not None)


@pytest.mark.parametrize(("wal_mb", "count"), [(384, 1), (383, 0)])
def test_checkpoint_pressure_needs_the_wal_that_forces_them(wal_mb: int, count: int) -> None:
    row = row_of(Checkpoints, requested=5, reset_seconds_ago=1000.0, wal_position_bytes=wal_mb * 1024.0**2)
    diagnosis = diagnose(snapshot_of(row, setting("max_wal_size", "256", "MB")))
    assert len(found(diagnosis, "checkpoint_pressure")) == count


def test_checkpoint_storm_makes_room_for_a_quarter_of_an_hour() -> None:
    row = row_of(Checkpoints, requested=60, timed=0, reset_seconds_ago=3600.0, wal_position_bytes=1e11)
    (cause,) = caused(diagnose(snapshot_of(row, setting("max_wal_size", "256", "MB"))), "checkpoint_storm")
    assert cause.remedies[0].statements[0] == "ALTER SYSTEM SET max_wal_size = '4GB';"


@pytest.mark.parametrize(
    ("row", "count"),
    [
        (setting("log_statement", "all"), 1),
        (setting("log_statement", "ddl"), 0),
        (setting("log_min_duration_statement", "0", "ms"), 1),
        (setting("log_min_duration_statement", "9", "ms"), 1),
        (setting("log_min_duration_statement", "10", "ms"), 0),
        (setting("log_min_duration_statement", "-1", "ms"), 0),
        (setting("log_duration", "on"), 1),
        (setting("debug_print_plan", "off"), 0),
    ],
)
def test_excessive_logging_is_logging_of_everything(row: ServerSetting, count: int) -> None:
    diagnosis = diagnose(snapshot_of(row))
    assert len(found(diagnosis, "excessive_logging")) == len(caused(diagnosis, "excessive_logging")) == count


@pytest.mark.parametrize(
    ("value", "owns_tables", "severity"),
    [
        ("0", True, "warning"),
        ("9ms", True, "warning"),
        ("10ms", True, None),
        ("-1", True, None),
        ("0", False, "notice"),
    ],
)
def test_a_role_whose_every_statement_is_logged_is_told_and_set_back_there(
    value: str, owns_tables: bool, severity: str | None
) -> None:
    name = "log_min_duration_statement"
    row = row_of(RoleSetting, role_name="web", name=name, value=value, is_here=True, owns_tables=owns_tables)
    web = row_of(Session, pid=7, user_name="web", state="idle", backend_type="client backend", visible=True)
    causes = caused(diagnose(snapshot_of(row, setting("fsync", "on"), web)), "excessive_logging")
    assert [each.severity for each in causes] == ([severity] if severity else [])
    assert [each.remedies[0].statements for each in causes] == [(f"ALTER ROLE web RESET {name};",)] * len(causes)


def test_a_role_of_migrations_that_is_not_connected_may_log_all_it_does() -> None:
    row = row_of(RoleSetting, role_name="owner", name="log_statement", value="all", is_here=True, owns_tables=True)
    web = row_of(Session, pid=7, user_name="web", state="idle", backend_type="client backend", visible=True)
    (cause,) = caused(diagnose(snapshot_of(row, setting("fsync", "on"), web)), "excessive_logging")
    assert cause.severity == "notice"


def test_what_the_probe_has_from_its_database_is_logged_once() -> None:
    rows = (stored("log_statement", "all"), setting("log_statement", "all", source="database"))
    assert found(diagnose(snapshot_of(*rows)), "excessive_logging") == ["log_statement"]
    both = (stored("log_statement", "mod"), setting("log_statement", "all"))
    assert len(found(diagnose(snapshot_of(*both)), "excessive_logging")) == 1


def test_logging_prerequisites_names_what_is_silent() -> None:
    rows = [setting("log_lock_waits", "off"), setting("log_temp_files", "-1", "kB"), setting("log_checkpoints", "on")]
    (finding,) = [
        each for each in diagnose(snapshot_of(*rows)).findings if each.check.endswith("logging_prerequisites")
    ]
    assert finding.details["missing"] == ["log_lock_waits", "log_temp_files"]


def test_extensions_that_lag_behind_their_files_are_told() -> None:
    rows = [
        row_of(
            Extension, name="pg_stat_statements", installed_version="1.10", available_version="1.10",
            statements_preloaded=True,
        ),
        row_of(Extension, name="postgis", installed_version="3.3", available_version="3.4"),
    ]  # fmt: skip
    assert found(diagnose(snapshot_of(*rows)), "extensions") == ["postgis"]


@pytest.mark.parametrize(("version", "count"), [(150017, 1), (150018, 0), (150019, 0), (190000, 0)])
def test_version_support_tells_a_minor_release_behind(version: int, count: int) -> None:
    assert len(found(diagnose(snapshot_of(version=version)), "version_support")) == count


@pytest.mark.parametrize(
    ("day", "kinds"),
    [
        (datetime(2027, 5, 14, tzinfo=UTC), []),
        (datetime(2027, 5, 15, tzinfo=UTC), ["ends"]),
        (datetime(2027, 11, 11, tzinfo=UTC), ["ends"]),
        (datetime(2027, 11, 12, tzinfo=UTC), ["ended"]),
    ],
)
def test_version_support_warns_half_a_year_ahead(day: datetime, kinds: list[str]) -> None:
    diagnosis = diagnose(replace(snapshot_of(version=150018), taken_at=day))
    told = [each.details["kind"] for each in diagnosis.findings if each.check == "postgresql.version_support"]
    assert told == kinds


@pytest.mark.parametrize(("failures", "count"), [(1, 1), (0, 0), (None, 0)])
def test_checksum_failures_are_damaged_pages(failures: int | None, count: int) -> None:
    diagnosis = diagnose(snapshot_of(counters(checksum_failures=failures)))
    assert len(found(diagnosis, "checksum_failures")) == len(caused(diagnosis, "damaged_pages")) == count
