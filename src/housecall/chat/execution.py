"""One execution of a run: claim it, let the agent answer, record how it ended. Runs inside the durable workflow.

A second execution (after a crash) begins by telling readers which text stands: the text of durable steps that had
finished. Text of a step that was cut off, and text that was reported outside any step, will be reported again.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from housecall.chat.durable import current_step, recorded_steps
from housecall.chat.event_sql import ClosedRun
from housecall.chat.event_writer import EventWriter
from housecall.chat.files import Files
from housecall.chat.questions import claim_run
from housecall.chat.run_log import LogClosed, RunLog, told_key
from housecall.chat.storable import storable_value
from housecall.errors import HousecallError, StoreError
from housecall.events import FINAL_STATUSES, Happening, RunStatus
from housecall.store.database import Database
from housecall.store.tables import RunEventRow, RunRow
from housecall.turn import Answerer, Outcome, Stop, Turn

MAX_ATTEMPTS = 5
STOP_SECONDS = 0.7  # what is left of the promised second after the wish has arrived and before the end is stored
CANCEL_SECONDS = 0.2

log = logging.getLogger(__name__)


@dataclass
class Execution:
    """A run that this process executes now. `stop` ends it; `task` is the workflow's task."""

    run_id: str
    stop: Stop = field(default_factory=Stop)
    task: "asyncio.Task[Any] | None" = None
    events: RunLog | None = None


@dataclass(frozen=True, slots=True)
class Before:
    """What earlier executions of a run left behind."""

    last_number: int
    text: str
    standing_text: str
    told: frozenset[tuple[str, str, str]]


_FIRST = Before(1, "", "", frozenset())
"""What a first execution finds: `workflow_started`, which is stored with the question."""


def standing_text(rows: Sequence[tuple[str, str, int | None]], recorded: frozenset[int]) -> tuple[str, str]:
    """The text as readers have it, and how much of it stands. Rows are (name, answer, step) of text events, in order.

    Text stands when its step is recorded, and so does what an earlier `message_replace` had found to stand.
    """
    text: list[str] = []
    standing: list[str] = []
    broken = False
    for name, answer, step in rows:
        if name == "message_replace":
            text, standing, broken = [answer], [answer], False
            continue
        text.append(answer)
        broken = broken or step is None or step not in recorded
        if not broken:
            standing.append(answer)
    return "".join(text), "".join(standing)


class Executor:
    """Executes runs with one answerer."""

    def __init__(
        self,
        database: Database,
        writer: EventWriter,
        answerer: Answerer,
        process_id: str,
        files: Files | None = None,
    ) -> None:
        self._database = database
        self._files = files
        self._writer = writer
        self._answerer = answerer
        self._process_id = process_id

    async def execute(self, execution: Execution, on_claimed: Callable[[], None]) -> None:
        """Answer one run to its end. Does nothing when it has ended already.

        Raises StoreError when the run cannot be read, RunTakenOver when it goes on elsewhere.
        """
        async with self._database.begin("reading the question") as connection:
            claimed = await claim_run(connection, execution.run_id, self._process_id)
            if claimed is None:
                return
            turn = claimed.turn
            before = _FIRST if turn.attempt == 1 else await _before(connection, execution.run_id)
        if claimed.is_stopped:
            execution.stop.set()
        if self._files is not None and claimed.has_files:
            turn = replace(turn, attachments=await self._files.attachments_of(turn.account_id, turn.message_id))
        execution.events = events = RunLog(
            execution.run_id,
            self._writer,
            next_number=before.last_number + 1,
            text=before.text,
            told=before.told,
            current_step=current_step,
        )
        on_claimed()
        await events.report(Happening("message_replace", before.standing_text))
        try:
            outcome = await self._outcome(turn, execution, events)
            await events.close(_closed(turn, outcome, events))
        except StoreError as error:
            # One event could not be stored; the run ends with what could.
            events.recover()
            await events.report(Happening("error", error.message, {"code": error.wire_code}))
            await events.close(_closed(turn, Outcome("failed", None), events))

    async def _outcome(self, turn: Turn, execution: Execution, events: RunLog) -> Outcome:
        if execution.stop.is_set:
            return Outcome("stopped", None)
        if turn.attempt > MAX_ATTEMPTS:
            await events.report(
                Happening(
                    "error",
                    f"The process ended {MAX_ATTEMPTS} times while it answered this question; it is not tried again.",
                    {"code": "InternalError"},
                )
            )
            return Outcome("failed", None)
        answering = asyncio.create_task(self._answer(turn, events, execution.stop), name=f"answer {turn.run_id}")
        try:
            return await _until_stopped(answering, execution.stop)
        finally:
            if not answering.done():  # this process closes, or the agent does not heed its cancellation
                answering.cancel()
                await asyncio.wait({answering}, timeout=CANCEL_SECONDS)
            if answering.done() and not answering.cancelled():
                answering.exception()  # seen: a run that was taken over ends here and in its agent at the same moment

    async def _answer(self, turn: Turn, events: RunLog, stop: Stop) -> Outcome:
        """The agent's outcome; a bug in it becomes an `error` event and a failed run."""
        try:
            outcome = await self._answerer.answer(turn, events, stop)
            if outcome.status not in FINAL_STATUSES:
                raise ValueError(f"the agent returned the status {outcome.status!r}, which ends no run")
            storable_value(outcome.transcript)
        except (StoreError, LogClosed):
            raise
        except HousecallError as error:
            log.exception("the answer of run %s failed", turn.run_id)
            await events.report(Happening("error", error.message, {"code": error.wire_code}))
        except Exception:  # whatever an agent does wrong is this run's outcome
            log.exception("the answer of run %s failed on a bug", turn.run_id)
            told = (
                f"The answer failed on an internal error; the log of the process has the details of run {turn.run_id}."
            )
            await events.report(Happening("error", told, {"code": "InternalError"}))
        else:
            return outcome
        return Outcome("failed", None)


