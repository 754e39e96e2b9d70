"""The desk: stores what a model wants to change, and makes the changes that are approved, each of them once.

What is promised of `carry_out`:
* nothing is written unless the stored approval stands and the change, composed again now, has the hash and the state
  that were approved;
* `started` is stored before the first byte goes to the instance. Whoever finds it (a second execution after a crash)
  never writes: the outcome is looked up on the instance, or reported as unknown;
* the result is stored before anybody hears it, and from then on it is what every execution answers.
"""

import asyncio
import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from housecall.access.audit import AuditEntry, AuditLog
from housecall.chat.approvals import Approval, approval_of
from housecall.chat.cards import describe
from housecall.chat.rounds import no_approval
from housecall.chat.rules import Judgement, judge
from housecall.chat.storable import storable_text, storable_value
from housecall.clock import Clock, utc_now
from housecall.engines.change import Change, Changer, Told, Written, differences, same_server
from housecall.engines.desk import CallCard, Proposal, WantedCall
from housecall.engines.engine import Target
from housecall.engines.instance import Engines, Instance
from housecall.errors import HousecallError, InstanceUnreachable, RequestError
from housecall.store.database import Database
from housecall.store.tables import ToolApprovalRow
from housecall.turn import Turn
from housecall.wording import Language

LOOK_AGAIN_SECONDS = 1.0
CLOSE_SECONDS = 2.0
FREE_OF_UNDO = frozenset({"cancel_query", "terminate_session", "drop_replication_slot"})
"""Changes whose statement names its object by what was seen: no row back means that it was not there any more."""

_NAMESPACE = uuid.UUID("6f1d0a52-3c0e-4b4f-9a59-2f7f7e0c8d11")

log = logging.getLogger(__name__)
Watch = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class _Job:
    """One change on its way."""

    turn: Turn
    approval: Approval
    instance: Instance
    changer: Changer
    watch: Watch


