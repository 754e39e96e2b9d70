"""Execution plans as one engine-neutral tree.

`parse_postgresql_plan` reads EXPLAIN (FORMAT JSON), with or without ANALYZE; `plan_mysql` reads the forms of MySQL and
MariaDB. Everything above works on `Plan` and `PlanNode` only, so other engines need a parser and nothing else. What the
plan does not say is None: rows and times are None without ANALYZE, and a node that was never run has `loops` 0.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from housecall.engines.engine import EngineName
from housecall.errors import RequestError

NodeKind = Literal[
    "full_scan", "index_scan", "index_only_scan", "bitmap_scan", "bitmap_index", "nested_loop", "hash_join",
    "merge_join", "hash", "sort", "aggregate", "limit", "append", "gather", "materialize", "modify", "other",
]  # fmt: skip

MAX_NODES = 5_000
BLOCK_BYTES = 8192
"""Of every stock build of PostgreSQL; only used to turn temporary blocks into bytes."""


@dataclass(frozen=True, slots=True)
class PlanNode:
    """One step of a plan. `operation` is the engine's own word, `kind` ours.

    `actual_rows` and `actual_seconds` are for one loop, as the engines give them, and include the children; the totals
    over all loops are properties. `role` says how the parent uses the node (`outer`, `inner`, `initplan`, `subplan`).

    The last group is told by MySQL and MariaDB only: `access` is their access type (`ALL`, `ref`), `estimated_scanned`
    the rows looked at in one loop before the filter, `buffered` the join buffer that stands in for an index,
    `temporary` that the rows go through a temporary table, `dependent` that a subquery runs for each outer row,
    `partitions` how many partitions are read.
    """

    operation: str
    kind: NodeKind
    role: str = ""
    relation: str | None = None
    schema: str | None = None
    alias: str | None = None
    index: str | None = None
    estimated_rows: float | None = None
    total_cost: float | None = None
    startup_cost: float | None = None
    row_width_bytes: int | None = None
    actual_rows: float | None = None
    actual_seconds: float | None = None
    loops: float | None = None
    filter: str | None = None
    index_condition: str | None = None
    join_condition: str | None = None
    sort_keys: tuple[str, ...] = ()
    rows_removed_by_filter: float | None = None
    rows_removed_by_recheck: float | None = None
    lossy_blocks: int | None = None
    spill_bytes: int | None = None
    hash_batches: int | None = None
    subplan_name: str | None = None
    access: str | None = None
    estimated_scanned: float | None = None
    estimated_loops: float | None = None
    buffered: str | None = None
    temporary: bool = False
    dependent: bool = False
    partitions: int | None = None
    sort_passes: int | None = None
    children: tuple["PlanNode", ...] = ()

    def walk(self) -> Iterator["PlanNode"]:
        """This node and all below, parents first."""
        pending = [self]
        while pending:
            node = pending.pop()
            yield node
            pending.extend(reversed(node.children))

    @property
    def was_run(self) -> bool:
        return bool(self.loops)

    @property
    def total_rows(self) -> float | None:
        """Rows that came out over all loops; None: not measured."""
        return None if self.actual_rows is None or self.loops is None else self.actual_rows * self.loops

    @property
    def total_seconds(self) -> float | None:
        """Time over all loops with the children, of all parallel workers together; None: not measured."""
        return None if self.actual_seconds is None or self.loops is None else self.actual_seconds * self.loops

    @property
    def own_seconds(self) -> float | None:
        """Time without the children."""
        if self.total_seconds is None:
            return None
        return max(0.0, self.total_seconds - sum(child.total_seconds or 0.0 for child in self.children))

    @property
    def own_cost(self) -> float | None:
        """Estimated cost without the children, who may run more than once: never below zero."""
        if self.total_cost is None:
            return None
        return max(0.0, self.total_cost - sum(child.total_cost or 0.0 for child in self.children))

    @property
    def rows_read(self) -> float | None:
        """Rows that were looked at, over all loops: those that came out and those that the filter removed."""
        if self.total_rows is None or self.loops is None:
            return None
        return self.total_rows + (self.rows_removed_by_filter or 0.0) * self.loops

    @property
    def estimated_rows_read(self) -> float | None:
        """Rows that the optimizer expects to look at, over all loops; None: the plan does not say."""
        if self.estimated_scanned is None:
            return None
        return self.estimated_scanned * max(1.0, self.estimated_loops or 1.0)

    @property
    def name(self) -> str:
        """What a person would call it: `Seq Scan on public.orders`, `Index Scan using orders_pkey on orders`."""
        table = f"{self.schema}.{self.relation}" if self.schema and self.relation else self.relation
        using = f" using {self.index}" if self.index and self.kind != "bitmap_index" else ""
        if self.kind == "bitmap_index" and self.index:
            return f"{self.operation} on {self.index}"
        return f"{self.operation}{using} on {table}" if table else f"{self.operation}{using}"


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole plan. `analyzed` says whether it was run; times in seconds, None: not measured. `notes` are what the
    server said of the plan beside it (MySQL and MariaDB: SHOW WARNINGS)."""

    root: PlanNode
    analyzed: bool
    planning_seconds: float | None = None
    execution_seconds: float | None = None
    trigger_seconds: Mapping[str, float] | None = None
    engine: EngineName = "postgresql"
    notes: tuple[str, ...] = ()


