"""Checks and causes of tables, statistics and hot statements, by hand-written rows."""

from dataclasses import replace

import pytest

from housecall.diagnosis.cause import Cause
from housecall.diagnosis.examine import Diagnosis, diagnose
from housecall.diagnosis.snapshot import StatementPlan
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.rows.indexes import HotIndex
from housecall.engines.postgresql.rows.memory import DatabaseCounters
from housecall.engines.postgresql.rows.sessions import Session
from housecall.engines.postgresql.rows.settings import Extension, RoleSetting
from housecall.engines.postgresql.rows.statements import RunningStatement, StatementStatistics, TopStatement
from housecall.engines.postgresql.rows.statistics import StaleStatistics
from housecall.engines.postgresql.rows.tables import HotColumn, HotTable, PartitionedTable, RowPolicy, TableWithoutKey
from housecall.engines.postgresql.rows.vacuum import VacuumTable
from housecall.testing import row_of, snapshot_of

BY_CUSTOMER = "SELECT * FROM orders WHERE customer_id = $1"
COUNTERS = row_of(DatabaseCounters, reset_seconds_ago=600.0, started_seconds_ago=9000.0)
NO_EXTENSION = Unavailable("top_statements", "extension", "relation pg_stat_statements does not exist")


def found(diagnosis: Diagnosis, check: str) -> list[str]:
    return [each.object for each in diagnosis.findings if each.check == f"postgresql.{check}"]


def caused(diagnosis: Diagnosis, cause_id: str) -> list[Cause]:
    return [each for each in diagnosis.causes if each.id == cause_id]


def table(scans: int = 25, rows: float = 500_000.0, read: int | None = None, every: int = 20_000_000) -> HotTable:
    return row_of(
        HotTable, schema_name="public", table_name="orders", live_rows=rows, sequential_scans=scans,
        sequential_rows=int(scans * rows) if read is None else read, all_sequential_rows=every, size_bytes=60_000_000,
    )  # fmt: skip


def column(name: str, distinct: float | None = -1.0, kind: str = "bigint") -> HotColumn:
    return row_of(
        HotColumn, schema_name="public", table_name="orders", column_name=name, type_name=kind, distinct_values=distinct
    )


def index(name: str, *keys: str, unique: bool = False) -> HotIndex:
    return row_of(
        HotIndex, schema_name="public", table_name="orders", index_name=name, access_method="btree", keys=list(keys),
        is_unique=unique, is_valid=True,
    )  # fmt: skip


COLUMNS = (
    column("id"), column("customer_id", 50_000.0), column("status", 2.0, "text"), column("created", -1.0),
    column("email", -1.0, "text"),
)  # fmt: skip
PRIMARY = index("orders_pkey", "id", unique=True)


def statement(query: str = BY_CUSTOMER, **values: object) -> TopStatement:
    base: dict[str, object] = {
        "statement_id": str(abs(hash(query))), "query": query, "calls": 100, "total_seconds": 4.0, "rows": 1000,
        "all_seconds": 8.0, "all_calls": 1000, "blocks_hit": 100_000,
    }  # fmt: skip
    return row_of(TopStatement, **{**base, **values})


def shop(*rows: object, **more: object) -> Diagnosis:
    return diagnose(snapshot_of(table(), *COLUMNS, PRIMARY, COUNTERS, *rows, **more))


@pytest.mark.parametrize(
    ("row", "is_told"),
    [
        (table(scans=5, rows=100_000.0, every=10_000_000), True),
        (table(scans=4, rows=1_000_000.0), False),
        (table(scans=100, rows=9_999.0), False),
        (table(scans=100, rows=10_000.0), True),
        (table(scans=5, rows=100_000.0, read=499_999), False),
        (table(scans=25, read=1_000_000, every=20_000_001), False),
        (table(scans=100, rows=500_000.0, read=4_900_000), False),
    ],
)
def test_hot_sequential_scans_need_size_scans_rows_and_share(row: HotTable, is_told: bool) -> None:
    assert bool(found(diagnose(snapshot_of(row, COUNTERS)), "hot_sequential_scans")) == is_told


def test_hot_sequential_scans_that_stopped_are_of_the_past() -> None:
    before = snapshot_of(table(scans=30_000, rows=20_000.0), COUNTERS, taken_seconds=0.0)
    now = snapshot_of(table(scans=30_000, rows=20_000.0), COUNTERS, taken_seconds=1.2)
    (cause,) = caused(diagnose(now, before), "missing_index")
    assert cause.past


@pytest.mark.parametrize(("scans", "count"), [(12, 0), (13, 1)])
def test_scans_that_may_have_been_the_building_of_indexes_prove_nothing(scans: int, count: int) -> None:
    indexes = [index(f"by_{n}", "status") for n in range(6)]
    rows = (
        table(scans=scans),
        COUNTERS,
        statement("INSERT INTO orders VALUES ($1,$2)", blocks_hit=2_000_000),
        *indexes,
    )
    assert len(caused(diagnose(snapshot_of(*rows)), "missing_index")) == count


@pytest.mark.parametrize(("calls", "seconds", "count"), [(10, 0.05, 1), (100, 0.05, 0)])
def test_an_index_is_missed_by_what_a_statement_takes_now_and_not_by_its_long_good_past(
    calls: int, seconds: float, count: int
) -> None:
    query = "SELECT id FROM orders WHERE customer_id = $1"
    before = snapshot_of(
        table(), *COLUMNS, PRIMARY, COUNTERS, statement(query, calls=900, total_seconds=0.02), taken_seconds=0.0
    )
    now = statement(query, calls=900 + calls, total_seconds=0.02 + seconds, all_seconds=0.1)
    verdict = diagnose(snapshot_of(table(scans=35), *COLUMNS, PRIMARY, COUNTERS, now, taken_seconds=1.0), before)
    assert len([each for each in caused(verdict, "missing_index") if each.object_kind == "column"]) == count


def test_rare_scans_that_a_window_cannot_show_are_not_of_the_past() -> None:
    before = snapshot_of(table(scans=25), COUNTERS, taken_seconds=0.0)
    now = snapshot_of(table(scans=25), COUNTERS, taken_seconds=1.2)
    (cause,) = caused(diagnose(now, before), "missing_index")
    assert not cause.past


