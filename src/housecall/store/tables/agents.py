"""Custom agents, skills of users and uploaded files."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, func, text
from sqlalchemy.orm import Mapped, mapped_column

from housecall.store.tables.access import AccountRow
from housecall.store.tables.base import Base, uuid
from housecall.store.tables.conversations import MessageRow

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
