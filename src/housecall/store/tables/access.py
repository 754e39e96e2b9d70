"""Who calls, with what key, with which limits; and the instances of an account."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, UniqueConstraint, text
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
