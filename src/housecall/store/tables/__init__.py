"""The tables of Housecall's state, in the schema `housecall`. Migrations make them; a test holds the two equal.

Ids of conversations, messages and runs are UUIDs. `number` columns give an order that clocks cannot disturb.
Texts are what people and models wrote, without NUL, which PostgreSQL cannot hold.
"""

from housecall.store.tables import agents
from housecall.store.tables.access import (
    AccessKeyRow,
    AccountRow,
    AuditRow,
    BearerTokenRow,
    GroupMemberRow,
    GroupRow,
    InstanceRow,
    NonceRow,
    PlanRow,
    PolicyAttachmentRow,
    PolicyRow,
    RoleRow,
    SessionRow,
    UserRow,
)
from housecall.store.tables.approvals import ChangeTargetRow, ToolApprovalRow
from housecall.store.tables.base import HEAD, SCHEMA, Base
from housecall.store.tables.conversations import ConversationRow, MessageRow, ProcessRow, RunEventRow, RunRow

__all__ = [
    "HEAD",
    "SCHEMA",
    "AccessKeyRow",
    "AccountRow",
    "AuditRow",
    "Base",
    "BearerTokenRow",
    "ChangeTargetRow",
    "ConversationRow",
    "GroupMemberRow",
    "GroupRow",
    "InstanceRow",
    "MessageRow",
    "NonceRow",
    "PlanRow",
    "PolicyAttachmentRow",
    "PolicyRow",
    "ProcessRow",
    "RoleRow",
    "RunEventRow",
    "RunRow",
    "SessionRow",
    "ToolApprovalRow",
    "UserRow",
    "agents",
]
