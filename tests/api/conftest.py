"""The API over a real socket: a server in a thread, a scripted answerer, and clients that sign.

Two servers for all tests of this folder: `whole` is the real installation with its own embedded PostgreSQL; `edge` has
the same HTTP server over state in memory, for what only the edge decides. Both answer by the script that a test
registers for its question, so a test says what the agent does. They stop after this folder's tests, since their threads
draw random numbers, which properties elsewhere must not see.
"""

import asyncio
import contextlib
import dataclasses
import http.client
import itertools
import json
import secrets
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from housecall.access.accounts import Caller
from housecall.access.audit import AuditEntry
from housecall.access.keys import Credential
from housecall.access.policy import Layers
from housecall.access.rights import Principal, Rights
from housecall.access.vault import Vault
from housecall.api.server import serve
from housecall.api.signing import AccessKey, SignedRequest, decode_pairs, sign_v3
from housecall.app import Health, open_app
from housecall.chat.runs import NewQuestion, Run, StartedRun
from housecall.errors import NotFound
from housecall.events import Event, Happening
from housecall.settings import Settings
from housecall.turn import Outcome, Stop, Turn

START_SECONDS = 60.0
VERSION = "2025-05-07"
Script = Callable[[Turn, Any, Stop], Awaitable[str]]


class ScriptedAnswerer:
    """Does what the script of the question says; a question without a script is repeated as its answer."""

    def __init__(self) -> None:
        self.scripts: dict[str, Script] = {}
        self.turns: dict[str, Turn] = {}
        self._numbers = itertools.count(1)

    def script(self, *steps: Any) -> str:
        """Register happenings, texts (message deltas) and gates to wait for; returns the question to ask."""
        question = f"question {next(self._numbers)}"

        async def run(turn: Turn, sink: Any, stop: Stop) -> str:
            status = "succeeded"
            for step in steps:
                if isinstance(step, Hold):
                    await step.wait(stop)
                    if stop.is_set:
                        return "stopped"
                elif isinstance(step, BaseException):
                    raise step
                else:
                    happening = Happening("message", step) if isinstance(step, str) else step
                    await sink.report(happening)
                    status = "failed" if happening.name == "error" else status
            return status

        self.scripts[question] = run
        return question

    async def answer(self, turn: Turn, sink: Any, stop: Stop) -> Outcome:
        self.turns[turn.query] = turn
        script = self.scripts.get(turn.query)
        if script is None:
            await sink.report(Happening("message", turn.query))
        status = "succeeded" if script is None else await script(turn, sink, stop)
        await sink.flush()
        if status == "succeeded":
            await sink.report(
                Happening("message_end", fields={"input_tokens": 1, "output_tokens": 2, "model": "script"})
            )
        return Outcome(status=status, transcript=None)  # type: ignore[arg-type]


