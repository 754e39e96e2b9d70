"""Plans of MySQL and MariaDB as the tree of `advisor.plan`.

Three JSON forms are read, each with or without what ANALYZE adds: MySQL's version 1 and MariaDB's (a `query_block`
whose members are the steps), and MySQL's version 2 (a `query_plan` of `inputs`). Version 1 and MariaDB name tables by
their alias only; with the statement beside it the tree knows the tables too.

Steps are called as MySQL's tree form calls them. Costs are for all loops, so that those of the children add up.
Source: MySQL manual, "Optimizing Queries with EXPLAIN"; MariaDB Knowledge Base, "EXPLAIN FORMAT=JSON" and "ANALYZE
FORMAT=JSON".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from housecall.advisor.plan import MAX_NODES, NodeKind, Plan, PlanNode
from housecall.advisor.statement import parse_statement, relations_of
from housecall.errors import RequestError

_NOT_A_PLAN = (
    "This is not a plan: expected the JSON of EXPLAIN FORMAT=JSON, with a member 'query_block' or 'query_plan'."
)

_ACCESS: Mapping[str, tuple[str, NodeKind]] = {
    "ALL": ("Table scan", "full_scan"),
    "index": ("Index scan", "index_scan"),
    "range": ("Index range scan", "index_scan"),
    "index_merge": ("Index merge", "bitmap_scan"),
    "ref": ("Index lookup", "index_scan"),
    "ref_or_null": ("Index lookup", "index_scan"),
    "eq_ref": ("Single-row index lookup", "index_scan"),
    "const": ("Constant row", "index_scan"),
    "system": ("Constant row", "index_scan"),
    "fulltext": ("Full-text index search", "index_scan"),
    "unique_subquery": ("Single-row index lookup", "index_scan"),
    "index_subquery": ("Index lookup", "index_scan"),
}
_ACCESS_OF_VERSION_2: Mapping[str, str] = {
    "index_scan": "index",
    "index_lookup": "ref",
    "index_range_scan": "range",
    "index_skip_scan": "range",
    "group_index_skip_scan": "range",
    "full_text_search": "fulltext",
    "pushed_join_ref": "ref",
    "dynamic_index_range_scan": "range",
}
_SUBQUERIES = {
    "select_list_subqueries", "attached_subqueries", "optimized_away_subqueries", "having_subqueries",
    "order_by_subqueries", "group_by_subqueries", "insert_values_subqueries", "update_value_subqueries", "subqueries",
}  # fmt: skip
_MATERIALIZED = {"materialized", "materialized_from_subquery"}


@dataclass(slots=True)
class _Reader:
    """What holds for the whole plan: the tables behind the aliases, and how many nodes were made."""

    tables: Mapping[str, tuple[str, str]]
    made: int = 0

    def count(self) -> None:
        self.made += 1
        if self.made > MAX_NODES:
            raise RequestError(f"The plan has more than {MAX_NODES} nodes; Housecall reads no larger ones.")


def parse_mysql_plan(explained: Any, statement: str = "") -> Plan:
    """The plan in what EXPLAIN FORMAT=JSON returns on MySQL 8 and 9 and on MariaDB.

    `statement` is the text that was explained: with it the nodes name tables and not aliases. Raises RequestError when
    the plan has another shape, with what was expected.
    """
    if not isinstance(explained, Mapping):
        raise RequestError(_NOT_A_PLAN)
    reader = _Reader(tables_by_alias(statement))
    try:
        if isinstance(explained.get("query_block"), Mapping):
            root = _whole(_steps(explained["query_block"], 1.0, reader))
            seconds = _milliseconds(explained["query_block"].get("r_total_time_ms"))
        elif isinstance(explained.get("query_plan"), Mapping) or "operation" in explained:
            top = explained.get("query_plan", explained)
            root = _node(top, 1.0, reader)
            seconds = _milliseconds(top.get("actual_last_row_ms"))
        else:
            raise RequestError(_NOT_A_PLAN)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise RequestError(f"The plan is damaged: {type(error).__name__}: {str(error)[:200]}") from error
    except RecursionError:
        raise RequestError("The plan is nested too deeply to be read.") from None
    notes = tuple(str(note)[:300] for note in explained.get("notes") or ())
    analyzed = any(node.loops is not None for node in root.walk())
    return Plan(root, analyzed, execution_seconds=seconds if analyzed else None, engine="mysql", notes=notes)


def tables_by_alias(statement: str) -> dict[str, tuple[str, str]]:
    """Schema (empty where the statement names none) and table by the alias, in lower case."""
    tree = parse_statement(statement, "mysql") if statement else None
    if tree is None:
        return {}
    from sqlglot import exp

    nodes = tree.find_all(exp.Select, exp.Update, exp.Delete)
    return {each.alias.lower(): (each.schema, each.name) for node in nodes for each in relations_of(node)}


# --- version 1 and MariaDB ---


def _whole(steps: list[PlanNode]) -> PlanNode:
    """One root: the only step, or all of them under one of no name of its own."""
    if len(steps) == 1:
        return steps[0]
    return PlanNode("Query", "other", children=tuple(steps))


def _steps(raw: Mapping[str, Any], loops: float, reader: _Reader) -> list[PlanNode]:
    """The steps that a member of the plan holds, in its order; subqueries after what they belong to."""
    found: list[PlanNode] = []
    subqueries: list[PlanNode] = []
    for key, value in raw.items():
        if key == "table" and isinstance(value, Mapping):
            found.append(_table(value, loops, reader))
        elif key == "nested_loop" and isinstance(value, Sequence):
            found.append(_nested_loop(value, loops, reader))
        elif key in _SUBQUERIES:
            rows = max((_rows_out(each) for each in found), default=1.0)
            subqueries += _subqueries(value, loops * max(1.0, rows), reader)
        elif key in ("block-nl-join", "range-checked-for-each-record") and isinstance(value, Mapping):
            found += _buffered(value, loops, reader)
        elif key in ("union_result", "intersect_result", "except_result") and isinstance(value, Mapping):
            found.append(_union(key, value, loops, reader))
        elif isinstance(value, Mapping):
            found += _wrapped(key, value, loops, reader)
        elif isinstance(value, list):
            found += [step for each in value if isinstance(each, Mapping) for step in _steps(each, loops, reader)]
    if subqueries and found:
        return [_with_subqueries(found[0], subqueries), *found[1:]]
    return found or subqueries or _message(raw)


def _with_subqueries(node: PlanNode, subqueries: list[PlanNode]) -> PlanNode:
    """The node with the subqueries that its rows set off; its cost, which leaves them out, becomes that of both."""
    extra = sum(each.total_cost or 0.0 for each in subqueries)
    cost = None if node.total_cost is None else node.total_cost + extra
    return replace(node, children=(*node.children, *subqueries), total_cost=cost)


def _scaled(node: PlanNode, times: float) -> PlanNode:
    cost = None if node.total_cost is None else node.total_cost * times
    return replace(node, total_cost=cost, children=tuple(_scaled(child, times) for child in node.children))


def _message(raw: Mapping[str, Any]) -> list[PlanNode]:
    """`Impossible WHERE`, `Select tables optimized away`: the whole plan of a block that reads nothing."""
    message = raw.get("message")
    return [PlanNode(str(message), "other", estimated_rows=0.0)] if isinstance(message, str) else []


def _wrapped(key: str, value: Mapping[str, Any], loops: float, reader: _Reader) -> list[PlanNode]:
    """A step that works on what is below it: a sort, a group, a temporary table; anything else is looked through."""
    below = _steps(value, loops, reader)
    sorts = key == "filesort" or value.get("using_filesort") is True
    keeps = key == "temporary_table" or value.get("using_temporary_table") is True
    windows = [each for name in ("windows", "sorts") for each in value.get(name) or () if isinstance(each, Mapping)]
    sorts = sorts or any(each.get("using_filesort") is True or "filesort" in each for each in windows)
    if not below:
        return []
    rows = _rows_out(below[0])
    child: tuple[PlanNode, ...] = tuple(below)
    if key in ("grouping_operation", "duplicates_removal"):
        reader.count()
        name = "Group" if key == "grouping_operation" else "Remove duplicates"
        operation = f"{name} using temporary table" if keeps else name
        child = (PlanNode(operation, "aggregate", temporary=keeps, estimated_loops=loops, children=child),)
        keeps = False
    if keeps:
        reader.count()
        child = (PlanNode("Temporary table", "materialize", estimated_rows=rows, temporary=True, children=child),)
    if sorts:
        reader.count()
        keys = tuple(str(value["sort_key"]).split(", ")) if isinstance(value.get("sort_key"), str) else ()
        spills = value.get("r_sort_passes")
        child = (
            PlanNode(
                "Sort", "sort", estimated_rows=rows, sort_keys=keys, estimated_loops=loops, children=child,
                sort_passes=int(spills) if spills is not None else None,
            ),
        )  # fmt: skip
    return list(child)


def _nested_loop(parts: Sequence[Any], loops: float, reader: _Reader) -> PlanNode:
    """A join: each table once for every row that those before it gave."""
    children: list[PlanNode] = []
    outer = loops
    for part in parts:
        for node in _steps(part, outer, reader):
            role = "outer" if not children else "inner"
            children.append(replace(node, role=role))
            table = _first_table(node)
            outer *= max(1.0, _rows_out(node)) if table is None or not table.buffered else 1.0
            if table is not None and table.buffered:
                outer *= max(1.0, _rows_out(table))
    if len(children) == 1:
        return replace(children[0], role="")
    reader.count()
    costs = [each.total_cost for each in children if each.total_cost is not None]
    return PlanNode(
        "Nested loop", "nested_loop", estimated_rows=outer / max(1.0, loops), estimated_loops=loops,
        total_cost=sum(costs) if costs else None, children=tuple(children),
    )  # fmt: skip


def _buffered(value: Mapping[str, Any], loops: float, reader: _Reader) -> list[PlanNode]:
    """MariaDB's join buffer: the table is read once for every buffer full of outer rows."""
    condition = value.get("attached_condition")
    steps = _steps({key: each for key, each in value.items() if key != "attached_condition"}, 1.0, reader)
    loops = loops if value.get("join_type") is None else 1.0
    word = {"BNL": "block nested loop", "BNLH": "hash join", "BKA": "batched key access", "BKAH": "batched key access"}
    join = word.get(str(value.get("join_type", "")), "join buffer")
    return [
        replace(
            node, join_condition=condition or node.join_condition,
            buffered=join if node.access is not None else None, estimated_loops=loops,
        )
        for node in steps
    ]  # fmt: skip


