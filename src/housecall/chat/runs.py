"""Runs: one execution of the agent for one message, durable, streamed and stoppable from any process.

What is promised:
* `start` stores message, run and event number 1 in one transaction before it returns; a crash after that loses
  nothing, since the run goes on in whichever process lives or comes next;
* `subscribe` gives every event of a run once and in order, wherever the run executes;
* `workflow_finished` is stored in the transaction that closes the run, so there is exactly one and it is the last.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from sqlalchemy import func, select, text, update

from housecall.access.admission import Admission
from housecall.chat.durable import START_FAILURES, Durable
from housecall.chat.event_writer import EventWriter
from housecall.chat.execution import Execution, Executor, close_unanswerable
from housecall.chat.feeds import Feeds, Followed
from housecall.chat.files import Files
from housecall.chat.peers import Peers
from housecall.chat.questions import Question, is_id, not_found, store_question
from housecall.chat.run_log import LogClosed, RunLog
from housecall.chat.session import EVENTS, FOLLOWS, PROCESSES, STOPS, WORK, Session, listen
from housecall.errors import NotFound, SetupError, StoreError
from housecall.events import FINAL_STATUSES, Event, Happening, RunStatus
from housecall.store.database import Database
from housecall.store.failures import FAILURES, store_error
from housecall.store.tables import RunEventRow, RunRow
from housecall.turn import Answerer, ApprovalMode

LOOK_SECONDS = 1.0  # how often a process looks for dead ones; those that leave politely say so
POLL_SECONDS = 2.0  # a subscriber of a remote run looks at least this often, should a notification be lost
TIDY_SECONDS = 60.0
PAGE_EVENTS = 500
RETRY_SECONDS = 0.5
CLOSE_SECONDS = 2.0
_NOTIFY = text("SELECT pg_notify(:channel, :payload)")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NewQuestion:
    """A question as the edges hand it in. Empty texts for the ids mean "none", as on the wire.

    An `approval_mode` becomes the conversation's; None takes the conversation's, at first `read_only`.
    """

    account_id: str
    user_id: str
    query: str
    conversation_id: str | None = None
    parent_message_id: str | None = None
    language: str | None = None
    timezone: str | None = None
    instance_id: str | None = None
    approval_mode: ApprovalMode | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    request_id: str | None = None
    files: tuple[tuple[str, str], ...] = ()
    """Ids of uploaded files with what the caller calls each of them."""


@dataclass(frozen=True, slots=True)
class StartedRun:
    """What a caller needs to follow a run: its id is the TaskId of the wire."""

    run_id: str
    conversation_id: str
    message_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it stands now. `finished_at` is None while it lives."""

    run_id: str
    conversation_id: str
    message_id: str
    account_id: str
    status: RunStatus
    created_at: datetime
    finished_at: datetime | None
    input_tokens: int
    output_tokens: int


