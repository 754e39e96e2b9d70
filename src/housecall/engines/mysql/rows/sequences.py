"""Sequences, which MariaDB alone has."""

from dataclasses import dataclass

from housecall.engines.engine import Row


@dataclass(frozen=True, slots=True)
class SequenceName(Row, reading="sequences"):
    """One of the first 100 sequences by name; `sequences_total` counts all."""

    schema_name: str
    sequence_name: str
    sequences_total: int


@dataclass(frozen=True, slots=True)
class SequenceValue(Row, reading="sequence_values"):
    """A sequence, once for each column whose default takes a value from it, or once without a column.

    `next_value` is the first that is neither given out nor set aside: up to `cache_size` before it may still be free.
    An `increment` of 0 stands for auto_increment_increment.
    """

    schema_name: str
    sequence_name: str
    next_value: int
    min_value: int
    max_value: int
    increment: int
    cache_size: int
    cycles: bool
    table_schema: str | None
    table_name: str | None
    column_name: str | None
    column_type: str | None
    is_nullable: bool | None