@pytest.mark.parametrize(
    ("query", "blocks", "is_told"),
    [
        ("INSERT INTO orders VALUES ($1,$2)", 2_000_000, True),
        ("MERGE INTO orders USING wanted ON orders.id = wanted.id WHEN MATCHED THEN DELETE", 2_000_000, True),
        ("UPDATE orders SET note = $1 WHERE id = $2", 73_200, True),
        ("UPDATE orders SET note = $1 WHERE id = $2", 73_300, False),
        ("SELECT sum(total) FROM orders WHERE id > $1", 500_000, False),
    ],
)
def test_scans_are_told_when_no_counted_statement_can_be_the_one_that_scans(
    query: str, blocks: int, is_told: bool
) -> None:
    """Each scan reads 7324 blocks of 8 kB, and a call has to touch a tenth of that."""
    row = table(scans=25)
    counted = statement(query, blocks_hit=blocks, calls=100)
    diagnosis = diagnose(snapshot_of(row, *COLUMNS, PRIMARY, COUNTERS, counted))
    causes = caused(diagnosis, "missing_index")
    assert [each.object for each in causes] == (["public.orders"] if is_told else [])
    assert [each.impact for each in causes] == ([0.5 if blocks >= 73_300 else 0.0] if is_told else [])


def test_missing_index_explains_scans_and_statement_as_one_cause() -> None:
    diagnosis = shop(statement())
    assert [each.id for each in diagnosis.causes if each.severity.rank >= 1] == ["missing_index"]
    cause = diagnosis.causes[0]
    assert cause.object == "public.orders(customer_id)"
    assert cause.impact == 0.5
    assert cause.remedies[0].statements == (
        "CREATE INDEX CONCURRENTLY orders_customer_id_idx ON public.orders (customer_id);",
    )
    assert cause.remedies[0].rollback == ("DROP INDEX CONCURRENTLY IF EXISTS public.orders_customer_id_idx;",)


def test_missing_index_is_surer_with_a_plan_that_scans() -> None:
    plan = [
        {
            "Plan": {
                "Node Type": "Seq Scan", "Relation Name": "orders", "Schema": "public", "Alias": "orders",
                "Filter": "(customer_id = $1)", "Total Cost": 11000.0, "Plan Rows": 10,
            }
        }
    ]  # fmt: skip
    (guessed,) = caused(shop(statement()), "missing_index")
    (proved,) = caused(shop(statement(), plans={BY_CUSTOMER: plan}), "missing_index")
    assert proved.confidence > guessed.confidence


def test_a_plan_that_uses_an_index_refutes_the_missing_index() -> None:
    plan = [
        {
            "Plan": {
                "Node Type": "Index Scan", "Relation Name": "orders", "Alias": "orders", "Index Name": "by_customer",
                "Index Cond": "(customer_id = $1)", "Total Cost": 8.0, "Plan Rows": 10,
            }
        }
    ]  # fmt: skip
    diagnosis = shop(statement(), index("by_customer", "customer_id"), plans={BY_CUSTOMER: plan})
    assert found(diagnosis, "missing_index") == []


@pytest.mark.parametrize(("total", "is_told"), [(0.16, True), (0.159, False)])
def test_missing_index_needs_a_share_of_the_time(total: float, is_told: bool) -> None:
    diagnosis = shop(statement(total_seconds=total, calls=50))
    assert bool(found(diagnosis, "missing_index")) == is_told


def test_a_statement_that_returns_most_rows_needs_no_index() -> None:
    diagnosis = shop(statement("SELECT * FROM orders WHERE status = $1", rows=100 * 400_000))
    assert found(diagnosis, "missing_index") == []
    assert not diagnosis.needs_attention


def test_a_column_of_two_values_makes_no_missing_index() -> None:
    diagnosis = shop(statement("SELECT count(*) FROM orders WHERE status = $1", rows=100))
    assert found(diagnosis, "missing_index") == []
    assert not diagnosis.needs_attention


def test_without_pg_stat_statements_a_running_statement_names_the_missing_index() -> None:
    running = row_of(RunningStatement, query="SELECT * FROM orders WHERE customer_id = 7", sessions=2)
    diagnosis = shop(unavailable=[NO_EXTENSION], samples=[[running], [running]])
    (cause,) = caused(diagnosis, "missing_index")
    assert cause.object == "public.orders(customer_id)"
    assert found(diagnosis, "top_statements") == ["select * from orders where customer_id = ?"]
    missed = next(each for each in diagnosis.not_evaluated if each.check == "postgresql.top_statements")
    assert str(missed.reason).startswith("the extension pg_stat_statements is not in database ")


@pytest.mark.parametrize(
    ("query", "severity"),
    [
        ("SELECT id, note FROM orders WHERE customer_id = 7 ORDER BY id DESC LIMIT 20", "warning"),
        ("SELECT avg(total) FROM orders WHERE customer_id = 7", "notice"),
    ],
)
def test_where_only_scans_speak_for_an_index_an_aggregate_gives_no_warning(query: str, severity: str) -> None:
    running = row_of(RunningStatement, query=query, sessions=2)
    hidden = (column("id", None), column("customer_id", None))
    rows = snapshot_of(table(), *hidden, PRIMARY, COUNTERS, unavailable=[NO_EXTENSION], samples=[[running], [running]])
    (cause,) = caused(diagnose(rows), "missing_index")
    assert cause.severity == severity


def test_a_statement_that_only_waits_for_locks_is_not_running() -> None:
    waiting = row_of(RunningStatement, query=BY_CUSTOMER, sessions=3, waiting_for_locks=3)
    assert found(shop(unavailable=[NO_EXTENSION], samples=[[waiting]]), "top_statements") == []


@pytest.mark.parametrize(
    ("row", "way"),
    [
        (row_of(Extension, name="pg_stat_statements", statements_preloaded=True), "CREATE EXTENSION"),
        (row_of(Extension, name="pg_stat_statements"), "add pg_stat_statements to shared_preload_libraries"),
        (row_of(Extension, name="plpgsql"), "install PostgreSQL's contrib modules"),
    ],
)
def test_the_way_to_top_statements_fits_what_the_server_has(row: Extension, way: str) -> None:
    diagnosis = shop(row, unavailable=[NO_EXTENSION])
    missed = next(each for each in diagnosis.not_evaluated if each.check == "postgresql.top_statements")
    assert missed.remedy is not None
    assert str(missed.remedy).startswith(way)
    assert found(diagnosis, "extensions") == ["pg_stat_statements"]


