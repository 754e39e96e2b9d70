"""Plans: reading EXPLAIN's JSON, and what is wrong with a plan, with each boundary on both sides."""

import pytest

from housecall.advisor.plan import parse_postgresql_plan
from housecall.advisor.plan_review import (
    filtering_scans,
    hot_node,
    loop_blow_ups,
    lossy_bitmaps,
    misestimates,
    slow_triggers,
    spills,
    wrapped_columns,
)
from housecall.errors import RequestError


def node(operation, *children, rows=10, seen=None, ms=None, loops=1, **more):
    """A node as EXPLAIN writes it; `seen` rows make it one of EXPLAIN ANALYZE."""
    raw = {"Node Type": operation, "Plan Rows": rows, "Plan Width": 8, "Startup Cost": 0.0, "Total Cost": 10.0, **more}
    if seen is not None:
        raw |= {"Actual Rows": seen, "Actual Loops": loops, "Actual Total Time": 1.0 if ms is None else ms}
    return raw | ({"Plans": list(children)} if children else {})


def plan(raw, **more):
    return parse_postgresql_plan([{"Plan": raw, **more}])


def scan(relation="orders", **more):
    return node("Seq Scan", **{"Relation Name": relation, **more})


def test_plan_is_read_with_units_in_seconds_and_bytes():
    parsed = plan(
        node("Sort", scan(seen=5), seen=5, ms=20, **{"Sort Space Used": 19624, "Sort Space Type": "Disk"}),
        **{"Planning Time": 0.5, "Execution Time": 21.0},
    )
    assert parsed.analyzed
    assert (parsed.planning_seconds, parsed.execution_seconds) == (0.0005, 0.021)
    assert parsed.root.actual_seconds == 0.02
    assert parsed.root.spill_bytes == 19624 * 1024
    assert parsed.root.children[0].relation == "orders"


def test_plan_that_was_not_run_has_no_measured_figures():
    parsed = plan(scan())
    assert not parsed.analyzed
    assert parsed.root.actual_rows is None
    assert parsed.root.total_seconds is None


def test_node_that_was_never_run_is_told_apart():
    parsed = plan(node("Append", scan(seen=0, loops=0), seen=1))
    assert not parsed.root.children[0].was_run


def test_totals_count_every_loop():
    inner = plan(scan(seen=2, ms=3, loops=4, **{"Rows Removed by Filter": 10, "Filter": "(a = 1)"})).root
    assert (inner.total_rows, inner.total_seconds, inner.rows_read) == (8, pytest.approx(0.012), 48)


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (scan(Schema="shop"), "Seq Scan on shop.orders"),
        (node("Index Scan", **{"Relation Name": "t", "Index Name": "t_pkey"}), "Index Scan using t_pkey on t"),
        (node("Bitmap Index Scan", **{"Index Name": "t_pkey"}), "Bitmap Index Scan on t_pkey"),
        (node("Aggregate", Strategy="Hashed"), "HashAggregate"),
        (node("ModifyTable", Operation="Update", **{"Relation Name": "t"}), "Update on t"),
        (node("Hash Join", **{"Join Type": "Left"}), "Hash Left Join"),
        (scan(**{"Parallel Aware": True}), "Parallel Seq Scan on orders"),
    ],
)
def test_nodes_are_named_as_explain_names_them(raw, name):
    assert plan(raw).root.name == name


@pytest.mark.parametrize(
    "damaged", [None, [], {}, "Seq Scan", [{"Plan": []}], [{"Plan": {"Plan Rows": 1}}], {"Plan": 1}]
)
def test_what_is_not_a_plan_is_refused_with_a_reason(damaged):
    with pytest.raises(RequestError, match="plan"):
        parse_postgresql_plan(damaged)


def test_hot_node_is_the_one_with_most_time_of_its_own():
    hot = hot_node(plan(node("Sort", scan(seen=5, ms=90), seen=5, ms=100)))
    assert (hot.node.relation, hot.share, hot.by_time) == ("orders", pytest.approx(0.9), True)


def test_hot_node_goes_by_cost_when_the_plan_was_not_run():
    hot = hot_node(plan(node("Sort", scan(**{"Total Cost": 4.0}))))
    assert (hot.node.operation, hot.share, hot.by_time) == ("Sort", pytest.approx(0.6), False)


@pytest.mark.parametrize(
    ("expected", "seen", "off"), [(100, 1000, True), (101, 1000, False), (1000, 100, True), (1, 99, False)]
)
def test_estimate_ten_times_off_is_reported_from_a_hundred_rows(expected, seen, off):
    assert bool(misestimates(plan(scan(rows=expected, seen=seen)))) is off


