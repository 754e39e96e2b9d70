"""What index advice needs to know of a table, as plain values that anybody can fill in from a catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# What PostgreSQL assumes of a column without statistics (DEFAULT_NUM_DISTINCT in utils/selfuncs.h).
DEFAULT_DISTINCT = 200.0
UNKNOWN = "?"
"""Stands for the text of an expression that an index is known to hold, and nobody could read."""


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """A column. `n_distinct` as in pg_stats: a number of values, or minus the share of rows when they grow with the
    table; None: no statistics."""

    type: str = ""
    n_distinct: float | None = None
    null_frac: float = 0.0

    def distinct_values(self, rows: float) -> float:
        if self.n_distinct is None:
            return min(DEFAULT_DISTINCT, max(1.0, rows))
        return max(1.0, self.n_distinct if self.n_distinct > 0 else -self.n_distinct * rows)


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """An existing index. `columns` are its key columns in order, or the text of an expression in parentheses."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False
    constraint: bool = False
    method: str = "btree"
    predicate: str | None = None
    valid: bool = True
    descending: tuple[bool, ...] = ()
    included: tuple[str, ...] = ()
    operator_classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableFacts:
    """A table with its columns and indexes. `rows` is an estimate of how many it holds."""

    schema: str
    name: str
    rows: float
    columns: Mapping[str, ColumnFacts] = field(default_factory=dict)
    indexes: tuple[IndexFacts, ...] = ()
