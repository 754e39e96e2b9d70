"""Statements: their costs from pg_stat_statements, and what runs at the moment."""

from dataclasses import dataclass

from housecall.engines.engine import Row


@dataclass(frozen=True, slots=True)
class TopStatement(Row, reading="top_statements"):
    """A costly statement of this database. `all_seconds` and `all_calls` are sums over every statement."""

    statement_id: str
    query: str
    calls: int
    total_seconds: float
    max_seconds: float
    rows: int
    blocks_hit: int
    blocks_read: int
    temp_bytes: int
    wal_bytes: int
    jit_seconds: float
    all_seconds: float
    all_calls: int
    statements: int


@dataclass(frozen=True, slots=True)
class StatementStatistics(Row, reading="statement_statistics"):
    """Since when pg_stat_statements counts and how many entries it had to forget."""

    reset_seconds_ago: float | None
    evictions: int
    max_entries: int


@dataclass(frozen=True, slots=True)
class RunningStatement(Row, reading="running_statements"):
    """A statement that runs at this moment, in how many sessions and for how long."""

    query: str
    sessions: int
    longest_seconds: float
    waiting_for_locks: int
