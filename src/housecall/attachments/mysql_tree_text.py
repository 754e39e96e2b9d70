"""EXPLAIN's tree form of MySQL, which is the form of EXPLAIN ANALYZE, turned into the members of its JSON version 2.

`advisor.plan_mysql` reads the result, so both forms give the same tree: a line of the one is the member `operation` of
the other. The form names tables by their alias; the statement before the plan names the tables behind them.
Source: MySQL manual, "EXPLAIN Statement" (FORMAT=TREE) and "Obtaining Information with EXPLAIN ANALYZE"; what MySQL 9.7
writes in both forms for the same statements.
"""

# ruff: noqa: E501 - a pattern is read whole

import re
from collections.abc import Iterator
from typing import Any

from housecall.advisor.plan import Plan
from housecall.advisor.plan_mysql import parse_mysql_plan, tables_by_alias
from housecall.attachments.mysql_plan_text import statement_before, unescaped
from housecall.errors import RequestError

MAX_LINE_CHARACTERS = 20_000

_NUMBER = r"\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_COST = rf"\(cost=(?:{_NUMBER}\.\.)?(?P<cost>{_NUMBER}) rows=(?P<rows>{_NUMBER})\)"
_RUN = rf"\((?:actual time=(?:{_NUMBER}\.\.)?(?P<last>{_NUMBER}) rows=(?P<seen>{_NUMBER}) loops=(?P<loops>\d+)|never executed)\)"
_NUMBERS = re.compile(rf"(?:{_COST})? ?(?P<run>{_RUN})?\s*\|?\s*$")
_NUMBERS_BEGIN = re.compile(rf"  \((?:cost={_NUMBER}|actual time={_NUMBER}|never executed\))")
_ARROW = re.compile(r"^(?:\| |EXPLAIN: )?(?P<indent> *)-> (?=[^\s>])")
_NEXT_STEP = re.compile(r"\\n *-> ")
_LABEL = re.compile(r"Select #\d+ \((?P<place>subquery in [^;)]+|[^;)]*)(?P<more>;[^)]*)?\)")
_INDEX = re.compile(r"(?P<head>(?:[A-Za-z-]+ ){0,5}(?:scan|lookup|search)) on ")
_TABLE = re.compile(r"Table scan on (?P<alias>.+)$")
_CONSTANT = re.compile(r"Constant row from (?P<alias>.+)$")
_STEPS = (
    ("Filter: ", "filter"), ("Sort", "sort"), ("Limit", "limit"), ("Aggregate using temporary", "temp_table_aggregate"),
    ("Aggregate", "aggregate"), ("Group", "aggregate"), ("Window", "window"), ("Stream", "stream"), ("Append", "append"),
    ("Materialize", "materialize"), ("Union materialize", "materialize"), ("Temporary table", "materialize"),
    ("Intersect materialize", "materialize"), ("Except materialize", "materialize"),
)  # fmt: skip


def is_tree_line(line: str) -> bool:
    """Whether a line, or a whole plan in one line of the batch mode, is of this form."""
    begin = _NUMBERS_BEGIN.search(line)
    if begin is None or " width=" in line[begin.start() : begin.start() + 200]:
        return False
    return _ARROW.match(line) is not None


def read_mysql_tree(text: str) -> Plan:
    """The first plan in a text. Raises RequestError when there is none, or one that says nothing."""
    lines = text.splitlines()
    if any(_NEXT_STEP.search(line) and is_tree_line(line) for line in lines):
        lines = unescaped(text).splitlines()
    start = next((place for place, line in enumerate(lines) if is_tree_line(line)), 0)
    while start and _ARROW.match(lines[start - 1]):
        start -= 1  # a step without numbers may be the first
    statement = statement_before("\n".join(lines[:start]))
    root = _tree(lines[start:], tables_by_alias(statement))
    if root is None:
        raise RequestError(
            "This is not a plan: expected the lines of EXPLAIN, as in '-> Table scan on orders (cost=...)'."
        )
    return parse_mysql_plan({"query_plan": root})


def _tree(lines: list[str], tables: dict[str, tuple[str, str]]) -> dict[str, Any] | None:
    """The nodes by the columns at which they begin. `Hash` and the labels of subqueries are no nodes of their own."""
    root: dict[str, Any] | None = None
    opened: list[tuple[int, dict[str, Any]]] = []
    for column, said, numbers in _steps(lines):
        while opened and opened[-1][0] >= column:
            opened.pop()
        if root is None:
            root = _described(said, tables) | numbers
            opened.append((column, root))
            continue
        parent = opened[-1][1] if opened else root
        label = _LABEL.match(said)
        if label is not None:
            marks = {"subquery": True, "dependent": "; dependent" in (label["more"] or "")}
            member = "inputs_from_select_list" if label["place"] == "subquery in projection" else "inputs"
            opened.append((column, {"label of": parent, "marks": marks, "member": member}))
        elif said == "Hash":
            opened.append((column, {"label of": parent, "marks": {}, "member": "inputs"}))
        else:
            node = _described(said, tables) | numbers
            member = "inputs"
            if "label of" in parent:
                node |= parent["marks"]
                member = parent["member"]
                parent = parent["label of"]
            parent.setdefault(member, []).append(node)
            opened.append((column, node))
    return root


