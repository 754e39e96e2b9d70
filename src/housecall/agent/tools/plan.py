"""Plans as a list of lines, from the root down: of PostgreSQL's EXPLAIN (FORMAT JSON), and of MySQL's and MariaDB's."""

from collections.abc import Iterator
from typing import Any

from housecall.advisor.plan import Plan as PlanTree
from housecall.advisor.plan import PlanNode
from housecall.agent.tools.bounded import clip
from housecall.agent.tools.catalogue import ToolResult
from housecall.agent.tools.relations import written_name

_CONDITIONS = ("Index Cond", "Recheck Cond", "Hash Cond", "Merge Cond", "Join Filter", "Filter")


class PlanLine(ToolResult):
    """One node. `cost` values are the planner's units (None: not told), `rows` its estimate; `own_cost` leaves out the
    nodes below."""

    depth: int
    node: str
    relation: str | None = None
    index: str | None = None
    rows: float
    total_cost: float | None
    own_cost: float | None
    condition: str | None = None
    sort_key: str | None = None


def flatten_plan(plan: Any) -> list[PlanLine]:
    """The nodes of a plan; empty for a plan of another shape."""
    root = plan[0] if isinstance(plan, list) and plan else plan
    if not isinstance(root, dict) or not isinstance(root.get("Plan"), dict):
        return []
    return list(_lines(root["Plan"], 0))


def lines_of_tree(plan: PlanTree) -> list[PlanLine]:
    """The nodes of a plan of MySQL or MariaDB that the advisor read."""
    return list(_tree_lines(plan.root, 0))


def _tree_lines(node: PlanNode, depth: int) -> Iterator[PlanLine]:
    relation = written_name("mysql", node.schema, node.relation) if node.relation else None
    conditions = [
        f"{name}: {text}" for name, text in (("Index Cond", node.index_condition), ("Filter", node.filter)) if text
    ]
    scanned = node.estimated_scanned if node.kind == "full_scan" else None
    yield PlanLine(
        depth=depth,
        node=node.operation,
        relation=relation,
        index=node.index,
        rows=scanned or node.estimated_rows or 0.0,
        total_cost=node.total_cost,
        own_cost=None if node.own_cost is None else round(node.own_cost, 2),
        condition=clip("; ".join(conditions), 200) or None,
        sort_key=clip(", ".join(node.sort_keys), 120) or None,
    )
    for child in node.children:
        yield from _tree_lines(child, depth + 1)


def _lines(node: dict[str, Any], depth: int) -> Iterator[PlanLine]:
    children = [child for child in node.get("Plans", ()) if isinstance(child, dict)]
    cost = float(node.get("Total Cost", 0.0))
    below = sum(float(child.get("Total Cost", 0.0)) for child in children)
    conditions = [f"{name}: {node[name]}" for name in _CONDITIONS if node.get(name)]
    relation, index = node.get("Relation Name"), node.get("Index Name")
    yield PlanLine(
        depth=depth,
        node=str(node.get("Node Type", "?")),
        relation=written_name("postgresql", node.get("Schema"), str(relation)) if relation else None,
        index=written_name("postgresql", None, str(index)) if index else None,
        rows=float(node.get("Plan Rows", 0)),
        total_cost=cost,
        own_cost=round(max(0.0, cost - below), 2),
        condition=clip("; ".join(conditions), 200) or None,
        sort_key=clip(", ".join(map(str, node["Sort Key"])), 120) if node.get("Sort Key") else None,
    )
    for child in children:
        yield from _lines(child, depth + 1)
