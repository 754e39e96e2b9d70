# ruff: noqa: E501 - a plan is shown as it is
"""EXPLAIN's text form gives the same tree as its JSON form, whatever psql drew around it."""

import json

import pytest

from housecall.attachments.plan_text import MAX_PLAN_CHARACTERS, plan_members, read_plan
from housecall.attachments.reader import AttachmentReader
from housecall.errors import RequestError

ANALYZED = """\
 Limit  (cost=100.00..200.00 rows=10 width=40) (actual time=1.000..50.000 rows=10 loops=1)
   ->  Hash Left Join  (cost=50.00..500.00 rows=100 width=40) (actual time=0.900..49.500 rows=10 loops=1)
         Hash Cond: (o.c = k.id)
         ->  Parallel Seq Scan on public.orders o  (cost=0.00..300.00 rows=100 width=20) (actual time=0.010..30.000 rows=40 loops=3)
               Filter: ((total > '5'::numeric) AND (note <> 'a -> b (cost=1)'::text))
               Rows Removed by Filter: 9960
         ->  Hash  (cost=20.00..20.00 rows=1000 width=20) (actual time=5.000..5.000 rows=1000 loops=1)
               Buckets: 1024  Batches: 4 (originally 1)  Memory Usage: 65kB
               Buffers: shared hit=10, temp written=7
               ->  Index Scan using "Key, odd" on customers k  (cost=0.10..20.00 rows=1000 width=20) (never executed)
                     Index Cond: (id < 1000)
 Planning Time: 0.500 ms
 Trigger for constraint orders_c_fkey: time=3.250 calls=10
 Execution Time: 51.000 ms
"""


def node(plan, operation):
    return next(each for each in plan.root.walk() if each.operation == operation)


class TestTextForm:
    def test_times_rows_and_loops_are_read(self) -> None:
        plan = read_plan(ANALYZED)
        scan = node(plan, "Parallel Seq Scan")
        assert plan.analyzed
        assert (plan.planning_seconds, plan.execution_seconds) == (0.0005, 0.051)
        assert (scan.actual_rows, scan.loops, scan.total_seconds) == (40, 3, pytest.approx(0.09))
        assert scan.rows_removed_by_filter == 9960
        assert (scan.schema, scan.relation, scan.alias) == ("public", "orders", "o")

    def test_the_tree_is_that_of_the_indentation(self) -> None:
        plan = read_plan(ANALYZED)
        join = node(plan, "Hash Left Join")
        assert [(each.operation, each.role) for each in join.children] == [
            ("Parallel Seq Scan", "outer"), ("Hash", "inner"),
        ]  # fmt: skip
        assert join.kind == "hash_join"
        assert join.join_condition == "(o.c = k.id)"

    def test_a_spill_and_its_batches_are_seen(self) -> None:
        hashed = node(read_plan(ANALYZED), "Hash")
        assert (hashed.hash_batches, hashed.spill_bytes) == (4, 7 * 8192)

    def test_a_node_that_never_ran_has_no_loops(self) -> None:
        scan = node(read_plan(ANALYZED), "Index Scan")
        assert not scan.was_run
        assert (scan.index, scan.index_condition) == ("Key, odd", "(id < 1000)")

    def test_triggers_are_read(self) -> None:
        assert read_plan(ANALYZED).trigger_seconds == {"for constraint orders_c_fkey": 0.00325}

    def test_without_analyze_there_are_costs_only(self) -> None:
        plan = read_plan("Seq Scan on orders  (cost=0.00..17.50 rows=5 width=8)\n  Filter: (id = 1)\n")
        assert not plan.analyzed
        assert (plan.root.total_cost, plan.root.estimated_rows, plan.root.filter) == (17.5, 5, "(id = 1)")

    def test_analyze_without_timing_has_rows_and_no_times(self) -> None:
        plan = read_plan("Seq Scan on a  (cost=0.00..1.00 rows=1 width=4) (actual rows=3.00 loops=1)\n")
        assert (plan.root.actual_rows, plan.root.actual_seconds) == (3, None)

    @pytest.mark.parametrize(
        ("frame", "line_end"),
        [
            ("                QUERY PLAN\n----------------------\n{}(11 rows)\n", ""),
            ("{}", " +"),
            ("{}(11 行记录)\n", ""),
        ],
    )
    def test_what_psql_draws_is_taken_away(self, frame, line_end) -> None:
        text = frame.format("".join(f"{line}{line_end}\n" for line in ANALYZED.splitlines()))
        assert read_plan(text) == read_plan(ANALYZED)

    def test_a_subplan_is_marked_and_its_sibling_is_not(self) -> None:
        plan = read_plan(
            "Hash Join  (cost=1.00..9.00 rows=1 width=4)\n"
            "  CTE x\n"
            "    ->  Seq Scan on orders  (cost=0.00..5.00 rows=1 width=4)\n"
            "  ->  CTE Scan on x  (cost=0.00..1.00 rows=1 width=4)\n"
            "  SubPlan 2\n"
            "    ->  Index Scan using pk on k  (cost=0.00..2.00 rows=1 width=4)\n"
        )
        assert [(each.operation, each.role, each.subplan_name) for each in plan.root.children] == [
            ("Seq Scan", "initplan", "CTE x"), ("CTE Scan", "outer", None), ("Index Scan", "subplan", "SubPlan 2"),
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("line", "operation", "kind"),
        [
            ("HashAggregate", "HashAggregate", "aggregate"),
            ("Finalize GroupAggregate", "GroupAggregate", "aggregate"),
            ("Nested Loop Anti Join", "Nested Loop Anti Join", "nested_loop"),
            ("Merge Full Join", "Merge Full Join", "merge_join"),
            ("Update on orders", "Update", "modify"),
            ("Bitmap Index Scan on orders_c_idx", "Bitmap Index Scan", "bitmap_index"),
            ("Bitmap Heap Scan on orders", "Bitmap Heap Scan", "bitmap_scan"),
            ("Index Only Scan Backward using a_pkey on a", "Index Only Scan", "index_only_scan"),
            ("Function Scan on generate_series g", "Function Scan", "other"),
            ("Result", "Result", "other"),
        ],
    )
    def test_every_kind_of_node_has_its_name(self, line, operation, kind) -> None:
        root = read_plan(f"{line}  (cost=0.00..1.00 rows=1 width=4)\n").root
        assert (root.operation, root.kind) == (operation, kind)

    def test_sort_keys_are_cut_at_commas_outside_brackets(self) -> None:
        text = "Sort  (cost=1.00..2.00 rows=1 width=4)\n  Sort Key: lower(a, b), (c + d) DESC\n"
        assert read_plan(text).root.sort_keys == ("lower(a, b)", "(c + d) DESC")

    def test_a_sort_on_disk_is_a_spill(self) -> None:
        text = (
            "Sort  (cost=1.00..2.00 rows=1 width=4) (actual time=1.0..2.0 rows=1 loops=1)\n"
            "  Sort Method: external merge  Disk: 1234kB\n"
        )
        assert read_plan(text).root.spill_bytes == 1234 * 1024

    def test_of_two_plans_the_first_is_read(self) -> None:
        one = "Seq Scan on a  (cost=0.00..1.00 rows=1 width=4)\n"
        assert read_plan(one + one.replace(" a ", " b ")).root.relation == "a"


