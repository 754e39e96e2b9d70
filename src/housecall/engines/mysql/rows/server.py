"""The server as a whole: counters, settings, logs, plugins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from housecall.engines.engine import Row


@dataclass(frozen=True, slots=True)
class StatusCounter(Row, reading="status_counters"):
    """One global status counter that is a number; a switch (ON, OFF) is 1 or 0."""

    name: str
    value: float

    @classmethod
    def from_server(cls, found: Sequence[Mapping[str, Any]]) -> "list[StatusCounter]":
        numbers = ((str(row["variable_name"]), _number(row["value"])) for row in found)
        return [cls(name, value) for name, value in numbers if value is not None]


@dataclass(frozen=True, slots=True)
class Variable(Row, reading="variables"):
    """One global setting, as text."""

    name: str
    value: str

    @classmethod
    def from_server(cls, found: Sequence[Mapping[str, Any]]) -> "list[Variable]":
        return [
            cls(str(row["variable_name"]), str(row["value"] if row["value"] is not None else "")[:4000])
            for row in found
        ]


@dataclass(frozen=True, slots=True)
class ProcessorShare(Row, reading="processor_share"):
    """A calculation of ours: how long it took, how long it was on a processor, and how often it was taken off it."""

    seconds: float
    processor_seconds: float
    preempted: int


@dataclass(frozen=True, slots=True)
class ChangedVariable(Row, reading="changed_variables"):
    """A setting that is not at its compiled default. `source` is the word of the server (GLOBAL, EXPLICIT, PERSISTED,
    DYNAMIC;
    CONFIG, SQL on MariaDB)."""

    name: str
    value: str | None
    source: str
    set_seconds_ago: float | None
    set_by: str | None


@dataclass(frozen=True, slots=True)
class PersistedVariable(Row, reading="persisted_variables"):
    """A setting of SET PERSIST, and the value that holds now."""

    name: str
    persisted_value: str | None
    current_value: str | None


@dataclass(frozen=True, slots=True)
class InnodbMetric(Row, reading="innodb_metrics"):
    """One counter of InnoDB (MySQL)."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class BinaryLogs(Row, reading="binary_logs"):
    """All binary logs together."""

    files: int
    size_bytes: int
    first: str | None
    last: str | None

    @classmethod
    def from_server(cls, found: Sequence[Mapping[str, Any]]) -> "list[BinaryLogs]":
        names = [str(row["log_name"]) for row in found]
        size = sum(int(row["file_size"]) for row in found)
        return [cls(len(names), size, names[0] if names else None, names[-1] if names else None)]


@dataclass(frozen=True, slots=True)
class LoggedError(Row, reading="error_log"):
    """Entries of the error log of one kind (MySQL 8.0.22 and newer)."""

    code: str | None
    priority: str
    subsystem: str | None
    entries: int
    last_seconds_ago: float
    first_seconds_ago: float
    latest: str


@dataclass(frozen=True, slots=True)
class StatementError(Row, reading="statement_errors"):
    """How often statements failed with one error (MySQL). `user_name` is whose logins it refused most, for the errors
    of a login."""

    number: int
    name: str | None
    sql_state: str | None
    raised: int
    last_seconds_ago: float | None
    user_name: str | None = None


@dataclass(frozen=True, slots=True)
class ServerStart(Row, reading="server_starts"):
    """A line of the error log about a start or a stop of the server, or about its machine (MySQL 8.0.22 and newer)."""

    code: str
    seconds_ago: float
    message: str


@dataclass(frozen=True, slots=True)
class FailedStatement(Row, reading="failed_statements"):
    """Late statements of connected sessions that failed with one error. `message` is the server's own; it names
    accounts and tables, and no row."""

    number: int
    schema_name: str | None
    user_name: str | None
    message: str | None
    statements: int


@dataclass(frozen=True, slots=True)
class Wait(Row, reading="wait_profile"):
    """What the server waited for, since it started."""

    event: str
    waits: int
    total_seconds: float
    max_seconds: float


@dataclass(frozen=True, slots=True)
class Plugin(Row, reading="plugins"):
    """A loadable plugin."""

    name: str
    type: str
    status: str


@dataclass(frozen=True, slots=True)
class Database(Row, reading="databases"):
    """A database and its size."""

    schema_name: str
    tables: int
    data_bytes: int
    index_bytes: int


@dataclass(frozen=True, slots=True)
class AccountRow(Row, reading="accounts"):
    """An account. `password_is_name` is None where the hash cannot tell. No hash is read."""

    user_name: str
    host: str
    plugin: str | None
    has_password: bool
    password_is_name: bool | None
    is_locked: bool | None
    is_expired: bool | None
    has_super: bool
    has_grant: bool
    has_file: bool
    has_create_user: bool
    has_all: bool
    requires_tls: bool
    accounts: int


_SWITCHES: Mapping[str, float] = {"ON": 1.0, "OFF": 0.0}


def _number(value: Any) -> float | None:
    if value in _SWITCHES:
        return _SWITCHES[value]
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
