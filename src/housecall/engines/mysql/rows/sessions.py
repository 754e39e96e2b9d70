"""Sessions, and who waits for whom."""

from dataclasses import dataclass

from housecall.engines.engine import Row
from housecall.engines.mysql.explainable import with_schema


@dataclass(frozen=True, slots=True)
class Session(Row, reading="sessions"):
    """One session. `seconds` is the time in its present state; the transaction's fields are None when it has none open.

    A session is idle in a transaction when `command` is Sleep and `transaction_seconds` is not None. Needs PROCESS,
    without
    which the server shows one's own sessions only, so without it the reading is Unavailable.
    """

    id: int
    user_name: str
    client: str
    database_name: str | None
    command: str
    seconds: float | None
    state: str | None
    statement: str | None
    transaction_id: str | None
    transaction_state: str | None
    transaction_seconds: float | None
    lock_wait_seconds: float | None
    rows_locked: int | None
    rows_modified: int | None
    tables_locked: int | None
    isolation_level: str | None
    waiting_total: int | None
    session_total: int

    @property
    def is_idle_in_transaction(self) -> bool:
        return self.command == "Sleep" and self.transaction_seconds is not None

    @property
    def is_working(self) -> bool:
        """Runs a statement that waits for no lock and not by its own wish."""
        waits = (self.state or "").startswith(("Waiting", "User sleep", "User lock"))
        return self.command in ("Query", "Execute") and self.lock_wait_seconds is None and not waits

    @property
    def explainable(self) -> str | None:
        """What the probe's `explain` takes of a running statement, or None."""
        return with_schema(self.database_name, self.statement) if self.command == "Query" and self.statement else None


@dataclass(frozen=True, slots=True)
class SessionGroup(Row, reading="session_groups"):
    """Sessions of one user from one host in one database. `sleeping_long`: for ten minutes and more."""

    user_name: str
    client: str
    database_name: str | None
    sessions: int
    sleeping: int
    sleeping_long: int
    longest_sleep_seconds: float
    session_total: int


@dataclass(frozen=True, slots=True)
class LockWait(Row, reading="lock_waits"):
    """One session waits for a row or table lock of InnoDB that another holds or awaits before it. `lock_row` is the
    key of the row."""

    waiting_id: int
    blocking_id: int
    wait_seconds: float | None
    schema_name: str | None
    table_name: str | None
    index_name: str | None
    lock_type: str
    lock_mode: str
    blocking_mode: str
    lock_row: str | None


@dataclass(frozen=True, slots=True)
class UserLockWait(Row, reading="user_lock_waits"):
    """A session waits in GET_LOCK. `holder_id` is None when the name is no literal or the lock was freed meanwhile."""

    waiting_id: int
    holder_id: int | None
    lock_name: str
    wait_seconds: float | None


@dataclass(frozen=True, slots=True)
class DetachedTransaction(Row, reading="detached_transactions"):
    """A transaction of InnoDB without a session. MySQL detaches every one at XA PREPARE, so a young one is a commit
    under way."""

    transaction_id: str
    transaction_seconds: float
    rows_locked: int
    rows_modified: int


@dataclass(frozen=True, slots=True)
class MetadataLock(Row, reading="metadata_locks"):
    """A metadata lock on an object that somebody waits for, a global read lock, or a lock taken by GET_LOCK.

    On MariaDB it is empty unless the instrument wait/lock/metadata/sql/mdl is on.
    """

    object_type: str
    schema_name: str | None
    object_name: str | None
    lock_type: str
    duration: str
    is_granted: bool
    session_id: int


@dataclass(frozen=True, slots=True)
class HeldMetadataLock(Row, reading="metadata_lock_info"):
    """A metadata lock that a session holds, as the MariaDB plugin metadata_lock_info shows it; waiters are not in
    it."""

    session_id: int
    lock_mode: str
    lock_type: str
    schema_name: str | None
    table_name: str | None


@dataclass(frozen=True, slots=True)
class LastStatement(Row, reading="last_statements"):
    """What a sleeping session ran last."""

    session_id: int
    statement: str
    statement_seconds: float | None


@dataclass(frozen=True, slots=True)
class PreparedTransaction(Row, reading="prepared_transactions"):
    """An XA transaction that is prepared; the columns are those of XA RECOVER."""

    formatid: int
    gtrid_length: int
    bqual_length: int
    data: str
