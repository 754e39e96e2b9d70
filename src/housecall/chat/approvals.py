"""Approvals: write calls that wait for a person, his decision, and going on when a round is decided.

A call is decided once, before it expires, by the user who asked or by the owner of the account; the store's row lock
makes that exact for two who decide at the same moment. For everybody else there is no such call. Other arguments make
another change: it is composed, checked and hashed anew before it is approved.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import and_, case, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from housecall.access.accounts import Caller
from housecall.chat.cards import describe
from housecall.chat.rounds import is_id, no_approval
from housecall.chat.storable import storable_text
from housecall.clock import Clock, utc_now
from housecall.engines.desk import ApprovalStatus, CallCard
from housecall.engines.instance import Engines, InstanceDirectory
from housecall.errors import NotFound, RequestError
from housecall.store.database import Database
from housecall.store.tables import ToolApprovalRow, UserRow
from housecall.turn import ApprovalMode
from housecall.wording import Language, language_of_tag

Decision = Literal["approve", "reject"]
Execution = Literal["started", "succeeded", "failed", "refused", "unknown"]
COMMENT_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True)
class Approval:
    """A stored call with everything that is known of it. `status` is as of now: what ran out of time is `expired`.

    `rule` and `reason` say why it waits, or why it passed without a person (`decided_by` is then `rule:<id>`).
    """

    card: CallCard
    account_id: str
    user_id: str
    conversation_id: str
    message_id: str
    run_id: str
    statements: tuple[str, ...]
    statement_hash: str
    state: Mapping[str, Any]
    details: Mapping[str, Any]
    mode: ApprovalMode
    rule: str
    reason: str
    language: Language
    created_at: datetime
    expires_at: datetime
    decided_by: str | None
    decided_principal: str | None
    decided_at: datetime | None
    resumed_run_id: str | None
    execution: Execution | None
    before: Mapping[str, Any] | None
    result: Mapping[str, Any] | None
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def status(self) -> ApprovalStatus:
        return self.card.status


@dataclass(frozen=True, slots=True)
class Submitted:
    """A decision that was stored. `undecided` counts calls of the round that still wait."""

    approval: Approval
    undecided: int


class Approvals:
    """Lists and decides. `Desk` carries out."""

    def __init__(
        self,
        database: Database,
        engines: Engines,
        instances: InstanceDirectory,
        clock: Clock = utc_now,
        expiry_seconds: float = 3600.0,
    ) -> None:
        self._expiry = timedelta(seconds=expiry_seconds)
        self._database = database
        self._engines = engines
        self._instances = instances
        self._clock = clock

    async def list_approvals(
        self,
        caller: Caller,
        *,
        status: ApprovalStatus | None = None,
        conversation_id: str | None = None,
        before_number: int | None = None,
        limit: int = 100,
    ) -> tuple[list[tuple[int, Approval]], bool]:
        """Newest first, each with its place for paging, and whether there are more."""
        async with self._database.begin("listing approvals") as connection:
            query = select(ToolApprovalRow.__table__).where(*await _mine(connection, caller))
            if status is not None:
                query = query.where(status_now(self._clock()) == status)
            if conversation_id is not None:
                if not is_id(conversation_id):
                    return [], False
                query = query.where(ToolApprovalRow.conversation_id == conversation_id)
            if before_number is not None:
                query = query.where(ToolApprovalRow.number < before_number)
            rows = (await connection.execute(query.order_by(ToolApprovalRow.number.desc()).limit(limit + 1))).all()
        return [(row.number, approval_of(row, self._clock())) for row in rows[:limit]], len(rows) > limit

    async def get(self, caller: Caller, call_id: str) -> Approval:
        """Raises NotFound (ApprovalNotFound)."""
        async with self._database.begin("reading an approval") as connection:
            return approval_of(await self._row(connection, caller, call_id), self._clock())

    async def undecided(self, caller: Caller, call_id: str) -> int:
        """How many calls of its round wait for a decision, itself included. Raises NotFound (ApprovalNotFound)."""
        async with self._database.begin("counting what waits") as connection:
            found = await self._row(connection, caller, call_id)
            return await _undecided(connection, found.round_id, self._clock())

    async def submit(
        self,
        caller: Caller,
        call_id: str,
        decision: Decision,
        *,
        comment: str = "",
        arguments: Mapping[str, Any] | None = None,
        principal: str = "",
    ) -> Submitted:
        """Decide on one call, once. `principal` is the resource name of who decides; the line in the audit log is
        written by whoever knows where the decision came from.

        Raises:
            NotFound: ApprovalNotFound.
            RequestError: ApprovalAlreadyDecided, ApprovalExpired, or arguments that mean nothing.
            InstanceError: the change with other arguments could not be composed.
        """
        found = await self.get(caller, call_id)
        check_open(found)
        changed = None
        if arguments is not None:
            if decision == "reject":
                raise RequestError("ToolArguments override a call that is approved; leave them out to reject it.")
            changed = await self._compose(caller, found, arguments)
        async with self._database.begin("deciding on a call") as connection:
            row = await self._row(connection, caller, call_id, lock=True)
            check_open(approval_of(row, self._clock()))  # somebody else may have been first
            values = {
                "status": "approved" if decision == "approve" else "rejected",
                "comment": storable_text(comment[:COMMENT_CHARACTERS]),
                "decided_by": caller.user_id,
                "decided_principal": principal or None,
                "decided_at": self._clock(),
                "expires_at": self._clock() + self._expiry,  # a decision does not stand for ever either
            } | (changed or {})
            await connection.execute(update(ToolApprovalRow).where(ToolApprovalRow.call_id == call_id).values(**values))
            stored = approval_of(await self._row(connection, caller, call_id), self._clock())
            undecided = await _undecided(connection, stored.card.round_id, self._clock())
        return Submitted(stored, undecided)

    async def _compose(self, caller: Caller, found: Approval, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """What an override makes of the row: another card, hash and state, seen now."""
        instance = await self._instances.get_instance(caller.account_id, found.card.instance_id)
        given = {name: value for name, value in arguments.items() if name not in ("instance_id", "wants_person")}
        if arguments.get("instance_id") not in (None, instance.id):
            raise RequestError("ToolArguments may not name another instance; ask for it in a new question.")
        async with self._engines.open_probe(instance) as probe:
            try:
                change = await self._engines.changer(instance.engine).compose(
                    probe, found.card.tool_name, given, instance.id
                )
            except NotFound as error:  # a table or a session of the instance: no object of the API
                raise RequestError(f"The provided parameter is invalid. ToolArguments: {error.message}.") from error
        card = change.card(found.language)
        return {
            "asked_arguments": dict(found.card.arguments),
            "arguments": dict(change.arguments),
            "statements": list(change.statements),
            "statement_hash": change.hash,
            "state": dict(change.state),
            "card": card,
            "description": describe(card, found.reason, found.language),
        }

    async def _row(self, connection: AsyncConnection, caller: Caller, call_id: str, *, lock: bool = False) -> Any:
        if is_id(call_id):
            query = select(ToolApprovalRow.__table__).where(
                ToolApprovalRow.call_id == call_id, *await _mine(connection, caller)
            )
            row = (await connection.execute(query.with_for_update() if lock else query)).one_or_none()
            if row is not None:
                return row
        raise no_approval(call_id)


async def _mine(connection: AsyncConnection, caller: Caller) -> tuple[Any, ...]:
    """The calls that this caller may see and decide: his own; of the account's owner, those of all its users."""
    owner = select(UserRow.is_root).where(UserRow.id == caller.user_id, UserRow.account_id == caller.account_id)
    if (await connection.execute(owner)).scalar_one_or_none():
        return (ToolApprovalRow.account_id == caller.account_id,)
    return (ToolApprovalRow.account_id == caller.account_id, ToolApprovalRow.user_id == caller.user_id)


