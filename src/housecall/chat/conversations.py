"""Conversations and their messages, as people page through them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Generic, Literal, TypeVar

from sqlalchemy import Select, and_, case, delete, exists, func, select, true, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from housecall.chat.file_rows import delete_files_of
from housecall.chat.questions import is_id, not_found
from housecall.chat.rounds import waits_for_people
from housecall.chat.runs import event_of
from housecall.chat.storable import storable_text
from housecall.errors import RequestError
from housecall.events import Event, RunStatus
from housecall.store.database import Database
from housecall.store.tables import ConversationRow, MessageRow, RunEventRow, RunRow
from housecall.turn import ApprovalMode

ItemT = TypeVar("ItemT")
SortBy = Literal["CreatedAt", "-CreatedAt", "UpdatedAt", "-UpdatedAt"]
ConversationStatus = Literal["idle", "running", "pending_approval"]
Rating = Literal["like", "dislike"]


@dataclass(frozen=True, slots=True)
class Page(Generic[ItemT]):
    """Some items and whether there are more in the direction of paging."""

    items: tuple[ItemT, ...]
    has_more: bool
    limit: int


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as it is listed. `status` is pending_approval before running before idle."""

    id: str
    name: str
    introduction: str
    created_at: datetime
    updated_at: datetime
    status: ConversationStatus
    pinned: bool
    approval_mode: ApprovalMode

    @property
    def is_running(self) -> bool:
        return self.status == "running"


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One question with its answer. `answer` is what is known so far while the run lives.

    `last_event_number` is that of the run's newest stored event.
    """

    id: str
    conversation_id: str
    parent_id: str | None
    query: str
    answer: str
    status: RunStatus
    feedback: Rating | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    run_id: str
    last_event_number: int = 0


class Conversations:
    """Reads conversations and messages of one account and user; keeps ratings."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_conversations(
        self,
        account_id: str,
        user_id: str,
        *,
        last_id: str | None = None,
        limit: int = 100,
        pinned: bool | None = None,
        sort_by: SortBy = "-CreatedAt",
    ) -> Page[Conversation]:
        """The conversations after `last_id` in the wished order, with one that was made meanwhile never in between.

        Raises NotFound (ConversationNotFound) for `last_id`.
        """
        mine = and_(ConversationRow.account_id == account_id, ConversationRow.user_id == user_id)
        query = _conversations().where(mine)
        if pinned is not None:
            query = query.where(ConversationRow.pinned == pinned)
        async with self._database.begin("listing conversations") as connection:
            if last_id:
                query = _after(query, await _position(connection, mine, last_id), sort_by)
            rows = (await connection.execute(_ordered(query, sort_by).limit(limit + 1))).all()
        return Page(tuple(_conversation(row) for row in rows[:limit]), len(rows) > limit, limit)

    async def list_messages(
        self,
        account_id: str,
        conversation_id: str,
        *,
        user_id: str | None = None,
        first_id: str | None = None,
        limit: int = 100,
    ) -> Page[StoredMessage]:
        """The newest messages, or those before `first_id`; oldest first within the page.

        With `user_id` another user's conversation is not found.

        Raises NotFound (ConversationNotFound, MessageNotFound).
        """
        async with self._database.begin("listing messages") as connection:
            await _check_conversation(connection, account_id, conversation_id, user_id)
            query = _messages().where(MessageRow.conversation_id == conversation_id)
            if first_id:
                query = query.where(MessageRow.number < await _message_number(connection, conversation_id, first_id))
            rows = (await connection.execute(query.order_by(MessageRow.number.desc()).limit(limit + 1))).all()
            live = await _answers_so_far(
                connection, {row.run_id: row.last_event_number for row in rows if row.finished_at is None}
            )
        return Page(tuple(_message(row, live) for row in reversed(rows[:limit])), len(rows) > limit, limit)

    async def events_of(self, messages: Sequence[StoredMessage]) -> dict[str, tuple[Event, ...]]:
        """The stored events of each message's run, by message id; the same that its stream gave.

        Of a live run those up to `last_event_number`, so that its stream can be followed from there without a gap.
        """
        by_run: dict[str, list[Event]] = {message.run_id: [] for message in messages}
        last = {message.run_id: message.last_event_number for message in messages}
        async with self._database.begin("reading events") as connection:
            rows = await connection.execute(
                select(RunEventRow.__table__)
                .where(RunEventRow.run_id.in_(by_run))
                .order_by(RunEventRow.run_id, RunEventRow.number)
            )
            for row in rows:
                if row.number <= last[row.run_id]:
                    by_run[row.run_id].append(event_of(row))
        return {message.id: tuple(by_run[message.run_id]) for message in messages}

    async def change_conversation(
        self,
        account_id: str,
        user_id: str,
        conversation_id: str,
        *,
        name: str | None = None,
        introduction: str | None = None,
        pinned: bool | None = None,
    ) -> Conversation:
        """Change what is given; it does not count as an update of the conversation, so its place in lists stays.

        Raises NotFound (ConversationNotFound).
        """
        wished = {"name": name, "introduction": introduction, "pinned": pinned}
        changes = {
            column: storable_text(value) if isinstance(value, str) else value
            for column, value in wished.items()
            if value is not None
        }
        if not is_id(conversation_id):
            raise not_found("Conversation", conversation_id)
        mine = and_(*_owned(ConversationRow, account_id, user_id), ConversationRow.id == conversation_id)
        async with self._database.begin("changing a conversation") as connection:
            if changes:
                await connection.execute(update(ConversationRow).where(mine).values(**changes))
            query = _conversations().where(mine)
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise not_found("Conversation", conversation_id)
        return _conversation(row)

    async def live_runs(self, account_id: str, user_id: str, conversation_id: str) -> tuple[str, ...]:
        """The runs of a conversation that have not ended. Raises NotFound (ConversationNotFound)."""
        async with self._database.begin("looking for live runs") as connection:
            await _check_conversation(connection, account_id, conversation_id, user_id)
            return tuple((await connection.execute(_live_runs(conversation_id))).scalars())

    async def delete_conversation(self, account_id: str, user_id: str, conversation_id: str) -> None:
        """Delete a conversation with its messages, runs and their events, and the files that came with it alone.

        Raises:
            NotFound: ConversationNotFound.
            RequestError: ConversationRunning, when an answer is being written: its events would come after the end.
        """
        if not is_id(conversation_id):
            raise not_found("Conversation", conversation_id)
        mine = and_(*_owned(ConversationRow, account_id, user_id), ConversationRow.id == conversation_id)
        async with self._database.begin("deleting a conversation") as connection:
            # Locked, so that no question is added meanwhile.
            found = await connection.execute(select(ConversationRow.id).where(mine).with_for_update())
            if found.one_or_none() is None:
                raise not_found("Conversation", conversation_id)
            if (await connection.execute(_live_runs(conversation_id))).first() is not None:
                raise RequestError(
                    "An answer of this conversation is still being written; stop it with ChatMessagesTaskStop first.",
                    code="ConversationRunning",
                    status=409,
                )
            runs = select(RunRow.id).where(RunRow.conversation_id == conversation_id)
            await connection.execute(delete(RunEventRow).where(RunEventRow.run_id.in_(runs)))
            await delete_files_of(connection, conversation_id)
            await connection.execute(delete(ConversationRow).where(ConversationRow.id == conversation_id))

    async def set_feedback(
        self,
        account_id: str,
        message_id: str,
        rating: Rating | None,
        content: str | None = None,
        *,
        user_id: str | None = None,
    ) -> None:
        """Keep what a person thinks of an answer; None revokes. Raises NotFound (MessageNotFound).

        With `user_id` another user's message is not found.
        """
        if not is_id(message_id):
            raise not_found("Message", message_id)
        kept = storable_text(content) if content and rating else None
        async with self._database.begin("keeping a rating") as connection:
            changed = await connection.execute(
                update(MessageRow)
                .where(MessageRow.id == message_id, *_owned(MessageRow, account_id, user_id))
                .values(feedback=rating, feedback_content=kept)
            )
            if not changed.rowcount:
                raise not_found("Message", message_id)