def _subqueries(value: Any, loops: float, reader: _Reader) -> list[PlanNode]:
    found: list[PlanNode] = []
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, Mapping):
            dependent = each.get("dependent") is True or "expression_cache" in each
            times = loops if dependent else 1.0
            steps = [_scaled(step, max(1.0, times)) for step in _steps(each, times, reader)]
            found += [replace(step, role="subplan", dependent=dependent) for step in steps]
    return found


def _union(key: str, value: Mapping[str, Any], loops: float, reader: _Reader) -> PlanNode:
    reader.count()
    parts = [each for each in value.get("query_specifications", ()) if isinstance(each, Mapping)]
    children = tuple(step for part in parts for step in _steps(part, loops, reader))
    word = {"union_result": "Union", "intersect_result": "Intersect", "except_result": "Except"}[key]
    return PlanNode(
        word, "append", temporary=value.get("using_temporary_table") is True, children=children,
        estimated_rows=sum(_rows_out(child) for child in children), estimated_loops=loops,
    )  # fmt: skip


def _table(raw: Mapping[str, Any], loops: float, reader: _Reader) -> PlanNode:
    reader.count()
    if "table_name" not in raw:
        return PlanNode(str(raw.get("message", "No table")), "other", estimated_rows=0.0)
    access = str(raw.get("access_type", "ALL"))
    alias = str(raw["table_name"])
    schema, relation = reader.tables.get(alias.lower(), ("", alias))
    scanned = _number(raw.get("rows_examined_per_scan", raw.get("rows")))
    filtered = (_number(raw.get("filtered")) or 100.0) / 100 if "filtered" in raw else 1.0
    buffered = raw.get("using_join_buffer")
    operation, kind = _ACCESS.get(access, (access, "other"))
    covering = raw.get("using_index") is True
    condition = raw.get("attached_condition")
    below = [
        step for key in _MATERIALIZED if isinstance(raw.get(key), Mapping) for step in _steps(raw[key], 1.0, reader)
    ]
    if below:
        below = [replace(step, role="materialized") for step in below]
    repeated = {key: raw[key] for key in _SUBQUERIES if key in raw}
    kept = None if scanned is None else scanned * filtered
    if repeated:
        times = loops * max(1.0, scanned or 1.0)
        subqueries = [step for value in repeated.values() for step in _subqueries(value, times, reader)]
    else:
        subqueries = []
    node = PlanNode(
        operation=f"Covering {operation[0].lower()}{operation[1:]}" if covering and kind == "index_scan" else operation,
        kind="index_only_scan" if covering and kind == "index_scan" else kind,
        relation=relation,
        schema=schema or None,
        alias=alias,
        index=raw.get("key") if isinstance(raw.get("key"), str) else None,
        access=access,
        estimated_rows=kept,
        estimated_scanned=scanned,
        estimated_loops=1.0 if buffered else loops,
        total_cost=_cost_of_table(raw),
        filter=condition if isinstance(condition, str) else None,
        index_condition=_looked_up(raw),
        buffered=str(buffered) if buffered else None,
        partitions=len(raw["partitions"]) if isinstance(raw.get("partitions"), list) else None,
        children=tuple(below),
    )
    return _measured(_with_subqueries(node, subqueries), raw)