def _steps(lines: list[str]) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Column, words and numbers of each step. A second plan's first step, at the column of the first, ends it."""
    began = False
    for line in lines:
        arrow = _ARROW.match(line)
        if arrow is None:
            if began and not line.strip():
                return
            continue  # a condition with a line end in it: its rest
        rest = line[arrow.end() : arrow.end() + MAX_LINE_CHARACTERS].rstrip(" |")
        column = len(arrow["indent"])
        # A condition may hold a text that looks like numbers; those of the step end its line.
        found = (_NUMBERS.match(rest, begin.start() + 2) for begin in _NUMBERS_BEGIN.finditer(rest))
        numbers = next((each for each in found if each is not None), None)
        said = rest if numbers is None else rest[: numbers.start()]
        if began and column == 0 and not _LABEL.match(said):
            return
        began = True
        yield column, said.strip(), _measured(numbers) if numbers is not None else {}


def _measured(found: re.Match[str]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    if found["cost"]:
        members |= {"estimated_total_cost": float(found["cost"]), "estimated_rows": float(found["rows"])}
    if found["run"]:
        if found["loops"] is None:
            members |= {"actual_loops": 0, "actual_rows": 0.0, "actual_last_row_ms": 0.0}
        else:
            members |= {
                "actual_loops": int(found["loops"]), "actual_rows": float(found["seen"]),
                "actual_last_row_ms": float(found["last"]),
            }  # fmt: skip
    return members


def _described(said: str, tables: dict[str, tuple[str, str]]) -> dict[str, Any]:
    """The members that JSON version 2 has for a step."""
    if (table := _TABLE.match(said)) is not None:
        return {"operation": said, "access_type": "table"} | _relation(table["alias"], tables)
    if (constant := _CONSTANT.match(said)) is not None:
        return {"operation": said, "access_type": "constant_row"} | _relation(constant["alias"], tables)
    for begin, word in _STEPS:
        if said.startswith(begin):
            return {"operation": said, "access_type": word} | _of_step(said, word)
    index = _INDEX.match(said)
    if index is not None and " using " in said:
        return _of_index(said, index["head"].lower(), said[index.end() :], tables)
    words, bracket, rest = said.partition(" (")
    if words.endswith(("join", "Nested loop")):
        hashed = "hash" in words.lower()
        return {
            "operation": said, "access_type": "join", "join_algorithm": "hash" if hashed else "nested_loop",
            "hash_condition": [f"({rest}"] if bracket and hashed else [],
        }  # fmt: skip
    return {"operation": said, "access_type": "other"}


def _of_step(said: str, word: str) -> dict[str, Any]:
    if word == "filter":
        return {"condition": said.removeprefix("Filter: ")}
    if word == "sort":
        keys = said.partition(": ")[2].partition(", limit input to ")[0]
        return {"sort_fields": keys.split(", ") if keys else []}
    return {}


def _of_index(said: str, head: str, rest: str, tables: dict[str, tuple[str, str]]) -> dict[str, Any]:
    """`c using country (country = 'fr'), with index condition: …`, or `… over (id < 7)` of a range."""
    kinds = (("range scan", "index_range_scan"), ("skip scan", "index_skip_scan"), ("scan", "index_scan"))
    kind = next((word for end, word in kinds if head.endswith(end)), "index_lookup")
    alias, _, used = rest.partition(" using ")
    name, _, how = used.partition(" ")
    how = how.partition(", with index condition: ")[0].removesuffix("(reverse)").strip()
    ranges = how.removeprefix("over ") if how.startswith("over ") else ""
    members: dict[str, Any] = {
        "operation": said, "access_type": "index", "index_name": name.strip("`,"), "covering": "covering" in head,
        "index_access_type": "full_text_search" if head.startswith("full-text") else kind,
    }  # fmt: skip
    if ranges:
        members["ranges"] = [ranges]
    elif how.startswith("(") and how.endswith(")"):
        members["lookup_condition"] = how[1:-1]
    return members | _relation(alias, tables)


def _relation(alias: str, tables: dict[str, tuple[str, str]]) -> dict[str, Any]:
    alias = alias.strip("`")
    schema, name = tables.get(alias.lower(), ("", alias))
    return {"table_name": name, "alias": alias} | ({"schema_name": schema} if schema else {})
