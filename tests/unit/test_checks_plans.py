"""Checks of plans that the planner was misled to, of rows fetched whole, table locks and foreign load, by rows."""

from dataclasses import replace
from typing import Any

import pytest

from housecall.diagnosis.cause import Cause
from housecall.diagnosis.examine import Diagnosis, diagnose
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql import ENGINE
from housecall.engines.postgresql.rows.indexes import HotIndex
from housecall.engines.postgresql.rows.memory import DatabaseCounters, MachineLoad
from housecall.engines.postgresql.rows.sessions import Session, TableLock
from housecall.engines.postgresql.rows.settings import RoleSetting, ServerSetting
from housecall.engines.postgresql.rows.statements import StatementStatistics, TopStatement
from housecall.engines.postgresql.rows.statistics import ColumnDependence, ExtendedStatistics
from housecall.engines.postgresql.rows.tables import HotColumn, HotTable, PartitionedTable, WideTable
from housecall.engines.postgresql.rows.vacuum import VacuumTable
from housecall.testing import row_of, snapshot_of

MB = 1024 * 1024
COUNTED = row_of(StatementStatistics, reset_seconds_ago=600.0)


def caused(diagnosis: Diagnosis, cause_id: str) -> list[Cause]:
    return [each for each in diagnosis.causes if each.id == cause_id]


def found(diagnosis: Diagnosis, check: str) -> list[str]:
    return [each.severity.value for each in diagnosis.findings if each.check == f"postgresql.{check}"]


def top(query: str, calls: int = 100, seconds: float = 5.0, **values: object) -> TopStatement:
    base = {"all_seconds": 10.0, "all_calls": 1000, "rows": 0, "blocks_hit": 0, **values}
    return row_of(TopStatement, statement_id="1", query=query, calls=calls, total_seconds=seconds, **base)


def scan(table: str, condition: str, rows: float, node: str = "Seq Scan") -> dict[str, Any]:
    part = "Filter" if node == "Seq Scan" else "Index Cond"
    return {"Node Type": node, "Relation Name": table, "Alias": table, "Plan Rows": rows, "Total Cost": 10.0,
            "Startup Cost": 0.0, "Plan Width": 8, part: condition}  # fmt: skip


def plan(*scans: dict[str, Any], node: str = "Append") -> Any:
    return [{"Plan": {"Node Type": node, "Plan Rows": 1, "Total Cost": 20.0, "Startup Cost": 0.0, "Plan Width": 8,
                      "Plans": list(scans)}}]  # fmt: skip


# rows fetched whole