@pytest.mark.parametrize(("shown", "count"), [((), 0), ((4.0,), 0), ((4.01,), 1)])
def test_hidden_statements_ask_for_the_grant_and_what_is_shown_counts_if_it_weighs_more(
    shown: tuple[float, ...], count: int
) -> None:
    own = [statement("SELECT id FROM orders WHERE id = $1", total_seconds=each) for each in shown]
    diagnosis = shop(statement("<insufficient privilege>", total_seconds=4.0), *own)
    assert len(found(diagnosis, "top_statements")) == count
    missed = next(each for each in diagnosis.not_evaluated if each.check == "postgresql.top_statements")
    assert missed.remedy == "GRANT pg_monitor TO reader;"


@pytest.mark.parametrize(("total", "count"), [(0.4, 1), (0.399, 0)])
def test_top_statements_begin_at_five_percent(total: float, count: int) -> None:
    diagnosis = shop(statement("SELECT * FROM orders WHERE id = $1", total_seconds=total))
    assert len(found(diagnosis, "top_statements")) == count


def test_wrong_index_order_is_told_instead_of_a_missing_index() -> None:
    diagnosis = shop(statement(), index("by_created", "created", "customer_id"))
    (cause,) = caused(diagnosis, "wrong_index_order")
    assert found(diagnosis, "wrong_index_order") == ["public.orders(customer_id)"]
    assert caused(diagnosis, "missing_index") == []
    assert cause.remedies[0].statements[0].endswith("ON public.orders (customer_id, created);")


def test_function_on_column_proposes_an_index_on_the_expression() -> None:
    diagnosis = shop(statement("SELECT * FROM orders WHERE lower(email) = $1"), index("by_email", "email"))
    (cause,) = caused(diagnosis, "function_on_column")
    assert found(diagnosis, "function_on_column") == ["public.orders(lower(email))"]
    assert cause.remedies[0].statements[0].endswith(" ON public.orders ((lower(email)));")
    assert caused(diagnosis, "missing_index") == []


@pytest.mark.parametrize(("blocks", "count"), [(30_000, 1), (29_999, 0)])
def test_offset_pagination_is_deep_when_blocks_are_many(blocks: int, count: int) -> None:
    row = statement("SELECT * FROM orders ORDER BY id LIMIT $1 OFFSET $2", rows=2000, blocks_hit=blocks)
    diagnosis = shop(row)
    assert len(found(diagnosis, "offset_pagination")) == len(caused(diagnosis, "offset_pagination")) == count


@pytest.mark.parametrize(
    ("share", "mean", "severity"),
    [(0.1, 0.01, "warning"), (0.099, 0.01, "notice"), (0.1, 0.0099, "notice"), (0.02, 0.002, "notice")],
)
def test_offset_pagination_is_a_warning_when_pages_are_slow_and_cost_a_tenth(
    share: float, mean: float, severity: str
) -> None:
    row = statement(
        "SELECT * FROM orders ORDER BY id LIMIT $1 OFFSET $2", rows=2000, total_seconds=mean * 100,
        all_seconds=mean * 100 / share,
    )  # fmt: skip
    assert [each.severity for each in caused(shop(row), "offset_pagination")] == [severity]


def test_correlated_subquery_keeps_the_index_as_its_remedy() -> None:
    query = "SELECT c.id, (SELECT max(o.id) FROM orders o WHERE o.customer_id = c.id) FROM customers c LIMIT $1"
    diagnosis = shop(statement(query, calls=5))
    (cause,) = caused(diagnosis, "correlated_subquery")
    assert found(diagnosis, "correlated_subquery") != []
    assert "(customer_id)" in cause.remedies[0].statements[0]
    assert caused(diagnosis, "missing_index") == []


def test_leading_wildcard_needs_the_pattern_of_a_run() -> None:
    query = "SELECT * FROM orders WHERE email LIKE $1"
    running = row_of(RunningStatement, query="SELECT * FROM orders WHERE email LIKE '%abc'", sessions=1)
    assert found(shop(statement(query)), "leading_wildcard") == []
    diagnosis = shop(statement(query), samples=[[running]])
    assert len(found(diagnosis, "leading_wildcard")) == 1
    assert [each.object for each in caused(diagnosis, "leading_wildcard")] == ["public.orders"]


@pytest.mark.parametrize(
    ("blocks", "rows", "is_told"),
    [(366_300, 1_000, True), (366_200, 1_000, False), (366_300, 500_000, True), (366_300, 500_100, False)],
)
def test_a_pattern_that_is_not_shown_is_concluded_from_runs_that_read_most_to_return_little(
    blocks: int, rows: int, is_told: bool
) -> None:
    query = "SELECT id FROM orders WHERE email ILIKE $1"
    diagnosis = shop(statement(query, blocks_hit=blocks, rows=rows))
    assert bool(found(diagnosis, "leading_wildcard")) == is_told
    assert [each.confidence for each in caused(diagnosis, "leading_wildcard")] == [0.6] * is_told


def test_implicit_cast_is_told_by_the_column() -> None:
    query = "SELECT * FROM orders WHERE customer_id = 7.5"
    running = row_of(RunningStatement, query=query, sessions=1)
    diagnosis = shop(unavailable=[NO_EXTENSION], samples=[[running]])
    assert len(found(diagnosis, "implicit_cast")) == 1
    assert [each.object for each in caused(diagnosis, "implicit_cast")] == ["public.orders(customer_id)"]


