"""How many sessions there are, and the limits they run under."""

from dataclasses import dataclass

from housecall.engines.engine import Row


@dataclass(frozen=True, slots=True)
class SessionGroup(Row, reading="session_groups"):
    """Sessions that agree in database, user, application, client and state.

    The totals count all sessions, not only those of this group.
    """

    database: str | None
    user_name: str | None
    application: str | None
    client: str | None
    state: str | None
    sessions: int
    oldest_state_seconds: float | None
    median_state_seconds: float | None
    oldest_session_seconds: float | None
    session_total: int
    user_total: int
    database_total: int
    user_limit: int | None
    database_limit: int | None


@dataclass(frozen=True, slots=True)
class UpkeepSettings(Row, reading="upkeep_settings"):
    """Limits, timeouts (0: none) and autovacuum's settings as new sessions get them.

    `overrides` reads `role/database: name=value`, with `*` for all.
    """

    max_connections: int
    superuser_reserved_connections: int
    reserved_connections: int
    statement_timeout_seconds: float
    lock_timeout_seconds: float
    idle_in_transaction_timeout_seconds: float
    idle_session_timeout_seconds: float
    transaction_timeout_seconds: float
    default_isolation: str
    deadlock_timeout_seconds: float
    log_lock_waits: bool
    autovacuum: bool
    track_counts: bool
    autovacuum_max_workers: int
    autovacuum_naptime_seconds: float
    autovacuum_vacuum_threshold: int
    autovacuum_vacuum_scale_factor: float
    autovacuum_cost_delay_seconds: float
    autovacuum_cost_limit: int
    autovacuum_freeze_max_age: int
    autovacuum_multixact_freeze_max_age: int
    max_prepared_transactions: int
    serializable_locks: int
    overrides: list[str]
