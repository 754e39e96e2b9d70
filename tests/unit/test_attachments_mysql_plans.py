"""EXPLAIN of MySQL and MariaDB in an attached file is a plan, whatever the client drew around it."""

import json

import pytest

from housecall.attachments.digest import Digest
from housecall.attachments.reader import AttachmentReader

STATEMENT = "SELECT * FROM shop.orders AS o WHERE total + 0 > 500"
MARIADB = {
    "query_optimization": {"r_total_time_ms": 0.1},
    "query_block": {
        "select_id": 1, "r_loops": 1, "r_total_time_ms": 2.6,
        "nested_loop": [{"table": {
            "table_name": "o", "access_type": "ALL", "r_loops": 1, "rows": 8291, "r_rows": 7920,
            "r_table_time_ms": 1.3, "r_other_time_ms": 1.3, "filtered": 100, "r_filtered": 5,
            "attached_condition": "o.total + 0 > 500 and o.note <> '\t\"{'",
        }}],
    },
}  # fmt: skip
MYSQL_1 = {
    "query_block": {
        "select_id": 1, "cost_info": {"query_cost": "835.35"},
        "table": {
            "table_name": "o", "access_type": "ALL", "rows_examined_per_scan": 8291, "filtered": "33.33",
            "cost_info": {"read_cost": "6.25", "eval_cost": "829.10"},
            "attached_condition": "((`o`.`total` + 0) > 500)",
        },
    }
}  # fmt: skip
MYSQL_2 = {
    "query": "/* select#1 */ select `o`.`id` AS `id` from `shop`.`orders` `o` where ((`o`.`total` + 0) > 500)",
    "query_plan": {
        "operation": "Filter: ((o.total + 0) > 500)", "access_type": "filter", "condition": "((o.total + 0) > 500)",
        "estimated_rows": 8291.0, "estimated_total_cost": 835.35,
        "inputs": [{
            "operation": "Table scan on o", "access_type": "table", "table_name": "orders", "alias": "o",
            "schema_name": "shop", "estimated_rows": 8291.0, "estimated_total_cost": 835.35,
        }],
    },
    "query_type": "select", "json_schema_version": "2.0",
}  # fmt: skip


def read(text: str, name: str = "plan.txt") -> Digest:
    reader = AttachmentReader(name)
    reader.feed(text.encode())
    return reader.finish()


def as_json(plan: object) -> str:
    return json.dumps(plan, indent=2)


def batch(plan: object) -> str:
    """As `mysql --batch` writes it: one line, with what would end it escaped."""
    escaped = as_json(plan).replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
    return f"EXPLAIN\n{escaped}\n"


def framed(plan: object) -> str:
    rule = "+" + "-" * 60 + "+"
    return f"{rule}\n| EXPLAIN {' ' * 50} |\n{rule}\n| {as_json(plan)} |\n{rule}\n1 row in set, 1 warning (0.00 sec)\n"


def vertical(plan: object) -> str:
    return f"{'*' * 27} 1. row {'*' * 27}\nEXPLAIN: {as_json(plan)}\n1 row in set (0.00 sec)\n"


@pytest.mark.parametrize("drawn", [as_json, json.dumps, batch, framed, vertical])
@pytest.mark.parametrize("plan", [MARIADB, MYSQL_1, MYSQL_2], ids=["mariadb", "mysql 1", "mysql 2"])
def test_a_plan_is_the_same_whatever_the_client_drew_around_it(plan, drawn) -> None:
    digest = read(drawn(plan))
    assert (digest.kind, digest.form, digest.trouble) == ("plan", "EXPLAIN in JSON of MySQL or MariaDB", None)
    assert digest.plan == read(as_json(plan)).plan
    assert digest.plan.engine == "mysql"
    assert digest.plan.root.kind == "full_scan"


def test_what_analyze_of_mariadb_measured_is_read() -> None:
    plan = read(framed(MARIADB)).plan
    assert (plan.analyzed, plan.execution_seconds) == (True, 0.0026)
    assert (plan.root.loops, plan.root.actual_rows) == (1, 396)


@pytest.mark.parametrize(
    "typed",
    [
        f"mysql> EXPLAIN FORMAT=JSON {STATEMENT};\n",
        f"MariaDB [shop]> ANALYZE FORMAT=JSON {STATEMENT}\\G\n",
        "mysql> explain format = json SELECT *\n    -> FROM shop.orders AS o\n    -> WHERE note = '{\"a\": 1}';\n",
        f"-- the slow one\nEXPLAIN ANALYZE FORMAT=JSON {STATEMENT}\n",
    ],
)
def test_the_statement_before_a_plan_names_the_table_behind_the_alias(typed) -> None:
    root = read(typed + framed(MARIADB)).plan.root
    assert (root.schema, root.relation, root.alias) == ("shop", "orders", "o")


def test_without_a_statement_the_alias_is_the_name() -> None:
    assert read(as_json(MARIADB)).plan.root.relation == "o"


def test_the_older_second_form_without_its_own_member_is_read() -> None:
    assert read(as_json(MYSQL_2["query_plan"])).plan.root.relation == "orders"


@pytest.mark.parametrize("length", [120, -40])
def test_one_that_is_cut_off_is_text_and_says_so(length) -> None:
    digest = read(as_json(MARIADB)[:length])
    assert digest.kind == "text"
    assert "cut off" in digest.trouble


@pytest.mark.parametrize("other", [{"operation": "update", "access_type": "rw"}, {"query": "SELECT 1"}])
def test_other_json_is_no_plan(other) -> None:
    assert (read(as_json(other)).kind, read(as_json(other)).trouble) == ("json", None)


def test_ten_thousand_braces_before_a_plan_take_no_time_and_are_no_crash() -> None:
    digest = read("{" * 10_000 + as_json(MARIADB))
    assert digest.kind == "text"
