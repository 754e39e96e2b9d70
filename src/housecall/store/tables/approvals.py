"""Tool calls that wait for a person, and what became of them; and the roles that changes are made with."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Identity, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from housecall.store.tables.access import AccountRow, InstanceRow
from housecall.store.tables.base import Base, now, uuid
from housecall.store.tables.conversations import ConversationRow, MessageRow


class ToolApprovalRow(Base):
    """One write call of a model. `status` is of its approval; `execution` is None until it is begun, then `started`,
    then how it ended (`succeeded`, `failed`, `refused`, `unknown`). What is `started` may have happened."""

    __tablename__ = "tool_approvals"
    __table_args__ = (
        UniqueConstraint("run_id", "tool_call_id"),
        Index(None, "account_id", "number"),
        Index("tool_approvals_open_idx", "conversation_id", postgresql_where=text("resumed_run_id IS NULL")),
        Index(None, "resumed_run_id"),
    )

    call_id: Mapped[str] = uuid(primary_key=True)
    number: Mapped[int] = mapped_column(Identity(always=True))
    round_id: Mapped[str] = uuid(index=True)
    account_id: Mapped[str] = mapped_column(ForeignKey(AccountRow.id, ondelete="CASCADE"))
    user_id: Mapped[str]
    conversation_id: Mapped[str] = uuid(ForeignKey(ConversationRow.id, ondelete="CASCADE"))
    message_id: Mapped[str] = uuid(ForeignKey(MessageRow.id, ondelete="CASCADE"), index=True)
    run_id: Mapped[str] = uuid()
    tool_call_id: Mapped[str]
    tool_name: Mapped[str]
    instance_id: Mapped[str]
    arguments: Mapped[dict[str, Any]]
    asked_arguments: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    statements: Mapped[list[str]] = mapped_column(JSONB)
    statement_hash: Mapped[str]
    state: Mapped[dict[str, Any]]
    card: Mapped[dict[str, Any]]
    description: Mapped[str]
    language: Mapped[str]
    mode: Mapped[str]
    rule: Mapped[str]
    reason: Mapped[str]
    status: Mapped[str]
    comment: Mapped[str] = mapped_column(server_default="")
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    resumed_run_id: Mapped[str | None] = uuid()
    created_at: Mapped[datetime] = now()
    expires_at: Mapped[datetime]
    execution: Mapped[str | None]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    decided_principal: Mapped[str | None]


class ChangeTargetRow(Base):
    """The role that changes of an instance are made with, where that is not the one that reads. It goes with it."""

    __tablename__ = "change_targets"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "instance_id"], [InstanceRow.account_id, InstanceRow.id], ondelete="CASCADE"
        ),
    )

    account_id: Mapped[str] = mapped_column(primary_key=True)
    instance_id: Mapped[str] = mapped_column(primary_key=True)
    engine: Mapped[str]
    host: Mapped[str]
    port: Mapped[int]
    user_name: Mapped[str]
    database: Mapped[str]
    password: Mapped[bytes | None]
    options: Mapped[dict[str, Any]]
