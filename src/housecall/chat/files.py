"""Uploaded files: stored in pieces, found by their account alone, attached to messages, gone with their conversation.

The state database keeps them, since it is what all processes share. A file is stored piece by piece in transactions of
their own, so that neither memory nor a connection is held while a slow client sends; it can be seen once it is whole.
"""

import base64
import binascii
import hashlib
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr
from sqlalchemy import and_, delete, func, insert, not_, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from housecall.access.vault import Vault
from housecall.attachments.naming import ALLOWED, HEAD_BYTES, FileKind, FileType, cleaned_name, sniffed
from housecall.chat.file_rows import file_not_found
from housecall.chat.rounds import is_id
from housecall.clock import Clock, utc_now
from housecall.errors import LimitReached, RequestError, SetupError
from housecall.settings import Settings
from housecall.store.database import Database
from housecall.store.tables import MessageRow
from housecall.store.tables.agents import FileChunkRow, FileRow, MessageFileRow
from housecall.turn import Attachment
from housecall.wording import format_bytes

CHUNK_BYTES = 256 * 1024
MAX_FILES_OF_A_MESSAGE = 10
MAX_FILES_OF_A_TURN = 20
UPLOAD_HOURS = 1
"""An upload that has not ended after this long never will."""

PREVIEW_HOURS = 1
_QUOTA_LOCK = 0x66696C65  # with the account's hash: uploads of one account are counted one after the other


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An uploaded file without its content."""

    id: str
    name: str
    kind: FileKind
    media_type: str
    size_bytes: int
    created_at: datetime
    sha256: str


@dataclass(frozen=True, slots=True)
class FileOfMessage:
    """A file as a message lists it; `type` is what the caller called it."""

    message_id: str
    file: StoredFile
    type: str


class Files:
    """Stores and reads uploaded files."""

    def __init__(self, database: Database, vault: Vault, settings: Settings, clock: Clock = utc_now) -> None:
        self._database = database
        self._vault = vault
        self._settings = settings
        self._clock = clock

    async def store(self, account_id: str, user_id: str, name: str | None, content: AsyncIterator[bytes]) -> StoredFile:
        """Keep a file. `content` may raise: then nothing stays.

        Raises:
            RequestError: UnsupportedFileType, or an empty file.
            LimitReached: FileTooLarge, FileQuotaExceeded.
            StoreError: it could not be kept.
        """
        await self.sweep()
        file_id, shown = str(uuid.uuid4()), cleaned_name(name)
        kept = False
        try:
            size, digest = await self._receive(file_id, account_id, user_id, shown, content)
            stored = await self._finish(account_id, file_id, size, digest)
            kept = True
        finally:
            if not kept:
                await self._discard(file_id)
        return stored

    async def _receive(
        self, file_id: str, account_id: str, user_id: str, name: str, content: AsyncIterator[bytes]
    ) -> tuple[int, bytes]:
        digest, size, number, waiting = hashlib.sha256(), 0, 0, bytearray()
        async for piece in content:
            size += len(piece)
            if size > self._settings.file_max_bytes:
                raise too_large(self._settings.file_max_bytes)
            digest.update(piece)
            waiting += piece
            while len(waiting) >= CHUNK_BYTES:
                number += 1
                await self._append(file_id, account_id, user_id, name, number, bytes(waiting[:CHUNK_BYTES]))
                del waiting[:CHUNK_BYTES]
        if not size:
            raise RequestError("The provided parameter is invalid. The file is empty.")
        if waiting:
            await self._append(file_id, account_id, user_id, name, number + 1, bytes(waiting))
        return size, digest.digest()

    async def _append(
        self, file_id: str, account_id: str, user_id: str, name: str, number: int, content: bytes
    ) -> None:
        async with self._database.begin("storing a file") as connection:
            if number == 1:
                await self._check_quota(connection, account_id, len(content))
                await self._begin(connection, file_id, account_id, user_id, name, content)
            await connection.execute(insert(FileChunkRow).values(file_id=file_id, number=number, content=content))

    async def _begin(
        self, connection: AsyncConnection, file_id: str, account_id: str, user_id: str, name: str, first: bytes
    ) -> None:
        found = _type_of(first, name)
        await connection.execute(
            insert(FileRow).values(
                id=file_id,
                account_id=account_id,
                user_id=user_id,
                name=name,
                kind=found.kind,
                media_type=found.media_type,
                size_bytes=0,
                sha256=b"",
                created_at=self._clock(),
            )
        )

    async def _finish(self, account_id: str, file_id: str, size: int, digest: bytes) -> StoredFile:
        async with self._database.begin("storing a file") as connection:
            await connection.execute(
                text("SELECT pg_advisory_xact_lock(:lock, hashtext(:account))"),
                {"lock": _QUOTA_LOCK, "account": account_id},
            )
            await self._check_quota(connection, account_id, size)
            row = (
                await connection.execute(
                    update(FileRow)
                    .where(FileRow.id == file_id)
                    .values(size_bytes=size, sha256=digest, ready=True)
                    .returning(*_COLUMNS)
                )
            ).one_or_none()
        if row is None:
            raise LimitReached(
                f"The upload took longer than {UPLOAD_HOURS} hour; send the file again.",
                code="RequestTimeout",
                status=408,
            )
        return _stored(row)

    async def _check_quota(self, connection: AsyncConnection, account_id: str, more: int) -> None:
        used = await connection.execute(
            select(func.coalesce(func.sum(FileRow.size_bytes), 0)).where(FileRow.account_id == account_id)
        )
        quota = self._settings.file_quota_bytes
        if int(used.scalar_one()) + more > quota:
            raise LimitReached(
                f"The files of this account may take {format_bytes(quota)} together, and this one does not fit."
                " Delete conversations with files, or raise HOUSECALL_FILE_QUOTA_BYTES.",
                code="FileQuotaExceeded",
            )

    async def _discard(self, file_id: str) -> None:
        async with self._database.begin("dropping a broken upload") as connection:
            await connection.execute(delete(FileRow).where(FileRow.id == file_id))

    async def sweep(self) -> None:
        """Delete files that are too old, and uploads that never ended."""
        now = self._clock()
        old = FileRow.created_at < now - timedelta(days=self._settings.file_keep_days)
        broken = and_(not_(FileRow.ready), FileRow.created_at < now - timedelta(hours=UPLOAD_HOURS))
        async with self._database.begin("deleting old files") as connection:
            await connection.execute(delete(FileRow).where(or_(old, broken)))

    async def get(self, account_id: str, file_id: str) -> StoredFile:
        """Raises NotFound (FileNotFound), also for another account's file."""
        return (await self.get_all(account_id, [file_id]))[0]

    async def get_all(self, account_id: str, file_ids: Sequence[str]) -> tuple[StoredFile, ...]:
        """The files in this order. Raises NotFound (FileNotFound) for the first that is not there."""
        for file_id in file_ids:
            if not is_id(file_id):
                raise file_not_found(file_id)
        async with self._database.begin("looking for files") as connection:
            rows = await connection.execute(
                select(*_COLUMNS).where(FileRow.account_id == account_id, FileRow.id.in_(file_ids), *self._alive())
            )
            found = {row.id: _stored(row) for row in rows}
        for file_id in file_ids:
            if file_id.lower() not in found:
                raise file_not_found(file_id)
        return tuple(found[file_id.lower()] for file_id in file_ids)

    async def delete(self, account_id: str, file_id: str) -> None:
        """Raises NotFound (FileNotFound)."""
        await self.get(account_id, file_id)
        async with self._database.begin("deleting a file") as connection:
            await connection.execute(delete(FileRow).where(FileRow.id == file_id, FileRow.account_id == account_id))

    async def of_messages(self, message_ids: Sequence[str]) -> dict[str, tuple[FileOfMessage, ...]]:
        """The files of each message that has any, in their order."""
        if not message_ids:
            return {}
        async with self._database.begin("looking for the files of messages") as connection:
            rows = await connection.execute(
                select(*_COLUMNS, MessageFileRow.message_id, MessageFileRow.type)
                .join(MessageFileRow, MessageFileRow.file_id == FileRow.id)
                .where(MessageFileRow.message_id.in_(message_ids), *self._alive())
                .order_by(MessageFileRow.message_id, MessageFileRow.place)
            )
            found: dict[str, list[FileOfMessage]] = {}
            for row in rows:
                found.setdefault(row.message_id, []).append(FileOfMessage(row.message_id, _stored(row), row.type))
        return {message_id: tuple(files) for message_id, files in found.items()}

    async def attachments_of(self, account_id: str, message_id: str) -> tuple[Attachment, ...]:
        """What a turn may look at: the files of its message, then those of earlier ones of the conversation."""
        async with self._database.begin("looking for attachments") as connection:
            here = select(MessageRow.conversation_id, MessageRow.number).where(MessageRow.id == message_id).subquery()
            rows = (
                await connection.execute(
                    select(*_COLUMNS, MessageFileRow.message_id)
                    .join(MessageFileRow, MessageFileRow.file_id == FileRow.id)
                    .join(MessageRow, MessageRow.id == MessageFileRow.message_id)
                    .join(here, MessageRow.conversation_id == here.c.conversation_id)
                    .where(MessageRow.number <= here.c.number, FileRow.account_id == account_id, *self._alive())
                    .order_by(MessageRow.number.desc(), MessageFileRow.place)
                    .limit(MAX_FILES_OF_A_TURN)
                )
            ).all()
        seen: dict[str, Attachment] = {}
        for row in rows:
            seen.setdefault(row.id, self._attachment(_stored(row), is_new=row.message_id == message_id))
        return tuple(seen.values())

    def _attachment(self, stored: StoredFile, *, is_new: bool) -> Attachment:
        return Attachment(
            id=stored.id,
            name=stored.name,
            kind=stored.kind,
            media_type=stored.media_type,
            size_bytes=stored.size_bytes,
            is_new=is_new,
            chunks=lambda: self.read(stored.id),
        )

    async def read(self, file_id: str) -> AsyncIterator[bytes]:
        """The content, piece by piece; no connection is held between two pieces. Raises NotFound."""
        number = 1
        while True:
            async with self._database.begin("reading a file") as connection:
                piece = (
                    await connection.execute(
                        select(FileChunkRow.content).where(
                            FileChunkRow.file_id == file_id, FileChunkRow.number == number
                        )
                    )
                ).scalar_one_or_none()
            if piece is None:
                if number == 1:
                    raise file_not_found(file_id)
                return
            yield bytes(piece)
            number += 1

    def preview_token(self, file_id: str) -> str:
        """Lets whoever has it read this one file for an hour, without a key: browsers show images so."""
        until = int((self._clock() + timedelta(hours=PREVIEW_HOURS)).timestamp())
        sealed = self._vault.seal(SecretStr(str(until)), _preview_purpose(file_id))
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    async def open_preview(self, file_id: str, token: str) -> StoredFile:
        """The file that a token is for. Raises NotFound when it is for another, too old, or the file is gone."""
        try:
            sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            until = int(self._vault.open(sealed, _preview_purpose(file_id)).get_secret_value())
        except (binascii.Error, ValueError, SetupError):
            raise file_not_found(file_id) from None
        if until < self._clock().timestamp() or not is_id(file_id):
            raise file_not_found(file_id)
        async with self._database.begin("looking for a file") as connection:
            row = (
                await connection.execute(select(*_COLUMNS).where(FileRow.id == file_id, *self._alive()))
            ).one_or_none()
        if row is None:
            raise file_not_found(file_id)
        return _stored(row)

    def _alive(self) -> tuple[Any, Any]:
        oldest = self._clock() - timedelta(days=self._settings.file_keep_days)
        return FileRow.ready, FileRow.created_at >= oldest


_COLUMNS = tuple(
    getattr(FileRow, name) for name in ("id", "name", "kind", "media_type", "size_bytes", "created_at", "sha256")
)


def _type_of(first: bytes, name: str) -> FileType:
    found = sniffed(first[:HEAD_BYTES], name)
    if found is None:
        raise RequestError(
            f"The provided parameter is invalid. The file {name!r} is none of those that can be read: {ALLOWED}."
            " A compressed log must be unpacked; text must be UTF-8.",
            code="UnsupportedFileType",
            status=415,
        )
    return found


def too_large(limit: int) -> LimitReached:
    return LimitReached(
        f"The file is larger than {format_bytes(limit)}. Send the part that matters,"
        " or raise HOUSECALL_FILE_MAX_BYTES.",
        code="FileTooLarge",
        status=413,
    )


def _preview_purpose(file_id: str) -> str:
    return f"file_preview:{file_id}"


def _stored(row: Any) -> StoredFile:
    return StoredFile(
        row.id, row.name, row.kind, row.media_type, row.size_bytes, row.created_at, bytes(row.sha256).hex()
    )
