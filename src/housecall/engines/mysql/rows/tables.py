"""Tables and columns: sizes, engines, keys, statistics, character sets."""

from dataclasses import dataclass

from housecall.engines.engine import Row


@dataclass(frozen=True, slots=True)
class LargestTable(Row, reading="largest_tables"):
    """One of the 100 largest tables. Rows are the estimate of the engine."""

    schema_name: str
    table_name: str
    engine: str | None
    row_format: str | None
    collation: str | None
    create_options: str | None
    live_rows: int
    data_bytes: int
    index_bytes: int
    free_bytes: int
    all_bytes: int
    tables: int


@dataclass(frozen=True, slots=True)
class FragmentedTable(Row, reading="fragmented_tables"):
    """A table with free space inside its file. InnoDB always keeps 4 to 7 MB ready."""

    schema_name: str
    table_name: str
    engine: str | None
    used_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class ForeignEngineTable(Row, reading="foreign_engine_tables"):
    """A table of the user that is not of InnoDB."""

    schema_name: str
    table_name: str
    engine: str
    live_rows: int
    size_bytes: int
    tables: int


@dataclass(frozen=True, slots=True)
class TableWithoutKey(Row, reading="tables_without_key"):
    """A table without primary key. `usable_unique_indexes` hold no NULL and could become it."""

    schema_name: str
    table_name: str
    engine: str | None
    live_rows: int
    size_bytes: int
    usable_unique_indexes: list[str]
    tables: int


@dataclass(frozen=True, slots=True)
class AutoIncrement(Row, reading="auto_increments"):
    """An AUTO_INCREMENT column; `next_value` is what the next row gets."""

    schema_name: str
    table_name: str
    column_name: str
    column_type: str
    next_value: int
    max_value: int
    live_rows: int
    size_bytes: int
    keys_total: int


@dataclass(frozen=True, slots=True)
class KeyColumn(Row, reading="key_columns"):
    """A number key near its end, or a column that holds its values since a foreign key refers to it, over others too.

    One row for each foreign key of the column; one without `constraint_name` for a column that has none, as the key.
    """

    key_schema: str
    key_table: str
    key_column: str
    schema_name: str
    table_name: str
    column_name: str
    column_type: str
    is_nullable: bool
    column_default: str | None
    comment: str | None
    extra: str | None
    constraint_name: str | None
    columns: list[str]
    referenced_schema: str | None
    referenced_table: str | None
    referenced_columns: list[str]
    update_rule: str | None
    delete_rule: str | None


@dataclass(frozen=True, slots=True)
class LargeTableColumn(Row, reading="large_table_columns"):
    """A column of one of the 40 tables with the most rows."""

    schema_name: str
    table_name: str
    column_name: str
    column_type: str
    data_type: str
    not_null: bool
    character_set: str | None
    collation: str | None
    table_rows: int | None


@dataclass(frozen=True, slots=True)
class ColumnCharset(Row, reading="column_charsets"):
    """The columns of one database with one collation; `example` is one of them."""

    schema_name: str
    character_set: str
    collation: str
    columns: int
    tables: int
    example: str


@dataclass(frozen=True, slots=True)
class MoneyColumn(Row, reading="money_columns"):
    """A column that is named like money and is floating point."""

    schema_name: str
    table_name: str
    column_name: str
    column_type: str


@dataclass(frozen=True, slots=True)
class TableStatistics(Row, reading="table_statistics"):
    """The persistent statistics of a table. `is_recalculated` says that InnoDB renews them by itself."""

    schema_name: str
    table_name: str
    statistics_rows: int
    live_rows: int
    modified_rows: int
    statistics_age_seconds: float
    create_options: str | None
    is_recalculated: bool


@dataclass(frozen=True, slots=True)
class PartitionedTable(Row, reading="partitioned_tables"):
    """A partitioned table. `expression` is what decides the partition: a column, several, or a function of one."""

    schema_name: str
    table_name: str
    method: str | None
    expression: str | None
    partitions: int
    live_rows: int
