"""EXPLAIN's text form, as people paste it from psql, turned into the members of its JSON form.

`advisor.plan` reads the result, so both forms give the same tree. psql's frame is taken away: the heading, its rule, the
row count, `+` at the ends of lines, bars at both sides.
Source: PostgreSQL manual, "Using EXPLAIN"; src/backend/commands/explain.c of PostgreSQL 15 and 18.
"""

# ruff: noqa: E501 - a pattern is read whole

import json
import re
from typing import Any

from housecall.advisor.plan import Plan, parse_postgresql_plan
from housecall.errors import RequestError

MAX_PLAN_CHARACTERS = 4_000_000
MAX_LINE_CHARACTERS = 20_000
_NUMBERS_BEGIN = re.compile(r"\((?:cost=|actual |never executed)")
_NUMBERS = re.compile(
    r"(?P<cost>\(cost=(?P<startup>[\d.]+)\.\.(?P<total>[\d.]+) rows=(?P<rows>[\d.]+) width=(?P<width>\d+)\))? ?"
    r"(?P<run>\((?:actual(?: time=(?P<first>[\d.]+)\.\.(?P<last>[\d.]+))? rows=(?P<seen>[\d.]+) loops=(?P<loops>\d+)|never executed)\))?"
)
_ARROW = re.compile(r"^ *->  ?")
_LABEL = re.compile(r"^ *(?P<name>(?P<kind>InitPlan|SubPlan|CTE) \S+(?: \(returns [^)]*\))?)\s*$")
_ATTRIBUTE = re.compile(r"^ *(?P<name>[A-Z][A-Za-z ]+?(?: \(\S+\))?): +(?P<value>.*)$")
_TRIGGER = re.compile(r"^ *Trigger (?P<name>.+?): time=(?P<time>[\d.]+) calls=\d+")
_FRAME = re.compile(r"^\s*(?:QUERY PLAN|[-─=+|]{3,}|\(\d+ (?:rows?|行记录|行)\))\s*$")
_JOIN = re.compile(
    r"^(?P<method>Nested Loop|Hash|Merge) (?P<type>Left|Right|Full|Semi|Anti|Right Semi|Right Anti)(?: Join)?$"
)
_SCAN = re.compile(
    r"^(?P<node>.+?)(?P<backward> Backward)?(?: using (?P<index>\"[^\"]+\"|\S+))? on (?P<relation>(?:\"[^\"]+\"|[^\s\"]+?)(?:\.(?:\"[^\"]+\"|\S+))?)"
    r"(?: (?P<alias>\"[^\"]+\"|\S+))?$"
)
_STRATEGIES = {"HashAggregate": "Hashed", "GroupAggregate": "Sorted", "MixedAggregate": "Mixed", "Aggregate": "Plain"}
_CHILDREN = {
    "Append": "Member",
    "Merge Append": "Member",
    "BitmapAnd": "Member",
    "BitmapOr": "Member",
    "Subquery Scan": "Subquery",
}
_WRITES = ("Insert", "Update", "Delete", "Merge")
_WITHOUT_RELATION = (
    "Function Scan",
    "CTE Scan",
    "Subquery Scan",
    "Values Scan",
    "WorkTable Scan",
    "Table Function Scan",
)


def read_plan(text: str) -> Plan:
    """The plan in a text, in whichever form of EXPLAIN it is.

    Raises RequestError when there is none, or one that is cut off or too large, with what was expected.
    """
    if len(text) > MAX_PLAN_CHARACTERS:
        raise RequestError(
            f"The plan has more than {MAX_PLAN_CHARACTERS:,} characters; Housecall reads no larger ones."
        )
    if '"Plan"' in text and '"Node Type"' in text:
        return parse_postgresql_plan(_json_of(text))
    return parse_postgresql_plan(plan_members(text))


def _json_of(text: str) -> Any:
    """The JSON within psql's frame."""
    lines = [_unframed(line) for line in text.splitlines() if not _FRAME.match(line)]
    joined = "\n".join(lines)
    start = min((place for place in (joined.find("["), joined.find("{")) if place >= 0), default=0)
    try:
        return json.JSONDecoder().raw_decode(joined[start:])[0]
    except (ValueError, RecursionError) as error:
        raise RequestError(f"The plan is not whole JSON: {str(error)[:120]}.") from None


