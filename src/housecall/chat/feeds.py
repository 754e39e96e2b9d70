"""Live events on their way from the writer to the subscribers of this process.

A feed keeps the newest events of one run and wakes whoever waits for more; a subscriber that fell further behind than
that reads the store. Nobody has a queue of his own, so a slow or vanished subscriber costs nothing.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Collection, Sequence

from housecall.events import Event

KEPT_EVENTS = 256
FOLLOWED_SECONDS = 10.0
"""How long a run is told to other processes after one of them asked; while it follows, it asks every two seconds."""


class Feed:
    """The newest events of one run. `local` says that this process executes the run, so the feed knows its end."""

    def __init__(self) -> None:
        self.local = False
        self.subscribers = 0
        self.version = 0
        """Rises with every change: who takes it before looking and finds nothing waits for what is beyond it."""
        self._recent: deque[Event] = deque(maxlen=KEPT_EVENTS)
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def finished(self) -> bool:
        return bool(self._recent) and self._recent[-1].happening.name == "workflow_finished"

    def publish(self, events: Sequence[Event]) -> None:
        """Stored events, in order."""
        self._recent.extend(events)
        self.wake()

    def wake(self) -> None:
        """Something may have changed: everybody who waits looks again."""
        self.version += 1
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.done():
                each.set_result(None)

    def forget(self) -> None:
        """The run goes on elsewhere: what is kept here is no longer known to be the newest."""
        self.local = False
        self._recent.clear()
        self.wake()

    async def wait_beyond(self, version: int, timeout_seconds: float | None = None) -> None:
        """Return when something has changed since `version` was taken, or the time is over."""
        if self.version != version:
            return
        change = asyncio.get_running_loop().create_future()
        self._waiting.append(change)
        try:
            if timeout_seconds is None:
                await change
            else:
                await asyncio.wait({change}, timeout=timeout_seconds)
        finally:
            if not change.done() or change.cancelled():
                self._forget_waiter(change)

    def _forget_waiter(self, change: "asyncio.Future[None]") -> None:
        with contextlib.suppress(ValueError):
            self._waiting.remove(change)

    def since(self, number: int) -> list[Event] | None:
        """The events after this number, or None when the feed does not know and the store must be asked."""
        if not self._recent:
            return None
        if self._recent[0].number > number + 1:
            return None
        found = self._newer_than(number)
        return found if found or self.local or self.finished else None

    def _newer_than(self, number: int) -> list[Event]:
        """From the newest back, since most ask for the last one or two of many."""
        found: list[Event] = []
        for event in reversed(self._recent):
            if event.number <= number:
                break
            found.append(event)
        found.reverse()
        return found


class Feeds:
    """The feeds of the runs that this process executes or follows."""

    def __init__(self) -> None:
        self._feeds: dict[str, Feed] = {}

    def __len__(self) -> int:
        return len(self._feeds)

    def enter(self, run_id: str) -> Feed:
        """Follow a run; `leave` when done."""
        feed = self._feeds.setdefault(run_id, Feed())
        feed.subscribers += 1
        return feed

    def leave(self, run_id: str) -> None:
        feed = self._feeds[run_id]
        feed.subscribers -= 1
        self._drop_if_idle(run_id, feed)

    def begin(self, run_id: str) -> Feed:
        """This process executes the run from now on."""
        feed = self._feeds.setdefault(run_id, Feed())
        feed.local = True
        return feed

    def end(self, run_id: str) -> None:
        """This process no longer executes the run."""
        feed = self._feeds.get(run_id)
        if feed is not None:
            if not feed.finished:
                feed.forget()
            feed.local = False
            self._drop_if_idle(run_id, feed)

    def publish(self, run_id: str, events: Sequence[Event]) -> None:
        feed = self._feeds.get(run_id)
        if feed is not None:
            feed.publish(events)

    def wake(self, run_id: str) -> None:
        feed = self._feeds.get(run_id)
        if feed is not None and not feed.local:
            feed.wake()

    def wake_all(self) -> None:
        for feed in self._feeds.values():
            feed.wake()

    def _drop_if_idle(self, run_id: str, feed: Feed) -> None:
        if not feed.subscribers and not feed.local:
            self._feeds.pop(run_id, None)


class Followed:
    """The runs of this process that other processes follow. The others' events need not be told to anybody."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def note(self, run_id: str) -> bool:
        """Another process follows this run. True when that is new."""
        now = time.monotonic()
        is_new = self._until.get(run_id, 0.0) < now
        self._until[run_id] = now + FOLLOWED_SECONDS
        return is_new

    def among(self, run_ids: Collection[str]) -> list[str]:
        """Those of these runs that somebody follows."""
        if not self._until:
            return []
        now = time.monotonic()
        self._until = {run_id: until for run_id, until in self._until.items() if until >= now}
        return [run_id for run_id in run_ids if run_id in self._until]
