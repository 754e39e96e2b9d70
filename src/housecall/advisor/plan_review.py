"""What is wrong with a plan: pure functions from a plan to typed observations.

Each says what was seen at which node, in the plan's own numbers; what to do about it is for the causes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from housecall.advisor.plan import Plan, PlanNode
from housecall.advisor.shape import ColumnInExpression, columns_in_expressions

# Ten times off is where joins and memory are chosen wrongly: the threshold that plan viewers mark, too.
MISESTIMATE_FACTOR = 10.0
MISESTIMATE_MIN_ROWS = 100.0
FILTERING_MIN_ROWS_READ = 1_000.0
FILTERING_MAX_SHARE_KEPT = 0.1
BLOW_UP_MIN_LOOPS = 1_000.0
SLOW_TRIGGER_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class HotNode:
    """The step that costs most by itself. `share` is of the plan's time when it was run, else of its estimated cost, or
    of the rows it expects to look at where the server tells no cost (MariaDB before 11)."""

    node: PlanNode
    share: float
    by_time: bool
    by_rows: bool = False


@dataclass(frozen=True, slots=True)
class Misestimate:
    """Rows of one loop, expected and seen. `factor` is how many times off, at least 1."""

    node: PlanNode
    estimated_rows: float
    actual_rows: float
    factor: float

    @property
    def too_low(self) -> bool:
        return self.actual_rows > self.estimated_rows


@dataclass(frozen=True, slots=True)
class FilteringScan:
    """A full scan that throws most of what it reads away. Rows are None when the plan was not run."""

    node: PlanNode
    rows_read: float | None
    rows_kept: float | None


@dataclass(frozen=True, slots=True)
class Spill:
    """A sort or hash that did not fit into memory."""

    node: PlanNode
    spill_bytes: int
    batches: int | None


@dataclass(frozen=True, slots=True)
class LossyBitmap:
    """A bitmap that kept pages instead of rows for want of memory, so that rows were examined again."""

    node: PlanNode
    lossy_blocks: int
    rows_rechecked: float


@dataclass(frozen=True, slots=True)
class LoopBlowUp:
    """A nested loop whose inner side ran very often. `scans_inner` means that each time was a full scan."""

    node: PlanNode
    inner: PlanNode
    loops: float
    scans_inner: bool


@dataclass(frozen=True, slots=True)
class WrappedColumn:
    """A filter that wraps a column in a function or a cast, so that no plain index on the column can serve it."""

    node: PlanNode
    column: ColumnInExpression


def hot_node(plan: Plan) -> HotNode | None:
    """The node with the largest own time, or own cost when the plan was not run. None for a plan that costs nothing."""
    by_time = plan.analyzed and any(node.own_seconds for node in plan.root.walk())
    weights = [((node.own_seconds if by_time else node.own_cost) or 0.0, node) for node in plan.root.walk()]
    by_rows = not any(weight for weight, _ in weights)
    if by_rows:
        weights = [(node.estimated_rows_read or 0.0, node) for node in plan.root.walk()]
    total = sum(weight for weight, _ in weights)
    if not total:
        return None
    weight, node = max(weights, key=lambda each: each[0])
    return HotNode(node, weight / total, by_time, by_rows)


def misestimates(plan: Plan, *, factor: float = MISESTIMATE_FACTOR) -> tuple[Misestimate, ...]:
    """Nodes whose row estimate was off by `factor` or more, worst first.

    A node below a LIMIT may have stopped early: there only more rows than expected count. Fewer than a hundred rows on
    both sides are never reported.
    """
    found = []
    for node, cut_short in _with_limit_above(plan.root, cut_short=False):
        if not node.was_run or node.actual_rows is None or node.estimated_rows is None:
            continue
        seen, expected = max(1.0, node.actual_rows), max(1.0, node.estimated_rows)
        off = max(seen / expected, expected / seen)
        matters = max(seen, expected) >= MISESTIMATE_MIN_ROWS and (seen > expected or not cut_short)
        if off >= factor and matters and node.kind != "bitmap_index":
            found.append(Misestimate(node, node.estimated_rows, node.actual_rows, off))
    return tuple(sorted(found, key=lambda each: -each.factor))


def _with_limit_above(node: PlanNode, *, cut_short: bool) -> Iterator[tuple[PlanNode, bool]]:
    yield node, cut_short
    for child in node.children:
        yield from _with_limit_above(child, cut_short=cut_short or node.kind == "limit")


def filtering_scans(plan: Plan) -> tuple[FilteringScan, ...]:
    """Full scans that keep a tenth or less of a thousand rows or more; without ANALYZE, every scan with a filter."""
    found = []
    for node in plan.root.walk():
        if node.kind != "full_scan" or node.filter is None:
            continue
        if not plan.analyzed:
            found.append(FilteringScan(node, None, None))
            continue
        read, kept = node.rows_read, node.total_rows
        if read is None or kept is None or read < FILTERING_MIN_ROWS_READ:
            continue
        if kept / read <= FILTERING_MAX_SHARE_KEPT:
            found.append(FilteringScan(node, read, kept))
    return tuple(found)


def spills(plan: Plan) -> tuple[Spill, ...]:
    """Sorts and hashes that wrote temporary files."""
    return tuple(
        Spill(node, node.spill_bytes or 0, node.hash_batches)
        for node in plan.root.walk()
        if node.spill_bytes or (node.hash_batches or 0) > 1
    )


def lossy_bitmaps(plan: Plan) -> tuple[LossyBitmap, ...]:
    return tuple(
        LossyBitmap(node, node.lossy_blocks, (node.rows_removed_by_recheck or 0.0) * (node.loops or 1.0))
        for node in plan.root.walk()
        if node.lossy_blocks
    )


def loop_blow_ups(plan: Plan) -> tuple[LoopBlowUp, ...]:
    """Nested loops whose inner side ran a thousand times or more, or scanned a whole table more than once."""
    found = []
    if not plan.analyzed:
        return ()
    for node in plan.root.walk():
        repeated = [child for child in node.children if child.role == "inner" or child.role == "subplan"]
        if node.kind != "nested_loop":
            repeated = [child for child in repeated if child.role == "subplan"]
        for inner in repeated:
            scan = next((below for below in inner.walk() if below.kind == "full_scan" and (below.loops or 0) > 1), None)
            loops = max(inner.loops or 0.0, scan.loops or 0.0 if scan else 0.0)
            if loops >= BLOW_UP_MIN_LOOPS or scan is not None:
                found.append(LoopBlowUp(node, scan or inner, loops, scan is not None))
    return tuple(found)


def repeated_scans(plan: Plan) -> tuple[PlanNode, ...]:
    """Tables that the optimizer expects to read whole more than once: the inner side of a loop, or a subquery that
    depends on the outer row. Only for plans that were not run."""
    if plan.analyzed:
        return ()
    scans = (node for node in plan.root.walk() if node.kind == "full_scan" and not node.buffered)
    return tuple(node for node in scans if (node.estimated_loops or 1.0) >= 2.0)


def unindexed_joins(plan: Plan) -> tuple[PlanNode, ...]:
    """Tables that are joined through a join buffer, read whole for want of an index on the join's columns."""
    whole = ("ALL", "index")
    return tuple(node for node in plan.root.walk() if node.buffered is not None and node.access in whole)


