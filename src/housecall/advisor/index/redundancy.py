"""Which index makes another needless.

Only plain b-trees of the same kind are compared: same predicate, same operator classes and directions, valid. An index
that a constraint needs, or that is unique, is never called needless for a longer one: it guards the data.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from housecall.advisor.index.facts import IndexFacts


@dataclass(frozen=True, slots=True)
class Redundancy:
    """`index` can go: `covered_by` does all that it does. A `duplicate` has the same key, a `prefix` its start."""

    index: IndexFacts
    covered_by: IndexFacts
    kind: Literal["duplicate", "prefix"]


PATTERNS = "text_pattern_ops"
"""Operators that LIKE 'abc%' needs; an index in the collation C has what they do and counts as having them."""


def covering_index(
    columns: Sequence[str], equal_columns: int, indexes: Sequence[IndexFacts], descending: Sequence[bool] = (), *,
    method: str = "btree", patterns: Sequence[bool] = (),
) -> IndexFacts | None:  # fmt: skip
    """An existing index that serves as well as one on `columns`, whose first `equal_columns` may stand in any order.

    `descending` are the wanted directions of all columns; an index that is known to go otherwise does not give the
    order, unless it is read backwards for it. `patterns` says which of the columns are searched by a pattern.
    """
    for index in indexes:
        if index.method != method or not index.valid or index.predicate is not None:
            continue
        length = len(columns)
        leading = tuple(index.columns[:length])
        same_way = _same_way(index.descending[equal_columns:length], tuple(descending[equal_columns:]))
        if same_way and len(leading) == length and _same_start(leading, tuple(columns), equal_columns):
            if _takes_patterns(index, columns, patterns):
                return index
        elif method == "gin" and set(columns) <= set(index.columns):
            return index
    return None


def _same_way(known: tuple[bool, ...], wanted: tuple[bool, ...]) -> bool:
    return not known or not any(wanted) or known == wanted or known == tuple(not each for each in wanted)


def _takes_patterns(index: IndexFacts, columns: Sequence[str], patterns: Sequence[bool]) -> bool:
    """Unless the operators of an index are known, it is taken to have the right ones."""
    known = dict(zip(index.columns, index.operator_classes, strict=False))
    wanted = [column for column, is_pattern in zip(columns, patterns, strict=False) if is_pattern]
    return all(known.get(column, PATTERNS) == PATTERNS for column in wanted)


def _same_start(leading: tuple[str, ...], columns: tuple[str, ...], equal_columns: int) -> bool:
    if equal_columns <= 0:
        return leading == columns
    same_set = set(leading[:equal_columns]) == set(columns[:equal_columns])
    return same_set and leading[equal_columns:] == columns[equal_columns:]


def redundant_indexes(indexes: Sequence[IndexFacts]) -> tuple[Redundancy, ...]:
    """Every index that another of the same table makes needless, each named once; of two twins the later name goes,
    unless it is the one that a constraint needs."""
    found: list[Redundancy] = []
    gone: set[str] = set()
    later_names_first = sorted(indexes, key=lambda each: each.name, reverse=True)
    for index in sorted(later_names_first, key=lambda each: (each.constraint, each.unique)):
        for other in indexes:
            if other is index or other.name in gone or index.constraint or not _comparable(index, other):
                continue
            kind = _covers(other, index)
            if kind is not None:
                found.append(Redundancy(index, other, kind))
                gone.add(index.name)
                break
    return tuple(sorted(found, key=lambda each: each.index.name))


def _comparable(one: IndexFacts, other: IndexFacts) -> bool:
    return (
        one.method == other.method == "btree"
        and one.predicate == other.predicate
        and other.valid
        and set(one.included) <= {*other.included, *other.columns}
    )


def _covers(longer: IndexFacts, shorter: IndexFacts) -> Literal["duplicate", "prefix"] | None:
    length = len(shorter.columns)
    same_start = (
        longer.columns[:length] == shorter.columns
        and longer.operator_classes[:length] == shorter.operator_classes
        and longer.descending[:length] == shorter.descending
    )
    if not same_start:
        return None
    if len(longer.columns) == length:
        return "duplicate" if longer.unique or not shorter.unique else None
    return None if shorter.unique else "prefix"
