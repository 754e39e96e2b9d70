"""Custom agents, skills of users and uploaded files."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from housecall.store.tables.access import AccountRow
from housecall.store.tables.base import Base, now, uuid
from housecall.store.tables.conversations import MessageRow

# Custom agents and skills


class CustomAgentRow(Base):
    """`number` orders pages: what is made meanwhile comes last. `skill_ids` may name skills that are gone."""

    __tablename__ = "custom_agents"
    __table_args__ = (Index(None, "account_id", "number"),)

    id: Mapped[str] = uuid(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    account_id: Mapped[str] = mapped_column(ForeignKey(AccountRow.id, ondelete="CASCADE"))
    user_id: Mapped[str]
    name: Mapped[str]
    system_prompt: Mapped[str]
    enable_tools: Mapped[bool]
    tools: Mapped[list[str]] = mapped_column(ARRAY(Text))
    skill_ids: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = now()
    updated_at: Mapped[datetime] = now()


class SkillRow(Base):
    """A skill of a user; `content` is its text by engine. Its name is unique since `/name` loads it."""

    __tablename__ = "skills"
    __table_args__ = (UniqueConstraint("account_id", "name"), Index(None, "account_id", "number"))

    id: Mapped[str] = uuid(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    account_id: Mapped[str] = mapped_column(ForeignKey(AccountRow.id, ondelete="CASCADE"))
    user_id: Mapped[str]
    name: Mapped[str]
    description: Mapped[str]
    engines: Mapped[list[str]] = mapped_column(ARRAY(Text))
    content: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = now()
    updated_at: Mapped[datetime] = now()


# Uploaded files


class FileRow(Base):
    """An uploaded file. Until `ready` its content is on its way; what never gets ready is swept away."""

    __tablename__ = "files"

    id: Mapped[str] = uuid(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey(AccountRow.id, ondelete="CASCADE"), index=True)
    user_id: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    media_type: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[bytes]
    ready: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class FileChunkRow(Base):
    """A piece of a file's content, counted from 1: no process holds a whole file to store or to read it."""

    __tablename__ = "file_chunks"

    file_id: Mapped[str] = uuid(ForeignKey(FileRow.id, ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes]


class MessageFileRow(Base):
    """Which files came with which message, in the order in which they were named."""

    __tablename__ = "message_files"

    message_id: Mapped[str] = uuid(ForeignKey(MessageRow.id, ondelete="CASCADE"), primary_key=True)
    file_id: Mapped[str] = uuid(ForeignKey(FileRow.id, ondelete="CASCADE"), primary_key=True, index=True)
    place: Mapped[int]
    type: Mapped[str]
