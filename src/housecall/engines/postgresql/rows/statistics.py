"""Planner statistics: where they are older than the data."""

from dataclasses import dataclass

from housecall.engines.engine import Row


@dataclass(frozen=True, slots=True)
class StaleStatistics(Row, reading="stale_statistics"):
    """A table that changed beyond autovacuum's analyze threshold. `analysed_seconds_ago` is None when never or unknown.

    `planner_rows` is what the planner believes (reltuples), `live_rows` what the counters say.
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
    tables: int
