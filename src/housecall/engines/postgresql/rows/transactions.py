"""Transactions: counters by database, prepared ones, and subtransactions."""

from dataclasses import dataclass

from housecall.engines.engine import Row


@dataclass(frozen=True, slots=True)
class PreparedTransaction(Row, reading="prepared_transactions"):
    """A transaction prepared for two-phase commit, oldest first, with tables of this database that it locks.

    `read_epoch` is as in Session.
    """

    gid: str
    owner: str
    database: str
    age_seconds: float
    xid: int
    xid_age: int
    relations: list[str]
    read_epoch: float
    prepared_total: int


@dataclass(frozen=True, slots=True)
class TransactionCounters(Row, reading="transaction_counters"):
    """Counters of one database since its statistics were reset (or, when that is not known, at most since the start).
    The session counters are None before version 14."""

    database: str
    is_current: bool
    commits: int
    rollbacks: int
    deadlocks: int
    recovery_conflicts: int
    sessions: int | None
    session_seconds: float | None
    sessions_abandoned: int | None
    sessions_fatal: int | None
    statistics_seconds: float
    reset_known: bool


@dataclass(frozen=True, slots=True)
class Subtransactions(Row, reading="subtransactions"):
    """Use of the subtransaction cache since the reset, and sessions past 64 of them (None before version 16)."""

    cache_hits: int
    cache_reads: int
    overflowed_sessions: int | None
    worst_pid: int | None
    worst_subtransactions: int | None
    worst_user: str | None
    worst_application: str | None
    worst_statement: str | None
