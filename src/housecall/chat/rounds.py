"""Rounds: the write calls of one step that wait for people, and the one run that goes on when all are decided."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, case, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from housecall.errors import NotFound, RequestError
from housecall.store.tables import ConversationRow, ToolApprovalRow


def is_id(value: str) -> bool:
    """Whether this can be the id of a call, conversation, message or run at all."""
    try:
        return str(uuid.UUID(value)) == value.lower()
    except ValueError:
        return False


def no_approval(call_id: str) -> NotFound:
    return NotFound(f"There is no call {call_id[:80]!r} that waits for approval.", code="ApprovalNotFound")


@dataclass(frozen=True, slots=True)
class Resumption:
    """Where a round's turn goes on: in its conversation, behind the message that waits."""

    conversation_id: str
    message_id: str
    call_ids: tuple[str, ...]


async def claim_round(
    connection: AsyncConnection, account_id: str, user_id: str, conversation_id: str | None, call_id: str, run_id: str
) -> Resumption:
    """Let a run go on with the round of this call; one run only, in the transaction that stores it.

    Raises:
        NotFound: ApprovalNotFound.
        RequestError: ApprovalPending, ApprovalAlreadyResumed.
    """
    rows = await _locked_round(connection, account_id, user_id, call_id)
    if not rows or (conversation_id and rows[0].conversation_id != conversation_id):
        raise no_approval(call_id)
    if any(row.resumed_run_id is not None for row in rows):
        raise RequestError(
            "The answer went on with this round already; read it with GetMessages.",
            code="ApprovalAlreadyResumed",
            status=409,
        )
    waiting = [row for row in rows if row.status == "pending" and not row.is_over]
    if waiting:
        raise RequestError(
            f"{len(waiting)} call(s) of this round wait for a decision: "
            + ", ".join(f"{row.call_id} ({row.tool_name})" for row in waiting[:5]),
            code="ApprovalPending",
            status=409,
        )
    over = and_(ToolApprovalRow.status != "rejected", ToolApprovalRow.expires_at <= func.now())
    status = case((over, "expired"), else_=ToolApprovalRow.status)
    await connection.execute(
        update(ToolApprovalRow)
        .where(ToolApprovalRow.call_id.in_([row.call_id for row in rows]))
        .values(resumed_run_id=run_id, status=status)
    )
    return Resumption(rows[0].conversation_id, rows[0].message_id, tuple(row.call_id for row in rows))


async def _locked_round(connection: AsyncConnection, account_id: str, user_id: str, call_id: str) -> Sequence[Any]:
    if not is_id(call_id):
        return ()
    round_id = (
        select(ToolApprovalRow.round_id)
        .where(
            ToolApprovalRow.call_id == call_id,
            ToolApprovalRow.account_id == account_id,
            ToolApprovalRow.user_id == user_id,
        )
        .scalar_subquery()
    )
    query = select(ToolApprovalRow.__table__, (ToolApprovalRow.expires_at <= func.now()).label("is_over")).where(
        ToolApprovalRow.round_id == round_id
    )
    return (await connection.execute(query.order_by(ToolApprovalRow.number).with_for_update())).all()


def waits_for_people() -> Any:
    """Whether a conversation of the enclosing query has a round that is not gone on with and not over."""
    return exists().where(
        ToolApprovalRow.conversation_id == ConversationRow.id,
        ToolApprovalRow.resumed_run_id.is_(None),
        ToolApprovalRow.expires_at > func.now(),
        or_(ToolApprovalRow.decided_by.is_(None), ~ToolApprovalRow.decided_by.startswith("rule:")),
    )