def plan_members(text: str) -> dict[str, Any]:
    """The text form as the object that EXPLAIN (FORMAT JSON) gives. Raises RequestError when it has no node."""
    reader = _Reader()
    for line in text.splitlines():
        plain = _unframed(line)
        if plain and not _FRAME.match(plain):
            reader.take(plain)
    if reader.root is None:
        raise RequestError("This is not a plan: expected the lines of EXPLAIN, as in 'Seq Scan on orders  (cost=...)'.")
    return {"Plan": reader.root, "Triggers": reader.triggers, **reader.whole}


def _unframed(line: str) -> str:
    """The line without what psql draws around it, and not longer than a line of a plan can be of use."""
    bare = line[:MAX_LINE_CHARACTERS].replace("\t", "        ").rstrip()
    if bare.lstrip().startswith("|") and bare.endswith("|"):
        bare = bare.strip().strip("|").rstrip()
    return bare.removesuffix("+").rstrip()


class _Reader:
    """Keeps the nodes that are open, by the column at which each begins."""

    def __init__(self) -> None:
        self.root: dict[str, Any] | None = None
        self.whole: dict[str, Any] = {}
        self.triggers: list[dict[str, Any]] = []
        self._open: list[tuple[int, dict[str, Any]]] = []
        self._labels: list[tuple[int, str, str]] = []

    def take(self, line: str) -> None:
        if (label := _LABEL.match(line)) is not None and self.root is not None:
            indent = len(line) - len(line.lstrip())
            self._labels = [each for each in self._labels if each[0] < indent]
            while self._open and self._open[-1][0] > indent:
                self._open.pop()  # a subplan may follow the children of its node
            self._labels.append((indent, label["kind"], label["name"]))
            return
        if (trigger := _TRIGGER.match(line)) is not None:
            self.triggers.append({"Trigger Name": trigger["name"], "Time": float(trigger["time"])})
            return
        begin = _NUMBERS_BEGIN.search(line)
        numbers = _NUMBERS.match(line, begin.start()) if begin else None
        if begin is not None and numbers is not None and (numbers["cost"] or numbers["run"]):
            self._node(line[: begin.start()], numbers)
        elif (attribute := _ATTRIBUTE.match(line)) is not None:
            self._attribute(attribute["name"], attribute["value"])

    def _node(self, line: str, found: re.Match[str]) -> None:
        arrow = _ARROW.match(line)
        if arrow is None and self.root is not None:
            return  # a second statement's plan; the first is the one that is read
        column = arrow.end() if arrow is not None and self.root is not None else -1
        node = _described(line[arrow.end() if arrow else 0 :].strip()) | _numbers(found)
        while self._open and self._open[-1][0] >= column:
            self._open.pop()
        indent = len(line) - len(line.lstrip())
        self._labels = [each for each in self._labels if each[0] < indent]
        if self.root is None:
            self.root = node
        else:
            parent_column, parent = self._open[-1] if self._open else (-1, self.root)
            children = parent.setdefault("Plans", [])
            label = next((each for each in reversed(self._labels) if each[0] > parent_column), None)
            if label is not None:
                node["Parent Relationship"] = "SubPlan" if label[1] == "SubPlan" else "InitPlan"
                node["Subplan Name"] = label[2]
            else:
                ordinary = [each for each in children if "Subplan Name" not in each]
                place = "Outer" if not ordinary else "Inner"
                node["Parent Relationship"] = _CHILDREN.get(str(parent.get("Node Type")), place)
            children.append(node)
        self._open.append((column, node))

    def _attribute(self, name: str, value: str) -> None:
        if name in ("Planning Time", "Execution Time", "Planning time", "Execution time", "Total runtime"):
            number = re.match(r"[\d.]+", value)
            key = "Planning Time" if name.startswith("Planning") else "Execution Time"
            if number:
                self.whole[key] = float(number[0])
        elif self._open:
            _set(self._open[-1][1], name, value)


