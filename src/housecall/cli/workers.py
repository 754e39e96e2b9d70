"""Several processes behind one port: `serve` starts them, replaces those that end, and stops them together.

The supervisor holds the listening socket and nothing else: no store, no runs. A worker inherits the socket, opens the
installation for itself, and takes the next connection whenever it has time, so a busy one gets fewer. Runs are durable
and shared (design, section 4), so what a worker that died left unfinished goes on in another one.

Two pipes carry news. A worker tells that it serves and then, every few seconds, that its loop still turns; a worker
that is silent for a minute is ended and replaced. The supervisor holds the other end of a pipe that every worker
watches: when the supervisor is gone, however it went, they stop as after a signal.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

log = logging.getLogger(__name__)

MOST_WORKERS: Final = 4
"""More by default would only take memory and connections; whoever has that many cores to give says so."""

BEAT_SECONDS = 5.0
SILENT_SECONDS = 60.0
LIVED_SECONDS = 30.0
"""A worker that served this long was well: its successor starts at once."""
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
STOP_SECONDS = 60.0
"""Longer than a worker needs to end its answers and, if it is the last, the embedded PostgreSQL."""

Command = Callable[["WorkerEnds"], Sequence[str]]


def default_workers() -> int:
    """One for each core that this process may use, up to MOST_WORKERS."""
    return min(MOST_WORKERS, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class WorkerEnds:
    """The descriptors that a worker inherits: the socket, where it tells that it lives, and its supervisor's pipe."""

    listener: int
    news: int
    supervisor: int

    def as_text(self) -> str:
        return f"{self.listener},{self.news},{self.supervisor}"

    @classmethod
    def from_text(cls, text: str) -> "WorkerEnds":
        return cls(*map(int, text.split(",")))


@dataclass
class _Worker:
    process: "subprocess.Popen[bytes]"
    started_at: float
    serves: asyncio.Event = field(default_factory=asyncio.Event)
    last_news: float = 0.0


