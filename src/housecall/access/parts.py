"""The parts of access management, opened together over one state database."""

from dataclasses import dataclass

from housecall.access.audit import AuditLog
from housecall.access.people import People
from housecall.access.plans import Plans
from housecall.access.policies import Policies
from housecall.access.rights import Rights
from housecall.access.roles import Roles
from housecall.access.vault import Vault
from housecall.clock import Clock, utc_now
from housecall.store.database import Database


@dataclass(frozen=True)
class Access:
    """Who there is, what they may do, what they may use, and what they did."""

    people: People
    policies: Policies
    roles: Roles
    rights: Rights
    plans: Plans
    audit: AuditLog


def open_access(database: Database, vault: Vault, clock: Clock = utc_now) -> Access:
    """The audit log is to be closed before the database."""
    return Access(
        people=People(database),
        policies=Policies(database),
        roles=Roles(database, vault, clock),
        rights=Rights(database, vault, clock),
        plans=Plans(database, clock),
        audit=AuditLog(database, clock),
    )