def check_open(approval: Approval) -> None:
    """Raises RequestError when the call cannot be decided any more."""
    if approval.status == "expired":
        raise RequestError(
            f"The call expired at {approval.expires_at:%Y-%m-%dT%H:%M:%SZ}; ask for the change again.",
            code="ApprovalExpired",
            status=409,
        )
    if approval.status != "pending":
        raise RequestError(
            f"The call was {approval.status} already by {approval.decided_by}; a decision stands.",
            code="ApprovalAlreadyDecided",
            status=409,
        )


async def _undecided(connection: AsyncConnection, round_id: str, now: datetime) -> int:
    query = select(func.count()).where(ToolApprovalRow.round_id == round_id, status_now(now) == "pending")
    return int((await connection.execute(query)).scalar_one())


def status_now(now: datetime) -> Any:
    """The status column as of now."""
    over = and_(ToolApprovalRow.status == "pending", ToolApprovalRow.expires_at <= now)
    return case((over, "expired"), else_=ToolApprovalRow.status)


def approval_of(row: Any, now: datetime) -> Approval:
    """An approval from its row."""
    over = row.status == "pending" and row.expires_at <= now
    card = CallCard(
        call_id=row.call_id,
        round_id=row.round_id,
        tool_call_id=row.tool_call_id,
        tool_name=row.tool_name,
        instance_id=row.instance_id,
        arguments=row.arguments,
        description=row.description,
        status="expired" if over else row.status,
        comment=row.comment,
        changed=row.asked_arguments is not None,
    )
    return Approval(
        card=card,
        account_id=row.account_id,
        user_id=row.user_id,
        conversation_id=row.conversation_id,
        message_id=row.message_id,
        run_id=row.run_id,
        statements=tuple(row.statements),
        statement_hash=row.statement_hash,
        state=row.state,
        details=row.card,
        mode=row.mode,
        rule=row.rule,
        reason=row.reason,
        language=language_of_tag(row.language) or "en",
        created_at=row.created_at,
        expires_at=row.expires_at,
        decided_by=row.decided_by,
        decided_principal=row.decided_principal,
        decided_at=row.decided_at,
        resumed_run_id=row.resumed_run_id,
        execution=row.execution,
        before=row.before,
        result=row.result,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