class Hold:
    """Keeps a run alive until the test lets it go on, or until it is stopped. `reached` tells that it is there."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._event: asyncio.Event | None = None
        self._let_go = False

    async def wait(self, stop: Stop) -> None:
        self._loop, self._event = asyncio.get_running_loop(), asyncio.Event()
        if self._let_go:
            self._event.set()
        self.reached.set()
        waiting = {asyncio.ensure_future(self._event.wait()), asyncio.ensure_future(stop.stopped())}
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()

    def let_go(self) -> None:
        self._let_go = True
        if self._loop is not None and self._event is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._event.set)


class MemoryRuns:
    """Runs without a store: what the edge needs of them, and no more."""

    def __init__(self, answerer: ScriptedAnswerer) -> None:
        self._answerer = answerer
        self._numbers = itertools.count(1)
        self._events: dict[str, list[Event]] = {}
        self._news: dict[str, asyncio.Condition] = {}
        self._runs: dict[str, Run] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.subscribers = 0
        self.refusals: dict[str, Exception] = {}

    async def start(self, question: NewQuestion) -> StartedRun:
        if question.query in self.refusals:
            raise self.refusals[question.query]
        number, now = next(self._numbers), datetime.now(UTC)
        run = Run(f"run-{number}", f"conv-{number}", f"msg-{number}", question.account_id, "running", now, None, 0, 0)
        self._runs[run.run_id], self._events[run.run_id] = run, []
        self._news[run.run_id] = asyncio.Condition()
        await self._add(run.run_id, Happening("workflow_started"))
        turn = Turn(run.run_id, run.conversation_id, run.message_id, "a", "u", question.query)
        task = asyncio.ensure_future(self._execute(turn))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return StartedRun(run.run_id, run.conversation_id, run.message_id, now)

    async def _execute(self, turn: Turn) -> None:
        async def report(happening: Happening) -> None:
            await self._add(turn.run_id, happening)

        async def flush() -> None:
            pass

        outcome = await self._answerer.answer(turn, SimpleNamespace(report=report, flush=flush), Stop())
        await self._add(turn.run_id, Happening("workflow_finished", fields={"status": outcome.status}))

    async def _add(self, run_id: str, happening: Happening) -> None:
        events = self._events[run_id]
        events.append(Event(run_id, len(events) + 1, datetime.now(UTC), happening))
        async with self._news[run_id]:
            self._news[run_id].notify_all()

    async def subscribe(self, run_id: str, after: int = 0) -> AsyncIterator[Event]:
        events = self._events[run_id]
        self.subscribers += 1
        try:
            while True:
                while after < len(events):
                    event = events[after]
                    after += 1
                    if event.happening.answer == "break the stream":
                        raise RuntimeError("password=hunter2 in a message that must not get out")
                    yield event
                    if event.happening.name == "workflow_finished":
                        return
                if events[-1].happening.name == "workflow_finished":
                    return  # the caller had everything already
                async with self._news[run_id]:
                    await self._news[run_id].wait_for(lambda seen=after: seen < len(events))
        finally:
            self.subscribers -= 1

    async def run_of_message(self, account_id: str, message_id: str, *, user_id: str | None = None) -> Run:
        found = [run for run in self._runs.values() if run.message_id == message_id]
        if not found:
            raise NotFound(f"There is no message {message_id!r}.", code="MessageNotFound")
        return found[0]

    async def stop(self, account_id: str, run_id: str, *, user_id: str | None = None) -> None:
        raise RuntimeError("password=hunter2 in a message that must not get out")


class MemoryKeys:
    """One key and one bearer token."""

    def __init__(self) -> None:
        self._nonces: set[tuple[str, str]] = set()
        self.inactive: set[str] = set()

    async def find(self, access_key_id: str) -> Credential | None:
        if access_key_id not in ("key", "disabled", "orphan"):
            return None
        active, exists = access_key_id != "disabled", access_key_id != "orphan"
        return Credential(access_key_id, SecretStr("secret"), active, "account", "user", exists)

    async def find_bearer(self, token: str) -> Caller | None:
        return Caller("account", "user") if token == "bearer" else None

    async def use_nonce(self, access_key_id: str, nonce: str, expires_at: datetime) -> bool:
        fresh = (access_key_id, nonce) not in self._nonces
        self._nonces.add((access_key_id, nonce))
        return fresh


class RootRights(Rights):
    """Everybody is root, without a store."""

    def __init__(self) -> None:
        super().__init__(None, Vault(bytes(32)))  # type: ignore[arg-type]

    async def principal(self, caller: Caller) -> Principal:
        return Principal(caller, "RootUser", "acs:ram::account:root", "root", Layers(is_root=True))


class MemoryAudit:
    """An audit log that is read as a list."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    def record(self, entry: AuditEntry) -> None:
        self.entries.append(entry)

    async def flush(self) -> None:
        pass


class MemoryApp:
    """What the edge sees of an installation."""

    def __init__(self, answerer: ScriptedAnswerer) -> None:
        self.settings = Settings(home=Path("/nonexistent"))
        self.keys = MemoryKeys()
        self.runs = MemoryRuns(answerer)
        self.conversations = SimpleNamespace()
        self.instances = SimpleNamespace()
        self.access = SimpleNamespace(rights=RootRights(), audit=MemoryAudit())
        self.answer: Health | BaseException = Health()

    async def health(self) -> Health:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@dataclasses.dataclass
