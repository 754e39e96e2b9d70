"""Dead rows, autovacuum, bloat and the age of rows."""

from dataclasses import dataclass

from housecall.engines.engine import Row


@dataclass(frozen=True, slots=True)
class VacuumTable(Row, reading="vacuum_tables"):
    """A table with at least 1,000 dead rows, or with autovacuum switched off.

    `threshold_rows` is autovacuum's own formula with the table's options; the totals count all such tables. Large
    values lie in a table of their own (TOAST), in parts: `large_values_off` says that it is switched off for them.
    `read_epoch` is as in Session.
    """

    schema_name: str
    table_name: str
    live_rows: int
    dead_rows: int
    threshold_rows: float
    threshold_base: float
    threshold_scale: float
    autovacuum_enabled: bool
    large_values_off: bool
    dead_large_parts: int
    threshold_large_parts: float
    large_bytes: int
    options: list[str]
    size_bytes: int | None
    last_vacuum_seconds: float | None
    last_autovacuum_seconds: float | None
    read_epoch: float
    modified_rows: int
    xid_age: int
    past_threshold_total: int
    switched_off_total: int


@dataclass(frozen=True, slots=True)
class VacuumWorker(Row, reading="vacuum_workers"):
    """A running vacuum or worker of autovacuum. `table_name` only for tables of the examined database."""

    pid: int
    is_autovacuum: bool | None
    prevents_wraparound: bool | None
    database: str | None
    table_name: str | None
    phase: str | None
    heap_blocks: int | None
    scanned_blocks: int | None
    index_passes: int | None
    running_seconds: float | None
    wait_event_type: str | None
    wait_event: str | None


@dataclass(frozen=True, slots=True)
class TransactionAge(Row, reading="transaction_ages"):
    """The age of the oldest unfrozen row of a database, or of a table of this database (`scope`)."""

    scope: str
    name: str
    schema_name: str | None
    table_name: str | None
    xid_age: int
    multixact_age: int
    size_bytes: int | None
    connectable: bool


@dataclass(frozen=True, slots=True)
class BloatEstimate(Row, reading="table_bloat"):
    """A large table and the bytes its live rows need; None when column widths are not known or may not be seen.

    `most_needed_bytes` is what they can need at most: four rows fit into a page, since wider ones are moved to TOAST.
    None where columns of the table are never moved.
    """

    schema_name: str
    table_name: str
    size_bytes: int | None
    live_rows: int
    dead_rows: int
    columns_seen: int
    columns_total: int
    needed_bytes: int | None
    most_needed_bytes: int | None