def _measured(node: PlanNode, raw: Mapping[str, Any]) -> PlanNode:
    """With what MariaDB's ANALYZE measured: `r_rows` are those of one loop, looked at before the condition."""
    if "r_loops" not in raw:
        return node
    loops = float(raw["r_loops"] or 0)
    looked = _number(raw.get("r_rows"))
    share = (_number(raw.get("r_filtered")) or 0.0) / 100 if raw.get("r_filtered") is not None else 1.0
    spent = [_number(raw.get(key)) for key in ("r_table_time_ms", "r_other_time_ms")]
    total = sum(each for each in spent if each is not None) if any(each is not None for each in spent) else None
    return replace(
        node, loops=loops,
        actual_rows=None if looked is None else looked * share,
        rows_removed_by_filter=None if looked is None else looked * (1 - share),
        actual_seconds=None if total is None else total / 1000 / max(1.0, loops),
    )  # fmt: skip


def _looked_up(raw: Mapping[str, Any]) -> str | None:
    """`customer_id = shop.c.id`: the used key parts and what they are compared with."""
    parts, values = raw.get("used_key_parts") or (), raw.get("ref") or ()
    pairs = [f"{part} = {value}" for part, value in zip(parts, values, strict=False)]
    pushed = raw.get("index_condition")
    return " AND ".join([*pairs, *([pushed] if isinstance(pushed, str) else [])]) or None


