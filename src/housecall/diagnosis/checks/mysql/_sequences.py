"""How far a sequence of MariaDB has come, by the narrower of the sequence and the columns that take values from it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from housecall.engines.mysql.rows.sequences import SequenceValue

LARGEST = 9_223_372_036_854_775_806
"""The end of a sequence that was made without one, and the furthest that it can be moved to."""
_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
CACHE_THAT_MATTERS = 0.01
"""Of the range: values set aside below this share change nothing; above it they may still be free."""


@dataclass(frozen=True, slots=True)
class Use:
    """A sequence, its end, and how much of the way is gone. `by_column`: it is the column that ends first."""

    row: SequenceValue
    end: int
    share: float
    left: int
    by_column: bool

    @property
    def ends_by_itself(self) -> bool:
        """Whether it stops at its end: one that cycles begins anew, unless its column ends before."""
        return self.by_column or not self.row.cycles


def uses(rows: Sequence[SequenceValue]) -> Iterator[Use]:
    """Each sequence once, with the narrowest of its columns."""
    for _, same in groupby(rows, key=lambda row: (row.schema_name, row.sequence_name)):
        yield max((_use(row) for row in same), key=lambda use: use.share)


def _use(row: SequenceValue) -> Use:
    step = row.increment or 1
    end = row.max_value if step > 0 else row.min_value
    narrow = _column_end(row.column_type, step)
    by_column = narrow is not None and (narrow < end if step > 0 else narrow > end)
    end = narrow if by_column and narrow is not None else end
    begin = _begin(row, step)
    whole = max(abs(end - begin) + 1, 1)
    reserved = row.cache_size * abs(step)
    next_value = row.next_value - (step * row.cache_size if reserved > CACHE_THAT_MATTERS * whole else 0)
    gone = min(max((next_value - begin) if step > 0 else (begin - next_value), 0), whole)
    return Use(row, end, gone / whole, (whole - gone + abs(step) - 1) // abs(step), by_column)


def _begin(row: SequenceValue, step: int) -> int:
    """Where counting begins: at 1, or at the sequence's own bound where 1 is not between or was left behind."""
    if step > 0:
        return 1 if row.min_value < 1 <= min(row.next_value, row.max_value) else row.min_value
    return -1 if row.max_value > -1 >= max(row.next_value, row.min_value) else row.max_value


def _column_end(column_type: str | None, step: int) -> int | None:
    """The last whole number that the column holds in this direction; None for a column of another type."""
    kind, _, attributes = (column_type or "").lower().replace("(", " ").partition(" ")
    bits, unsigned = _BITS.get(kind), "unsigned" in attributes
    if bits is None:
        return None
    if step > 0:
        return (1 << (bits if unsigned else bits - 1)) - 1
    return 0 if unsigned else -(1 << (bits - 1))