def documents(live_rows: float = 1000.0, large: int = 12 * MB) -> WideTable:
    return row_of(
        WideTable, schema_name="public", table_name="documents", live_rows=live_rows, row_bytes=MB, large_bytes=large,
        large_blocks_touched=9999, columns=["id", "title", "body"], large_columns=["title", "body"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("query", "rows", "severity"),
    [
        ("SELECT * FROM documents WHERE id BETWEEN $1 AND $2", 100_000, "warning"),
        ("SELECT id, title, body FROM documents WHERE id < $1", 100_000, "warning"),
        ("SELECT * FROM documents WHERE id BETWEEN $1 AND $2", 2_000, "notice"),
        ("SELECT * FROM documents WHERE id BETWEEN $1 AND $2", 1_999, None),
        ("SELECT id, title FROM documents WHERE id < $1", 100_000, None),
        ("SELECT count(*) FROM documents", 100_000, None),
    ],
)
def test_wide_rows_are_told_by_what_a_call_fetches(query: str, rows: int, severity: str | None) -> None:
    diagnosis = diagnose(snapshot_of(top(query, rows=rows), COUNTED, documents()))
    assert found(diagnosis, "wide_rows") == ([severity] if severity else [])
    causes = caused(diagnosis, "wide_rows_fetched")
    assert [each.object for each in causes] == (["public.documents"] if severity else [])


@pytest.mark.parametrize(("large", "count"), [(1024 * 1000, 1), (1024 * 1000 - 1, 0)])
def test_wide_rows_have_large_values(large: int, count: int) -> None:
    rows = (top("SELECT * FROM documents WHERE id < $1", rows=100_000), COUNTED, documents(1000.0, large))
    assert len(found(diagnose(snapshot_of(*rows)), "wide_rows")) == count


# partitions


def history(partitions: int = 4) -> PartitionedTable:
    return row_of(
        PartitionedTable, schema_name="public", table_name="history", partition_key="RANGE (at)", key_columns=["at"],
        key_types=["date"], partitions=partitions, names=[f"history_{n}" for n in range(partitions)], live_rows=1e6,
        size_bytes=100 * MB,
    )  # fmt: skip


def diagnosed_history(query: str, condition: str | None, scanned: int, partitions: int = 4) -> Diagnosis:
    plans = {query: plan(*(scan(f"history_{n}", condition, 100) for n in range(scanned)))} if condition else {}
    return diagnose(snapshot_of(top(query), COUNTED, history(partitions), plans=plans))


HIDDEN = "(to_char((at)::timestamp with time zone, 'YYYY-MM'::text) = $1)"


@pytest.mark.parametrize(
    ("condition", "scanned", "partitions", "count"),
    [
        (HIDDEN, 4, 4, 1),
        (HIDDEN, 3, 4, 0),
        (HIDDEN, 2, 2, 0),
        (HIDDEN, 3, 3, 1),
        ("((at)::text ~~ $1)", 4, 4, 1),
        ("((at >= $1) AND (at < $2))", 4, 4, 0),
    ],
)
def test_partition_pruning_is_defeated_by_a_hidden_key(
    condition: str, scanned: int, partitions: int, count: int
) -> None:
    diagnosis = diagnosed_history("SELECT sum(n) FROM history WHERE x = $1", condition, scanned, partitions)
    causes = caused(diagnosis, "partition_pruning_defeated")
    assert [each.object for each in causes] == ["public.history"] * count


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("SELECT sum(n) FROM history WHERE to_char(at, $1) = $2", 1),
        ("SELECT sum(n) FROM history WHERE to_char(at, $1) = $2 AND at >= $3", 0),
        ("SELECT sum(n) FROM history WHERE at >= $1", 0),
    ],
)
def test_partition_pruning_is_judged_by_the_text_where_plans_are_hidden(query: str, count: int) -> None:
    assert len(caused(diagnosed_history(query, None, 0), "partition_pruning_defeated")) == count


def test_partition_pruning_without_a_condition_on_the_key_is_no_fault() -> None:
    diagnosis = diagnosed_history("SELECT n FROM history WHERE id = $1", "(id = $1)", 4)
    assert found(diagnosis, "partition_pruning") == ["info"]
    assert caused(diagnosis, "partition_pruning_defeated") == []


# one plan for every value

ORDERS = row_of(HotTable, schema_name="public", table_name="orders", live_rows=100_000.0, size_bytes=1000 * 8192)
STATUS = row_of(HotIndex, schema_name="public", table_name="orders", index_name="i", keys=["status"], is_valid=True)
QUERY = "SELECT count(note) FROM orders WHERE status = $1"


def column(top_share: float | None) -> HotColumn:
    return row_of(
        HotColumn, schema_name="public", table_name="orders", column_name="status", top_share=top_share,
        distinct_values=2.0, is_readable=True, type_name="text",
    )  # fmt: skip


FORCED = row_of(RoleSetting, database_name="shop", name="plan_cache_mode", value="force_generic_plan", is_here=True)


@pytest.mark.parametrize(
    ("share", "blocks", "objects"),
    [
        (0.5, 500, ["public.orders(status)"]),
        (None, 500, ["public.orders(status)"]),
        (0.49, 500, ["plan_cache_mode"]),
        (0.99, 499, ["plan_cache_mode"]),
    ],
)
def test_generic_plan_skew_needs_a_forced_plan_a_common_value_and_a_whole_read(
    share: float | None, blocks: int, objects: list[str]
) -> None:
    rows = (top(QUERY, blocks_hit=blocks * 100), COUNTED, ORDERS, STATUS, column(share), FORCED)
    diagnosis = diagnose(snapshot_of(*rows, plans={QUERY: plan(scan("orders", "(status = $1)", 50_000.0))}))
    causes = caused(diagnosis, "generic_plan_skew")
    assert [each.object for each in causes] == objects
    assert causes[0].remedies[0].statements == ("ALTER DATABASE shop RESET plan_cache_mode;",)


