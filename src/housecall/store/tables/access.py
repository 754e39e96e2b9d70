"""Who calls, with what key, with which rights and limits, and what they did; and the instances of an account."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, ForeignKeyConstraint, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from housecall.store.tables.base import Base, now


class AccountRow(Base):
    __tablename__ = "accounts"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    created_at: Mapped[datetime] = now()


class UserRow(Base):
    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("account_id", "name"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey(AccountRow.id, ondelete="CASCADE"))
    name: Mapped[str]
    is_root: Mapped[bool]
    created_at: Mapped[datetime] = now()


class AccessKeyRow(Base):
    """`user_id` stays when the user goes, so that the caller can be told that the user does not exist."""

    __tablename__ = "access_keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey(AccountRow.id, ondelete="CASCADE"), index=True)
    user_id: Mapped[str]
    secret: Mapped[bytes]
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime] = now()
    last_used_at: Mapped[datetime | None]


class BearerTokenRow(Base):
    __tablename__ = "bearer_tokens"

    hash: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey(UserRow.id, ondelete="CASCADE"), index=True)
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime] = now()
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
    created_at: Mapped[datetime] = now()


class GroupRow(Base):
    __tablename__ = "groups"

    account_id: Mapped[str] = mapped_column(ForeignKey(AccountRow.id, ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    description: Mapped[str]
    created_at: Mapped[datetime] = now()


class GroupMemberRow(Base):
    __tablename__ = "group_members"
    __table_args__ = (
        ForeignKeyConstraint(["account_id", "group_name"], [GroupRow.account_id, GroupRow.name], ondelete="CASCADE"),
    )

    account_id: Mapped[str] = mapped_column(primary_key=True)
    group_name: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey(UserRow.id, ondelete="CASCADE"), primary_key=True, index=True)


class RoleRow(Base):
    """`trust_policy` is the document that says who may assume it."""

    __tablename__ = "roles"
    __table_args__ = (UniqueConstraint("account_id", "name"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey(AccountRow.id, ondelete="CASCADE"))
    name: Mapped[str]
    description: Mapped[str]
    trust_policy: Mapped[dict[str, Any]]
    max_session_seconds: Mapped[int]
    created_at: Mapped[datetime] = now()


class SessionRow(Base):
    """Temporary credentials of an assumed role. `id` is their access key id; of the token only a hash is kept.

    `issuer_id` is the user who assumed the role: with the user or the role the session goes.
    """

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey(AccountRow.id, ondelete="CASCADE"), index=True)
    role_id: Mapped[str] = mapped_column(ForeignKey(RoleRow.id, ondelete="CASCADE"), index=True)
    issuer_id: Mapped[str] = mapped_column(ForeignKey(UserRow.id, ondelete="CASCADE"), index=True)
    name: Mapped[str]
    secret: Mapped[bytes]
    token_hash: Mapped[bytes]
    policy: Mapped[str | None]
    created_at: Mapped[datetime] = now()
    expires_at: Mapped[datetime] = mapped_column(index=True)


class PolicyRow(Base):
    """A policy that people wrote. Those that come with Housecall are in the code."""

    __tablename__ = "policies"

    account_id: Mapped[str] = mapped_column(ForeignKey(AccountRow.id, ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    description: Mapped[str]
    document: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = now()
    updated_at: Mapped[datetime] = now()


class PolicyAttachmentRow(Base):
    """Which policy limits whom: `target` is a user's or role's id, a group's name or, for a control policy, the
    account. `policy_account_id` is whose policy it is, and empty for one that comes with Housecall."""

    __tablename__ = "policy_attachments"

    account_id: Mapped[str] = mapped_column(ForeignKey(AccountRow.id, ondelete="CASCADE"), primary_key=True)
    target_kind: Mapped[str] = mapped_column(primary_key=True)
    target: Mapped[str] = mapped_column(primary_key=True)
    policy_account_id: Mapped[str] = mapped_column(primary_key=True)
    policy_name: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = now()


class AuditRow(Base):
    """Who did what. Triggers refuse to change, remove or empty it. Without foreign keys: it outlives everybody."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index(None, "account_id", "number"),
        Index(None, "at"),
        Index("audit_log_call_id_idx", "call_id", postgresql_where=text("call_id IS NOT NULL")),
    )

    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    account_id: Mapped[str]
    principal: Mapped[str]
    user_id: Mapped[str]
    access_key_id: Mapped[str]
    source: Mapped[str]
    source_address: Mapped[str]
    request_id: Mapped[str]
    operation: Mapped[str]
    action: Mapped[str]
    decision: Mapped[str]
    instance_id: Mapped[str | None]
    statement_hash: Mapped[str | None]
    result: Mapped[str]
    status: Mapped[int]
    call_id: Mapped[str | None]