def _described(what: str) -> dict[str, Any]:
    """`Parallel Seq Scan on public.orders o` as members."""
    members: dict[str, Any] = {}
    if what.startswith("Parallel "):
        members["Parallel Aware"] = True
        what = what.removeprefix("Parallel ")
    for mode in ("Partial ", "Finalize ", "Simple "):
        if what.startswith(mode):
            members["Partial Mode"] = mode.strip()
            what = what.removeprefix(mode)
    scan = _SCAN.match(what)
    node = scan["node"] if scan else what
    if (join := _JOIN.match(node)) is not None:
        method = join["method"]
        return members | {
            "Node Type": method if method == "Nested Loop" else f"{method} Join", "Join Type": join["type"],
        }  # fmt: skip
    if node in _STRATEGIES:
        return members | {"Node Type": "Aggregate", "Strategy": _STRATEGIES[node]}
    if node in _WRITES:
        members |= {"Node Type": "ModifyTable", "Operation": node}
    else:
        members["Node Type"] = node
    if scan is None:
        return members
    if node == "Bitmap Index Scan":
        members["Index Name"] = _bare(scan["relation"])
        return members
    if scan["index"]:
        members["Index Name"] = _bare(scan["index"])
    name = "Alias" if node in _WITHOUT_RELATION else "Relation Name"
    schema, _, relation = _split(scan["relation"])
    if schema and name == "Relation Name":
        members["Schema"] = schema
    members[name] = relation
    if scan["alias"]:
        members["Alias"] = _bare(scan["alias"])
    return members


def _split(name: str) -> tuple[str, str, str]:
    parts = re.findall(r"\"[^\"]+\"|[^.\"]+", name)
    if len(parts) == 2:
        return _bare(parts[0]), ".", _bare(parts[1])
    return "", "", _bare(name)


def _bare(name: str) -> str:
    return name[1:-1] if name.startswith('"') and name.endswith('"') else name


def _numbers(found: re.Match[str]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    if found["cost"]:
        members |= {
            "Startup Cost": float(found["startup"]), "Total Cost": float(found["total"]),
            "Plan Rows": float(found["rows"]), "Plan Width": int(found["width"]),
        }  # fmt: skip
    if found["run"]:
        if found["loops"] is None:
            members |= {"Actual Rows": 0.0, "Actual Loops": 0.0, "Actual Total Time": 0.0}
        else:
            members |= {"Actual Rows": float(found["seen"]), "Actual Loops": float(found["loops"])}
            if found["last"]:
                members |= {"Actual Startup Time": float(found["first"]), "Actual Total Time": float(found["last"])}
    return members


_TEXTS = frozenset(
    {"Filter", "Index Cond", "Hash Cond", "Merge Cond", "Join Filter", "Recheck Cond", "One-Time Filter", "TID Cond"}
)
_COUNTS = frozenset({"Rows Removed by Filter", "Rows Removed by Index Recheck", "Rows Removed by Join Filter"})


def _set(node: dict[str, Any], name: str, value: str) -> None:
    """One attribute line of a node; those that nothing uses are left out."""
    if name in _TEXTS:
        node[name] = value
    elif name in _COUNTS and value.replace(".", "", 1).isdigit():
        node[name] = float(value)
    elif name in ("Sort Key", "Group Key"):
        node[name] = _listed(value)
    elif name == "Sort Method":
        if (size := re.search(r"(Disk|Memory): (\d+)kB", value)) is not None:
            node["Sort Space Type"], node["Sort Space Used"] = size[1], int(size[2])
    elif name in ("Buckets", "Batches"):
        _set_batches(node, f"{name}: {value}")
    elif name == "Heap Blocks":
        if (lossy := re.search(r"lossy=(\d+)", value)) is not None:
            node["Lossy Heap Blocks"] = int(lossy[1])
    elif name == "Buffers" and (written := re.search(r"temp (?:read=\d+ )?written=(\d+)", value)) is not None:
        node["Temp Written Blocks"] = int(written[1])


def _set_batches(node: dict[str, Any], line: str) -> None:
    batches, disk = re.search(r"Batches: (\d+)", line), re.search(r"Disk Usage: (\d+)kB", line)
    if batches:
        node["HashAgg Batches" if node.get("Node Type") == "Aggregate" else "Hash Batches"] = int(batches[1])
    if disk:
        node["Disk Usage"] = int(disk[1])


def _listed(value: str) -> list[str]:
    """`a, lower(b, c) DESC` cut at the commas that stand in no bracket."""
    parts, depth, start = [], 0, 0
    for place, letter in enumerate(value):
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and depth == 0:
            parts.append(value[start:place].strip())
            start = place + 1
    return [*parts, value[start:].strip()]