class Desk:
    """Implements `ChangeDesk`."""

    def __init__(
        self,
        database: Database,
        engines: Engines,
        change_targets: "ChangeTargetDirectory | None" = None,
        audit: AuditLog | None = None,
        *,
        clock: Clock = utc_now,
        expiry_seconds: float = 3600.0,
        statement_timeout_seconds: float = 4 * 3600.0,
    ) -> None:
        self._database = database
        self._engines = engines
        self._targets = change_targets or NoChangeTargets()
        self._audit = audit
        self._clock = clock
        self._expiry = timedelta(seconds=expiry_seconds)
        self._statement_timeout_seconds = statement_timeout_seconds
        self._tasks: set[asyncio.Task[Mapping[str, Any]]] = set()

    async def close(self) -> None:
        """Leave what is being written to the server that carries it out; `started` tells the next process."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_SECONDS)

    async def propose(self, turn: Turn, call: WantedCall, instance: Instance, language: Language) -> Proposal:
        stored = await self._find(turn.run_id, call.tool_call_id)
        if stored is not None:  # a repeated execution: what was stored stands
            return _proposal(stored)
        changer = self._engines.changer(instance.engine)
        async with self._engines.open_probe(instance) as probe:
            change = await changer.compose(probe, call.tool_name, call.arguments, instance.id)
        judged = judge(turn.approval_mode, change.tool, change.facts, wants_person=call.wants_person)
        card = change.card(language)
        reason = judged.reason.render(language)
        if judged.verdict == "refused":
            return Proposal("refused", content=_refusal(change, card))
        await self._store(turn, call, change, judged, card, describe(card, reason, language), reason, language)
        stored = await self._find(turn.run_id, call.tool_call_id)
        assert stored is not None
        return _proposal(stored)

    async def waiting(self, turn: Turn) -> tuple[CallCard, ...]:
        query = select(ToolApprovalRow.__table__).where(
            ToolApprovalRow.run_id == turn.run_id, ToolApprovalRow.decided_by.is_(None)
        )
        return await self._cards(query)

    async def resumed(self, turn: Turn) -> tuple[CallCard, ...]:
        return await self._cards(select(ToolApprovalRow.__table__).where(ToolApprovalRow.resumed_run_id == turn.run_id))

    async def find(self, turn: Turn, tool_call_id: str) -> CallCard:
        """What this run may carry out: a call of the round it goes on with, or one of its own that a rule allowed."""
        own = (ToolApprovalRow.run_id == turn.run_id) & (ToolApprovalRow.decided_by.startswith("rule:"))
        query = select(ToolApprovalRow.__table__).where(
            (ToolApprovalRow.resumed_run_id == turn.run_id) | own,
            ToolApprovalRow.tool_call_id == tool_call_id,
            ToolApprovalRow.account_id == turn.account_id,
        )
        found = await self._cards(query)
        if not found:
            raise no_approval(tool_call_id)
        return found[0]

    async def carry_out(self, turn: Turn, call_id: str, instance: Instance, watch: Watch) -> Mapping[str, Any]:
        work = asyncio.create_task(self._carry_out(turn, call_id, instance, watch), name=f"change {call_id}")
        self._tasks.add(work)
        work.add_done_callback(self._ended)
        return await asyncio.shield(work)

    def _ended(self, task: "asyncio.Task[Mapping[str, Any]]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a change ended without a record: %s", task.exception())

    async def _carry_out(self, turn: Turn, call_id: str, instance: Instance, watch: Watch) -> Mapping[str, Any]:
        approval = await self._read(turn, call_id)
        if approval.result is not None:
            return approval.result
        if approval.status != "approved" or approval.card.instance_id != instance.id:
            raise RequestError(f"The call is {approval.status}; only an approved one is carried out")
        job = _Job(turn, approval, instance, self._engines.changer(instance.engine), watch)
        if approval.execution is not None:
            return await self._look_up(job)
        try:
            change, before = await self._check(job)
        except HousecallError as error:
            return await self._record(job, "refused", _nothing(f"Nothing was run: {error.message}"))
        except _Differs as changed:
            return await self._record(job, "refused", _nothing(str(changed)) | {"differences": changed.told})
        return await self._write(job, change, before)

    async def _check(self, job: _Job) -> tuple[Change, dict[str, Any]]:
        """The change as it would be now, and the numbers before it. Raises _Differs."""
        approval = job.approval
        async with self._engines.open_probe(job.instance) as probe:
            job.watch(probe)
            now = await job.changer.compose(probe, approval.card.tool_name, approval.card.arguments, job.instance.id)
            differing = differences(approval.state, storable_value(dict(now.state)))
            if differing or now.hash != approval.statement_hash:
                raise _Differs(differing)
            return now, storable_value(await job.changer.measure(probe, now))

    async def _write(self, job: _Job, change: Change, before: dict[str, Any]) -> Mapping[str, Any]:
        target = await self._targets.change_target(job.turn.account_id, job.instance.id) or job.instance.target
        if not same_server(target, job.instance.target):
            told = f"Nothing was run: the role for changes is of {target.address}, and the instance was moved since."
            return await self._record(job, "refused", _nothing(told))
        try:
            async with job.changer.open_writer(
                target, instance_id=job.instance.id, statement_timeout_seconds=self._statement_timeout_seconds
            ) as writer:
                if not await self._begin(job, before):
                    return await self._look_up(job)
                job.watch(writer)
                written = await writer.run(change.statements, lock_timeout_seconds=change.lock_timeout_seconds)
        except InstanceUnreachable:
            begun = await self._read(job.turn, job.approval.card.call_id)
            if begun.execution is None:
                raise  # the writer did not connect: nothing was begun
            return await self._look_up(job)
        except HousecallError as error:
            return await self._failed(job, change, error)
        return await self._succeeded(job, change, before, written)

    async def _begin(self, job: _Job, before: dict[str, Any]) -> bool:
        """Store that it begins. False when another execution has begun it."""
        async with self._database.begin("beginning a change") as connection:
            begun = await connection.execute(
                update(ToolApprovalRow)
                .where(
                    ToolApprovalRow.call_id == job.approval.card.call_id,
                    ToolApprovalRow.execution.is_(None),
                    ToolApprovalRow.status == "approved",
                    ToolApprovalRow.statement_hash == job.approval.statement_hash,
                )
                .values(execution="started", started_at=self._clock(), before=before)
                .returning(ToolApprovalRow.call_id)
            )
            return begun.one_or_none() is not None

    async def _succeeded(
        self, job: _Job, change: Change, before: dict[str, Any], written: Written
    ) -> Mapping[str, Any]:
        if change.tool in FREE_OF_UNDO and not written.rows:
            told = "Nothing was done: what the statement names was not there any more in the state that was seen."
            return await self._record(job, "refused", _nothing(told))
        async with self._engines.open_probe(job.instance) as probe:
            after = storable_value(await job.changer.settle(probe, change))
        result = _result(job, "succeeded", change.statements) | {
            "before": before,
            "after": after,
            "elapsed_seconds": round(written.elapsed_seconds, 3),
            "rollback": list(change.rollback),
        }
        if written.affected_rows is not None:
            result["affected_rows"] = written.affected_rows
        if change.tool == "execute_sql" and written.rows:
            result["rows"] = storable_value([list(row) for row in written.rows])
        if change.rollback_note is not None:
            result["rollback_note"] = change.rollback_note.render(job.approval.language)
        if change.tool == "set_parameter" and change.facts.get("restart"):
            result["needs_restart"] = True
        return await self._record(job, "succeeded", result)

    async def _failed(self, job: _Job, change: Change, error: HousecallError) -> Mapping[str, Any]:
        """The server said no, or the change was given up: say what is left of it."""
        cleanup: tuple[str, ...] = ()
        try:
            async with self._engines.open_probe(job.instance) as probe:
                cleanup = await job.changer.leftovers(probe, change)
        except HousecallError as second:
            log.warning("what a failed change left could not be seen: %s", second.message)
        result = _result(job, "failed", change.statements) | {"error": error.message, "code": error.wire_code}
        if cleanup:
            result |= {"left_behind": "an invalid index, which costs every write; remove it", "cleanup": list(cleanup)}
        return await self._record(job, "failed", result)

    async def _look_up(self, job: _Job) -> Mapping[str, Any]:
        """What became of a change whose end nobody recorded. Writes nothing to the instance."""
        approval = await self._read(job.turn, job.approval.card.call_id)
        if approval.result is not None:
            return approval.result
        since = (approval.started_at or approval.created_at).isoformat()
        card = approval.card
        while True:
            try:
                async with self._engines.open_probe(job.instance) as probe:
                    told = await job.changer.look_up(probe, card.tool_name, card.arguments, approval.state, since)
            except HousecallError as error:
                told = Told("unknown", f"It could not be looked up: {error.message}")
            if told.fate != "running":
                break
            await asyncio.sleep(LOOK_AGAIN_SECONDS)  # the server goes on with it; its end is waited for
        execution = {"happened": "succeeded", "not_happened": "failed"}.get(told.fate, "unknown")
        result = _result(job, execution, approval.statements) | {
            "interrupted": "Housecall ended while this change was made. It was not repeated; it was looked up.",
            "found": told.note,
            "fate": told.fate,
        }
        if told.cleanup:
            result["cleanup"] = list(told.cleanup)
        if approval.before is not None:
            result["before"] = dict(approval.before)
        return await self._record(job, execution, result)

    async def _record(self, job: _Job, execution: str, result: dict[str, Any]) -> Mapping[str, Any]:
        """Store the result; the first one stands."""
        values = {"execution": execution, "result": storable_value(result), "finished_at": self._clock()}
        async with self._database.begin("recording a change") as connection:
            await connection.execute(
                update(ToolApprovalRow)
                .where(ToolApprovalRow.call_id == job.approval.card.call_id, ToolApprovalRow.result.is_(None))
                .values(**values)
            )
        await self._audited(job, execution)
        stored = (await self._read(job.turn, job.approval.card.call_id)).result
        assert stored is not None
        return stored

    async def _audited(self, job: _Job, execution: str) -> None:
        if self._audit is None:
            return
        caller, approval = job.turn.inputs.get("caller") or {}, job.approval
        self._audit.record(
            AuditEntry(
                operation=f"tool.{approval.card.tool_name}",
                decision="allowed",
                source="agent",
                account_id=job.turn.account_id,
                principal=approval.decided_principal or approval.decided_by or "",
                user_id=job.turn.user_id,
                access_key_id=caller.get("access_key_id", ""),
                request_id=job.turn.run_id,
                instance_id=job.instance.id,
                statement_hash=approval.statement_hash,
                call_id=approval.card.call_id,
                result=execution,
            )
        )
        await self._audit.flush()

    async def _store(
        self,
        turn: Turn,
        call: WantedCall,
        change: Change,
        judged: Judgement,
        card: dict[str, Any],
        description: str,
        reason: str,
        language: Language,
    ) -> None:
        now, allowed = self._clock(), judged.verdict == "allowed"
        call_id = str(uuid.uuid5(_NAMESPACE, f"{turn.run_id}/{call.tool_call_id}"))
        # What a rule allowed waits for nobody, so it is a round of its own.
        round_id = call_id if allowed else str(uuid.uuid5(_NAMESPACE, turn.run_id))
        values = {
            "call_id": call_id,
            "round_id": round_id,
            "account_id": turn.account_id,
            "user_id": turn.user_id,
            "conversation_id": turn.conversation_id,
            "message_id": turn.message_id,
            "run_id": turn.run_id,
            "tool_call_id": call.tool_call_id,
            "tool_name": call.tool_name,
            "instance_id": change.instance_id,
            "arguments": storable_value(dict(change.arguments)),
            "statements": storable_value(list(change.statements)),
            "statement_hash": change.hash,
            "state": storable_value(dict(change.state)),
            "card": storable_value(card),
            "description": storable_text(description),
            "language": language,
            "mode": turn.approval_mode,
            "rule": judged.rule,
            "reason": reason,
            "status": "approved" if allowed else "pending",
            "decided_by": f"rule:{judged.rule}" if allowed else None,
            "decided_at": now if allowed else None,
            "created_at": now,
            "expires_at": now + self._expiry,
        }
        async with self._database.begin("storing a call that waits") as connection:
            await connection.execute(
                upsert(ToolApprovalRow)
                .values(**values)
                .on_conflict_do_nothing(index_elements=[ToolApprovalRow.run_id, ToolApprovalRow.tool_call_id])
            )

    async def _find(self, run_id: str, tool_call_id: str) -> Approval | None:
        async with self._database.begin("looking for a call") as connection:
            return await _one(
                connection, ToolApprovalRow.run_id == run_id, ToolApprovalRow.tool_call_id == tool_call_id, self._clock
            )

    async def _read(self, turn: Turn, call_id: str) -> Approval:
        async with self._database.begin("reading a call") as connection:
            found = await _one(
                connection,
                ToolApprovalRow.call_id == call_id,
                ToolApprovalRow.account_id == turn.account_id,
                self._clock,
            )
        if found is None:
            raise no_approval(call_id)
        return found

    async def _cards(self, query: Any) -> tuple[CallCard, ...]:
        async with self._database.begin("reading a round") as connection:
            rows = (await connection.execute(query.order_by(ToolApprovalRow.number))).all()
        return tuple(approval_of(row, self._clock()).card for row in rows)


class ChangeTargetDirectory(Protocol):
    """The roles that changes are made with, where they are not those that read."""

    async def change_target(self, account_id: str, instance_id: str) -> Target | None:
        """None: the instance's own target."""


