"""Storing a question: conversation, message, run and the first event, in one transaction."""

import json
import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import TextClause, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from housecall.chat.file_rows import attach
from housecall.chat.rounds import claim_round
from housecall.chat.rounds import is_id as is_id
from housecall.chat.storable import storable_text, storable_value
from housecall.errors import NotFound
from housecall.events import Event, Happening
from housecall.store.tables import ConversationRow, MessageRow
from housecall.turn import ApprovalMode, PastTurn, Turn

NAME_CHARACTERS = 60
MAX_HISTORY = 200  # turns of a branch; the agent cuts to its own budget


@dataclass(frozen=True, slots=True)
class Question:
    """A question ready to store: what `chat.runs.NewQuestion` holds, with ids that are ids."""

    account_id: str
    user_id: str
    query: str
    conversation_id: str | None
    parent_message_id: str | None
    approval_mode: ApprovalMode | None
    request_id: str | None
    turn: dict[str, Any]
    files: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class StoredQuestion:
    run_id: str
    conversation_id: str
    message_id: str
    created_at: datetime
    first_event: Event


def name_of(query: str) -> str:
    """What a conversation is called: the first words of its first question."""
    words = " ".join(query.split())
    if len(words) <= NAME_CHARACTERS:
        return words
    head = words[:NAME_CHARACTERS]
    return (head.rpartition(" ")[0] or head) + "…"


def not_found(kind: str, value: str) -> NotFound:
    return NotFound(f"There is no {kind.lower()} {value[:80]!r}.", code=f"{kind}NotFound")


async def store_question(connection: AsyncConnection, question: Question, process_id: str | None) -> StoredQuestion:
    """Raises NotFound (ConversationNotFound, MessageNotFound, FileNotFound, ApprovalNotFound), RequestError."""
    message_id, run_id = str(uuid.uuid4()), str(uuid.uuid4())
    question = await _resumed(connection, question, run_id)
    conversation_id, approval_mode = await _conversation(connection, question)
    parent_id = await _parent(connection, question, conversation_id)
    stored = await connection.execute(
        _STORE if question.conversation_id is not None else _STORE_WITH_CONVERSATION,
        {
            "conversation_id": conversation_id,
            "name": storable_text(name_of(question.query)),
            "approval_mode": approval_mode,
            "message_id": message_id,
            "parent_id": parent_id,
            "account_id": question.account_id,
            "user_id": question.user_id,
            "query": storable_text(question.query),
            "run_id": run_id,
            "process_id": process_id,
            "request_id": question.request_id,
            "turn": json.dumps({**storable_value(question.turn), "approval_mode": approval_mode}),
        },
    )
    created_at: datetime = stored.scalar_one()
    await attach(connection, message_id, question.files)
    first = Event(run_id, 1, created_at, Happening("workflow_started"))
    return StoredQuestion(run_id, conversation_id, message_id, created_at, first)


def _storing(*before: str) -> TextClause:
    """One statement for all rows of a question: each trip to the database is time until the first event."""
    parts = (*before, _MESSAGE, _RUN, _EVENT)
    return text(f"WITH {', '.join(parts)} SELECT created_at FROM message")


_CONVERSATION = """
conversation AS (
    INSERT INTO housecall.conversations (id, account_id, user_id, name, approval_mode)
    VALUES (:conversation_id, :account_id, :user_id, :name, :approval_mode)
)"""
_MESSAGE = """
message AS (
    INSERT INTO housecall.messages (id, conversation_id, parent_id, account_id, user_id, query, status)
    VALUES (:message_id, :conversation_id, :parent_id, :account_id, :user_id, :query, 'queued')
    RETURNING created_at
)"""
_RUN = """
run AS (
    INSERT INTO housecall.runs (
        id, message_id, conversation_id, account_id, user_id, status, process_id, request_id, turn, created_at
    )
    SELECT CAST(:run_id AS uuid), CAST(:message_id AS uuid), CAST(:conversation_id AS uuid), :account_id, :user_id,
        'queued', :process_id, :request_id, CAST(:turn AS jsonb), created_at
    FROM message
)"""
_EVENT = """
event AS (
    INSERT INTO housecall.run_events (run_id, number, name, answer, fields, step, at)
    SELECT CAST(:run_id AS uuid), 1, 'workflow_started', '', '{}', NULL, created_at
    FROM message
)"""
_STORE = _storing()
_STORE_WITH_CONVERSATION = _storing(_CONVERSATION)


async def _resumed(connection: AsyncConnection, question: Question, run_id: str) -> Question:
    """A question that goes on with a round of approvals stands behind the message that waits for it.

    Raises NotFound (ApprovalNotFound), RequestError (ApprovalPending, ApprovalAlreadyResumed).
    """
    call_id = (question.turn.get("inputs") or {}).get("resume_call_id")
    if not call_id:
        return question
    place = await claim_round(
        connection, question.account_id, question.user_id, question.conversation_id, str(call_id), run_id
    )
    turn = await _as_begun(connection, place.message_id, question.turn)
    return replace(question, conversation_id=place.conversation_id, parent_message_id=place.message_id, turn=turn)