@pytest.mark.parametrize(("returned", "count"), [(10_000, 1), (10_001, 0)])
def test_generic_plan_skew_is_inferred_from_few_rows_of_a_whole_read(returned: int, count: int) -> None:
    query = "SELECT note FROM orders WHERE status = $1"
    rows = (top(query, blocks_hit=100_000, rows=returned * 100), COUNTED, ORDERS, STATUS, column(0.99))
    diagnosis = diagnose(snapshot_of(*rows, plans={query: plan(scan("orders", "(status = $1)", 50_000.0))}))
    assert len(caused(diagnosis, "generic_plan_skew")) == count


# columns that depend on each other

PLACES = row_of(HotTable, schema_name="public", table_name="places", live_rows=100_000.0, size_bytes=8 * MB)
BOTH = "((city = 'x'::text) AND (zip = 'y'::text))"


def dependence(both: float, agree: float = 10_000.0) -> ColumnDependence:
    return row_of(
        ColumnDependence, schema_name="public", table_name="places", column_name="city", other_column="zip",
        sampled_rows=2000, pairs=1_000_000.0, agree_first=agree, agree_second=agree, agree_both=both,
    )  # fmt: skip


def diagnosed_places(row: ColumnDependence, expected: float = 10.0, node: str = "Nested Loop") -> Diagnosis:
    query = "SELECT * FROM places WHERE city = $1 AND zip = $2"
    plans = {query: plan(scan("places", BOTH, expected), node=node)}
    return diagnose(snapshot_of(top(query), COUNTED, PLACES, row, plans=plans))


@pytest.mark.parametrize(
    ("both", "expected", "count"), [(1000.0, 10.0, 1), (999.0, 10.0, 0), (10_000.0, 100.0, 1), (10_000.0, 101.0, 0)]
)
def test_correlated_columns_bring_ten_times_the_rows_that_were_expected(
    both: float, expected: float, count: int
) -> None:
    causes = caused(diagnosed_places(dependence(both), expected), "correlated_columns")
    assert len(causes) == count
    if causes:
        assert causes[0].object == "public.places(city, zip)"
        assert causes[0].remedies[0].statements == (
            "CREATE STATISTICS public.places_city_zip_stat (ndistinct, dependencies, mcv)"  # noqa: ISC004
            " ON city, zip FROM public.places;",
            "ANALYZE public.places;",
        )


def test_correlated_columns_of_a_single_scan_mislead_nobody_much() -> None:
    assert found(diagnosed_places(dependence(10_000.0), node="Aggregate"), "correlated_columns") == ["notice"]
    assert found(diagnosed_places(dependence(10_000.0)), "correlated_columns") == ["warning"]


@pytest.mark.parametrize(("both", "count"), [(200.0, 1), (199.0, 0)])
def test_correlated_columns_need_enough_rows_that_agree(both: float, count: int) -> None:
    row = dependence(both, agree=1000.0)
    big = row_of(HotTable, schema_name="public", table_name="places", live_rows=1e7, size_bytes=800 * MB)
    query = "SELECT * FROM places WHERE city = $1 AND zip = $2"
    plans = {query: plan(scan("places", BOTH, 10.0), node="Nested Loop")}
    assert len(found(diagnose(snapshot_of(top(query), COUNTED, big, row, plans=plans)), "correlated_columns")) == count


def asked(condition: str, *rows: object, live_rows: float = 100_000.0) -> tuple[str, ...]:
    table = row_of(HotTable, schema_name="public", table_name="places", live_rows=live_rows, size_bytes=8 * MB)
    columns = [
        row_of(
            HotColumn, schema_name="public", table_name="places", column_name=name, is_readable=True, distinct_values=n
        )
        for name, n in (("id", -1.0), ("city", 200.0), ("zip", 200.0), ("kind", 1.0))
    ]
    snapshot = snapshot_of(table, *columns, *rows)  # type: ignore[arg-type]
    found = ENGINE.readings_after(snapshot.readings, [plan(scan("places", condition, 1.0))])
    return tuple(each.sql for each in found)


@pytest.mark.parametrize(
    ("condition", "pairs"),
    [
        (BOTH, 1),
        ("((a.city = 'x'::text) AND (a.zip = 'y'::text))", 1),
        ("((a.city = b.city) AND (a.zip = 'y'::text))", 0),
        ("((city = 'x'::text) AND (zip > 'y'::text))", 0),
        ("((id = 5) AND (zip = 'y'::text))", 0),
        ("((kind = 'x'::text) AND (zip = 'y'::text))", 0),
    ],
)
def test_column_dependence_is_asked_of_columns_compared_together(condition: str, pairs: int) -> None:
    assert len(asked(condition)) == pairs


