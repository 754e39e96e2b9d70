"""Tables: how they are read, what the planner knows of their columns, and which lack a primary key."""

from dataclasses import dataclass

from housecall.engines.engine import Row


@dataclass(frozen=True, slots=True)
class HotTable(Row, reading="hot_tables"):
    """Counters of one of the most read tables since the statistics began. `all_*` are sums over every table."""

    schema_name: str
    table_name: str
    size_bytes: int
    live_rows: float
    sequential_scans: int
    sequential_rows: int
    index_scans: int
    index_rows: int
    inserted: int
    updated: int
    deleted: int
    blocks_touched: int
    heap_blocks_read: int
    heap_blocks_hit: int
    all_sequential_rows: int
    all_blocks_touched: int
    tables: int


@dataclass(frozen=True, slots=True)
class HotColumn(Row, reading="hot_columns"):
    """A column of a hot table. Its statistics are None when nobody analysed it or the role may not see its values.

    `distinct_values` is as in pg_stats: below zero it is minus the distinct share of the rows. `without_statistics`:
    ANALYZE is told to leave the column out.
    """

    schema_name: str
    table_name: str
    column_name: str
    type_name: str
    not_null: bool
    without_statistics: bool
    distinct_values: float | None
    null_share: float | None
    top_share: float | None
    width_bytes: int | None
    is_readable: bool


@dataclass(frozen=True, slots=True)
class RowPolicy(Row, reading="row_policies"):
    """A condition that row security adds to statements on a table, for some roles at least."""

    schema_name: str
    table_name: str
    policy_name: str
    condition: str


@dataclass(frozen=True, slots=True)
class TableWithoutKey(Row, reading="tables_without_key"):
    """A table without primary key. `usable_unique_indexes` could become one as they are."""

    schema_name: str
    table_name: str
    live_rows: float
    size_bytes: int
    is_partitioned: bool
    replica_identity: str
    is_published: bool
    changed: int
    usable_unique_indexes: list[str]
    tables: int


@dataclass(frozen=True, slots=True)
class WideTable(Row, reading="wide_tables"):
    """A read table whose large values lie outside its rows: `large_bytes`, and how often blocks of them were read."""

    schema_name: str
    table_name: str
    live_rows: float
    row_bytes: int
    large_bytes: int
    row_blocks_touched: int
    large_blocks_touched: int
    columns: list[str]
    large_columns: list[str]


@dataclass(frozen=True, slots=True)
class PartitionedTable(Row, reading="partitions"):
    """A partitioned table at the top of its tree, with its leaves. `key_columns` lacks what is an expression."""

    schema_name: str
    table_name: str
    partition_key: str
    key_columns: list[str]
    key_types: list[str]
    partitions: int
    names: list[str]
    live_rows: float
    size_bytes: int
    default_name: str | None
    default_rows: float | None


@dataclass(frozen=True, slots=True)
class TableTraits(Row, reading="table_traits"):
    """An unlogged table, or one whose updates seldom stay on the row's own page (HOT)."""

    schema_name: str
    table_name: str
    is_unlogged: bool
    live_rows: float
    updated: int
    hot_updated: int
    fillfactor: int
    indexes: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class WeakConstraint(Row, reading="weak_constraints"):
    """A constraint that was never validated, joins different types (`mismatch`), or repeats another (`twin`)."""

    schema_name: str
    table_name: str
    constraint_name: str
    kind: str
    is_validated: bool
    mismatch: str | None
    twin: str | None
    constraints: int


@dataclass(frozen=True, slots=True)
class ColumnHabit(Row, reading="column_habits"):
    """Columns of one type, or of one way of making keys, that the manual advises against."""

    kind: str
    columns: int
    examples: list[str]
