"""Plans of MySQL (JSON versions 1 and 2) and MariaDB as the one tree, and what is said of them."""

import pytest

from housecall.advisor.plan import Plan, PlanNode
from housecall.advisor.plan_mysql import parse_mysql_plan, tables_by_alias
from housecall.advisor.plan_review import (
    file_sorts,
    filtering_scans,
    hot_node,
    repeated_scans,
    temporary_tables,
    unindexed_joins,
    wrapped_columns,
)
from housecall.advisor.plan_words import describe
from housecall.errors import RequestError

JOIN = "SELECT c.email FROM shop.customers AS c JOIN orders AS o ON o.customer_id = c.id WHERE c.country = 'fr'"
VERSION_1 = {
    "query_block": {
        "select_id": 1, "cost_info": {"query_cost": "8720.00"},
        "nested_loop": [
            {"table": {
                "table_name": "o", "access_type": "ALL", "rows_examined_per_scan": 39841, "filtered": "33.33",
                "cost_info": {"read_cost": "2744.45", "eval_cost": "1327.90", "prefix_cost": "4072.35"},
                "attached_condition": "(`shop`.`o`.`total` > 5000.00)",
            }},
            {"table": {
                "table_name": "c", "access_type": "eq_ref", "key": "PRIMARY", "used_key_parts": ["id"],
                "ref": ["shop.o.customer_id"], "rows_examined_per_scan": 1, "filtered": "10.00",
                "cost_info": {"read_cost": "3319.75", "eval_cost": "132.79", "prefix_cost": "8720.00"},
                "attached_condition": "(`shop`.`c`.`country` = 'fr')",
            }},
        ],
    }
}  # fmt: skip
VERSION_2 = {
    "query_plan": {
        "operation": "Limit: 10 row(s)", "access_type": "limit", "estimated_rows": 10.0,
        "estimated_total_cost": 4072.35,
        "inputs": [{
            "operation": "Sort: orders.total DESC", "access_type": "sort", "sort_fields": ["orders.total DESC"],
            "estimated_rows": 39841.0, "estimated_total_cost": 4072.35,
            "inputs": [{
                "operation": "Filter: (orders.`status` = 'open')", "access_type": "filter",
                "condition": "(orders.`status` = 'open')", "estimated_rows": 3984.0, "estimated_total_cost": 4072.35,
                "inputs": [{
                    "operation": "Table scan on orders", "table_name": "orders", "schema_name": "shop",
                    "access_type": "table", "estimated_rows": 39841.0, "estimated_total_cost": 4072.35,
                }],
            }],
        }],
    }
}  # fmt: skip
MARIADB_BUFFERED = {
    "query_block": {
        "select_id": 1,
        "nested_loop": [
            {"table": {"table_name": "c", "access_type": "ALL", "rows": 9756, "filtered": 100}},
            {"block-nl-join": {
                "table": {"table_name": "o", "access_type": "ALL", "rows": 39781, "filtered": 100},
                "buffer_type": "flat", "join_type": "BNL", "attached_condition": "o.note = c.country",
            }},
        ],
    }
}  # fmt: skip


def nodes(plan: Plan, relation: str) -> list[PlanNode]:
    return [node for node in plan.root.walk() if node.relation == relation]


def test_version_1_names_tables_behind_aliases_and_adds_up_costs_and_loops() -> None:
    plan = parse_mysql_plan(VERSION_1, JOIN)
    (orders,), (customers,) = nodes(plan, "orders"), nodes(plan, "customers")
    assert (orders.access, orders.estimated_scanned, orders.role) == ("ALL", 39841, "outer")
    assert (customers.schema, customers.index, customers.index_condition) == (
        "shop", "PRIMARY", "id = shop.o.customer_id",
    )  # fmt: skip
    assert customers.estimated_loops == pytest.approx(39841 * 0.3333)
    assert plan.root.total_cost == pytest.approx(2744.45 + 1327.90 + 3319.75 + 132.79)
    assert not plan.analyzed


def test_without_the_statement_a_node_is_called_by_its_alias() -> None:
    assert nodes(parse_mysql_plan(VERSION_1), "o")


def test_version_2_folds_a_filter_into_the_table_that_it_stands_over() -> None:
    plan = parse_mysql_plan(VERSION_2)
    (orders,) = nodes(plan, "orders")
    assert (orders.kind, orders.filter) == ("full_scan", "(orders.`status` = 'open')")
    assert (orders.estimated_scanned, orders.estimated_rows) == (39841.0, 3984.0)
    assert [node.kind for node in plan.root.walk()] == ["limit", "sort", "full_scan"]
    assert file_sorts(plan)[0].sort_keys == ("orders.total DESC",)