def test_column_dependence_is_not_asked_where_it_is_known_or_small() -> None:
    known = row_of(ExtendedStatistics, schema_name="public", table_name="places", columns=["zip", "city"])
    assert asked(BOTH, known) == ()
    assert asked(BOTH, live_rows=10_000.0) != ()
    assert asked(BOTH, live_rows=9_999.0) == ()


# worse than before

FAST, LOOP = "SELECT n FROM things WHERE id = $1", "postgresql.plan_regression"


def window(before: TopStatement, now: TopStatement) -> Diagnosis:
    return diagnose(snapshot_of(now, COUNTED, taken_seconds=1.2), snapshot_of(before, COUNTED))


@pytest.mark.parametrize(
    ("calls", "seconds", "blocks", "count"),
    [(5, 0.5, 5000, 1), (4, 0.4, 4000, 0), (5, 0.5, 74, 0), (5, 0.5, 75, 1), (5, 0.029, 5000, 0), (5, 0.03, 5000, 1)],
)
def test_plan_regression_is_more_time_and_more_blocks_than_before(
    calls: int, seconds: float, blocks: int, count: int
) -> None:
    before = top(FAST, 1000, 1.0, blocks_hit=3000, rows=1000)
    now = top(FAST, 1000 + calls, 1.0 + seconds, blocks_hit=3000 + blocks, rows=1000 + calls)
    assert len(caused(window(before, now), "plan_regression")) == count


def test_plan_regression_is_not_a_statement_that_returns_more() -> None:
    before = top(FAST, 1000, 1.0, blocks_hit=3000, rows=1000)
    now = top(FAST, 1005, 1.5, blocks_hit=9000, rows=1000 + 500)
    assert found(window(before, now), "plan_regression") == []


# whole tables

WAITER = row_of(
    Session, pid=7, backend_type="client backend", state="active", wait_event_type="Lock", blocked_by=[4],
    wait_seconds=30.0, lock_type="relation", lock_mode="AccessShareLock", lock_relation="public.orders", visible=True,
    waiting_total=1, session_total=5,
)  # fmt: skip


def holder(state: str, statement: str) -> Session:
    return row_of(
        Session, pid=4, backend_type="client backend", state=state, user_name="web", statement=statement,
        transaction_seconds=40.0, state_seconds=35.0, visible=True, waiting_total=1, session_total=5,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "statement", "mode", "cause_id"),
    [
        ("idle in transaction", "LOCK TABLE orders", "AccessExclusiveLock", "table_level_locking"),
        ("active", "SELECT pg_sleep(60)", "ExclusiveLock", "table_level_locking"),
        ("idle in transaction", "SELECT 1", "AccessExclusiveLock", "idle_in_transaction_blocker"),
        ("idle in transaction", "TRUNCATE orders", "ExclusiveLock", "idle_in_transaction_blocker"),
    ],
)
def test_table_locks_by_lock_table_are_the_root_of_the_queue(
    state: str, statement: str, mode: str, cause_id: str
) -> None:
    lock = row_of(
        TableLock, pid=4, schema_name="public", table_name="orders", mode=mode, waiting=1, user_name="web", state=state,
        statement=statement, transaction_seconds=40.0,
    )  # fmt: skip
    diagnosis = diagnose(snapshot_of(holder(state, statement), WAITER, lock))
    assert [(each.id, each.object) for each in diagnosis.causes][:1] == [(cause_id, "pid 4")]
    if cause_id == "table_level_locking":
        assert caused(diagnosis, "idle_in_transaction_blocker") == []


@pytest.mark.parametrize(("seconds", "severity"), [(5.0, "notice"), (4.9, "info")])
def test_table_locks_that_last_are_told(seconds: float, severity: str) -> None:
    lock = row_of(
        TableLock, pid=4, schema_name="public", table_name="t", mode="ExclusiveLock", transaction_seconds=seconds
    )
    assert found(diagnose(snapshot_of(lock)), "table_locks") == [severity]


# other programs


def load(
    at: float, idle: float, own: float, stolen: float = 0.0, running: int = 2, own_working: int = 1
) -> MachineLoad:
    return row_of(
        MachineLoad, processors=2, all_ticks=at, idle_ticks=idle, own_ticks=own, stolen_ticks=stolen, running=running,
        load_1_minute=9.0, own_working=own_working,
    )  # fmt: skip


