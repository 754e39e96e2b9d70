"""Planner statistics: where they are older than the data."""

from dataclasses import dataclass

from housecall.engines.engine import Row


@dataclass(frozen=True, slots=True)
class StaleStatistics(Row, reading="stale_statistics"):
    """A table that changed beyond autovacuum's analyze threshold. `analysed_seconds_ago` is None when never or unknown.

    `planner_rows` is what the planner believes (reltuples), `live_rows` what the counters say. `is_counted_late`: by
    the table's size nothing changed since its ANALYZE, though changes were counted after it.
    """

    schema_name: str
    table_name: str
    live_rows: float
    planner_rows: float
    never_counted: bool
    changes: float
    threshold: float
    autovacuum_enabled: bool
    table_autovacuum_enabled: bool
    analysed_seconds_ago: float | None
    size_bytes: int
    scans: int
    is_counted_late: bool
    tables: int


@dataclass(frozen=True, slots=True)
class ExtendedStatistics(Row, reading="extended_statistics"):
    """Statistics of several columns of a table together."""

    schema_name: str
    table_name: str
    name: str
    columns: list[str]


@dataclass(frozen=True, slots=True)
class ColumnDependence(Row, reading="column_dependence"):
    """How often two rows of a sample, from different blocks, agree in one column, in the other, and in both.

    When the columns do not depend on each other, `agree_both / pairs` is the product of the other two shares.
    """

    schema_name: str
    table_name: str
    column_name: str
    other_column: str
    sampled_rows: int
    pairs: float
    agree_first: float
    agree_second: float
    agree_both: float