def _cost_of_table(raw: Mapping[str, Any]) -> float | None:
    costs = raw.get("cost_info")
    if isinstance(costs, Mapping) and "read_cost" in costs:
        return (_number(costs["read_cost"]) or 0.0) + (_number(costs.get("eval_cost")) or 0.0)
    return _number(raw.get("cost"))


def _rows_out(node: PlanNode) -> float:
    return node.estimated_rows if node.estimated_rows is not None else 1.0


def _first_table(node: PlanNode) -> PlanNode | None:
    return next((each for each in node.walk() if each.relation is not None), None)


# --- MySQL, version 2 ---


def _node(raw: Mapping[str, Any], loops: float, reader: _Reader) -> PlanNode:
    """One node with its inputs. A filter is told of the table that it stands over."""
    reader.count()
    word = str(raw.get("access_type", ""))
    inputs = list(_inputs(raw))
    if word == "filter" and inputs and inputs[0][1].get("table_name") and not inputs[0][1].get("inputs"):
        return _filtered_table(raw, inputs, loops, reader)
    children = tuple(_children(raw, inputs, loops, reader))
    rows = _number(raw.get("estimated_rows"))
    cost = _number(raw.get("estimated_total_cost"))
    operation, kind = _kind_of(raw)
    access = _access_of(raw)
    return _run(
        PlanNode(
            operation=operation, kind=kind, relation=raw.get("table_name"), schema=raw.get("schema_name"),
            alias=raw.get("alias", raw.get("table_name")), index=raw.get("index_name"), access=access,
            estimated_rows=rows, estimated_scanned=rows if access else None, estimated_loops=loops,
            total_cost=None if cost is None else cost * max(1.0, loops),
            filter=raw.get("condition") if word == "filter" else None,
            index_condition=raw.get("lookup_condition") or " AND ".join(raw.get("ranges") or ()) or None,
            join_condition=" AND ".join(map(str, raw.get("hash_condition") or ())) or None,
            sort_keys=tuple(map(str, raw.get("sort_fields") or ())),
            temporary="temp_table" in word or word == "materialize", children=children,
            dependent=raw.get("dependent") is True, role="subplan" if raw.get("subquery") is True else "",
        ),
        raw,
    )  # fmt: skip


