"""Indexes."""

from dataclasses import dataclass, field

from housecall.engines.engine import Row


@dataclass(frozen=True, slots=True)
class OverlappingIndexes(Row, reading="overlapping_indexes"):
    """Two indexes of one table: the columns of the first are those of the other (`is_equal`) or its beginning, prefix
    lengths
    and directions included. A hidden index is invisible (MySQL) or ignored (MariaDB)."""

    schema_name: str
    table_name: str
    index_name: str
    other_name: str
    is_equal: bool
    is_unique: bool
    other_is_unique: bool
    is_hidden: bool
    other_is_hidden: bool
    columns: list[str]
    other_columns: list[str]
    size_bytes: int
    pairs: int


@dataclass(frozen=True, slots=True)
class UnusedIndex(Row, reading="unused_indexes"):
    """A secondary index without a use since the server started; it enforces nothing and no foreign key needs it."""

    schema_name: str
    table_name: str
    index_name: str
    size_bytes: int
    columns: list[str]
    table_writes: int
    indexes: int


@dataclass(frozen=True, slots=True)
class IndexLoad(Row, reading="index_load"):
    """A table with more than 6 indexes, or with one of more than 5 columns."""

    schema_name: str
    table_name: str
    indexes: int
    widest_columns: int
    index_names: list[str]
    tables: int


@dataclass(frozen=True, slots=True)
class LargeTableIndex(Row, reading="large_table_indexes"):
    """An index of one of the 40 tables with the most rows; `cardinalities` are distinct keys by prefix. The optimizer
    does not use a hidden one (invisible on MySQL, ignored on MariaDB). `prefix_lengths` are how many characters of each
    column it holds, 0 for all of them."""

    schema_name: str
    table_name: str
    index_name: str
    is_unique: bool
    index_type: str
    is_hidden: bool
    columns: list[str]
    cardinalities: list[int]
    descending: list[bool] = field(default_factory=list)
    prefix_lengths: list[int] = field(default_factory=list)