def _live_runs(conversation_id: str) -> Select[Any]:
    return select(RunRow.id).where(RunRow.conversation_id == conversation_id, RunRow.finished_at.is_(None))


@cache  # building it costs more than running it
def _conversations() -> Select[Any]:
    """Conversations with their status."""
    return select(ConversationRow.__table__, _status().label("status"))


def _status() -> Any:
    """What waits for people wins over a live run."""
    live = exists().where(RunRow.conversation_id == ConversationRow.id, RunRow.finished_at.is_(None))
    return case((waits_for_people(), "pending_approval"), (live, "running"), else_="idle")


async def _position(connection: AsyncConnection, mine: Any, last_id: str) -> Any:
    """Where the last page ended. Raises NotFound."""
    if is_id(last_id):
        found = await connection.execute(
            select(ConversationRow.updated_at, ConversationRow.number).where(mine, ConversationRow.id == last_id)
        )
        row = found.one_or_none()
        if row is not None:
            return row
    raise not_found("Conversation", last_id)


def _sort_columns(sort_by: SortBy) -> tuple[Any, ...]:
    """`number` rises with creation, and breaks ties of `updated_at`."""
    return (ConversationRow.number,) if "Created" in sort_by else (ConversationRow.updated_at, ConversationRow.number)


def _after(query: Select[Any], position: Any, sort_by: SortBy) -> Select[Any]:
    columns = tuple_(*_sort_columns(sort_by))
    values = (position.number,) if "Created" in sort_by else (position.updated_at, position.number)
    return query.where(columns < values if sort_by.startswith("-") else columns > values)


