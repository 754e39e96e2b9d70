# ruff: noqa: E501 - a plan is shown as it is
"""EXPLAIN ANALYZE of MySQL gives the same tree as its JSON, whatever the client drew around it."""

import json

import pytest

from housecall.attachments.digest import Digest
from housecall.attachments.reader import AttachmentReader

STATEMENT = "SELECT c.email FROM customers AS c JOIN shop.orders o ON o.customer_id = c.id"
ANALYZED = """\
-> Limit: 10 row(s)  (actual time=1.61..1.61 rows=10 loops=1)
    -> Sort: o.total DESC, c.id, limit input to 10 row(s) per chunk  (actual time=1.61..1.61 rows=10 loops=1)
        -> Stream results  (cost=335 rows=92.1) (actual time=0.0782..1.49 rows=880 loops=1)
            -> Nested loop inner join  (cost=335 rows=92.1) (actual time=0.0759..1.4 rows=880 loops=1)
                -> Index lookup on c using country (country = 'fr'), with index condition: (c.country = 'fr')  (cost=13 rows=100) (actual time=379e-6..0.141 rows=100 loops=1)
                -> Filter: ((o.`status` = 'open') and (o.note <> '-> x\\n  (cost=1 rows=2)'))  (cost=2.3 rows=0.921) (actual time=0.01..0.012 rows=8.8 loops=100)
                    -> Table scan on o  (cost=2.3 rows=9.21) (actual time=0.00986..0.0111 rows=1e+3 loops=100)
"""
HASHED = """\
-> Inner hash join (o.total = (c.id + 0.5))  (cost=746294 rows=746190)
    -> Table scan on o  (cost=0.107 rows=8291)
    -> Hash
        -> Covering index range scan on c using country over ('a' < country) (reverse)  (cost=91..92 rows=900)
"""
HASHED_JSON = {
    "query_plan": {
        "operation": "Inner hash join (o.total = (c.id + 0.5))", "access_type": "join", "join_algorithm": "hash",
        "hash_condition": ["(o.total = (c.id + 0.5))"], "estimated_total_cost": 746294, "estimated_rows": 746190,
        "inputs": [
            {"operation": "Table scan on o", "access_type": "table", "table_name": "o", "alias": "o",
             "estimated_total_cost": 0.107, "estimated_rows": 8291},
            {"operation": "Covering index range scan", "access_type": "index", "index_access_type": "index_range_scan",
             "table_name": "c", "alias": "c", "index_name": "country", "covering": True, "ranges": ["('a' < country)"],
             "estimated_total_cost": 92, "estimated_rows": 900},
        ],
    }
}  # fmt: skip


def read(text: str) -> Digest:
    reader = AttachmentReader("plan.txt")
    reader.feed(text.encode())
    return reader.finish()


def node(text: str, relation: str):
    return next(each for each in read(text).plan.root.walk() if each.relation == relation)


def plain(text: str) -> str:
    return text


def batch(text: str) -> str:
    """As `mysql --batch` writes it: one line, with what would end it escaped."""
    return "EXPLAIN\n" + text.replace("\\", "\\\\").replace("\n", "\\n") + "\n"


def framed(text: str) -> str:
    rule = "+" + "-" * 60 + "+"
    return f"{rule}\n| EXPLAIN {' ' * 50} |\n{rule}\n| {text} |\n{rule}\n1 row in set (0.00 sec)\n"


def vertical(text: str) -> str:
    return f"{'*' * 27} 1. row {'*' * 27}\nEXPLAIN: {text}\n1 row in set (0.00 sec)\n"


@pytest.mark.parametrize("drawn", [plain, batch, framed, vertical])
@pytest.mark.parametrize("text", [ANALYZED, HASHED], ids=["analyzed", "hashed"])
def test_a_tree_is_the_same_whatever_the_client_drew_around_it(text, drawn) -> None:
    digest = read(drawn(text))
    assert (digest.kind, digest.form, digest.trouble) == ("plan", "EXPLAIN as a tree of MySQL", None)
    assert digest.plan == read(text).plan
    assert digest.plan.engine == "mysql"