class Supervisor:
    """Keeps `count` workers alive until it is cancelled. `command` gives the command line of one."""

    def __init__(self, listener: socket.socket, count: int, command: Command) -> None:
        self._listener = listener
        self._count = count
        self._command = command
        self._workers: dict[int, _Worker] = {}
        self._lifeline, self._held = os.pipe()  # workers inherit the first; the second closes with this process

    @property
    def pids(self) -> list[int]:
        return [each.process.pid for each in self._workers.values()]

    async def run(self, ready: Callable[[], None]) -> int | None:
        """Until cancelled, or until the first worker ends before it ever served: then its exit code.

        The first worker prepares what all share (the embedded PostgreSQL, the schema), so the others start behind it;
        `ready` is called when it serves.
        """
        try:
            first = self._start(0)
            if (code := await self._until_it_serves(first)) is not None:
                return code
            ready()
            await asyncio.gather(*(self._keep(place, first if place == 0 else None) for place in range(self._count)))
        finally:
            await asyncio.shield(asyncio.ensure_future(self._stop()))
        return None

    def _start(self, place: int) -> _Worker:
        news, tells = os.pipe()
        ends = WorkerEnds(self._listener.fileno(), tells, self._lifeline)
        # A process group of its own: the terminal's Ctrl-C is the supervisor's to pass on, once and in order.
        process = subprocess.Popen(  # noqa: S603 - the command line is ours
            list(self._command(ends)), pass_fds=(ends.listener, ends.news, ends.supervisor), process_group=0
        )
        os.close(tells)
        os.set_blocking(news, False)
        worker = _Worker(process, time.monotonic())
        self._workers[place] = worker
        asyncio.get_running_loop().add_reader(news, self._hear, news, worker)
        return worker

    def _hear(self, news: int, worker: _Worker) -> None:
        worker.last_news = time.monotonic()
        try:
            told = os.read(news, 4096)
        except BlockingIOError:
            return
        if told:
            worker.serves.set()
            return
        asyncio.get_running_loop().remove_reader(news)  # it has ended, or closed its end
        os.close(news)

    async def _until_it_serves(self, worker: _Worker) -> int | None:
        """None when it serves, else its exit code."""
        ended = asyncio.ensure_future(_ended(worker.process))
        serves = asyncio.ensure_future(worker.serves.wait())
        try:
            await asyncio.wait({ended, serves}, return_when=asyncio.FIRST_COMPLETED)
            return None if serves.done() else ended.result()
        finally:
            ended.cancel()
            serves.cancel()

    async def _keep(self, place: int, worker: _Worker | None) -> None:
        """See that there is a worker in this place."""
        pause = 0.0
        while True:
            await asyncio.sleep(pause)
            worker = worker or self._start(place)
            code = await self._watched(worker)
            lived = time.monotonic() - worker.started_at
            if lived >= LIVED_SECONDS and worker.serves.is_set():
                pause = 0.0
            else:
                pause = min(max(FIRST_PAUSE_SECONDS, 2 * pause), LONGEST_PAUSE_SECONDS)
            log.error(
                "worker %d (process %d) %s after %.0f s; another one takes its place%s",
                *(place + 1, worker.process.pid, _how(code), lived, f" in {pause:.1f} s" if pause else ""),
            )
            worker = None

    async def _watched(self, worker: _Worker) -> int:
        """The exit code of a worker, which is ended when its loop has stopped turning."""
        ended = asyncio.ensure_future(_ended(worker.process))
        try:
            while not (await asyncio.wait({ended}, timeout=BEAT_SECONDS))[0]:
                if worker.serves.is_set() and time.monotonic() - worker.last_news > SILENT_SECONDS:
                    log.error("worker process %d has been silent for %.0f s", worker.process.pid, SILENT_SECONDS)
                    worker.process.kill()
            return ended.result()
        finally:
            ended.cancel()

    async def _stop(self) -> None:
        """Ask all to end, and end those that do not."""
        for each in self._workers.values():
            if each.process.poll() is None:
                each.process.terminate()
        endings = [asyncio.ensure_future(_ended(each.process)) for each in self._workers.values()]
        if endings:
            _, pending = await asyncio.wait(endings, timeout=STOP_SECONDS)
            for each in self._workers.values():
                if each.process.poll() is None:
                    log.error("worker process %d did not end within %.0f s", each.process.pid, STOP_SECONDS)
                    each.process.kill()
            if pending:
                await asyncio.wait(pending)
        for end in (self._lifeline, self._held):
            os.close(end)


async def _ended(process: "subprocess.Popen[bytes]") -> int:
    """The exit code of a child, once it has ended."""
    if process.poll() is None:
        try:
            descriptor = os.pidfd_open(process.pid)
        except (AttributeError, OSError):  # not Linux, or a sandbox that forbids it
            while process.poll() is None:  # noqa: ASYNC110 - there is nothing else to wait for
                await asyncio.sleep(0.1)
        else:
            await _readable(descriptor)
    return process.wait()


async def _readable(descriptor: int) -> None:
    """Wait for it, and close it."""
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, told.set)
    try:
        await told.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _how(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(-code).name}"
    return f"ended with code {code}"


@contextlib.asynccontextmanager
async def as_worker(ends: WorkerEnds) -> AsyncIterator[Callable[[], None]]:
    """The worker's side: gives what to call when it serves, and ends this process when its supervisor is gone."""
    loop = asyncio.get_running_loop()
    beating: asyncio.Task[None] | None = None

    def serves() -> None:
        nonlocal beating
        beating = loop.create_task(_beat(ends.news), name="housecall worker")

    def supervisor_gone() -> None:
        loop.remove_reader(ends.supervisor)
        log.error("the supervising process is gone; this worker ends")
        os.kill(os.getpid(), signal.SIGTERM)

    loop.add_reader(ends.supervisor, supervisor_gone)
    try:
        yield serves
    finally:
        loop.remove_reader(ends.supervisor)
        if beating is not None:
            beating.cancel()


async def _beat(news: int) -> None:
    while True:
        with contextlib.suppress(OSError):  # nobody listens any more: the other pipe tells that
            os.write(news, b".")
        await asyncio.sleep(BEAT_SECONDS)
