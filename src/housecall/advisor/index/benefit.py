"""What an index would save, by our own estimate.

Used where HypoPG cannot ask the planner itself. It is said to be an estimate wherever it is shown: it knows how many
values a column has and not which, takes columns as independent, and counts rows looked at, not pages or cache.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from housecall.advisor.index.facts import TableFacts
from housecall.advisor.statement import Predicate
from housecall.wording import Message, Say

# DEFAULT_INEQ_SEL and DEFAULT_RANGE_INEQ_SEL of PostgreSQL, utils/selfuncs.h.
OPEN_RANGE_SELECTIVITY = 1 / 3
CLOSED_RANGE_SELECTIVITY = 0.005
CONTAINS_SELECTIVITY = 0.005
"""As DEFAULT_CONTAIN_SEL of PostgreSQL, utils/selfuncs.h and array_selfuncs.c."""
# A row found through an index costs a page of its own; random_page_cost is four times seq_page_cost by default.
INDEX_ROW_COST = 4.0

_SAY = Say(
    en="By Housecall's own estimate (not measured), {before:count} rows looked at become about {after:count}.",
    zh="据 Housecall 自身估算（非实测），需扫描的行数由 {before:count} 降至约 {after:count}。",
)


@dataclass(frozen=True, slots=True)
class Benefit:
    """Rows looked at, for one execution, without and with the index. `basis` says where that comes from."""

    rows_without: float
    rows_with: float
    basis: Literal["estimate"] = "estimate"

    @property
    def saved_share(self) -> float:
        """Part of the cost that is saved, 0 to 1, with a row through the index counted four times."""
        if self.rows_without <= 0:
            return 0.0
        return max(0.0, 1.0 - (self.rows_with * INDEX_ROW_COST + math.log2(self.rows_without + 1)) / self.rows_without)

    def message(self) -> Message:
        return _SAY(before=self.rows_without, after=max(1.0, self.rows_with))


def selectivity(predicate: Predicate, table: TableFacts) -> float:
    """The share of the table's rows that the predicate keeps."""
    column = table.columns.get(predicate.column)
    if predicate.kind == "null":
        return column.null_frac if column else OPEN_RANGE_SELECTIVITY
    if predicate.kind == "range":
        return CLOSED_RANGE_SELECTIVITY if predicate.is_closed else OPEN_RANGE_SELECTIVITY
    if predicate.kind == "contains":
        return CONTAINS_SELECTIVITY
    if predicate.kind == "prefix":
        return CLOSED_RANGE_SELECTIVITY
    values = column.distinct_values(table.rows) if column else 200.0
    present = 1.0 - (column.null_frac if column else 0.0)
    return min(1.0, predicate.elements * present / values)


def rows_kept(table: TableFacts, predicates: Sequence[Predicate]) -> float:
    """Rows of the table that all the predicates keep, taken as independent of each other."""
    return table.rows * math.prod(selectivity(predicate, table) for predicate in predicates)


def rows_with_existing(table: TableFacts, equal: Sequence[Predicate]) -> float:
    """Rows looked at today: by the best existing index that begins with columns compared for equality, else all."""
    by_text = {f"({p.expression})" if p.expression else p.column: p for p in equal}
    best = table.rows
    for index in table.indexes:
        if index.method != "btree" or not index.valid or index.predicate is not None:
            continue
        used = []
        for column in index.columns:
            if column not in by_text:
                break
            used.append(by_text[column])
        if used:
            one_row = index.unique and len(used) == len(index.columns) and all(p.elements == 1 for p in used)
            best = min(best, 1.0 if one_row else rows_kept(table, used))
    return best