async def _as_begun(connection: AsyncConnection, message_id: str, turn: dict[str, Any]) -> dict[str, Any]:
    """What is asked now, and for the rest what the interrupted turn began with: its model, agent, instance, language.

    An agent that was to have few tools does not get all of them by an approval, nor another model the word.
    """
    begun = (await connection.execute(_BEGUN, {"message_id": message_id})).scalar_one_or_none() or {}
    kept = {name: value for name, value in begun.get("inputs", {}).items() if name in _OF_THE_TURN}
    told = {name: value for name, value in turn.items() if value is not None}
    others = {name: begun[name] for name in ("language", "timezone", "instance_id") if begun.get(name) is not None}
    return {**turn, **others, **told, "inputs": {**kept, **(turn.get("inputs") or {})}}


_OF_THE_TURN = ("region_id", "custom_agent_id", "model_id", "enable_thinking", "think_effort")
_BEGUN = text("""
SELECT turn
FROM housecall.runs
WHERE message_id = CAST(:message_id AS uuid)
ORDER BY created_at DESC
LIMIT 1""")


async def _conversation(connection: AsyncConnection, question: Question) -> tuple[str, ApprovalMode]:
    """The conversation to go on with, or the id of a new one; an approval mode in the question becomes its own."""
    if question.conversation_id is None:
        return str(uuid.uuid4()), question.approval_mode or "read_only"
    changes: dict[str, Any] = {"updated_at": func.now()}
    if question.approval_mode is not None:
        changes["approval_mode"] = question.approval_mode
    found = None
    if is_id(question.conversation_id):
        found = (
            await connection.execute(
                update(ConversationRow)
                .where(
                    ConversationRow.id == question.conversation_id,
                    ConversationRow.account_id == question.account_id,
                    ConversationRow.user_id == question.user_id,
                )
                .values(**changes)
                .returning(ConversationRow.id, ConversationRow.approval_mode)
            )
        ).one_or_none()
    if found is None:
        raise not_found("Conversation", question.conversation_id)
    return found.id, found.approval_mode


async def _parent(connection: AsyncConnection, question: Question, conversation_id: str) -> str | None:
    """The message that this one follows: the one that was named, else the newest of the conversation."""
    wanted = question.parent_message_id
    query = select(MessageRow.id).where(MessageRow.conversation_id == conversation_id)
    if wanted is None:
        if question.conversation_id is None:
            return None
        newest = await connection.execute(query.order_by(MessageRow.number.desc()).limit(1))
        return newest.scalar_one_or_none()
    if is_id(wanted):
        found = (await connection.execute(query.where(MessageRow.id == wanted))).scalar_one_or_none()
        if found is not None:
            return found
    raise not_found("Message", wanted)


_CLAIM = text("""
WITH run AS (
    UPDATE housecall.runs
    SET attempt = attempt + 1,
        process_id = :process_id,
        status = 'running',
        started_at = coalesce(started_at, now())
    WHERE id = :run_id AND finished_at IS NULL
    RETURNING *
), message AS (
    UPDATE housecall.messages
    SET status = 'running',
        started_at = coalesce(messages.started_at, now())
    FROM run
    WHERE messages.id = run.message_id
    RETURNING messages.query, messages.parent_id
)
SELECT run.attempt, run.stop_requested_at, run.conversation_id::text, run.message_id::text, run.account_id, run.user_id,
    run.turn, message.query, message.parent_id::text,
    EXISTS (
        SELECT
        FROM housecall.messages
        JOIN housecall.message_files ON message_files.message_id = messages.id
        WHERE messages.conversation_id = run.conversation_id
    ) AS has_files
FROM run, message""")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A run that this process executes from now on. `has_files`: its conversation has files to look at."""

    turn: Turn
    is_stopped: bool
    has_files: bool


async def claim_run(connection: AsyncConnection, run_id: str, process_id: str) -> Claimed | None:
    """Mark the run as running here, count the attempt, and read its question with the history of its branch.

    None when it has ended.
    """
    claimed = await connection.execute(_CLAIM, {"run_id": run_id, "process_id": process_id})
    row = claimed.one_or_none()
    if row is None:
        return None
    asked = row.turn
    turn = Turn(
        run_id=run_id,
        conversation_id=row.conversation_id,
        message_id=row.message_id,
        account_id=row.account_id,
        user_id=row.user_id,
        query=row.query,
        language=asked.get("language"),
        timezone=asked.get("timezone"),
        instance_id=asked.get("instance_id"),
        approval_mode=asked["approval_mode"],
        inputs=asked.get("inputs", {}),
        history=await _history(connection, row.parent_id),
        attempt=row.attempt,
    )
    return Claimed(turn, row.stop_requested_at is not None, row.has_files)


async def _history(connection: AsyncConnection, parent_id: str | None) -> tuple[PastTurn, ...]:
    """The chain of parents, oldest first."""
    if parent_id is None:
        return ()
    columns = (MessageRow.parent_id, MessageRow.query, MessageRow.answer, MessageRow.transcript)
    branch = select(*columns, func.coalesce(1).label("depth")).where(MessageRow.id == parent_id).cte(recursive=True)
    branch = branch.union_all(
        select(*columns, branch.c.depth + 1).where(MessageRow.id == branch.c.parent_id, branch.c.depth < MAX_HISTORY)
    )
    rows = await connection.execute(select(branch).order_by(branch.c.depth.desc()))
    return tuple(PastTurn(row.query, row.answer, row.transcript) for row in rows)
