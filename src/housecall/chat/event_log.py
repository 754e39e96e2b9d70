"""The event log: what a run reports is numbered, stored, and only then handed to those who follow it.

`RunLog` is the sink of one run. Text deltas are gathered to at most one row every 50 ms: the first goes at once, what
follows within 50 ms waits; anything else forces the waiting text out before it. `EventWriter` is the one task of a
process that stores the rows of all runs, one statement a tick, and closes runs in the same statement.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg

from housecall.chat.event_sql import ClosedRun, write_batch, written_numbers
from housecall.chat.feeds import Feeds
from housecall.chat.session import Session
from housecall.chat.storable import storable_text, storable_value
from housecall.clock import Clock, utc_now
from housecall.errors import StoreError
from housecall.events import Event, Happening
from housecall.store.failures import is_connection_lost, store_error

COALESCE_SECONDS = 0.050
TICK_SECONDS = 0.010
RETRY_SECONDS = 0.5
FLUSH_SECONDS = 60.0
MAX_BACKLOG = 20_000  # rows; a run that reports more while the database is away waits
MAX_TEXT_ROW = 64 * 1024  # characters; one event stays far below the 1 MiB that clients can read
BATCH_ROWS = 2_000
BATCH_RUNS = 200  # their ids fit the 8,000 bytes of one notification

_DELTAS = frozenset({"message", "thinking"})

log = logging.getLogger(__name__)


class LogClosed(Exception):
    """The run has ended here; a late report has nowhere to go."""


class RunTakenOver(LogClosed):
    """Another process executes this run now; what is reported here would be told twice."""


@dataclass(slots=True)
class _Row:
    """An event on its way, and the sink that waits for it."""

    event: Event
    step: int | None
    sink: "RunLog"


@dataclass(slots=True)
class _Close:
    """A run that ends with the rows before it."""

    run: ClosedRun
    sink: "RunLog"


@dataclass(slots=True)
class _Held:
    """Text that waits for its 50 ms."""

    name: str
    step: int | None
    parts: list[str] = field(default_factory=list)


class RunLog:
    """The EventSink of one execution of a run. `text` is the answer as a reader has it now."""

    def __init__(
        self,
        run_id: str,
        writer: "EventWriter",
        *,
        next_number: int = 1,
        text: str = "",
        told: frozenset[tuple[str, str, str]] = frozenset(),
        current_step: Callable[[], int | None] = lambda: None,
        clock: Clock = utc_now,
    ) -> None:
        self.run_id = run_id
        self.failure: Exception | None = None
        self._writer = writer
        self._next_number = next_number
        self.stored_number = next_number - 1
        self._text = [text] if text else []
        self._told = told
        self._current_step = current_step
        self._clock = clock
        self._held: _Held | None = None
        self._last_text_at = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._stored: asyncio.Future[None] | None = None
        self.closed = False

    @property
    def text(self) -> str:
        return "".join(self._text)

    async def report(self, happening: Happening) -> None:
        """Queue one happening. Raises StoreError or RunTakenOver when this log can no longer be written."""
        self._check()
        if happening.name in _DELTAS:
            self._report_delta(happening)
        elif not self._is_repeat(happening):
            self._release()
            if happening.name == "message_replace":
                self._text = [storable_text(happening.answer)]
            self._append(happening, self._current_step())
        if self._writer.backlog > MAX_BACKLOG:
            await self.flush()

    async def flush(self) -> None:
        """Return when everything reported so far is stored. Raises StoreError when that takes too long."""
        self._check()
        self._release()
        last = self._next_number - 1
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                while self.stored_number < last:
                    self._check()
                    await self._wait_for_progress()
        except TimeoutError as error:
            raise StoreError(
                f"Housecall's database has not taken the events of run {self.run_id} for {FLUSH_SECONDS:.0f} s: "
                f"{self._writer.trouble or 'it is overloaded'}"
            ) from error
        self._check()

    async def close(self, run: ClosedRun) -> None:
        """End the run: `workflow_finished` and the run's last state are stored together. Nothing comes after."""
        self._check()
        self._release()
        self._append(Happening("workflow_finished", "", {"status": run.status}), None)
        self.closed = True
        self._writer.add_close(_Close(run, self))
        last = self._next_number - 1
        while self.stored_number < last and self.failure is None:
            await self._wait_for_progress()
        if self.failure is not None:
            raise self.failure

    def abandon(self) -> None:
        """Take no more reports; what was reported is still written."""
        if not self.closed:
            self._release()
        self.closed = True

    def _check(self) -> None:
        if self.failure is not None:
            raise self.failure
        if self.closed:
            raise LogClosed(f"run {self.run_id} takes no more events here")

    def _report_delta(self, happening: Happening) -> None:
        delta = storable_text(happening.answer)
        if not delta:
            return
        if happening.name == "message":
            self._text.append(delta)
        step = self._current_step()
        if self._held is not None and (self._held.name, self._held.step) != (happening.name, step):
            self._release()
        if self._held is None:
            self._held = _Held(happening.name, step)
        self._held.parts.append(delta)
        wait = self._last_text_at + COALESCE_SECONDS - time.monotonic()
        if wait <= 0:
            self._release()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(wait, self._release)

    def _release(self) -> None:
        """Let the waiting text go."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        held, self._held = self._held, None
        if held is not None:
            self._last_text_at = time.monotonic()
            text = "".join(held.parts)
            for start in range(0, len(text), MAX_TEXT_ROW):
                self._append(Happening(held.name, text[start : start + MAX_TEXT_ROW]), held.step)  # type: ignore[arg-type]

    def _append(self, happening: Happening, step: int | None) -> None:
        fields: Mapping[str, Any] = storable_value(happening.fields) if happening.fields else {}
        clean = Happening(happening.name, storable_text(happening.answer), fields)
        self._writer.add_row(_Row(Event(self.run_id, self._next_number, self._clock(), clean), step, self))
        self._next_number += 1

    def _is_repeat(self, happening: Happening) -> bool:
        """What an earlier execution told already: the same state of the same call, or a text that stands so."""
        if happening.name == "message_replace":
            return happening.answer == self.text
        return told_key(happening) in self._told

    async def _wait_for_progress(self) -> None:
        if self._stored is None or self._stored.done():
            self._stored = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._stored)

    def stored_up_to(self, number: int) -> None:
        """The writer has stored this event."""
        self.stored_number = number
        self._progress()

    def fail(self, error: Exception) -> None:
        """The writer gives up on this log. Its numbers go on behind the last stored event."""
        self.failure = error
        self._next_number = self.stored_number + 1
        self._progress()

    def recover(self) -> None:
        """Allow a last word (the error and the end) after a failure that one bad row caused."""
        self.failure, self.closed = None, False

    def _progress(self) -> None:
        if self._stored is not None and not self._stored.done():
            self._stored.set_result(None)


def told_key(happening: Happening) -> tuple[str, str, str] | None:
    """What makes two happenings the same one told twice, for those that a repeated execution may repeat."""
    if happening.name in ("tool_call", "tool_approval"):
        fields = happening.fields
        return (
            happening.name,
            str(fields.get("call_id")),
            str(fields.get("status") or fields.get("approval_status")),
        )
    if happening.name == "doc":
        return ("doc", happening.answer, "")
    return None


class EventWriter:
    """Stores the events of all runs of this process.

    `tells_others` says whether another process may listen. `on_taken_over` is told when the session was lost and
    others have taken over this process's runs.
    """

    def __init__(
        self, session: Session, feeds: Feeds, *, tells_others: Callable[[], bool], on_taken_over: Callable[[], None]
    ) -> None:
        self.trouble: str | None = None
        self._session = session
        self._feeds = feeds
        self._tells_others = tells_others
        self._on_taken_over = on_taken_over
        self._rows: list[_Row] = []
        self._closes: list[_Close] = []
        self._work = asyncio.Event()
        self._ending = False
        self._task: asyncio.Task[None] | None = None

    @property
    def backlog(self) -> int:
        return len(self._rows)

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name="housecall event writer")

    async def close(self, patience_seconds: float = 5.0) -> None:
        """Write what waits, and end."""
        self._ending = True
        self._work.set()
        if self._task is not None:
            _, pending = await asyncio.wait({self._task}, timeout=patience_seconds)
            for task in pending:
                log.error("%d events could not be stored before the end: %s", self.backlog, self.trouble)
                task.cancel()
                await asyncio.wait({task})

    def add_row(self, row: _Row) -> None:
        self._rows.append(row)
        self._work.set()

    def add_close(self, close: _Close) -> None:
        self._closes.append(close)
        self._work.set()

    async def _run(self) -> None:
        last_tick = float("-inf")
        while True:
            await self._work.wait()
            linger = last_tick + TICK_SECONDS - time.monotonic()
            if linger > 0 and not self._ending:
                await asyncio.sleep(linger)  # under load: more rows a statement; after silence: none
            self._work.clear()
            last_tick = time.monotonic()
            await self._tick()
            if self._rows or self._closes:
                self._work.set()
            elif self._ending:
                return

    async def _tick(self) -> None:
        rows, closes = self._take()
        if not rows and not closes:
            return
        try:
            await self._write(rows, closes)
        except (psycopg.DataError, psycopg.IntegrityError):
            await self._write_one_by_one(rows, closes)
        except psycopg.Error as error:
            await self._put_back(rows, closes, error)

    async def _write(self, rows: list[_Row], closes: list[_Close]) -> None:
        async with self._session.write_lock:
            await write_batch(
                self._session.connection,
                [(row.event, row.step) for row in rows],
                [close.run for close in closes],
                tell=self._tells_others(),
            )
        self.trouble = None
        self._hand_over(rows)

    def _take(self) -> tuple[list[_Row], list[_Close]]:
        """The next batch, and the runs that end with it."""
        if len(self._rows) <= BATCH_ROWS and len({row.event.run_id for row in self._rows}) <= BATCH_RUNS:
            rows, self._rows = self._rows, []
            closes, self._closes = self._closes, []
            return rows, closes
        size, runs = 0, set()
        for row in self._rows[:BATCH_ROWS]:
            runs.add(row.event.run_id)
            if len(runs) > BATCH_RUNS:
                break
            size += 1
        rows, self._rows = self._rows[:size], self._rows[size:]
        waiting = {row.event.run_id for row in self._rows}
        closes = [close for close in self._closes if close.sink.run_id not in waiting]
        self._closes = [close for close in self._closes if close.sink.run_id in waiting]
        return rows, closes

    def _hand_over(self, rows: list[_Row]) -> None:
        by_run: dict[str, list[_Row]] = {}
        for row in rows:
            by_run.setdefault(row.event.run_id, []).append(row)
        for run_id, its_rows in by_run.items():
            self._feeds.publish(run_id, [row.event for row in its_rows])
            its_rows[-1].sink.stored_up_to(its_rows[-1].event.number)

    async def _write_one_by_one(self, rows: list[_Row], closes: list[_Close]) -> None:
        """One run's bad row must not hold up the others: each run is tried alone, and the bad one fails."""
        for sink in {row.sink.run_id: row.sink for row in rows}.values():
            its_rows = [row for row in rows if row.sink is sink]
            its_closes = [close for close in closes if close.sink is sink]
            try:
                await self._write(its_rows, its_closes)
            except (psycopg.DataError, psycopg.IntegrityError) as error:
                log.error("an event of run %s cannot be stored: %s", sink.run_id, type(error).__name__)
                self._rows = [row for row in self._rows if row.sink is not sink]
                self._closes = [close for close in self._closes if close.sink is not sink]
                sink.fail(store_error(error, f"storing an event of run {sink.run_id}"))
            except psycopg.Error as error:
                rest = [row for row in rows if row.event.number > row.sink.stored_number and row.sink.failure is None]
                await self._put_back(
                    rest, [close for close in closes if any(row.sink is close.sink for row in rest)], error
                )
                return

    async def _put_back(self, rows: list[_Row], closes: list[_Close], error: psycopg.Error) -> None:
        """The database is away or full: everything waits here until it is back, nothing is dropped."""
        self._rows[:0], self._closes[:0] = rows, closes
        self._tell_trouble(store_error(error, "storing events").message)
        if is_connection_lost(error):
            await self._reopen()
        else:
            await asyncio.sleep(RETRY_SECONDS)
        self._work.set()

    def _tell_trouble(self, trouble: str) -> None:
        if trouble != self.trouble:
            log.error("%s", trouble)
        self.trouble = trouble

    async def _reopen(self) -> None:
        try:
            async with self._session.write_lock:
                kept = await self._session.reopen()
                known = await written_numbers(self._session.connection, {row.event.run_id for row in self._rows})
        except psycopg.Error as error:
            self._tell_trouble(store_error(error, "connecting again").message)
            await asyncio.sleep(RETRY_SECONDS)
            return
        if not kept:
            self._give_up()
            return
        # The last batch may have been stored although its confirmation was lost.
        stored = [row for row in self._rows if row.event.number <= known.get(row.event.run_id, 0)]
        self._rows = [row for row in self._rows if row.event.number > known.get(row.event.run_id, 0)]
        self._closes = [close for close in self._closes if any(row.sink is close.sink for row in self._rows)]
        self._hand_over(stored)

    def _give_up(self) -> None:
        sinks = {row.sink.run_id: row.sink for row in self._rows}
        self._rows, self._closes = [], []
        for sink in sinks.values():
            sink.fail(RunTakenOver(f"run {sink.run_id} goes on in another process"))
        self._on_taken_over()
