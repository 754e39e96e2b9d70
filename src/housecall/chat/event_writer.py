"""The one task of a process that stores the events of all its runs, and only then hands them to their followers.

One statement a tick stores the rows of all runs and closes those that end. While the database is away or its disk is
full, everything waits here; nothing is dropped.
"""

import asyncio
import logging
import time
from collections.abc import Callable

import psycopg

from housecall.chat.event_sql import write_batch, written_numbers
from housecall.chat.feeds import Feeds, Followed
from housecall.chat.run_log import Close, Row, RunTakenOver
from housecall.chat.session import Session
from housecall.store.failures import is_connection_lost, store_error

TICK_SECONDS = 0.010
RETRY_SECONDS = 0.5
BATCH_ROWS = 2_000
BATCH_RUNS = 200  # their ids fit the 8,000 bytes of one notification

log = logging.getLogger(__name__)


class EventWriter:
    """Stores the events of all runs of this process.

    `followed` are the runs that other processes follow. `on_taken_over` is told when the session was lost and others
    have taken over this process's runs.
    """

    def __init__(
        self, session: Session, feeds: Feeds, *, followed: Followed, on_taken_over: Callable[[], None]
    ) -> None:
        self.trouble: str | None = None
        self._session = session
        self._feeds = feeds
        self._followed = followed
        self._on_taken_over = on_taken_over
        self._rows: list[Row] = []
        self._closes: list[Close] = []
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

    def add_row(self, row: Row) -> None:
        self._rows.append(row)
        self._work.set()

    def add_close(self, close: Close) -> None:
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

    async def _write(self, rows: list[Row], closes: list[Close]) -> None:
        async with self._session.write_lock:
            await write_batch(
                self._session.connection,
                [(row.event, row.step) for row in rows],
                [close.run for close in closes],
                followed=self._followed.among({row.event.run_id for row in rows}),
            )
        self.trouble = None
        self._hand_over(rows)

    def _take(self) -> tuple[list[Row], list[Close]]:
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

    def _hand_over(self, rows: list[Row]) -> None:
        by_run: dict[str, list[Row]] = {}
        for row in rows:
            by_run.setdefault(row.event.run_id, []).append(row)
        for run_id, its_rows in by_run.items():
            self._feeds.publish(run_id, [row.event for row in its_rows])
            its_rows[-1].sink.stored_up_to(its_rows[-1].event.number)

    async def _write_one_by_one(self, rows: list[Row], closes: list[Close]) -> None:
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

    async def _put_back(self, rows: list[Row], closes: list[Close], error: psycopg.Error) -> None:
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
        self.trouble = None
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
