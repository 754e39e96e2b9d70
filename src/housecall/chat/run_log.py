"""The sink of one run: what it reports is numbered and put in order for the writer.

Text deltas are gathered to at most one row every 50 ms: the first goes at once, what follows within 50 ms waits;
anything else forces the waiting text out before it.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from housecall.chat.event_sql import ClosedRun
from housecall.chat.storable import storable_text, storable_value
from housecall.clock import Clock, utc_now
from housecall.errors import StoreError
from housecall.events import Event, Happening

COALESCE_SECONDS = 0.050
FLUSH_SECONDS = 60.0
MAX_BACKLOG = 20_000  # rows; a run that reports more while the database is away waits
MAX_TEXT_ROW = 64 * 1024  # characters; one event stays far below the 1 MiB that clients can read

_DELTAS = frozenset({"message", "thinking"})


class LogClosed(Exception):
    """The run has ended here; a late report has nowhere to go."""


class RunTakenOver(LogClosed):
    """Another process executes this run now; what is reported here would be told twice."""


@dataclass(slots=True)
class Row:
    """An event on its way, and the sink that waits for it."""

    event: Event
    step: int | None
    sink: "RunLog"


@dataclass(slots=True)
class Close:
    """A run that ends with the rows before it."""

    run: ClosedRun
    sink: "RunLog"


@dataclass(slots=True)
class _Held:
    """Text that waits for its 50 ms."""

    name: str
    step: int | None
    parts: list[str] = field(default_factory=list)


class Outbox(Protocol):
    """Who stores rows in the order they are added: the process's event writer."""

    trouble: str | None

    @property
    def backlog(self) -> int:
        """Rows that are not stored yet."""

    def add_row(self, row: Row) -> None: ...

    def add_close(self, close: Close) -> None: ...


class RunLog:
    """The EventSink of one execution of a run. `text` is the answer as a reader has it now."""

    def __init__(
        self,
        run_id: str,
        writer: Outbox,
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
        self._writer.add_close(Close(run, self))
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
        self._writer.add_row(Row(Event(self.run_id, self._next_number, self._clock(), clean), step, self))
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
