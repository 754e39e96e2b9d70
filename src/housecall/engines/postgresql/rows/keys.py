"""Number keys: how near they are to their end, and whether their sequences fell behind."""

from dataclasses import dataclass

from housecall.engines.engine import Row


@dataclass(frozen=True, slots=True)
class NumberKey(Row, reading="number_keys"):
    """A sequence and the column it fills (None when it fills none). `narrow_references` are smaller columns elsewhere
    whose foreign key takes these values; `unreadable` counts sequences that the role may not look at; `is_unique` says
    that the column takes no value twice."""

    schema_name: str
    sequence_name: str
    table_schema: str | None
    table_name: str | None
    column_name: str | None
    column_type: str | None
    is_identity: bool | None
    last_value: int
    sequence_max: int
    column_max: int
    increment: int
    cycles: bool
    table_rows: float | None
    table_bytes: int | None
    inserted: int | None
    sequences: int
    unreadable: int
    narrow_references: list[str] | None
    is_unique: bool


@dataclass(frozen=True, slots=True)
class LaggingSequence(Row, reading="lagging_sequences"):
    """A sequence below the keys of its column.

    `largest_key` is None when it could only be inferred, from the number of rows or the planner's statistics;
    `was_used` says that the sequence ever gave a value.
    """

    schema_name: str
    sequence_name: str
    table_schema: str
    table_name: str
    column_name: str
    last_value: int
    was_used: bool
    increment: int
    table_rows: float
    largest_key: int | None
    is_unique: bool
