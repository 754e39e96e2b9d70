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