def _filtered_table(
    raw: Mapping[str, Any], inputs: list[tuple[str, Mapping[str, Any]]], loops: float, reader: _Reader
) -> PlanNode:
    table = _node(inputs[0][1], loops, reader)
    rows = _number(raw.get("estimated_rows"))
    repeated = loops * max(1.0, table.estimated_rows or 1.0)
    below = tuple(_children(raw, inputs[1:], repeated, reader))
    kept, looked = _number(raw.get("actual_rows")), table.actual_rows
    removed = None if kept is None or looked is None else max(0.0, looked - kept)
    return replace(
        table, filter=raw.get("condition"), estimated_rows=rows, children=(*table.children, *below),
        actual_rows=kept if kept is not None else table.actual_rows, rows_removed_by_filter=removed,
        role="subplan" if raw.get("subquery") is True else table.role,
        dependent=raw.get("dependent") is True or table.dependent,
    )  # fmt: skip


def _inputs(raw: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, value in raw.items():
        if key.startswith("inputs") and isinstance(value, list):
            yield from ((key, each) for each in value if isinstance(each, Mapping))


def _children(
    raw: Mapping[str, Any], inputs: list[tuple[str, Mapping[str, Any]]], loops: float, reader: _Reader
) -> Iterator[PlanNode]:
    nested = raw.get("join_algorithm") == "nested_loop"
    own = [each for key, each in inputs if key == "inputs"]
    for place, (key, each) in enumerate(inputs):
        if key != "inputs" or each.get("subquery") is True:
            outer = max(_number(one.get("estimated_rows")) or 1.0 for one in own or [raw])
            times = loops * max(1.0, outer) if each.get("dependent") is True else 1.0
            yield replace(_node(each, times, reader), role="subplan")
        elif nested and place == 1:
            rows = _number(own[0].get("estimated_rows")) or 1.0
            yield replace(_node(each, loops * max(1.0, rows), reader), role="inner")
        else:
            joins = raw.get("access_type") == "join"
            buffered = str(raw.get("join_algorithm", "")) == "hash"
            once = raw.get("access_type") == "materialize" and raw.get("dependent") is not True
            node = _node(each, 1.0 if once else loops, reader)
            if buffered and node.access is not None:
                node = replace(node, buffered="hash join", join_condition=" AND ".join(raw.get("hash_condition") or ()))
            yield replace(node, role=("outer" if place == 0 else "inner")) if joins else node


def _access_of(raw: Mapping[str, Any]) -> str | None:
    """The access type by the name that the other forms use, or None for what is no table."""
    if not raw.get("table_name"):
        return None
    word = str(raw.get("access_type", ""))
    if word == "table":
        return "ALL"
    kind = str(raw.get("index_access_type", word))
    if kind == "index_lookup" and str(raw.get("operation", "")).startswith("Single-row"):
        return "eq_ref"
    return _ACCESS_OF_VERSION_2.get(kind, "const" if "const" in word else kind)


def _kind_of(raw: Mapping[str, Any]) -> tuple[str, NodeKind]:
    word, text = str(raw.get("access_type", "")), str(raw.get("operation", ""))
    access = _access_of(raw)
    if access is not None:
        operation, kind = _ACCESS.get(access, (access, "other"))
        if raw.get("covering") is True and kind == "index_scan":
            return f"Covering {operation[0].lower()}{operation[1:]}", "index_only_scan"
        return operation, kind
    if word == "join":
        hashed = raw.get("join_algorithm") == "hash"
        return text.partition(" (")[0], "hash_join" if hashed else "nested_loop"
    kinds: Mapping[str, NodeKind] = {
        "sort": "sort", "limit": "limit", "aggregate": "aggregate", "temp_table_aggregate": "aggregate",
        "materialize": "materialize", "append": "append", "window": "aggregate", "stream": "materialize",
    }  # fmt: skip
    return text.partition(":")[0], kinds.get(word, "other")


def _run(node: PlanNode, raw: Mapping[str, Any]) -> PlanNode:
    """With what EXPLAIN ANALYZE measured."""
    if "actual_loops" not in raw:
        return node
    return replace(
        node, loops=float(raw["actual_loops"] or 0), actual_rows=_number(raw.get("actual_rows")),
        actual_seconds=_milliseconds(raw.get("actual_last_row_ms")),
    )  # fmt: skip


def _number(value: Any) -> float | None:
    return None if value is None or isinstance(value, Mapping | list) else float(value)


def _milliseconds(value: Any) -> float | None:
    return None if value is None else float(value) / 1000
