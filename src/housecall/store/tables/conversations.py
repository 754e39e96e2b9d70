"""Conversations, messages, runs and their events, and the processes that execute them."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Integer, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from housecall.store.tables.access import AccountRow
from housecall.store.tables.base import Base, now, uuid


class ConversationRow(Base):
    __tablename__ = "conversations"
    __table_args__ = (
        Index(None, "account_id", "user_id", "number"),
        Index(None, "account_id", "user_id", "updated_at", "number"),
    )

    id: Mapped[str] = uuid(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    account_id: Mapped[str] = mapped_column(ForeignKey(AccountRow.id, ondelete="CASCADE"))
    user_id: Mapped[str]
    name: Mapped[str]
    introduction: Mapped[str] = mapped_column(server_default="")
    pinned: Mapped[bool] = mapped_column(server_default=text("false"))
    approval_mode: Mapped[str]
    created_at: Mapped[datetime] = now()
    updated_at: Mapped[datetime] = now()


class MessageRow(Base):
    """`answer` and `transcript` are written when the run ends; until then the events tell."""

    __tablename__ = "messages"
    __table_args__ = (Index(None, "conversation_id", "number"),)

    id: Mapped[str] = uuid(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    conversation_id: Mapped[str] = uuid(ForeignKey(ConversationRow.id, ondelete="CASCADE"))
    parent_id: Mapped[str | None] = uuid(ForeignKey("housecall.messages.id", ondelete="CASCADE"), index=True)
    account_id: Mapped[str]
    user_id: Mapped[str]
    query: Mapped[str]
    answer: Mapped[str] = mapped_column(server_default="")
    status: Mapped[str]
    feedback: Mapped[str | None]
    feedback_content: Mapped[str | None]
    transcript: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    created_at: Mapped[datetime] = now()
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class ProcessRow(Base):
    """A process that takes part. It lives as long as its session holds the advisory lock (`LOCK_CLASS`, number)."""

    __tablename__ = "processes"

    id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Integer, Identity(always=True), unique=True)
    host: Mapped[str]
    pid: Mapped[int]
    started_at: Mapped[datetime] = now()


class RunRow(Base):
    """`process_id` is who executes it; `attempt` counts executions; `turn` is what was asked for beside the query."""

    __tablename__ = "runs"
    __table_args__ = (
        Index("runs_live_idx", "account_id", postgresql_where=text("finished_at IS NULL")),
        Index("runs_month_idx", "account_id", "created_at"),
        Index("runs_process_idx", "process_id", postgresql_where=text("finished_at IS NULL")),
    )

    id: Mapped[str] = uuid(primary_key=True)
    message_id: Mapped[str] = uuid(ForeignKey(MessageRow.id, ondelete="CASCADE"), index=True)
    conversation_id: Mapped[str] = uuid(ForeignKey(ConversationRow.id, ondelete="CASCADE"), index=True)
    account_id: Mapped[str]
    user_id: Mapped[str]
    status: Mapped[str]
    attempt: Mapped[int] = mapped_column(server_default=text("0"))
    process_id: Mapped[str | None]
    request_id: Mapped[str | None]
    turn: Mapped[dict[str, Any]]
    stop_requested_at: Mapped[datetime | None]
    input_tokens: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    output_tokens: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    created_at: Mapped[datetime] = now()
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class RunEventRow(Base):
    """`step` is the durable step in which the event was reported, or None: it tells what a crash voids.

    Without a foreign key: events come by the thousand, and only the process that executes the run writes them.
    Whoever deletes a run deletes its events.
    """

    __tablename__ = "run_events"

    run_id: Mapped[str] = uuid(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    answer: Mapped[str]
    fields: Mapped[dict[str, Any]]
    step: Mapped[int | None]
    at: Mapped[datetime]