def loaded(before: MachineLoad, now: MachineLoad) -> Diagnosis:
    earlier: Snapshot = snapshot_of(before)
    return diagnose(snapshot_of(now, taken_seconds=1.2), earlier)


@pytest.mark.parametrize(
    ("now", "count"),
    [
        (load(1200, 20, 63), 1),
        (load(1200, 20, 64), 0),
        (load(1200, 21, 10), 0),
        (load(1079, 0, 0), 0),
        (load(1200, 150, 30, stolen=30), 1),
        (load(1200, 150, 30, stolen=29), 0),
        (load(1200, 20, 63, own_working=0), 0),
    ],
)
def test_external_load_is_a_busy_machine_and_an_idle_server(now: MachineLoad, count: int) -> None:
    diagnosis = loaded(load(1000, 0, 0), now)
    causes = caused(diagnosis, "external_cpu_contention")
    assert [each.severity for each in causes] == ["notice"] * count


@pytest.mark.parametrize(("running", "severities"), [(4, ["info"]), (3, [])])
def test_external_load_in_one_look_is_a_reason_for_a_second(running: int, severities: list[str]) -> None:
    diagnosis = diagnose(snapshot_of(load(1000, 0, 0, running=running)))
    assert found(diagnosis, "external_load") == severities
    assert caused(diagnosis, "external_cpu_contention") == []


def test_external_load_names_the_grants_that_it_needs() -> None:
    refused = Unavailable("machine_load", "privilege", "permission denied for function pg_read_file", "EXECUTE")
    diagnosis = diagnose(snapshot_of(unavailable=[refused]))
    (missed,) = [each for each in diagnosis.not_evaluated if each.check == "postgresql.external_load"]
    assert "pg_read_file(text, bigint, bigint, boolean) TO reader" in str(missed.remedy)


# columns without statistics


def blind_column(name: str = "kind", *, without: bool = True) -> HotColumn:
    return row_of(
        HotColumn, schema_name="public", table_name="badges", column_name=name, type_name="text",
        without_statistics=without, is_readable=True,
    )  # fmt: skip


def badges(rows: float = 10_000.0) -> HotTable:
    return row_of(HotTable, schema_name="public", table_name="badges", live_rows=rows, size_bytes=10 * MB)


BY_KIND = "SELECT max(owner) FROM badges WHERE kind = $1"
JOINED = "SELECT p.id FROM players p JOIN badges b ON b.kind = p.kind WHERE p.id = $1"


@pytest.mark.parametrize(
    ("query", "column", "rows", "share", "severity"),
    [
        (BY_KIND, blind_column(), 10_000, 0.1, "warning"),
        (BY_KIND, blind_column(), 10_000, 0.099, "notice"),
        (BY_KIND, blind_column(), 10_000, 0.049, None),
        (BY_KIND, blind_column(), 9_999, 0.1, None),
        (JOINED, blind_column(), 10_000, 0.1, "warning"),
        (BY_KIND, blind_column("owner"), 10_000, 0.1, None),
        (BY_KIND, blind_column(without=False), 10_000, 0.1, None),
        ("not a statement kind = $1", blind_column(), 10_000, 0.1, None),
    ],
)
def test_column_statistics_matter_where_a_hot_statement_compares_the_column(
    query: str, column: HotColumn, rows: float, share: float, severity: str | None
) -> None:
    statement = top(query, 100, 1.0, all_seconds=1.0 / share)
    diagnosis = diagnose(snapshot_of(statement, COUNTED, badges(rows), column))
    assert found(diagnosis, "column_statistics") == ([severity] if severity else [])
    causes = caused(diagnosis, "stale_statistics")
    assert [each.object for each in causes] == (["public.badges(kind)"] if severity else [])
    for cause in causes:
        assert cause.remedies[0].statements[0].endswith("SET STATISTICS -1;")
        assert cause.remedies[0].rollback[0].endswith("SET STATISTICS 0;")