class Runs:
    """Starts, follows, executes and stops runs. `open` and `close` belong to `app.py`."""

    def __init__(self, database: Database, admission: Admission, files: Files | None = None) -> None:
        self._database = database
        self._files = files
        self._admission = admission
        self._feeds = Feeds()
        self._session = Session(database.dsn)
        self._durable = Durable(database.dsn, self._session.process_id)
        self._peers = Peers(database, self._durable, self._session.process_id)
        self._followed = Followed()
        self._writer = EventWriter(self._session, self._feeds, followed=self._followed, on_taken_over=self._taken_over)
        self._executor: Executor | None = None
        self._executions: dict[str, Execution] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._look = asyncio.Event()
        self._closing = False

    @property
    def process_id(self) -> str:
        return self._session.process_id

    @property
    def trouble(self) -> str | None:
        """Why events cannot be stored at the moment, or None."""
        return self._writer.trouble

    @property
    def executes(self) -> bool:
        return self._durable.active

    async def open(self, answerer: Answerer | None) -> None:
        """Make this process known, launch the durable executor, and take over what dead processes left.

        Without an answerer this process follows and stops runs but executes none.

        Raises StoreError or SetupError.
        """
        try:
            await self._session.open()
        except psycopg.Error as error:
            raise store_error(error, "making this process known") from error
        self._writer.start()
        listening = asyncio.Event()
        self._spawn(self._listen(listening), "housecall listener")
        if answerer is not None:
            self._executor = Executor(self._database, self._writer, answerer, self.process_id, self._files)
            try:
                self._durable.launch(self._execute)
            except FAILURES as error:
                raise SetupError(store_error(error, "preparing for durable runs").message) from error
        await listening.wait()
        self._look.set()
        self._spawn(self._look_after_others(), "housecall peers")

    async def close(self) -> None:
        """Leave. Runs that have not ended stay for other processes or the next start; they do not fail."""
        self._closing = True
        executions = list(self._executions.values())
        ending = {execution.task for execution in executions if execution.task is not None} | self._tasks
        for task in ending:
            task.cancel()
        if ending:
            await asyncio.wait(ending, timeout=CLOSE_SECONDS)
        for execution in executions:
            # Only now: an agent that met a closed log before its cancellation would take that for a failure.
            if execution.events is not None:
                execution.events.abandon()
        await self._writer.close()
        await self._durable.close()
        leaves_runs = True
        with contextlib.suppress(StoreError):
            async with self._database.begin("leaving") as connection:
                left = select(RunRow.id).where(RunRow.process_id == self.process_id, RunRow.finished_at.is_(None))
                leaves_runs = (await connection.execute(left.limit(1))).first() is not None
        await self._session.close(leaves_runs=leaves_runs)
        with contextlib.suppress(StoreError):
            await self._notify(PROCESSES, "left")

    async def start(self, question: NewQuestion) -> StartedRun:
        """Store the question and set its run going.

        Raises:
            NotFound: ConversationNotFound, MessageNotFound or FileNotFound, also for another account's.
            RequestError: PermissionDenied, when the account has no valid plan.
            LimitReached: TooManyRequests or MoQuotaExceeded, by the account's plan.
            StoreError: nothing was accepted.
        """
        if self._writer.trouble is not None:
            raise StoreError(self._writer.trouble)
        async with self._database.begin("storing the question") as connection:
            await self._admission.admit_run(connection, question.account_id)
            stored = await store_question(connection, _storable(question), self.process_id if self.executes else None)
            if not self.executes:
                await connection.execute(text("SELECT pg_notify(:channel, '')"), {"channel": WORK})
        if self.executes:
            self._feeds.begin(stored.run_id)
            self._feeds.publish(stored.run_id, [stored.first_event])
            self._spawn(self._start_workflow(stored.run_id), f"start {stored.run_id}")
        return StartedRun(stored.run_id, stored.conversation_id, stored.message_id, stored.created_at)

    async def subscribe(self, run_id: str, after: int = 0) -> AsyncGenerator[Event, None]:
        """The run's events with a number above `after`, stored ones first, then live; ends after `workflow_finished`.

        The iterator may be left at any time (`aclose`) without harm to the run or to other subscribers.

        Raises:
            NotFound: TaskNotFound, at the first step.
            StoreError: stored events cannot be read.
        """
        feed = self._feeds.enter(run_id)
        number, ask_at = after, 0.0
        try:
            while True:
                version = feed.version
                events, ended = feed.since(number), feed.finished
                if events is None:
                    follow = not feed.local and time.monotonic() >= ask_at
                    events, ended = await self._stored_events(run_id, number, follow=follow)
                    ask_at = time.monotonic() + POLL_SECONDS if follow else ask_at
                for event in events:
                    yield event
                    number = event.number
                    if event.happening.name == "workflow_finished":
                        return
                if not events and ended:
                    return
                if not events:
                    await feed.wait_beyond(version, None if feed.local else POLL_SECONDS)
        finally:
            self._feeds.leave(run_id)

    async def stop(self, account_id: str, run_id: str, *, user_id: str | None = None) -> None:
        """End a run within a second, wherever it executes; its status becomes `stopped`.

        Returns when the wish is stored. Stopping a finished run does nothing. With `user_id` another user's run is
        not found; so it is in the other methods that take it.

        Raises:
            NotFound: TaskNotFound.
        """
        run = await self.get_run(account_id, run_id, user_id=user_id)
        if run.status in FINAL_STATUSES:
            return
        async with self._database.begin("stopping a run") as connection:
            await connection.execute(
                update(RunRow)
                .where(RunRow.id == run_id, RunRow.finished_at.is_(None))
                .values(stop_requested_at=func.coalesce(RunRow.stop_requested_at, func.now()))
            )
            await connection.execute(
                text("SELECT pg_notify(:channel, :run_id)"), {"channel": STOPS, "run_id": run.run_id}
            )
        self._stop_here(run.run_id)

    async def get_run(self, account_id: str, run_id: str, *, user_id: str | None = None) -> Run:
        """Raises NotFound (TaskNotFound)."""
        run = await self._find_run(account_id, RunRow.id, run_id, user_id)
        if run is None:
            raise _no_task(run_id)
        return run

    async def run_of_message(self, account_id: str, message_id: str, *, user_id: str | None = None) -> Run:
        """The newest run of a message. Raises NotFound (MessageNotFound)."""
        run = await self._find_run(account_id, RunRow.message_id, message_id, user_id)
        if run is None:
            raise not_found("Message", message_id)
        return run

    async def wait(self, run_id: str) -> RunStatus:
        """Wait until the run has ended and say how. Raises NotFound (TaskNotFound)."""
        async with contextlib.aclosing(self.subscribe(run_id)) as events:
            async for event in events:
                if event.happening.name == "workflow_finished":
                    status: RunStatus = event.happening.fields["status"]
                    return status
        raise _no_task(run_id)

    async def _find_run(self, account_id: str, column: Any, value: str, user_id: str | None) -> Run | None:
        if not is_id(value):
            return None
        async with self._database.begin("reading a run") as connection:
            query = select(RunRow.__table__).where(column == value, RunRow.account_id == account_id)
            if user_id is not None:
                query = query.where(RunRow.user_id == user_id)
            row = (await connection.execute(query.order_by(RunRow.created_at.desc()).limit(1))).one_or_none()
        if row is None:
            return None
        return Run(
            run_id=row.id,
            conversation_id=row.conversation_id,
            message_id=row.message_id,
            account_id=row.account_id,
            status=row.status,
            created_at=row.created_at,
            finished_at=row.finished_at,
            input_tokens=row.input_tokens,
            output_tokens=row.output_tokens,
        )

    async def _stored_events(self, run_id: str, after: int, *, follow: bool) -> tuple[list[Event], bool]:
        """A page of events, and whether the run has ended; with `follow`, who executes it is asked to tell more.

        Raises NotFound (TaskNotFound).
        """
        if not is_id(run_id):
            raise _no_task(run_id)
        async with self._database.begin("reading events") as connection:
            # In this order: a run that is seen ended has all its events stored.
            run = (await connection.execute(select(RunRow.finished_at).where(RunRow.id == run_id))).one_or_none()
            if run is None:
                raise _no_task(run_id)
            if follow and run.finished_at is None:
                await connection.execute(_NOTIFY, {"channel": FOLLOWS, "payload": run_id})
            rows = await connection.execute(
                select(RunEventRow.__table__)
                .where(RunEventRow.run_id == run_id, RunEventRow.number > after)
                .order_by(RunEventRow.number)
                .limit(PAGE_EVENTS)
            )
            return [event_of(row) for row in rows], run.finished_at is not None

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s ended by a bug", task.get_name(), exc_info=error)

    async def _start_workflow(self, run_id: str) -> None:
        """Tried until it is done: the question is accepted. If this process dies first, others start it."""
        while True:
            try:
                await self._durable.start(run_id)
            except START_FAILURES:
                log.exception("run %s could not be started; trying again", run_id)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    async def _execute(self, run_id: str) -> None:
        """The body of the durable workflow."""
        assert self._executor is not None
        execution = Execution(run_id, task=asyncio.current_task())
        while (earlier := self._executions.get(run_id)) is not None and earlier.task is not None:
            await asyncio.wait({earlier.task})  # it lost the run and is about to end
        if self._closing:
            raise asyncio.CancelledError
        self._executions[run_id] = execution
        try:
            while True:
                try:
                    await self._executor.execute(execution, on_claimed=lambda: self._begin(run_id))
                except StoreError as error:
                    log.warning("run %s: %s", run_id, error.message)
                    await asyncio.sleep(RETRY_SECONDS)  # the database is away; the run waits for it
                else:
                    return
        except LogClosed as error:
            log.warning("%s", error)
            raise asyncio.CancelledError from error
        finally:
            del self._executions[run_id]
            self._feeds.end(run_id)

    def _begin(self, run_id: str) -> None:
        feed = self._feeds.begin(run_id)
        feed.wake()

    def _taken_over(self) -> None:
        """Others believed this process dead and execute its runs: end them here, without a word."""
        for execution in self._executions.values():
            if execution.task is not None:
                execution.task.cancel()

    def _stop_here(self, run_id: str) -> None:
        execution = self._executions.get(run_id)
        if execution is not None:
            execution.stop.set()

    async def _listen(self, listening: asyncio.Event) -> None:
        def on_open() -> None:
            listening.set()
            self._feeds.wake_all()
            self._look.set()

        async with contextlib.aclosing(listen(self._database.dsn, on_open)) as notifications:
            async for notification in notifications:
                if notification.channel == EVENTS:
                    for run_id in notification.payload.split(","):
                        self._feeds.wake(run_id)
                elif notification.channel == STOPS:
                    self._stop_here(notification.payload)
                elif notification.channel == FOLLOWS:
                    await self._tell_follower(notification.payload)
                else:
                    self._look.set()

    async def _tell_follower(self, run_id: str) -> None:
        """Another process follows a run of ours: its events are told from now on, and what it may have missed."""
        if run_id in self._executions and self._followed.note(run_id):
            with contextlib.suppress(StoreError):  # then it looks again by itself
                await self._notify(EVENTS, run_id)

    async def _look_after_others(self) -> None:
        """Take over from dead processes and start what waits, every second and whenever somebody tells."""
        tidy_at = time.monotonic() + TIDY_SECONDS
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._look.wait()
            self._look.clear()
            if not self.executes:
                continue
            try:
                for run_id in await self._peers.take_over_from_the_dead():
                    await self._close_unanswerable(run_id)
                for run_id in await self._peers.claim_unstarted():
                    self._spawn(self._start_workflow(run_id), f"start {run_id}")
                if time.monotonic() >= tidy_at:
                    tidy_at = time.monotonic() + TIDY_SECONDS
                    await self._peers.forget_ended()
            except StoreError as error:
                log.warning("%s", error.message)
            except FAILURES as error:
                log.warning("%s", store_error(error, "looking after other processes").message)

    async def _close_unanswerable(self, run_id: str) -> None:
        """A run whose workflow has ended without closing it: say so and close it."""
        async with self._database.begin("closing a run") as connection:
            closed, last_number = await close_unanswerable(connection, run_id)
        events = RunLog(run_id, self._writer, next_number=last_number + 1, text=closed.answer)
        told = f"The answer was interrupted and cannot be continued; please ask again. (Run {run_id})"
        await events.report(Happening("error", told, {"code": "InternalError"}))
        await events.close(closed)

    async def _notify(self, channel: str, payload: str) -> None:
        async with self._database.begin("telling other processes") as connection:
            await connection.execute(_NOTIFY, {"channel": channel, "payload": payload})


def _no_task(run_id: str) -> NotFound:
    return NotFound(f"There is no task {run_id[:80]!r}.", code="TaskNotFound")


def event_of(row: Any) -> Event:
    """An event from its row."""
    return Event(row.run_id, row.number, row.at, Happening(row.name, row.answer, row.fields))


def _storable(question: NewQuestion) -> Question:
    return Question(
        account_id=question.account_id,
        user_id=question.user_id,
        query=question.query,
        conversation_id=question.conversation_id or None,
        parent_message_id=question.parent_message_id or None,
        approval_mode=question.approval_mode,
        request_id=question.request_id,
        turn={
            "language": question.language,
            "timezone": question.timezone,
            "instance_id": question.instance_id,
            "inputs": dict(question.inputs),
        },
        files=question.files,
    )