def test_a_converted_column_without_an_index_wants_the_cast_mended_before_the_index() -> None:
    query = "SELECT * FROM orders WHERE customer_id = 7.5"
    scan = {
        "Node Type": "Seq Scan", "Relation Name": "orders", "Alias": "orders", "Plan Rows": 3, "Total Cost": 9.0,
        "Filter": "((customer_id)::numeric = 7.5)",
    }  # fmt: skip
    diagnosis = shop(statement(query), plans={query: [{"Plan": scan}]})
    assert [each.id for each in diagnosis.causes if each.severity == "warning"] == ["implicit_cast"]
    cast, built = caused(diagnosis, "implicit_cast")[0].remedies
    assert (cast.statements, len(built.statements)) == ((), 1)
    assert "(customer_id)" in built.statements[0]


def test_a_converted_column_of_a_partition_is_that_of_the_whole() -> None:
    whole = row_of(
        PartitionedTable, schema_name="public", table_name="orders", names=["orders_1", "orders_2"], partitions=2,
        live_rows=200_000.0, size_bytes=120_000_000, partition_key="RANGE (created)", key_columns=["created"],
    )  # fmt: skip
    query = "SELECT * FROM orders WHERE customer_id = $1::float8"
    scans = [
        {"Node Type": "Seq Scan", "Relation Name": name, "Alias": name, "Plan Rows": 3, "Total Cost": 9.0,
         "Filter": "((customer_id)::double precision = 7.5)"}
        for name in whole.names
    ]  # fmt: skip
    plan = [{"Plan": {"Node Type": "Append", "Plan Rows": 6, "Total Cost": 20.0, "Plans": scans}}]
    rows = snapshot_of(whole, *partition(1), *partition(2), COUNTERS, statement(query), plans={query: plan})
    diagnosis = diagnose(rows)
    assert [each.object for each in caused(diagnosis, "implicit_cast")] == ["public.orders(customer_id)"]
    assert caused(diagnosis, "missing_index") == []


@pytest.mark.parametrize(("elements", "count"), [(100, 1), (99, 0)])
def test_huge_in_list_begins_at_a_hundred(elements: int, count: int) -> None:
    values = ", ".join(f"${number}" for number in range(1, elements + 1))
    diagnosis = shop(statement(f"SELECT id FROM orders WHERE id IN ({values})"))
    assert len(found(diagnosis, "huge_in_list")) == len(caused(diagnosis, "huge_in_list")) == count


@pytest.mark.parametrize(
    ("calls", "rows", "total", "count"),
    [(3000, 3000, 0.3, 1), (2999, 2999, 0.3, 0), (3000, 3151, 0.3, 0), (3000, 3000, 3.01, 0)],
)
def test_n_plus_one_needs_calls_single_rows_and_speed(calls: int, rows: int, total: float, count: int) -> None:
    row = statement("SELECT * FROM orders WHERE id = $1", calls=calls, rows=rows, total_seconds=total, all_calls=9000)
    age = row_of(StatementStatistics, reset_seconds_ago=599.9)
    diagnosis = shop(row, age)
    assert len(found(diagnosis, "n_plus_one")) == len(caused(diagnosis, "n_plus_one")) == count


@pytest.mark.parametrize(
    ("value", "start"), [("100", "ALTER ROLE web RESET"), ("-1", "ALTER SYSTEM SET"), ("1000000", "ALTER SYSTEM SET")]
)
def test_a_role_that_compiles_less_than_others_keeps_its_setting(value: str, start: str) -> None:
    stored = row_of(RoleSetting, role_name="web", name="jit_above_cost", value=value, is_here=True)
    (cause,) = caused(shop(statement("SELECT sum(id) FROM orders", jit_seconds=2.0), stored), "jit_overhead")
    assert cause.remedies[0].statements[0].startswith(start)


@pytest.mark.parametrize(("jit", "count"), [(1.2, 1), (1.199, 0)])
def test_jit_overhead_begins_at_three_tenths(jit: float, count: int) -> None:
    diagnosis = shop(statement("SELECT sum(id) FROM orders", jit_seconds=jit))
    assert len(found(diagnosis, "jit_overhead")) == len(caused(diagnosis, "jit_overhead")) == count


def stale(**values: object) -> StaleStatistics:
    base: dict[str, object] = {
        "schema_name": "public", "table_name": "orders", "live_rows": 401_000.0, "planner_rows": 1000.0,
        "changes": 401_000.0, "threshold": 150.0, "autovacuum_enabled": False, "table_autovacuum_enabled": False,
        "analysed_seconds_ago": 60.0, "scans": 1,
    }  # fmt: skip
    return row_of(StaleStatistics, **{**base, **values})


@pytest.mark.parametrize(
    ("values", "severity"),
    [
        ({}, "warning"),
        ({"live_rows": 9_999.0}, "notice"),
        ({"live_rows": 10_000.0, "changes": 5_000.0}, "warning"),
        ({"live_rows": 10_000.0, "changes": 4_999.0}, "notice"),
        ({"autovacuum_enabled": True}, "notice"),
        ({"autovacuum_enabled": True, "analysed_seconds_ago": 600.0}, "warning"),
        ({"autovacuum_enabled": True, "analysed_seconds_ago": 600.0, "planner_rows": 200_501.0}, "notice"),
        ({"autovacuum_enabled": True, "analysed_seconds_ago": 600.0, "planner_rows": 200_500.0}, "warning"),
        ({"is_counted_late": True}, None),
        ({"scans": 0}, "notice"),
        ({"changes": 150.0}, None),
    ],
)
def test_stale_statistics_warn_when_nobody_will_mend_them(values: dict[str, object], severity: str | None) -> None:
    causes = caused(diagnose(snapshot_of(stale(**values))), "stale_statistics")
    assert [each.severity for each in causes] == ([severity] if severity else [])


@pytest.mark.parametrize(("uptime", "severity"), [(599.0, "notice"), (600.0, "warning")])
def test_a_server_that_has_just_started_has_had_no_time_to_analyse(uptime: float, severity: str) -> None:
    now = snapshot_of(stale(autovacuum_enabled=True, analysed_seconds_ago=9_000.0))
    diagnosis = diagnose(replace(now, facts=replace(now.facts, uptime_seconds=uptime)))
    assert [each.severity for each in caused(diagnosis, "stale_statistics")] == [severity]