def temporary_tables(plan: Plan) -> tuple[PlanNode, ...]:
    """Steps that write their rows into a temporary table."""
    return tuple(node for node in plan.root.walk() if node.temporary)


def file_sorts(plan: Plan) -> tuple[PlanNode, ...]:
    """Sorts that no index saves, of a thousand rows or more; MySQL and MariaDB only, where the plan names them."""
    if plan.engine != "mysql":
        return ()
    sorts = (node for node in plan.root.walk() if node.kind == "sort")
    return tuple(node for node in sorts if (node.estimated_rows or FILTERING_MIN_ROWS_READ) >= FILTERING_MIN_ROWS_READ)


def slow_triggers(plan: Plan) -> tuple[tuple[str, float], ...]:
    """Triggers, by name with their seconds, that took a tenth or more of the execution; the slowest first."""
    limit = (plan.execution_seconds or 0.0) * SLOW_TRIGGER_SHARE
    found = [(name, seconds) for name, seconds in (plan.trigger_seconds or {}).items() if limit and seconds >= limit]
    return tuple(sorted(found, key=lambda each: -each[1]))


def wrapped_columns(plan: Plan) -> tuple[WrappedColumn, ...]:
    """Columns inside functions or casts in the filters of scans. Casts to text are left out: on a varchar column the
    planner writes them for nothing, and an index serves all the same."""
    return tuple(
        WrappedColumn(node, column)
        for node in plan.root.walk()
        if node.filter is not None and node.relation is not None
        for column in columns_in_expressions(node.filter, plan.engine)
        if column.wrapped_by not in ("cast to text", "cast to varchar")
    )
