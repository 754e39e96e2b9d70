"""Sessions and what they wait for."""

from dataclasses import dataclass

from housecall.engines.engine import Row


@dataclass(frozen=True, slots=True)
class Session(Row, reading="sessions"):
    """One session, or a process that blocks or waits. Without the privilege to see it, `visible` is false and state,
    ages, application and statement are None. `blocked_by` holds process ids; 0 stands for a prepared transaction.
    `lock_row` is the row that it waits for, or the key of an advisory lock; `read_epoch` is the server's clock when
    this was read (seconds since 1970), so that ages of different readings can be compared."""

    pid: int
    database: str | None
    user_name: str | None
    application: str | None
    client: str | None
    backend_type: str
    state: str | None
    wait_event_type: str | None
    wait_event: str | None
    session_seconds: float | None
    transaction_seconds: float | None
    statement_seconds: float | None
    state_seconds: float | None
    xid_age: int | None
    xmin_age: int | None
    has_written: bool
    statement: str | None
    visible: bool
    blocked_by: list[int]
    lock_type: str | None
    lock_mode: str | None
    lock_relation: str | None
    lock_row: str | None
    lock_xid: int | None
    wait_seconds: float | None
    read_epoch: float
    waiting_total: int
    session_total: int


@dataclass(frozen=True, slots=True)
class AdvisoryHolder(Row, reading="advisory_locks"):
    """A session that holds advisory locks, with up to five of their keys."""

    pid: int
    user_name: str | None
    application: str | None
    database: str | None
    state: str | None
    state_seconds: float | None
    session_seconds: float | None
    statement: str | None
    locks: int
    keys: list[str]
    waiters: int
    holder_total: int


@dataclass(frozen=True, slots=True)
class TableLock(Row, reading="table_locks"):
    """A granted lock on a whole table that conflicts with writing or reading it. Statement None: may not be seen."""

    pid: int
    schema_name: str
    table_name: str
    mode: str
    waiting: int
    user_name: str | None
    state: str | None
    statement: str | None
    transaction_seconds: float | None