def test_version_2_counts_the_loops_of_the_inner_side_and_of_dependent_subqueries() -> None:
    scan = {"operation": "Table scan on o", "table_name": "orders", "access_type": "table", "estimated_rows": 400.0,
            "estimated_total_cost": 50.0}  # fmt: skip
    plan = parse_mysql_plan({
        "query_plan": {
            "operation": "Table scan on c", "table_name": "customers", "access_type": "table", "estimated_rows": 30.0,
            "estimated_total_cost": 6.0, "inputs_from_select_list": [{**scan, "subquery": True, "dependent": True}],
        }
    })  # fmt: skip
    (orders,) = nodes(plan, "orders")
    assert (orders.role, orders.dependent, orders.estimated_rows_read) == ("subplan", True, 12_000.0)
    assert orders.total_cost == 1500.0
    assert repeated_scans(plan) == (orders,)


def test_a_dependent_subquery_of_version_1_is_counted_into_the_cost_of_the_whole() -> None:
    inner = {
        "select_id": 2,
        "table": {"table_name": "o", "access_type": "ALL", "rows_examined_per_scan": 400, "filtered": "10.00",
                  "cost_info": {"read_cost": "40", "eval_cost": "10"}},
    }  # fmt: skip
    plan = parse_mysql_plan({
        "query_block": {
            "select_id": 1,
            "table": {"table_name": "c", "access_type": "range", "key": "PRIMARY", "rows_examined_per_scan": 29,
                      "filtered": "100.00", "cost_info": {"read_cost": "5", "eval_cost": "1"}},
            "select_list_subqueries": [{"dependent": True, "query_block": inner}],
        }
    })  # fmt: skip
    assert plan.root.total_cost == 6 + 29 * 50
    hot = hot_node(plan)
    assert hot is not None
    assert (hot.node.alias, hot.node.dependent) == ("o", True)


def test_mariadb_tells_no_cost_so_the_rows_to_look_at_name_the_hot_node() -> None:
    plan = parse_mysql_plan(MARIADB_BUFFERED)
    hot = hot_node(plan)
    assert hot is not None
    assert (hot.node.alias, hot.by_rows) == ("o", True)
    assert hot.share == pytest.approx(39781 / (39781 + 9756))
    assert [(node.alias, node.buffered) for node in unindexed_joins(plan)] == [("o", "block nested loop")]
    assert nodes(plan, "o")[0].join_condition == "o.note = c.country"


def test_mariadb_subqueries_behind_an_expression_cache_are_dependent() -> None:
    scanned = {"table": {"table_name": "o", "access_type": "ALL", "rows": 400, "filtered": 100}}
    plan = parse_mysql_plan({
        "query_block": {
            "select_id": 1,
            "nested_loop": [{"table": {"table_name": "c", "access_type": "range", "key": "PRIMARY", "rows": 29}}],
            "subqueries": [{"expression_cache": {"query_block": {"select_id": 2, "nested_loop": [scanned]}}}],
        }
    })  # fmt: skip
    assert [(node.alias, node.estimated_loops) for node in repeated_scans(plan)] == [("o", 29.0)]


def test_sorts_and_temporary_tables_are_steps_of_their_own_in_both_flavours() -> None:
    table = {"table_name": "orders", "access_type": "ALL", "rows": 39781, "filtered": 100}
    mariadb = parse_mysql_plan({
        "query_block": {"filesort": {"sort_key": "count(0) desc", "temporary_table": {"table": table}}}
    })  # fmt: skip
    mysql = parse_mysql_plan({
        "query_block": {"ordering_operation": {
            "using_filesort": True, "grouping_operation": {"using_temporary_table": True, "table": table},
        }}
    })  # fmt: skip
    for plan in (mariadb, mysql):
        assert plan.root.kind == "sort"
        assert len(temporary_tables(plan)) == 1
        assert nodes(plan, "orders")


def test_a_sort_of_a_few_rows_is_not_worth_a_word() -> None:
    few = {"table_name": "t", "access_type": "ref", "key": "k", "rows": 999, "filtered": 100}
    many = {**few, "rows": 1000}
    plans = [
        parse_mysql_plan({"query_block": {"filesort": {"sort_key": "a", "table": table}}}) for table in (few, many)
    ]
    assert [len(file_sorts(plan)) for plan in plans] == [0, 1]