async def _until_stopped(answering: "asyncio.Task[Outcome]", stop: Stop) -> Outcome:
    """The outcome, or `stopped` soon after the wish, even of an agent that does not heed it."""
    wish = asyncio.create_task(stop.stopped())
    try:
        await asyncio.wait({answering, wish}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        wish.cancel()
    if not answering.done():
        await asyncio.wait({answering}, timeout=STOP_SECONDS)
    if not answering.done():
        answering.cancel()
        await asyncio.wait({answering}, timeout=CANCEL_SECONDS)
    if answering.done() and not answering.cancelled():
        return answering.result()
    return Outcome("stopped", None)


def _closed(turn: Turn, outcome: Outcome, events: RunLog) -> ClosedRun:
    return ClosedRun(
        run_id=turn.run_id,
        message_id=turn.message_id,
        conversation_id=turn.conversation_id,
        status=outcome.status,
        answer=events.text,
        transcript=storable_value(outcome.transcript),
        input_tokens=outcome.input_tokens,
        output_tokens=outcome.output_tokens,
    )


async def _before(connection: AsyncConnection, run_id: str) -> Before:
    rows = (
        await connection.execute(
            select(RunEventRow.number, RunEventRow.name, RunEventRow.answer, RunEventRow.fields, RunEventRow.step)
            .where(RunEventRow.run_id == run_id)
            .order_by(RunEventRow.number)
        )
    ).all()
    if len(rows) <= 1:  # only workflow_started: the first execution, or one that told nothing
        return Before(len(rows), "", "", frozenset())
    texts = [(row.name, row.answer, row.step) for row in rows if row.name in ("message", "message_replace")]
    text, standing = standing_text(texts, await recorded_steps(connection, run_id))
    keys = (told_key(Happening(row.name, row.answer, row.fields)) for row in rows)
    return Before(rows[-1].number, text, standing, frozenset(key for key in keys if key is not None))


async def close_unanswerable(connection: AsyncConnection, run_id: str) -> tuple[ClosedRun, int]:
    """The end of a run whose workflow cannot go on: it failed with the text that readers have. And its last number."""
    row = (await connection.execute(select(RunRow.message_id, RunRow.conversation_id).where(RunRow.id == run_id))).one()
    before = await _before(connection, run_id)
    status: RunStatus = "failed"
    return ClosedRun(run_id, row.message_id, row.conversation_id, status, before.text, None), before.last_number