def test_scan_that_a_limit_cut_short_is_no_misestimate():
    assert not misestimates(plan(node("Limit", scan(rows=20_000, seen=5), rows=5, seen=5)))
    assert misestimates(plan(node("Limit", scan(rows=5, seen=20_000), rows=5, seen=5)))


@pytest.mark.parametrize(
    ("kept", "removed", "reported"), [(100, 900, True), (101, 899, False), (0, 1000, True), (0, 999, False)]
)
def test_scan_that_keeps_a_tenth_of_a_thousand_rows_is_reported(kept, removed, reported):
    raw = scan(seen=kept, Filter="(a = 1)", **{"Rows Removed by Filter": removed})
    assert bool(filtering_scans(plan(raw))) is reported


def test_filtering_scan_of_a_plan_not_run_has_no_rows():
    (found,) = filtering_scans(plan(scan(Filter="(a = 1)")))
    assert found.rows_read is None


def test_scan_without_filter_is_not_a_filtering_scan():
    assert not filtering_scans(plan(scan(seen=5_000)))


def test_hash_in_several_batches_spills_and_in_one_does_not():
    spilled = node("Hash", seen=5, **{"Hash Batches": 16, "Temp Written Blocks": 60})
    assert spills(plan(spilled))[0].spill_bytes == 60 * 8192
    assert not spills(plan(node("Hash", seen=5, **{"Hash Batches": 1})))


def test_aggregate_on_disk_and_incremental_sort_on_disk_spill():
    assert spills(plan(node("Aggregate", seen=5, Strategy="Hashed", **{"HashAgg Batches": 5, "Disk Usage": 128})))
    groups = {"Full-sort Groups": {"Sort Space Disk": {"Peak Sort Space Used": 64}}}
    assert spills(plan(node("Incremental Sort", seen=5, **groups)))[0].spill_bytes == 64 * 1024


def test_sort_in_memory_does_not_spill():
    assert not spills(plan(node("Sort", seen=5, **{"Sort Space Used": 25, "Sort Space Type": "Memory"})))


def test_lossy_bitmap_is_reported_with_its_pages():
    raw = node("Bitmap Heap Scan", seen=5, **{"Lossy Heap Blocks": 2062, "Rows Removed by Index Recheck": 29})
    assert lossy_bitmaps(plan(raw))[0].lossy_blocks == 2062
    assert not lossy_bitmaps(plan(node("Bitmap Heap Scan", seen=5, **{"Lossy Heap Blocks": 0})))


@pytest.mark.parametrize(("loops", "reported"), [(999, False), (1000, True)])
def test_inner_side_that_runs_a_thousand_times_is_reported(loops, reported):
    inner = node("Index Scan", seen=1, loops=loops, **{"Parent Relationship": "Inner", "Relation Name": "c"})
    assert bool(loop_blow_ups(plan(node("Nested Loop", inner, seen=5)))) is reported


def test_subplan_that_scans_a_table_for_each_row_is_reported():
    inner = node("Aggregate", scan(seen=1, loops=60), seen=1, loops=60, **{"Parent Relationship": "SubPlan"})
    (found,) = loop_blow_ups(plan(scan("customers", seen=60) | {"Plans": [inner]}))
    assert (found.inner.relation, found.loops, found.scans_inner) == ("orders", 60, True)


def test_function_and_cast_on_a_filtered_column_are_seen():
    (lower,) = wrapped_columns(plan(scan(Filter="(lower(email) = 'u5@x.org'::text)")))
    (cast,) = wrapped_columns(plan(scan(Filter="((customer_id)::numeric = 4.5)")))
    assert (lower.column.column, lower.column.wrapped_by) == ("email", "lower")
    assert (cast.column.column, cast.column.wrapped_by) == ("customer_id", "cast to numeric")


def test_relabelling_of_varchar_as_text_is_no_cast_to_complain_about():
    assert not wrapped_columns(plan(scan(Filter="((email)::text = 'x'::text)")))


@pytest.mark.parametrize("unreadable", ["(hashed SubPlan 1)", "((", "(NOT (SubPlan 1))"])
def test_filter_that_cannot_be_read_is_passed_over(unreadable):
    assert wrapped_columns(plan(scan(Filter=unreadable))) == ()


def test_trigger_that_takes_a_tenth_of_the_time_is_named():
    triggers = [{"Trigger Name": "fk", "Time": 11.0}, {"Trigger Name": "quick", "Time": 9.9}]
    parsed = plan(node("ModifyTable", seen=0), Triggers=triggers, **{"Execution Time": 100.0})
    assert slow_triggers(parsed) == (("fk", 0.011),)
