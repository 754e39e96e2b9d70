"""What other transactions do with files: a question takes them along, and a conversation that goes takes them away."""

from collections.abc import Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from housecall.errors import NotFound
from housecall.store.tables import MessageRow
from housecall.store.tables.agents import FileRow, MessageFileRow


def file_not_found(file_id: str) -> NotFound:
    return NotFound(f"There is no file {file_id[:60]!r}; upload it with UploadFile.", code="FileNotFound")


async def attach(connection: AsyncConnection, message_id: str, files: Sequence[tuple[str, str]]) -> None:
    """Note the files (id and type) of a message, in the transaction that stores it.

    Raises NotFound (FileNotFound) when one was deleted meanwhile.
    """
    if not files:
        return
    ids = [file_id for file_id, _ in files]
    there = set((await connection.execute(select(FileRow.id).where(FileRow.id.in_(ids)).with_for_update())).scalars())
    for file_id in ids:
        if file_id.lower() not in there:
            raise file_not_found(file_id)
    rows = [
        {"message_id": message_id, "file_id": file_id, "place": place, "type": kind}
        for place, (file_id, kind) in enumerate(files, start=1)
    ]
    await connection.execute(insert(MessageFileRow).values(rows))


async def delete_files_of(connection: AsyncConnection, conversation_id: str) -> None:
    """Delete the files that came with messages of this conversation and of no other."""
    used = select(MessageFileRow.file_id).join(MessageRow, MessageRow.id == MessageFileRow.message_id)
    await connection.execute(
        delete(FileRow).where(
            FileRow.id.in_(used.where(MessageRow.conversation_id == conversation_id)),
            FileRow.id.not_in(used.where(MessageRow.conversation_id != conversation_id)),
        )
    )