def test_a_tree_is_the_plan_of_its_json() -> None:
    assert read(HASHED).plan == read(json.dumps(HASHED_JSON)).plan


def test_times_rows_and_loops_are_read() -> None:
    plan, scan = read(ANALYZED).plan, node(ANALYZED, "o")
    assert (plan.analyzed, plan.execution_seconds) == (True, 0.00161)
    assert (scan.loops, scan.actual_rows, scan.rows_removed_by_filter) == (100, 8.8, pytest.approx(991.2))
    assert scan.total_seconds == pytest.approx(0.00111)
    assert scan.filter == "((o.`status` = 'open') and (o.note <> '-> x\\n  (cost=1 rows=2)'))"


def test_an_index_its_condition_and_the_keys_of_a_sort_are_read() -> None:
    customers = node(ANALYZED, "c")
    assert (customers.index, customers.index_condition) == ("country", "country = 'fr'")
    (sort,) = [each for each in read(ANALYZED).plan.root.walk() if each.kind == "sort"]
    assert sort.sort_keys == ("o.total DESC", "c.id")


def test_the_statement_before_a_tree_names_the_tables_behind_the_aliases() -> None:
    typed = f"mysql> EXPLAIN ANALYZE {STATEMENT}\\G\n" + vertical(ANALYZED)
    assert {(each.schema, each.relation, each.alias) for each in read(typed).plan.root.walk() if each.relation} == {
        (None, "customers", "c"), ("shop", "orders", "o"),
    }  # fmt: skip


def test_a_step_that_was_never_run_has_no_loops() -> None:
    text = (
        "-> Nested loop inner join  (cost=1 rows=1) (actual time=0.1..0.1 rows=0 loops=1)\n"
        "    -> Table scan on a  (cost=1 rows=1) (actual time=0.1..0.1 rows=0 loops=1)\n"
        "    -> Index lookup on b using k (x = a.x)  (cost=1 rows=1) (never executed)\n"
    )
    assert not node(text, "b").was_run


@pytest.mark.parametrize(
    ("place", "rows"),
    [("subquery in projection; dependent", 100.0), ("subquery in projection; run only once", 1.0)],
)
def test_a_dependent_subquery_is_counted_for_each_outer_row(place, rows) -> None:
    text = (
        "-> Index lookup on c using country (country = 'fr')  (cost=13 rows=100)\n"
        f"-> Select #2 ({place})\n"
        "    -> Table scan on o  (cost=5 rows=8000)\n"
    )
    orders = node(text, "o")
    assert (orders.role, orders.estimated_loops) == ("subplan", rows)


def test_of_two_trees_the_first_is_read() -> None:
    one = "-> Table scan on a  (cost=1 rows=1)\n"
    assert [each.relation for each in read(one + one.replace(" a ", " b ")).plan.root.walk()] == ["a"]


@pytest.mark.parametrize(
    "line",
    [
        " ->  Seq Scan on orders  (cost=0.00..17.50 rows=5 width=8)",
        " ->  Seq Scan on orders  (actual time=0.010..0.020 rows=5 loops=1)",
    ],
)
def test_a_plan_of_postgresql_is_not_taken_for_one_of_mysql(line) -> None:
    text = f"Limit  (cost=0.00..17.50 rows=5 width=8)\n{line}\n   Filter: (doc -> 'a'::text) IS NOT NULL\n"
    assert read(text).plan.engine == "postgresql"


def test_a_text_with_an_arrow_is_no_plan() -> None:
    assert read("-> first do this (cost unknown)\n-> then that\n").kind == "text"


def test_three_thousand_levels_are_an_error_and_no_crash() -> None:
    digest = read("".join(f"{' ' * n}-> Append  (cost=1 rows=1)\n" for n in range(3_000)))
    assert digest.kind == "text"
    assert digest.trouble


def test_a_long_line_takes_no_time() -> None:
    assert read("-> scan on x using " * 5_000 + "\n-> Table scan on a  (cost=1 rows=1)\n").kind in ("plan", "text")