JSON_PLAN = [{"Plan": {"Node Type": "Seq Scan", "Relation Name": "a", "Total Cost": 5.0, "Plan Rows": 3}}]


class TestJsonForm:
    def test_is_read_as_it_is(self) -> None:
        assert read_plan(json.dumps(JSON_PLAN)).root.relation == "a"

    def test_is_read_out_of_the_frame_of_psql(self) -> None:
        lines = [f" {line.ljust(60)}+" for line in json.dumps(JSON_PLAN, indent=2).splitlines()]
        text = "  QUERY PLAN\n------------\n" + "\n".join(lines)[:-1] + "\n(1 row)\n"
        assert read_plan(text).root.total_cost == 5.0

    def test_one_that_is_cut_off_says_so(self) -> None:
        with pytest.raises(RequestError, match="not whole JSON"):
            read_plan(json.dumps(JSON_PLAN)[:-10])


class TestNoPlans:
    def test_text_without_a_node_says_what_was_expected(self) -> None:
        with pytest.raises(RequestError, match="Seq Scan on orders"):
            plan_members("Dear Sir,\n")

    def test_a_text_that_is_too_long_is_refused(self) -> None:
        with pytest.raises(RequestError, match="no larger"):
            read_plan("x" * (MAX_PLAN_CHARACTERS + 1))

    def test_ten_thousand_levels_are_an_error_and_no_crash(self) -> None:
        text = "".join(
            f"{' ' * n}->  Append  (cost=0.00..1.00 rows=1 width=4)\n"
            if n
            else "Append  (cost=0.00..1.00 rows=1 width=4)\n"
            for n in range(3_000)
        )
        with pytest.raises(RequestError):
            read_plan(text)

    def test_a_damaged_plan_in_a_file_is_text_with_its_trouble(self) -> None:
        reader = AttachmentReader("plan.json")
        reader.feed(json.dumps(JSON_PLAN)[:-10].encode())
        digest = reader.finish()
        assert digest.kind == "text"
        assert "not whole JSON" in str(digest.trouble)