class NoChangeTargets:
    """Every change is made with the role that reads."""

    async def change_target(self, account_id: str, instance_id: str) -> Target | None:  # noqa: ARG002
        return None


class _Differs(Exception):
    """What the change touches is not as it was seen."""

    def __init__(self, differing: Mapping[str, tuple[Any, Any]]) -> None:
        self.told = {name: {"then": then, "now": now} for name, (then, now) in differing.items()}
        what = "; ".join(f"{name} was {then}, is {now}" for name, (then, now) in differing.items())
        super().__init__(
            f"Nothing was run: since this was approved it changed ({what or 'the statements'})."
            " Look again, and propose the change anew if it is still wanted."
        )


async def _one(connection: AsyncConnection, first: Any, second: Any, clock: Clock) -> Approval | None:
    row = (await connection.execute(select(ToolApprovalRow.__table__).where(first, second))).one_or_none()
    return None if row is None else approval_of(row, clock())


def _proposal(stored: Approval) -> Proposal:
    allowed = (stored.decided_by or "").startswith("rule:")
    return Proposal("allowed" if allowed else "waiting", stored.card.call_id, stored.card.round_id)


def _refusal(change: Change, card: Mapping[str, Any]) -> dict[str, Any]:
    """What the model may read in mode read_only: what was refused, why, and what a person can do."""
    return {
        "refused": f"{change.tool} changes the instance '{change.instance_id}', and this conversation is read_only.",
        "code": "ReadOnly",
        "next": (
            "Show these statements for a person to run; or the person sets Inputs.ToolApprovalMode to manual"
            " (or auto) and asks again, then the change waits for approval."
        ),
        "card": dict(card),
    }


def _nothing(told: str) -> dict[str, Any]:
    return {"outcome": "refused", "error": told, "code": "ChangeRefused"}


def _result(job: _Job, outcome: str, statements: tuple[str, ...]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "instance_id": job.instance.id,
        "outcome": outcome,
        "call_id": job.approval.card.call_id,
        "statements": list(statements),
        "approved_by": job.approval.decided_by,
    }
    if job.approval.card.comment:
        result["comment"] = job.approval.card.comment
    if job.approval.card.changed:
        result["arguments_changed_by_approver"] = dict(job.approval.card.arguments)
    return result
