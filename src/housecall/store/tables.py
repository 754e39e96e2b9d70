"""The tables of Housecall's state, in the schema `housecall`. Migrations make them; a test holds the two equal.

Ids of conversations, messages and runs are UUIDs. `number` columns give an order that clocks cannot disturb.
Texts are what people and models wrote, without NUL, which PostgreSQL cannot hold.
"""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SCHEMA = "housecall"
HEAD = "0001"

_NAMES = {
    "pk": "%(table_name)s_pkey",
    "fk": "%(table_name)s_%(column_0_name)s_fkey",
    "uq": "%(table_name)s_%(column_0_name)s_key",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "ck": "%(table_name)s_%(constraint_name)s_check",
}


class Base(DeclarativeBase):
    metadata = MetaData(schema=SCHEMA, naming_convention=_NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        datetime: TIMESTAMP(timezone=True),
        dict[str, Any]: JSONB,
        bytes: LargeBinary,
    }


def _now() -> Any:
    return mapped_column(server_default=func.now())


def _uuid(*args: Any, **options: Any) -> Any:
    return mapped_column(UUID(as_uuid=False), *args, **options)


class AccountRow(Base):
    __tablename__ = "accounts"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    created_at: Mapped[datetime] = _now()


class UserRow(Base):
    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("account_id", "name"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey(AccountRow.id, ondelete="CASCADE"))
    name: Mapped[str]
    is_root: Mapped[bool]
    created_at: Mapped[datetime] = _now()


class AccessKeyRow(Base):
    """`user_id` stays when the user goes, so that the caller can be told that the user does not exist."""

    __tablename__ = "access_keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey(AccountRow.id, ondelete="CASCADE"), index=True)
    user_id: Mapped[str]
    secret: Mapped[bytes]
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime] = _now()
    last_used_at: Mapped[datetime | None]


class BearerTokenRow(Base):
    __tablename__ = "bearer_tokens"

    hash: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey(UserRow.id, ondelete="CASCADE"), index=True)
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime] = _now()
    last_used_at: Mapped[datetime | None]


class NonceRow(Base):
    """`hash` is the SHA-256 of key id and nonce: callers choose the length of a nonce."""

    __tablename__ = "nonces"

    hash: Mapped[bytes] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class PlanRow(Base):
    """What an account may use. None means unlimited."""

    __tablename__ = "plans"

    account_id: Mapped[str] = mapped_column(ForeignKey(AccountRow.id, ondelete="CASCADE"), primary_key=True)
    name: Mapped[str]
    max_concurrent_runs: Mapped[int | None]
    tokens_per_month: Mapped[int | None] = mapped_column(BigInteger)
    max_instances: Mapped[int | None]
    expires_at: Mapped[datetime | None]


class InstanceRow(Base):
    __tablename__ = "instances"

    account_id: Mapped[str] = mapped_column(ForeignKey(AccountRow.id, ondelete="CASCADE"), primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    engine: Mapped[str]
    host: Mapped[str]
    port: Mapped[int]
    user_name: Mapped[str]
    database: Mapped[str]
    password: Mapped[bytes | None]
    options: Mapped[dict[str, Any]]
    region: Mapped[str]
    description: Mapped[str]
    labels: Mapped[dict[str, Any]]
    version: Mapped[str | None]
    created_at: Mapped[datetime] = _now()


class ConversationRow(Base):
    __tablename__ = "conversations"
    __table_args__ = (
        Index(None, "account_id", "user_id", "number"),
        Index(None, "account_id", "user_id", "updated_at", "number"),
    )

    id: Mapped[str] = _uuid(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    account_id: Mapped[str] = mapped_column(ForeignKey(AccountRow.id, ondelete="CASCADE"))
    user_id: Mapped[str]
    name: Mapped[str]
    introduction: Mapped[str] = mapped_column(server_default="")
    pinned: Mapped[bool] = mapped_column(server_default=text("false"))
    approval_mode: Mapped[str]
    created_at: Mapped[datetime] = _now()
    updated_at: Mapped[datetime] = _now()


class MessageRow(Base):
    """`answer` and `transcript` are written when the run ends; until then the events tell."""

    __tablename__ = "messages"
    __table_args__ = (Index(None, "conversation_id", "number"),)

    id: Mapped[str] = _uuid(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    conversation_id: Mapped[str] = _uuid(ForeignKey(ConversationRow.id, ondelete="CASCADE"))
    parent_id: Mapped[str | None] = _uuid(ForeignKey("housecall.messages.id", ondelete="CASCADE"), index=True)
    account_id: Mapped[str]
    user_id: Mapped[str]
    query: Mapped[str]
    answer: Mapped[str] = mapped_column(server_default="")
    status: Mapped[str]
    feedback: Mapped[str | None]
    feedback_content: Mapped[str | None]
    transcript: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    created_at: Mapped[datetime] = _now()
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class ProcessRow(Base):
    """A process that takes part. It lives as long as its session holds the advisory lock (`LOCK_CLASS`, number)."""

    __tablename__ = "processes"

    id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Integer, Identity(always=True), unique=True)
    host: Mapped[str]
    pid: Mapped[int]
    started_at: Mapped[datetime] = _now()


class RunRow(Base):
    """`process_id` is who executes it; `attempt` counts executions; `turn` is what was asked for beside the query."""

    __tablename__ = "runs"
    __table_args__ = (
        Index("runs_live_idx", "account_id", postgresql_where=text("finished_at IS NULL")),
        Index("runs_month_idx", "account_id", "created_at"),
        Index("runs_process_idx", "process_id", postgresql_where=text("finished_at IS NULL")),
    )

    id: Mapped[str] = _uuid(primary_key=True)
    message_id: Mapped[str] = _uuid(ForeignKey(MessageRow.id, ondelete="CASCADE"), index=True)
    conversation_id: Mapped[str] = _uuid(ForeignKey(ConversationRow.id, ondelete="CASCADE"), index=True)
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
    created_at: Mapped[datetime] = _now()
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class RunEventRow(Base):
    """`step` is the durable step in which the event was reported, or None: it tells what a crash voids.

    Without a foreign key: events come by the thousand, and only the process that executes the run writes them.
    Whoever deletes a run deletes its events.
    """

    __tablename__ = "run_events"

    run_id: Mapped[str] = _uuid(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    answer: Mapped[str]
    fields: Mapped[dict[str, Any]]
    step: Mapped[int | None]
    at: Mapped[datetime]