def test_stale_statistics_explain_the_statements_of_their_table() -> None:
    diagnosis = shop(stale(), statement("SELECT count(*) FROM orders"))
    (cause,) = caused(diagnosis, "stale_statistics")
    assert cause.impact == 0.5
    assert [each.statements for each in cause.remedies] == [
        ("ANALYZE public.orders;",),
        ("ALTER TABLE public.orders RESET (autovacuum_enabled);",),
    ]


def blocked_by(text: str) -> tuple[Session, ...]:
    """Session 7 runs a statement, and two others have waited for it for six seconds."""
    busy = {"state": "active", "transaction_seconds": 9.0, "visible": True, "session_total": 3, "waiting_total": 2}
    victims = [
        row_of(Session, pid=pid, **busy, statement="UPDATE shops SET n = 1", blocked_by=[7], wait_seconds=6.0,
               lock_type="transactionid", lock_mode="ShareLock", lock_relation="public.shops")
        for pid in (8, 9)
    ]  # fmt: skip
    return (row_of(Session, pid=7, **busy, statement=text, backend_type="client backend"), *victims)


def test_old_statistics_are_the_root_of_a_queue_behind_a_statement_that_reads_the_table() -> None:
    diagnosis = diagnose(snapshot_of(stale(scans=0), *blocked_by("UPDATE lines SET n = 1 FROM orders AS o")))

    (cause,) = diagnosis.causes
    assert (cause.id, cause.symptoms) == ("stale_statistics", ("long_transaction_blocker: pid 7",))
    assert [each.statements[0].partition(" ")[0] for each in cause.remedies] == ["ANALYZE", "SELECT", "ALTER"]


def test_a_queue_behind_a_statement_on_another_table_stands_for_itself() -> None:
    diagnosis = diagnose(snapshot_of(stale(), *blocked_by("UPDATE lines SET n = 1")))
    assert {each.id for each in diagnosis.causes} == {"stale_statistics", "long_transaction_blocker"}


def test_who_waits_for_a_session_that_hangs_for_a_standby_is_not_told_to_end_it() -> None:
    root, *victims = blocked_by("COMMIT")
    diagnosis = diagnose(snapshot_of(replace(root, wait_event="SyncRep"), *victims))
    assert caused(diagnosis, "long_transaction_blocker") == []


def switched_off(dead: int) -> VacuumTable:
    return row_of(
        VacuumTable, schema_name="public", table_name="orders", live_rows=401_000, dead_rows=dead,
        threshold_rows=80_250.0, autovacuum_enabled=False, modified_rows=401_000,
    )  # fmt: skip


