"""Who may do what: tables an application's role cannot read, how clients prove who they are, and what roles may."""

from dataclasses import dataclass

from housecall.engines.engine import Row


@dataclass(frozen=True, slots=True)
class PrivilegeGap(Row, reading="privilege_gaps"):
    """A table that a role cannot read though it reads most others of that schema."""

    role_name: str
    schema_name: str
    table_name: str
    owner_name: str
    readable_tables: int
    unreadable_tables: int
    scans: int


@dataclass(frozen=True, slots=True)
class LoginRule(Row, reading="login_rules"):
    """A line of pg_hba.conf as the server understands it; `error` says why it does not."""

    line_number: int
    type: str | None
    databases: list[str] | None
    users: list[str] | None
    address: str | None
    netmask: str | None
    method: str | None
    error: str | None
    rules: int


@dataclass(frozen=True, slots=True)
class PasswordKind(Row, reading="password_kinds"):
    """A login role whose password is not kept by SCRAM, is missing, or expires. Never the password."""

    role_name: str
    kind: str
    is_own_name: bool
    is_superuser: bool
    valid_seconds: float | None
    roles: int


@dataclass(frozen=True, slots=True)
class PowerfulRole(Row, reading="powerful_roles"):
    """A superuser, or a role that passes row-level security, with the sessions of programs that use it."""

    role_name: str
    is_superuser: bool
    bypasses_row_security: bool
    is_first: bool
    sessions: int
    remote_sessions: int
    application: str | None


@dataclass(frozen=True, slots=True)
class PlainSessions(Row, reading="plain_sessions"):
    """Sessions over the network without encryption; `session_total` counts all such."""

    user_name: str | None
    application: str | None
    client: str | None
    sessions: int
    session_total: int


@dataclass(frozen=True, slots=True)
class OpenRight(Row, reading="open_rights"):
    """A right that is too wide, or row-level security without effect. `total` counts all of the kind."""

    kind: str
    name: str
    detail: str | None
    total: int