def _ordered(query: Select[Any], sort_by: SortBy) -> Select[Any]:
    columns = _sort_columns(sort_by)
    return query.order_by(*(column.desc() if sort_by.startswith("-") else column.asc() for column in columns))


def _conversation(row: Any) -> Conversation:
    return Conversation(
        id=row.id,
        name=row.name,
        introduction=row.introduction,
        created_at=row.created_at,
        updated_at=row.updated_at,
        status=row.status,
        pinned=row.pinned,
        approval_mode=row.approval_mode,
    )


def _owned(table: Any, account_id: str, user_id: str | None) -> tuple[Any, ...]:
    mine = (table.account_id == account_id,)
    return mine if user_id is None else (*mine, table.user_id == user_id)


async def _check_conversation(
    connection: AsyncConnection, account_id: str, conversation_id: str, user_id: str | None
) -> None:
    if is_id(conversation_id):
        found = await connection.execute(
            select(ConversationRow.id).where(
                ConversationRow.id == conversation_id, *_owned(ConversationRow, account_id, user_id)
            )
        )
        if found.one_or_none() is not None:
            return
    raise not_found("Conversation", conversation_id)


async def _message_number(connection: AsyncConnection, conversation_id: str, message_id: str) -> int:
    if is_id(message_id):
        found = await connection.execute(
            select(MessageRow.number).where(MessageRow.id == message_id, MessageRow.conversation_id == conversation_id)
        )
        number = found.scalar_one_or_none()
        if number is not None:
            return number
    raise not_found("Message", message_id)


@cache
def _messages() -> Select[Any]:
    """Messages, each with its newest run and that run's newest event.

    The run is found in a join of its own: as a subquery within the one for events it would not see the message, and
    be the newest run of all.
    """
    newest_run = (
        select(RunRow.id)
        .where(RunRow.message_id == MessageRow.id)
        .order_by(RunRow.created_at.desc())
        .limit(1)
        .correlate(MessageRow)
        .lateral("newest_run")
    )
    newest_event = (
        select(func.coalesce(func.max(RunEventRow.number), 0))
        .where(RunEventRow.run_id == newest_run.c.id)
        .correlate(newest_run)
        .scalar_subquery()
    )
    columns = [column for column in MessageRow.__table__.columns if column.name not in ("transcript", "user_id")]
    return select(*columns, newest_run.c.id.label("run_id"), newest_event.label("last_event_number")).select_from(
        MessageRow.__table__.outerjoin(newest_run, true())
    )


async def _answers_so_far(connection: AsyncConnection, last: Mapping[str, int]) -> dict[str, str]:
    """The text that readers of live runs have up to the event that `last` names; later ones are still to come."""
    if not last:
        return {}
    rows = await connection.execute(
        select(RunEventRow.run_id, RunEventRow.number, RunEventRow.name, RunEventRow.answer)
        .where(RunEventRow.run_id.in_(last), RunEventRow.name.in_(("message", "message_replace")))
        .order_by(RunEventRow.run_id, RunEventRow.number)
    )
    texts: dict[str, list[str]] = {}
    for row in rows:
        if row.number > last[row.run_id]:
            continue
        parts = texts.setdefault(row.run_id, [])
        if row.name == "message_replace":
            parts.clear()
        parts.append(row.answer)
    return {run_id: "".join(parts) for run_id, parts in texts.items()}


def _message(row: Any, live: dict[str, str]) -> StoredMessage:
    return StoredMessage(
        id=row.id,
        conversation_id=row.conversation_id,
        parent_id=row.parent_id,
        query=row.query,
        answer=row.answer if row.finished_at is not None else live.get(row.run_id, ""),
        status=row.status,
        feedback=row.feedback,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        run_id=row.run_id,
        last_event_number=row.last_event_number,
    )