class Live:
    """A server that listens. `call` runs a coroutine function in its loop."""

    url: str
    key: AccessKey
    bearer: str
    answerer: ScriptedAnswerer
    app: Any
    clock: "SettableClock"
    loop: asyncio.AbstractEventLoop
    task: "asyncio.Task[None]"

    @property
    def endpoint(self) -> str:
        return self.url.removeprefix("http://")

    def run(self, work: Awaitable[Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(START_SECONDS)  # type: ignore[arg-type]

    def script(self, *steps: Any) -> str:
        return self.answerer.script(*steps)

    def wait_until(self, holds: Callable[[], bool]) -> None:
        """Return once something is so in the server's loop, looking after every turn of it."""
        end = time.monotonic() + START_SECONDS
        while not self.run(_ask(holds)):
            assert time.monotonic() < end, "it did not come to be so"

    def headers(
        self,
        action: str,
        target: str = "/",
        method: str = "POST",
        body: bytes = b"",
        *,
        key: AccessKey | None = None,
        **more: Any,
    ) -> dict[str, str]:
        """Signed headers for a request. `more`: at, nonce, headers, version."""
        path, _, query = target.partition("?")
        base = (("host", self.endpoint), *more.get("headers", {}).items())
        request = SignedRequest(method, path, decode_pairs(query), base, body)
        at, nonce = more.get("at") or datetime.now(UTC), more.get("nonce") or secrets.token_hex(16)
        return sign_v3(
            request, key or self.key, action=action, version=more.get("version", VERSION), at=at, nonce=nonce
        )

    def send(
        self, action: str, target: str = "/", method: str = "POST", body: bytes = b"", **more: Any
    ) -> httpx.Response:
        headers = self.headers(action, target, method, body, **more)
        with contextlib.closing(http.client.HTTPConnection(self.endpoint, timeout=START_SECONDS)) as connection:
            connection.request(method, target, body, headers)  # httpx refuses the long URLs that the SDKs send
            response = connection.getresponse()
            return httpx.Response(response.status, headers=response.getheaders(), content=response.read())

    def raw(self, request: bytes, *, half_close: bool = False) -> bytes:
        """Send bytes as they are and read until the server closes."""
        host, port = self.endpoint.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=START_SECONDS) as connection:
            connection.sendall(request)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    @contextlib.contextmanager
    def stream(self, action: str, target: str, method: str = "POST", **more: Any) -> Iterator["Frames"]:
        headers = self.headers(action, target, method, **more)
        with (
            httpx.Client(timeout=START_SECONDS) as client,
            client.stream(method, self.url + target, headers=headers) as response,
        ):
            yield Frames(response)


async def _ask(holds: Callable[[], bool]) -> bool:
    return holds()


class Frames:
    """The frames of a stream as they come, comments left out of `next` and counted."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.comments = 0
        self._blocks = self._split()

    def _split(self) -> Iterator[dict[str, Any]]:
        buffer = b""
        for chunk in self.response.iter_raw():
            buffer += chunk
            while b"\n\n" in buffer:
                block, _, buffer = buffer.partition(b"\n\n")
                if block.startswith(b":"):
                    self.comments += 1
                    continue
                fields = dict(line.split(": ", 1) for line in block.decode("ascii").split("\n"))
                yield {**json.loads(fields["data"]), "id": fields.get("id")}

    def next(self) -> dict[str, Any]:
        return next(self._blocks)

    def rest(self) -> list[dict[str, Any]]:
        return list(self._blocks)


class SettableClock:
    """The real time, moved by `offset`."""

    def __init__(self) -> None:
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now()


@contextlib.contextmanager
def listening(
    opened: Callable[[ScriptedAnswerer], Any], prepare: Callable[[Any], Awaitable[tuple[AccessKey, str]]]
) -> Iterator[Live]:
    """A server in a thread, stopped at the end as a signal would stop it."""
    answerer, clock, ready = ScriptedAnswerer(), SettableClock(), threading.Event()
    box: dict[str, Any] = {}

    async def main() -> None:
        async with opened(answerer) as app:
            key, bearer = await prepare(app)
            loop, task = asyncio.get_running_loop(), asyncio.current_task()
            assert task is not None

            def say(url: str) -> None:
                box["live"] = Live(url, key, bearer, answerer, app, clock, loop, task)
                ready.set()

            await serve(app, "127.0.0.1", 0, say, clock=clock)

    def run() -> None:
        try:
            with contextlib.suppress(asyncio.CancelledError):
                asyncio.run(main())
        except BaseException as error:
            box["error"] = error
            raise
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="server")
    thread.start()
    ready.wait(START_SECONDS)
    if "live" not in box:
        thread.join()
        raise box.get("error") or RuntimeError("the server did not start")
    try:
        yield box["live"]
    finally:
        with contextlib.suppress(RuntimeError):  # the test stopped it already and its loop is closed
            box["live"].loop.call_soon_threadsafe(box["live"].task.cancel)
        thread.join(START_SECONDS)
        assert not thread.is_alive(), "the server did not stop"


@contextlib.asynccontextmanager
async def _memory(answerer: ScriptedAnswerer) -> AsyncIterator[MemoryApp]:
    yield MemoryApp(answerer)


async def _memory_key(_: MemoryApp) -> tuple[AccessKey, str]:
    return AccessKey("key", SecretStr("secret")), "bearer"


@pytest.fixture
def hold() -> Iterator[Hold]:
    """A place where a run waits; let go at the end whatever the test did."""
    made = Hold()
    yield made
    made.let_go()


@pytest.fixture(scope="package")
def edge() -> Iterator[Live]:
    """The HTTP server over state in memory."""
    with listening(_memory, _memory_key) as live:
        yield live


@pytest.fixture
def own_edge() -> Iterator[Live]:
    """An `edge` of the test's own, for tests that stop or break it."""
    with listening(_memory, _memory_key) as live:
        yield live


async def _new_key(app: Any) -> tuple[AccessKey, str]:
    made, token = await app.keys.create(), (await app.keys.create_bearer()).token
    return AccessKey(made.access_key_id, made.access_key_secret), token.get_secret_value()


@pytest.fixture(scope="package")
def whole() -> Iterator[Live]:
    """A whole installation with state of its own."""
    # not pytest's folder: PostgreSQL runs as another user when this is root, who cannot reach into it
    home = Path(tempfile.mkdtemp(prefix="housecall-api-", dir="/tmp"))
    home.chmod(0o755)
    settings = Settings(home=home / "state")
    try:
        with listening(lambda answerer: open_app(settings, answerer=answerer), _new_key) as live:
            yield live
    finally:
        shutil.rmtree(home)