@pytest.mark.parametrize(("dead", "root"), [(80_250, "stale_statistics"), (80_251, "autovacuum_off_for_table")])
def test_autovacuum_off_explains_old_statistics_once_dead_rows_pile_up_and_is_explained_by_them_before(
    dead: int, root: str
) -> None:
    (cause,) = shop(stale(), switched_off(dead), statement("SELECT count(*) FROM orders")).causes
    assert cause.id == root
    assert len(cause.symptoms) == 1


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT count(*) FROM orders WHERE date_trunc($1, created) = timestamptz $2", "created >= the beginning"),
        ("SELECT * FROM orders WHERE id::text = $1", "in its own type (bigint)"),
        ("SELECT * FROM orders WHERE email IS NOT DISTINCT FROM $1", "Write email = value, and email IS NULL"),
    ],
)
def test_an_expression_that_no_index_may_hold_is_to_be_written_in_another_way(query: str, words: str) -> None:
    whole = statement(query, blocks_hit=100 * 60_000_000 // 8192)
    (cause,) = caused(shop(whole), "function_on_column")
    assert words in cause.remedies[0].title.render("en")
    assert cause.remedies[0].statements == ()


@pytest.mark.parametrize(
    ("query", "statements"),
    [
        (
            "SELECT * FROM orders WHERE left(email, 3) = $1",
            ("CREATE INDEX CONCURRENTLY orders_left_email_3_idx ON public.orders ((left(email, 3)));",),
        ),
        ("SELECT * FROM orders WHERE left(email, $1) = $2", ()),
    ],
)
def test_an_index_on_an_expression_is_proposed_only_where_the_whole_of_it_is_known(
    query: str, statements: tuple[str, ...]
) -> None:
    whole = statement(query, blocks_hit=100 * 60_000_000 // 8192)
    (cause,) = caused(shop(whole), "function_on_column")
    assert cause.remedies[0].statements == statements


@pytest.mark.parametrize(("method", "statements"), [("gin", 0), ("btree", 1)])
def test_a_member_of_an_array_is_to_be_asked_for_by_what_a_gin_index_serves(method: str, statements: int) -> None:
    tags = (column("tags", -0.2, "text[]"), replace(index("orders_tags", "tags"), access_method=method))
    whole = statement("SELECT id FROM orders WHERE $1 = ANY (tags)", blocks_hit=100 * 60_000_000 // 8192)
    (cause,) = caused(shop(*tags, whole), "function_on_column")
    rewrite, *built = cause.remedies
    assert "tags @> ARRAY[value]" in rewrite.title.render("en")
    assert [each.statements for each in built] == [
        ("CREATE INDEX CONCURRENTLY orders_tags_idx ON public.orders USING gin (tags);",)
    ] * statements


def test_an_expression_beside_a_condition_that_finds_few_pages_is_nobodys_trouble() -> None:
    few = statement("SELECT * FROM orders WHERE id::text = $1 AND created > $2", blocks_hit=100 * 10)
    assert caused(shop(few), "function_on_column") == []


def partition(number: int) -> tuple[object, ...]:
    leaf = {"schema_name": "public", "table_name": f"orders_{number}"}
    return (
        replace(table(rows=100_000.0), **leaf),
        *(replace(each, **leaf) for each in COLUMNS),
        replace(PRIMARY, **leaf, index_name=f"orders_{number}_pkey"),
    )


def test_an_index_that_a_partitioned_table_lacks_is_one_cause_with_a_part_for_each_partition() -> None:
    whole = row_of(
        PartitionedTable, schema_name="public", table_name="orders", names=["orders_1", "orders_2"], partitions=2,
        live_rows=200_000.0, size_bytes=120_000_000, partition_key="RANGE (created)", key_columns=["created"],
    )  # fmt: skip
    (cause,) = caused(
        diagnose(snapshot_of(whole, *partition(1), *partition(2), COUNTERS, statement())), "missing_index"
    )

    assert cause.object == "public.orders(customer_id)"
    assert [each for each in cause.remedies[0].statements if "CONCURRENTLY" not in each] == [
        "CREATE INDEX orders_customer_id_idx ON ONLY public.orders (customer_id);",
        "ALTER INDEX public.orders_customer_id_idx ATTACH PARTITION public.orders_1_customer_id_idx;",
        "ALTER INDEX public.orders_customer_id_idx ATTACH PARTITION public.orders_2_customer_id_idx;",
    ]


def test_the_indexes_that_some_partitions_have_already_are_joined_as_they_are() -> None:
    whole = row_of(
        PartitionedTable, schema_name="public", table_name="orders", names=["orders_1", "orders_2"], partitions=2,
        live_rows=200_000.0, size_bytes=120_000_000, partition_key="RANGE (created)", key_columns=["created"],
    )  # fmt: skip
    there = replace(index("orders_2_old", "customer_id"), table_name="orders_2")
    rows = snapshot_of(whole, *partition(1), *partition(2), there, COUNTERS, statement())
    (cause,) = caused(diagnose(rows), "missing_index")

    assert cause.remedies[0].statements == (
        "CREATE INDEX orders_customer_id_idx ON ONLY public.orders (customer_id);",
        "CREATE INDEX CONCURRENTLY orders_1_customer_id_idx ON public.orders_1 (customer_id);",
        "ALTER INDEX public.orders_customer_id_idx ATTACH PARTITION public.orders_1_customer_id_idx;",
        "ALTER INDEX public.orders_customer_id_idx ATTACH PARTITION public.orders_2_old;",
    )


def test_a_scan_of_a_partition_is_that_of_the_statement_that_names_the_whole() -> None:
    whole = row_of(PartitionedTable, schema_name="public", table_name="events", names=["orders"], partitions=1)
    texts = ("SELECT count(*) FROM events", "SELECT count(*) FROM lines")
    verdicts = [diagnose(snapshot_of(whole, table(), COUNTERS, statement(text, rows=100))) for text in texts]
    assert [len(caused(each, "missing_index")) for each in verdicts] == [0, 1]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM recent WHERE number = $1",
        "WITH due AS (SELECT id FROM recent WHERE number = $1) UPDATE orders t SET n = 1 FROM due WHERE t.id = due.id",
    ],
)
def test_the_table_behind_a_view_is_told_by_the_plan(text: str) -> None:
    scan = {
        "Node Type": "Seq Scan", "Relation Name": "orders", "Alias": "o", "Filter": "(customer_id = $1)",
        "Startup Cost": 0.0, "Total Cost": 9000.0, "Plan Rows": 10, "Plan Width": 40,
    }  # fmt: skip
    now = snapshot_of(table(), *COLUMNS, PRIMARY, COUNTERS, statement(text))
    diagnosis = diagnose(replace(now, plans=(StatementPlan(text, [{"Plan": scan}]),)))
    assert [each.object for each in caused(diagnosis, "missing_index")] == ["public.orders(customer_id)"]


def test_an_aggregate_over_a_scanned_table_is_no_warning_while_nothing_tells_what_it_selects() -> None:
    unknown = (column("id", None), column("status", None, "text"))
    total = statement("SELECT sum(id) FROM orders WHERE status = $1", rows=100)
    row = statement("SELECT id FROM orders WHERE status = $1", rows=100)

    severities = [
        caused(diagnose(snapshot_of(table(), *unknown, PRIMARY, COUNTERS, each)), "missing_index")[0].severity
        for each in (total, row)
    ]
    assert severities == ["notice", "warning"]


def test_a_list_that_was_cut_off_still_names_its_table() -> None:
    cut = "SELECT id FROM orders WHERE id IN (" + ", ".join(f"${n}" for n in range(1, 400)) + ", $40"
    (cause,) = caused(shop(statement(cut)), "huge_in_list")
    assert cause.object == "public.orders"


@pytest.mark.parametrize(
    ("begin", "one", "end", "count"),
    [
        ("SELECT id FROM orders WHERE id = ANY (ARRAY[", "${n}", "", 1),
        ("SELECT id FROM orders JOIN (VALUES ", "(${n})", ") AS v (k) ON v.k = id", 1),
        ("INSERT INTO orders (id) VALUES ", "(${n})", "", 0),
    ],
)
def test_lists_of_values_are_counted_in_every_form(begin: str, one: str, end: str, count: int) -> None:
    for elements, expected in ((99, 0), (100, count)):
        text = begin + ", ".join(one.format(n=number) for number in range(1, elements + 1)) + end
        assert len(caused(shop(statement(text)), "huge_in_list")) == expected


@pytest.mark.parametrize(("rows", "count"), [(1_000.0, 1), (999.0, 0)])
def test_no_primary_key_is_told_of_tables_of_some_size(rows: float, count: int) -> None:
    row = row_of(TableWithoutKey, schema_name="public", table_name="log", live_rows=rows, replica_identity="d")
    diagnosis = diagnose(snapshot_of(row))
    assert len(found(diagnosis, "no_primary_key")) == len(caused(diagnosis, "no_primary_key")) == count


def test_plans_that_the_role_may_not_see_are_told_with_the_grant() -> None:
    now = snapshot_of(table(), *COLUMNS, PRIMARY, COUNTERS, statement())
    refused = StatementPlan(BY_CUSTOMER, None, "permission denied for table orders")
    diagnosis = diagnose(replace(now, plans=(refused,)))
    missed = next(each for each in diagnosis.not_evaluated if each.check == "postgresql.missing_index")
    assert missed.remedy == "GRANT pg_read_all_data TO reader;"
    assert found(diagnosis, "missing_index") == ["public.orders(customer_id)"]


def test_a_proposed_index_takes_no_name_that_is_taken() -> None:
    partial = row_of(
        HotIndex, schema_name="public", table_name="orders", index_name="orders_customer_id_idx",
        access_method="btree", keys=["customer_id"], is_valid=True, predicate="status = 'open'",
    )  # fmt: skip
    (cause,) = caused(shop(statement(), partial), "missing_index")
    assert cause.remedies[0].statements[0].startswith("CREATE INDEX CONCURRENTLY orders_customer_id_idx1 ON")


RANGE = "SELECT count(*) FROM orders WHERE created BETWEEN $1 AND $2"
RANGE_WITH_VALUES = "SELECT count(*) FROM orders WHERE created BETWEEN '2026-01-01' AND '2026-01-02'"


def scan_plan(rows: float, operation: str = "Seq Scan", *, parallel: bool = False) -> list[dict[str, object]]:
    node = {
        "Node Type": operation, "Relation Name": "orders", "Plan Rows": rows, "Filter": "(created > x)",
        "Parallel Aware": parallel,
    }  # fmt: skip
    return [{"Plan": {"Node Type": "Aggregate", "Plan Rows": 1, "Plans": [node]}}]


@pytest.mark.parametrize(
    ("explained", "rows", "parallel", "severity"),
    [
        (RANGE, 2_500, False, "notice"),  # a plan for any values tells nothing of how much is kept
        (RANGE_WITH_VALUES, 99_999, False, "warning"),
        (RANGE_WITH_VALUES, 100_000, False, None),
        (RANGE_WITH_VALUES, 41_666, True, "warning"),
        (RANGE_WITH_VALUES, 41_667, True, None),
    ],
)
def test_a_range_is_worth_a_warning_where_the_planner_knew_its_values(
    explained: str, rows: float, parallel: bool, severity: str | None
) -> None:
    seen = row_of(RunningStatement, query=RANGE_WITH_VALUES, sessions=1, longest_seconds=0.1)
    diagnosis = shop(statement(RANGE), samples=[[seen]], plans={explained: scan_plan(rows, parallel=parallel)})
    assert [each.severity for each in caused(diagnosis, "missing_index")] == ([severity] if severity else [])


@pytest.mark.parametrize(("calls", "seconds", "count"), [(2, 0.99, 0), (3, 0.99, 1), (2, 1.0, 1), (1, 1.0, 1)])
def test_a_statement_that_ran_a_few_times_is_somebodys_job_unless_it_took_long(
    calls: int, seconds: float, count: int
) -> None:
    diagnosis = shop(statement(calls=calls, total_seconds=seconds, rows=calls))
    assert len(caused(diagnosis, "missing_index")) == count


def test_both_sides_of_an_or_are_mended_by_one_remedy() -> None:
    (cause,) = caused(shop(statement("SELECT * FROM orders WHERE customer_id = $1 OR email = $2")), "missing_index")
    assert cause.object == "public.orders(customer_id)"
    assert len(cause.remedies[0].statements) == len(cause.remedies[0].rollback) == 2
    assert "email" in cause.remedies[0].statements[1]


def test_a_search_inside_a_document_is_mended_by_gin() -> None:
    more = column("chart", None, "jsonb")
    found_rows = statement("SELECT id FROM orders WHERE chart @> $1", rows=300)
    (cause,) = caused(shop(found_rows, more), "missing_index")
    assert (cause.object, cause.severity) == ("public.orders(chart)", "warning")
    assert "USING gin (chart)" in cause.remedies[0].statements[0]


def test_an_index_that_cannot_serve_a_pattern_is_told() -> None:
    there = replace(index("orders_email_idx", "email"), sorts_by_bytes=[False])
    seen = row_of(RunningStatement, query="SELECT id FROM orders WHERE email LIKE 'abc%'", sessions=1)
    asked = statement("SELECT id FROM orders WHERE email LIKE $1", rows=300)
    (cause,) = caused(shop(asked, there, samples=[[seen]]), "missing_index")
    assert "text_pattern_ops" in cause.remedies[0].statements[0]
    assert any("orders_email_idx" in each.render() for each in cause.because)
    by_bytes = replace(there, sorts_by_bytes=[True])
    assert caused(shop(asked, by_bytes, samples=[[seen]]), "missing_index") == []


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("UPDATE orders SET status = $1 WHERE id = $2", "changed"),
        ("DELETE FROM orders WHERE id = $1", "changed"),
        ("SELECT * FROM orders WHERE id = $1", "fetched"),
    ],
)
def test_changes_row_by_row_are_told_as_such(query: str, words: str) -> None:
    row = statement(query, calls=3000, rows=3000, total_seconds=0.3, all_calls=9000)
    (cause,) = caused(shop(row, row_of(StatementStatistics, reset_seconds_ago=599.9)), "n_plus_one")
    assert words in cause.summary.render()


