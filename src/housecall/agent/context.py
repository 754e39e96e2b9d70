"""What one turn needs while it runs: the question, the doors to the instances, where to report, and when to stop.

The context is the `deps` of the pydantic-ai run. It is also kept in a context variable, because a model's `request`
gets no deps: models report their text and read the language through `current_run`.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

from housecall.agent.permissions import current_use
from housecall.clock import Clock
from housecall.engines.desk import ChangeDesk
from housecall.engines.engine import EngineName, Probe
from housecall.engines.instance import Engines, GrantedInstances, Instance, InstanceDirectory
from housecall.errors import HousecallError, ModelError
from housecall.events import EventSink, Happening
from housecall.skills.directory import BuiltinSkills, KnownSkill, SkillDirectory
from housecall.turn import AgentProfile, Stop, Turn
from housecall.wording import Language, language_of_tag, language_of_text

STOP_GRACE_SECONDS = 0.5
"""How long stopped work may take to end before it is left behind; a stop must be over within a second."""

Result = TypeVar("Result")


class Stopped(Exception):
    """The run's stop token was set."""


class TurnTimeout(ModelError):
    """The turn used up its time."""


@dataclass(frozen=True, slots=True)
class LoadedSkill:
    """A playbook as it is followed now: its text for the engine in question, in the language of the turn.

    `plan_text` is the text that names tools in words that the diagnostician reads (English where there is English).
    """

    name: str
    title: str
    text: str
    plan_text: str
    checks: tuple[str, ...] = ()


@dataclass
class RunContext:
    """One running turn. `deadline` is a moment of `time.monotonic`.

    `profile` is the custom agent that answers, or None; `skill` what the question loaded with `/name`; `catalogue` the
    skills that may be loaded.

    `desk` takes changes, or None where nothing can be changed; `resumed` are the calls this turn goes on with.

    `last_engine` is the engine that a tool asked last; None before the first.

    `granted` are the same `instances` where rights limit the caller; None where nothing does (a server named by DSN).
    """

    turn: Turn
    language: Language
    engines: Engines
    instances: InstanceDirectory
    sink: EventSink
    stop: Stop
    clock: Clock
    deadline: float
    profile: AgentProfile | None = None
    skill: LoadedSkill | None = None
    skills: SkillDirectory = field(default_factory=BuiltinSkills)
    catalogue: tuple[KnownSkill, ...] = ()
    texts: list[str] = field(default_factory=list)
    requests: int = 0
    probes: set[Probe] = field(default_factory=set)
    diagnoses: dict[str, Any] = field(default_factory=dict)
    digests: dict[str, Any] = field(default_factory=dict)
    granted: GrantedInstances | None = None
    desk: ChangeDesk | None = None
    resumed: frozenset[str] = frozenset()
    last_engine: EngineName | None = None

    @property
    def text(self) -> str:
        return "\n\n".join(text for text in self.texts if text)

    async def report_text(self, delta: str) -> None:
        """A delta of the text of the current model request; texts of several requests are paragraphs."""
        if not delta:
            return
        separator = "\n\n" if not self.texts[-1] and any(self.texts) else ""
        self.texts[-1] += delta
        await self.sink.report(Happening("message", separator + delta))

    async def instance(self, instance_id: str | None) -> Instance:
        """The named instance; else the one the question is bound to; else the only one.

        Raises HousecallError naming the ids that exist for the caller, NotAllowed when the tool at work may not use it.
        """
        instance = await self._find(instance_id)
        if self.granted is not None:
            use = current_use()
            await self.granted.use(instance, use.action, use.statement_hash)
        return instance

    async def _find(self, instance_id: str | None) -> Instance:
        wanted = instance_id or self.turn.instance_id
        if wanted:
            return await self.instances.get_instance(self.turn.account_id, wanted)
        known = await self.instances.list_instances(self.turn.account_id)
        if len(known) == 1:
            return known[0]
        raise UnclearInstance(tuple(each.id for each in known))

    @asynccontextmanager
    async def open_probe(self, instance: Instance) -> AsyncIterator[Probe]:
        """A read-only session for one tool call.

        One for each call, not one for the turn: a model may think for minutes between two calls, and a recovered run
        skips calls that are recorded; an idle session would hold a connection of the server for nothing.
        """
        self.last_engine = instance.engine
        async with self.engines.open_probe(instance) as probe:
            self.probes.add(probe)
            try:
                yield probe
            finally:
                self.probes.discard(probe)

    async def unless_stopped(self, work: Coroutine[Any, Any, Result], *, bounded: bool = True) -> Result:
        """The result of `work`, which is ended early when the run is stopped or (`bounded`) its time is over.

        Raises:
            Stopped: the stop token was set; statements on instances were cancelled there.
            TurnTimeout: no time is left.
        """
        task = asyncio.ensure_future(work)
        waiting = asyncio.ensure_future(self.stop.stopped())
        try:
            left = max(0.0, self.deadline - time.monotonic()) if bounded else None
            await asyncio.wait({task, waiting}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if task.done() and not self.stop.is_set:
                return task.result()
            await self._end(task)
        finally:
            waiting.cancel()
            if not task.done():
                task.cancel()
        if self.stop.is_set:
            raise Stopped
        raise TurnTimeout("The answer took longer than a turn may take; ask for less at once")

    async def _end(self, task: "asyncio.Future[Any]") -> None:
        """Cancel on the servers first: a driver that is only abandoned leaves its statement running there."""
        for probe in tuple(self.probes):
            cancelling = asyncio.ensure_future(probe.cancel())
            await asyncio.wait({cancelling}, timeout=STOP_GRACE_SECONDS / 2)
            if cancelling.done():
                cancelling.exception()
        task.cancel()
        await asyncio.wait({task}, timeout=STOP_GRACE_SECONDS)
        if task.done() and not task.cancelled():
            task.exception()


class UnclearInstance(HousecallError):
    """No instance was named and there is not exactly one."""

    code = "InstanceNotFound"
    status = 404

    def __init__(self, ids: tuple[str, ...]) -> None:
        self.ids = ids
        if ids:
            super().__init__(f"No instance was named; say which of: {', '.join(ids[:20])}")
        else:
            super().__init__("No instance is registered; add one with: housecall instance add ID --dsn URL")


_CURRENT: ContextVar[RunContext | None] = ContextVar("housecall_run", default=None)


def current_run() -> RunContext | None:
    """The turn that is being answered, or None outside of one."""
    return _CURRENT.get()


@asynccontextmanager
async def running(run: RunContext) -> AsyncIterator[RunContext]:
    """Make `run` the current one."""
    token = _CURRENT.set(run)
    try:
        yield run
    finally:
        _CURRENT.reset(token)


def language_of_turn(turn: Turn, default: str | None) -> Language:
    """The caller's language, else the question's, else (a question of numbers or SQL only) that of the conversation."""
    asked = language_of_tag(turn.language)
    if asked:
        return asked
    asked_now = () if turn.inputs.get("resume_call_id") else (turn.query,)  # "continue" tells nothing
    for text in (*asked_now, *(past.query for past in reversed(turn.history))):
        by_script = language_of_text(text)
        words = re.sub(r"```.*?```|\b(select|update|delete|insert|explain|with)\b.*", "", text, flags=re.S | re.I)
        if by_script != "en" or re.search(r"[A-Za-z]{2,}", words):
            return by_script
    return language_of_tag(default) or "en"