@pytest.mark.parametrize(("other_bytes", "is_cause"), [(25, False), (26, True)])
def test_temporary_files_of_a_statement_that_the_planner_misjudges_are_its_consequence(
    other_bytes: int, is_cause: bool
) -> None:
    counters = row_of(
        DatabaseCounters, temp_files=100, temp_bytes=1000 * MB, reset_seconds_ago=600.0,
        started_seconds_ago=600.0,
    )  # fmt: skip
    blind = top(BY_KIND, temp_bytes=100 * MB)
    other = replace(top("SELECT note FROM notes ORDER BY note", temp_bytes=other_bytes * MB), statement_id="2")
    memory = row_of(ServerSetting, name="work_mem", value="4096", unit="kB")
    diagnosis = diagnose(snapshot_of(blind, other, COUNTED, badges(), blind_column(), counters, memory))
    assert found(diagnosis, "temp_spills")
    assert bool(caused(diagnosis, "sort_spill")) is is_cause


# a slow statement that nothing explains


SLOW = "SELECT player, max(score) FROM matches WHERE season = $1 GROUP BY player"
COUNTS = "SELECT count(*) FROM matches"


def slow_causes(query: str, calls: int = 10, seconds: float = 2.0, **values: object) -> list[Cause]:
    statement = top(query, calls, seconds, all_seconds=seconds / 0.3, blocks_hit=1000 * calls, **values)
    return caused(diagnose(snapshot_of(statement, COUNTED, plans={query: plan(scan("matches", "x", 10))})), "unknown")


@pytest.mark.parametrize(
    ("query", "calls", "seconds", "told"),
    [
        (SLOW, 5, 1.0, True),
        (SLOW, 4, 1.0, False),
        (SLOW, 5, 0.99, False),
        (COUNTS, 100, 0.5, True),
        (COUNTS, 100, 0.49, False),
        ("SELECT id FROM matches ORDER BY random() LIMIT $1", 100, 0.5, True),
        ("SELECT count(*) FROM matches WHERE season = $1", 100, 2.0, False),
        ("SELECT m.id FROM matches m JOIN teams t USING (id) WHERE m.a = $1 OR t.b = $2", 100, 2.0, True),
        ("SELECT m.id FROM matches m JOIN teams t USING (id) WHERE m.a = $1 OR m.b = $2", 100, 2.0, False),
        ("SELECT DISTINCT m.id FROM matches m JOIN teams t ON t.m = m.id", 100, 2.0, True),
        ("SELECT DISTINCT m.id, t.name FROM matches m JOIN teams t ON t.m = m.id", 100, 2.0, False),
        ("SELECT DISTINCT ON (m.id) m.id, m.day FROM matches m JOIN teams t ON t.m = m.id", 100, 2.0, False),
        ("SELECT pg_sleep($1)", 5, 5.0, False),
        ("VACUUM matches", 5, 5.0, False),
    ],
)
def test_a_slow_statement_is_told_though_nothing_explains_it(
    query: str, calls: int, seconds: float, told: bool
) -> None:
    causes = slow_causes(query, calls, seconds)
    assert [(each.severity.value, each.impact) for each in causes] == ([("notice", 0.0)] if told else [])


def test_a_slow_statement_below_the_share_is_not_told() -> None:
    statement = top(SLOW, 10, 2.0, all_seconds=6.8, blocks_hit=10_000)
    assert caused(diagnose(snapshot_of(statement, COUNTED)), "unknown") == []


@pytest.mark.parametrize(("blocks", "told"), [(4_999, False), (5_000, True)])
@pytest.mark.parametrize("query", ["UPDATE matches SET score = $1", "SELECT * FROM matches WHERE id = $1 FOR UPDATE"])
def test_a_slow_statement_that_locks_and_reads_little_has_waited(query: str, blocks: int, told: bool) -> None:
    statement = top(query, 10, 2.0, all_seconds=2.0, blocks_hit=blocks)
    assert bool(caused(diagnose(snapshot_of(statement, COUNTED)), "unknown")) is told


