"""Indexes: those of hot tables, and those that are unused, doubled, invalid, missing under a foreign key or bloated."""

from dataclasses import dataclass

from housecall.engines.engine import Row


@dataclass(frozen=True, slots=True)
class HotIndex(Row, reading="hot_indexes"):
    """An index of a hot table; `keys` are column names, or expressions as the server writes them; `?` stands for what
    it cannot write now, since the table is being altered. `sorts_by_bytes` is
    of each key: whether LIKE 'abc%' can use it."""

    schema_name: str
    table_name: str
    index_name: str
    access_method: str
    keys: list[str]
    sorts_by_bytes: list[bool]
    has_expressions: bool
    is_unique: bool
    is_valid: bool
    predicate: str | None
    scans: int
    entries_read: int
    blocks_touched: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class UnusedIndex(Row, reading="unused_indexes"):
    """An index without a scan that enforces nothing and serves no foreign key. Sums are over all such indexes."""

    schema_name: str
    table_name: str
    index_name: str
    definition: str
    size_bytes: int
    table_rows: float
    table_writes: int
    table_scans: int
    is_partition: bool
    indexes: int
    all_size_bytes: int


@dataclass(frozen=True, slots=True)
class OverlappingIndexes(Row, reading="overlapping_indexes"):
    """Two indexes of one table: the key of the first is the key of the other (`is_equal`) or its beginning."""

    schema_name: str
    table_name: str
    index_name: str
    other_name: str
    is_equal: bool
    definition: str
    other_definition: str
    size_bytes: int
    other_size_bytes: int
    scans: int
    other_scans: int
    is_unique: bool
    other_is_unique: bool
    is_constraint: bool
    other_is_constraint: bool
    is_marked: bool
    other_is_marked: bool
    index_id: int
    other_id: int
    is_partitioned: bool
    table_writes: int
    pairs: int


@dataclass(frozen=True, slots=True)
class InvalidIndex(Row, reading="invalid_indexes"):
    """An index that queries cannot use. `is_ready` says that writes still maintain it."""

    schema_name: str
    table_name: str
    index_name: str
    definition: str
    is_unique: bool
    is_ready: bool
    is_live: bool
    is_partitioned: bool
    size_bytes: int
    table_bytes: int
    is_being_built: bool
    is_constraint: bool
    indexes: int


@dataclass(frozen=True, slots=True)
class IndexLoad(Row, reading="index_load"):
    """A table with many indexes. The idle ones enforce nothing, serve no foreign key and were never scanned."""

    schema_name: str
    table_name: str
    indexes: int
    live_rows: float
    writes: int
    updated: int
    hot_updated: int
    table_bytes: int
    index_bytes: int
    idle_names: list[str]
    idle_definitions: list[str]
    idle_bytes: int
    scans: int
    tables: int


@dataclass(frozen=True, slots=True)
class BareForeignKey(Row, reading="foreign_keys_without_index"):
    """A foreign key whose columns lead no index of the referencing table that a delete could use. `on_delete` is
    pg_constraint's letter. `other_index` leads with them and does not serve: the columns are of `column_types`, and a
    delete compares them as `compared_types`. `part_index` begins with one column of a key of several."""

    schema_name: str
    table_name: str
    constraint_name: str
    columns: list[str]
    column_types: list[str]
    compared_types: list[str]
    other_index: str | None
    part_index: str | None
    part_scans: int
    part_rows: int
    parent_schema: str
    parent_table: str
    on_delete: str
    live_rows: float
    parent_rows: float
    size_bytes: int
    is_partitioned: bool
    parent_deleted: int
    parent_updated: int
    sequential_scans: int
    sequential_rows: int
    keys: int


@dataclass(frozen=True, slots=True)
class BloatedIndex(Row, reading="index_bloat"):
    """A large B-tree index whose entries need much less room than it has, as the statistics let one estimate."""

    schema_name: str
    table_name: str
    index_name: str
    size_bytes: int
    needed_bytes: int
    entries: float
    fillfactor: float
    scans: int


@dataclass(frozen=True, slots=True)
class UsedCollation(Row, reading="collations"):
    """A collation that indexes sort by, with the version they were built under and the version of the library now."""

    is_database_default: bool
    name: str
    recorded_version: str | None
    actual_version: str | None
    indexes: int