def test_unions_derived_tables_and_windows_are_looked_into() -> None:
    scan = {"table": {"table_name": "orders", "access_type": "ALL", "rows": 10, "filtered": 100}}
    union = {"union_result": {"table_name": "<union1,2>", "using_temporary_table": True, "query_specifications": [
        {"query_block": scan}, {"query_block": scan},
    ]}}  # fmt: skip
    derived = {"table": {"table_name": "d", "access_type": "ALL", "rows": 10, "materialized": {"query_block": scan}}}
    window = {"windowing": {"windows": [{"using_filesort": True}], **scan}}
    assert len(nodes(parse_mysql_plan({"query_block": union}), "orders")) == 2
    assert nodes(parse_mysql_plan({"query_block": derived}), "orders")[0].role == "materialized"
    assert parse_mysql_plan({"query_block": window}).root.kind == "sort"


def test_partitions_and_the_notes_of_the_server_are_told() -> None:
    plan = parse_mysql_plan({
        "query_block": {"table": {
            "table_name": "log", "access_type": "ALL", "rows_examined_per_scan": 9, "filtered": "100.00",
            "partitions": ["p0", "p1", "p2"], "attached_condition": "(lower(`shop`.`log`.`word`) = 'a')",
        }},
        "notes": ["Cannot use ref access on index 'word' due to type or collation conversion on field 'word'"],
    })  # fmt: skip
    text = describe(plan, "en")
    assert "reads 3 partitions" in text
    assert "The server notes: Cannot use ref access" in text
    assert [each.column.column for each in wrapped_columns(plan)] == ["word"]
    assert filtering_scans(plan)[0].node.relation == "log"


def test_what_mariadb_and_mysql_measured_is_for_one_loop() -> None:
    mariadb = parse_mysql_plan({
        "query_block": {"r_loops": 1, "r_total_time_ms": 20.5, "table": {
            "table_name": "o", "access_type": "ALL", "r_loops": 1, "rows": 39781, "r_rows": 40000, "r_filtered": 0.05,
            "r_table_time_ms": 15.0, "r_other_time_ms": 5.0, "filtered": 100, "attached_condition": "o.a = 1",
        }}
    })  # fmt: skip
    mysql = parse_mysql_plan({
        "query_plan": {
            "operation": "Filter: (o.a = 1)", "access_type": "filter", "condition": "(o.a = 1)", "estimated_rows": 9.0,
            "actual_rows": 20.0, "actual_loops": 1, "actual_last_row_ms": 20.5,
            "inputs": [{"operation": "Table scan on o", "table_name": "o", "access_type": "table", "actual_loops": 1,
                        "estimated_rows": 39841.0, "actual_rows": 40000.0, "actual_last_row_ms": 20.0}],
        }
    })  # fmt: skip
    for plan in (mariadb, mysql):
        assert plan.analyzed
        assert plan.execution_seconds == pytest.approx(0.0205)
        assert plan.root.actual_rows == pytest.approx(20)
        assert plan.root.rows_read == pytest.approx(40000)
        assert [scan.rows_kept for scan in filtering_scans(plan)] == [pytest.approx(20)]


def test_a_plan_that_reads_nothing_says_why() -> None:
    for plan in ({"query_block": {"message": "Impossible WHERE"}},
                 {"query_block": {"table": {"message": "Impossible WHERE"}}}):  # fmt: skip
        assert parse_mysql_plan(plan).root.operation == "Impossible WHERE"


@pytest.mark.parametrize(
    "wrong", [None, [], "x", {}, {"query_block": 5}, {"query_block": {"table": {"rows": "x", "table_name": "t"}}}]
)
def test_what_is_no_plan_is_refused_with_what_was_expected(wrong: object) -> None:
    with pytest.raises(RequestError):
        parse_mysql_plan(wrong)


def test_aliases_are_those_of_every_part_of_the_statement() -> None:
    found = tables_by_alias("SELECT * FROM a AS x WHERE EXISTS (SELECT 1 FROM s.b AS y WHERE y.i = x.i)")
    assert found == {"x": ("", "a"), "y": ("s", "b")}
    assert tables_by_alias("no statement") == {}


@pytest.mark.parametrize("language", ["en", "zh-CN", "zh-TW", "ja"])
def test_a_plan_of_each_form_is_told_in_every_language(language: str) -> None:
    for plan in (VERSION_1, VERSION_2, MARIADB_BUFFERED):
        assert "?" not in describe(parse_mysql_plan(plan, JOIN), language).replace("?s", "")  # type: ignore[arg-type]