@pytest.mark.parametrize(
    ("query", "advice"),
    [
        (COUNTS, "Keep the count"),
        ("SELECT id FROM matches ORDER BY random() LIMIT $1", "Pick a random key"),
        ("WITH m AS MATERIALIZED (SELECT * FROM matches) SELECT * FROM m WHERE id = $1", "MATERIALIZED"),
        ("SELECT * FROM (SELECT player, count(*) FROM matches GROUP BY player) s WHERE player = $1", "LATERAL"),
        ("SELECT m.id FROM matches m, teams t WHERE m.id = t.m AND (m.a = $1 OR t.b = $2)", "UNION"),
        ("SELECT DISTINCT m.id FROM matches m JOIN teams t ON t.m = m.id", "EXISTS"),
        ("SELECT * FROM matches ORDER BY id", "page by page"),
        ("SELECT max(id) FROM matches", "EXPLAIN (ANALYZE"),
        ("UPDATE matches SET score = score + $1", "only rows that get another value"),
        ("DELETE FROM matches", "TRUNCATE"),
        ("UPDATE matches SET score = $1 WHERE season = $2", "EXPLAIN (ANALYZE"),
        (SLOW, "EXPLAIN (ANALYZE"),
    ],
)
def test_a_slow_statement_is_told_with_what_its_text_and_plan_give_away(query: str, advice: str) -> None:
    (cause,) = slow_causes(query)
    assert advice in cause.remedies[0].title.render("en")
    assert "EXPLAIN (ANALYZE" in cause.remedies[-1].title.render("en")
    assert any("Seq Scan on matches" in each.render("en") for each in cause.because)


@pytest.mark.parametrize(
    ("operation", "ids"), [("Seq Scan", ["unknown"]), ("Index Scan", ["unknown", "buffer_too_small"])]
)
def test_a_slow_statement_that_reads_its_table_whole_empties_the_cache(operation: str, ids: list[str]) -> None:
    missed = row_of(
        DatabaseCounters, blocks_hit=500_000, blocks_read=500_000, reset_seconds_ago=3600.0, started_seconds_ago=3600.0,
    )  # fmt: skip
    query = "SELECT DISTINCT m.id FROM matches m JOIN teams t ON t.m = m.id"
    statement = top(query, 10, 2.0, all_seconds=4.0, blocks_hit=10_000)
    node = scan("matches", "x", 10, operation)
    diagnosis = diagnose(snapshot_of(statement, COUNTED, missed, plans={query: plan(node)}))
    assert [each.id for each in diagnosis.causes] == ids


@pytest.mark.parametrize(("blocks", "told"), [(4_999, False), (5_000, True)])
def test_a_slow_statement_on_a_busy_machine_is_told_when_it_reads_much(blocks: int, told: bool) -> None:
    statement = top(SLOW, 10, 2.0, all_seconds=2.0, blocks_hit=blocks)
    earlier = snapshot_of(load(1000, 0, 0))
    diagnosis = diagnose(snapshot_of(statement, COUNTED, load(1200, 20, 63), taken_seconds=1.2), earlier)
    assert len(caused(diagnosis, "external_cpu_contention")) == 1
    assert bool(caused(diagnosis, "unknown")) is told


@pytest.mark.parametrize(
    ("query", "table", "told"),
    [
        ("UPDATE matches SET score = $1", "matches", True),
        ("UPDATE matches SET score = $1", "teams", False),
        ("UPDATE matches SET score = $1 WHERE season > $2", "matches", False),
    ],
)
def test_dead_rows_that_a_change_of_every_row_left_are_its_own(query: str, table: str, told: bool) -> None:
    dead = row_of(
        VacuumTable, schema_name="public", table_name=table, live_rows=100_000, dead_rows=400_000,
        threshold_rows=20_050.0, size_bytes=10**8, autovacuum_enabled=True,
    )  # fmt: skip
    known = row_of(HotTable, schema_name="public", table_name="matches", live_rows=100_000.0)
    statement = top(query, 10, 9.0, all_seconds=9.0, blocks_hit=1_000_000)
    diagnosis = diagnose(snapshot_of(statement, COUNTED, known, dead))
    assert any(each.check == "postgresql.dead_tuples" for each in diagnosis.findings)
    assert bool(caused(diagnosis, "unknown")) is told


def test_a_slow_statement_while_sessions_wait_for_locks_has_its_reason() -> None:
    holder = row_of(
        Session, pid=7, backend_type="client backend", state="idle in transaction", visible=True, session_total=9
    )
    waiters = [
        row_of(Session, pid=pid, state="active", visible=True, blocked_by=[7], wait_seconds=30.0, session_total=9)
        for pid in (8, 9)
    ]
    statement = top(SLOW, 10, 2.0, all_seconds=2.0, blocks_hit=10_000)
    assert caused(diagnose(snapshot_of(statement, COUNTED, holder, *waiters)), "unknown") == []