_KINDS: Mapping[str, NodeKind] = {
    "Seq Scan": "full_scan",
    "Index Scan": "index_scan",
    "Index Only Scan": "index_only_scan",
    "Bitmap Heap Scan": "bitmap_scan",
    "Bitmap Index Scan": "bitmap_index",
    "Nested Loop": "nested_loop",
    "Hash Join": "hash_join",
    "Merge Join": "merge_join",
    "Hash": "hash",
    "Sort": "sort",
    "Incremental Sort": "sort",
    "Aggregate": "aggregate",
    "Group": "aggregate",
    "Limit": "limit",
    "Append": "append",
    "Merge Append": "append",
    "Gather": "gather",
    "Gather Merge": "gather",
    "Materialize": "materialize",
    "Memoize": "materialize",
    "ModifyTable": "modify",
}


def parse_postgresql_plan(explained: Any) -> Plan:
    """The plan in what EXPLAIN (FORMAT JSON) returns: the list, its only element, or that element's `Plan`.

    Raises RequestError when it has another shape, with what was expected.
    """
    whole = (
        explained[0] if isinstance(explained, Sequence) and not isinstance(explained, str) and explained else explained
    )
    if isinstance(whole, Mapping) and "Plan" not in whole and "Node Type" in whole:
        whole = {"Plan": whole}
    if not isinstance(whole, Mapping) or not isinstance(whole.get("Plan"), Mapping):
        raise RequestError("This is not a plan: expected the JSON of EXPLAIN (FORMAT JSON), with a member 'Plan'.")
    try:
        root = _node(whole["Plan"], [0])
        triggers = {
            str(each["Trigger Name"]): float(each["Time"]) / 1000
            for each in whole.get("Triggers", ())
            if "Time" in each
        }
        return Plan(
            root=root,
            analyzed=root.loops is not None,
            planning_seconds=_seconds(whole.get("Planning Time")),
            execution_seconds=_seconds(whole.get("Execution Time")),
            trigger_seconds=triggers or None,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RequestError(f"The plan is damaged: {type(error).__name__}: {str(error)[:200]}") from error
    except RecursionError:
        raise RequestError("The plan is nested too deeply to be read.") from None


def _node(raw: Mapping[str, Any], seen: list[int]) -> PlanNode:
    seen[0] += 1
    if seen[0] > MAX_NODES:
        raise RequestError(f"The plan has more than {MAX_NODES} nodes; Housecall reads no larger ones.")
    operation = str(raw["Node Type"])
    conditions = [raw[key] for key in ("Hash Cond", "Merge Cond", "Join Filter") if key in raw]
    return PlanNode(
        operation=_spoken(operation, raw),
        kind=_KINDS.get(operation, "other"),
        role=str(raw.get("Parent Relationship", "")).lower(),
        relation=raw.get("Relation Name"),
        schema=raw.get("Schema"),
        alias=raw.get("Alias"),
        index=raw.get("Index Name"),
        estimated_rows=_number(raw.get("Plan Rows")),
        total_cost=_number(raw.get("Total Cost")),
        startup_cost=_number(raw.get("Startup Cost")),
        row_width_bytes=raw.get("Plan Width"),
        actual_rows=_number(raw.get("Actual Rows")),
        actual_seconds=_seconds(raw.get("Actual Total Time")),
        loops=_number(raw.get("Actual Loops")),
        filter=raw.get("Filter"),
        index_condition=raw.get("Index Cond"),
        join_condition=" AND ".join(conditions) or None,
        sort_keys=tuple(raw.get("Sort Key", ())),
        rows_removed_by_filter=_number(raw.get("Rows Removed by Filter")),
        rows_removed_by_recheck=_number(raw.get("Rows Removed by Index Recheck")),
        lossy_blocks=raw.get("Lossy Heap Blocks"),
        spill_bytes=_spill_bytes(raw),
        hash_batches=raw.get("Hash Batches", raw.get("HashAgg Batches")),
        subplan_name=raw.get("Subplan Name"),
        children=tuple(_node(child, seen) for child in raw.get("Plans", ())),
    )


def _spoken(operation: str, raw: Mapping[str, Any]) -> str:
    """The word of EXPLAIN's text form: `HashAggregate`, `Update`, `Parallel Seq Scan`, `Nested Loop Left Join`."""
    if operation == "Aggregate":
        strategy = {"Hashed": "HashAggregate", "Sorted": "GroupAggregate", "Mixed": "MixedAggregate"}
        operation = strategy.get(raw.get("Strategy", ""), operation)
    elif operation == "ModifyTable":
        operation = str(raw.get("Operation", operation))
    join = raw.get("Join Type", "Inner")
    if join != "Inner":
        operation = f"{operation.removesuffix(' Join')} {join} Join"
    return f"Parallel {operation}" if raw.get("Parallel Aware") else operation


def _spill_bytes(raw: Mapping[str, Any]) -> int | None:
    """Bytes that this node itself wrote to temporary files; None: it cannot spill or was not run."""
    if raw.get("Sort Space Type") == "Disk":
        return int(raw["Sort Space Used"]) * 1024
    if raw.get("Disk Usage"):
        return int(raw["Disk Usage"]) * 1024
    if raw.get("Hash Batches", 1) > 1:
        return int(raw.get("Temp Written Blocks", 0)) * BLOCK_BYTES
    groups = [raw.get(f"{kind}-sort Groups", {}) for kind in ("Full", "Pre")]
    on_disk = [int(group["Sort Space Disk"]["Peak Sort Space Used"]) for group in groups if "Sort Space Disk" in group]
    if on_disk:
        return max(on_disk) * 1024
    return 0 if "Sort Space Used" in raw or "Hash Batches" in raw or "HashAgg Batches" in raw else None


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _seconds(milliseconds: Any) -> float | None:
    return None if milliseconds is None else float(milliseconds) / 1000