POLICY = row_of(
    RowPolicy, schema_name="public", table_name="orders", policy_name="own",
    condition="(customer_id = (current_setting('app.tenant'::text))::integer)",
)  # fmt: skip
EVERYTHING = "SELECT id, status FROM orders"


def whole_plan(kind: str) -> list[dict[str, object]]:
    return [{"Plan": {"Node Type": kind, "Relation Name": "orders", "Index Name": "orders_pkey", "Plan Rows": 500_000}}]


@pytest.mark.parametrize(
    ("kind", "rows", "names"),
    [
        ("Seq Scan", 1_000, ["public.orders(customer_id)"]),
        ("Index Scan", 1_000, []),  # the statement's own condition has an index
        ("Seq Scan", 100 * 100_000, []),  # it does return the table
    ],
)
def test_what_a_row_policy_filters_by_wants_an_index(kind: str, rows: int, names: list[str]) -> None:
    diagnosis = shop(statement(EVERYTHING, rows=rows), POLICY, plans={EVERYTHING: whole_plan(kind)})
    causes = caused(diagnosis, "missing_index")
    assert [each.object for each in causes] == names
    assert all("own" in " ".join(part.render() for part in each.because) for each in causes)


def parts(size: int, count: int = 60) -> PartitionedTable:
    return row_of(
        PartitionedTable, schema_name="public", table_name="events", partition_key="RANGE (day)", key_columns=["day"],
        key_types=["date"], partitions=count, names=[f"events_{n}" for n in range(count)], size_bytes=size,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "size", "count", "found_count"),
    [
        ("Index Scan", 60 * 10**8, 60, 1),
        ("Index Scan", 60 * 10**8, 50, 1),
        ("Index Scan", 60 * 10**8, 49, 0),
        ("Seq Scan", 60 * 128 * 1024, 60, 1),
        ("Seq Scan", 60 * 128 * 1024 + 1, 60, 0),  # large ones that are read whole lack an index
    ],
)
def test_very_many_partitions_without_their_key_in_the_filter(
    kind: str, size: int, count: int, found_count: int
) -> None:
    query = "SELECT what FROM events WHERE barcode = $1"
    nodes = [
        {"Node Type": kind, "Relation Name": f"events_{n}", "Index Cond": "(barcode = $1)", "Plan Rows": 1}
        for n in range(count)
    ]
    plan = [{"Plan": {"Node Type": "Append", "Plan Rows": 1, "Plans": nodes}}]
    diagnosis = diagnose(snapshot_of(COUNTERS, parts(size, count), statement(query, rows=100), plans={query: plan}))
    causes = caused(diagnosis, "partition_pruning_defeated")
    assert len(causes) == found_count
    assert all("RANGE (day)" in each.remedies[0].title.render() for each in causes)


def test_a_partitioned_table_is_not_told_to_take_an_identity_column() -> None:
    row = row_of(TableWithoutKey, schema_name="public", table_name="events", live_rows=60_000.0, is_partitioned=True)
    (cause,) = caused(diagnose(snapshot_of(row)), "no_primary_key")
    assert [each.statements for each in cause.remedies] == [()]


def test_a_join_reads_its_table_whole_whatever_the_planner_expects_of_it() -> None:
    joined = "SELECT o.id FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.name = 'x'"
    scan = {"Node Type": "Seq Scan", "Relation Name": "orders", "Plan Rows": 500_000}
    plan = [{"Plan": {"Node Type": "Hash Join", "Plan Rows": 10, "Plans": [scan]}}]
    diagnosis = shop(statement(joined), plans={joined: plan})
    assert [each.object for each in caused(diagnosis, "missing_index")] == ["public.orders(customer_id)"]


@pytest.mark.parametrize(("blocks", "count"), [(3_700, 1), (3_600, 0)])
def test_a_row_policy_is_seen_by_the_blocks_where_no_plan_may_be_had(blocks: int, count: int) -> None:
    diagnosis = shop(statement(EVERYTHING, rows=1_000, blocks_hit=100 * blocks), POLICY)
    assert len(caused(diagnosis, "missing_index")) == count


@pytest.mark.parametrize(
    ("query", "blocks", "count"),
    [
        ("SELECT what FROM events WHERE barcode = $1", 60, 1),
        ("SELECT what FROM events WHERE barcode = $1", 59, 0),
        ("SELECT what FROM events WHERE barcode = $1", 361, 0),  # read whole, each: they lack an index
        ("SELECT what FROM events WHERE barcode = $1 AND day > $2", 60, 0),
        ("SELECT count(*) FROM events", 60, 0),
    ],
)
def test_very_many_partitions_are_seen_by_the_blocks_where_no_plan_may_be_had(
    query: str, blocks: int, count: int
) -> None:
    row = statement(query, rows=100, blocks_hit=100 * blocks)
    diagnosis = diagnose(snapshot_of(COUNTERS, parts(60 * 10**8), row))
    assert len(caused(diagnosis, "partition_pruning_defeated")) == count


@pytest.mark.parametrize(("pattern", "count"), [("'ann@shop.example'", 1), ("'ann%'", 1), ("'%ann'", 0), ("$1", 0)])
def test_a_search_without_case_has_no_index_to_use(pattern: str, count: int) -> None:
    query = f"SELECT id FROM orders WHERE email ILIKE {pattern}"
    plan = [{"Plan": {"Node Type": "Seq Scan", "Relation Name": "orders", "Filter": "(email ~~* 'x')", "Plan Rows": 1}}]
    diagnosis = shop(statement(query), index("orders_email_idx", "email"), plans={query: plan})
    causes = caused(diagnosis, "function_on_column")
    assert [each.object for each in causes] == ["public.orders(email)"] * count
    assert all("lower(email)" in each.remedies[0].title.render() for each in causes)


def test_a_join_inside_a_view_is_seen_in_its_plan() -> None:
    query = "SELECT status FROM stays WHERE mrn = $1"
    scan = {"Node Type": "Seq Scan", "Relation Name": "orders", "Alias": "o", "Plan Rows": 500_000}
    patient = {
        "Node Type": "Index Scan", "Relation Name": "customers", "Alias": "c", "Index Name": "x", "Plan Rows": 1,
        "Index Cond": "(mrn = $1)",
    }  # fmt: skip
    join = {
        "Node Type": "Hash Join", "Hash Cond": "(o.customer_id = c.id)", "Plan Rows": 10, "Plans": [scan, patient]
    }  # fmt: skip
    diagnosis = shop(statement(query), plans={query: [{"Plan": join}]})
    assert [each.object for each in caused(diagnosis, "missing_index")] == ["public.orders(customer_id)"]


@pytest.mark.parametrize(("calls", "count"), [(2, 0), (3, 1)])
def test_a_few_runs_of_a_person_show_nothing_of_compilation_or_long_lists(calls: int, count: int) -> None:
    compiled = statement("SELECT sum(id) FROM orders", calls=calls, total_seconds=0.9, jit_seconds=0.6)
    listed = statement(f"SELECT id FROM orders WHERE id IN ({', '.join(map(str, range(3000)))})", calls=calls,
                       total_seconds=0.9)  # fmt: skip
    diagnosis = shop(compiled, listed)
    assert len(found(diagnosis, "jit_overhead")) == len(found(diagnosis, "huge_in_list")) == count


@pytest.mark.parametrize(("scans", "severity"), [(25, "warning"), (0, "info")])
def test_a_function_of_a_column_is_no_warning_where_only_the_text_speaks_for_it(scans: int, severity: str) -> None:
    hidden = (column("id", None), column("customer_id", None), column("email", None, "text"))
    asked = statement("SELECT id FROM orders WHERE lower(email) = $1", rows=100)
    diagnosis = diagnose(snapshot_of(table(scans), *hidden, PRIMARY, COUNTERS, asked))
    assert [each.severity for each in caused(diagnosis, "function_on_column")] == [severity]
