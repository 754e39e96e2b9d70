"""Stand-ins for tests of the agent: a directory, an engine with a scripted probe, and a sink that remembers."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from housecall.agent.tools.catalogue import catalogue_sql
from housecall.engines.engine import ProbeLimits, QueryResult, Reading, Rows, ServerFacts, Target, Unavailable, Version
from housecall.engines.instance import Engines, Instance
from housecall.errors import HousecallError, NotFound
from housecall.events import Happening

FACTS = ServerFacts(
    version=Version("postgresql", 180000, "PostgreSQL 18.0"),
    database="shop",
    user="reader",
    is_superuser=False,
    has_monitor_role=True,
    in_recovery=False,
    uptime_seconds=86400.0,
    extensions=("plpgsql",),
)


def an_instance(instance_id: str = "shop") -> Instance:
    return Instance(instance_id, "postgresql", Target("postgresql", "127.0.0.1", 5432, "reader", "shop"))


class RememberingSink:
    """Keeps what was reported. `text` is the answer as a client shows it."""

    def __init__(self) -> None:
        self.happenings: list[Happening] = []
        self.changed = asyncio.Event()

    async def report(self, happening: Happening) -> None:
        self.happenings.append(happening)
        self.changed.set()

    async def flush(self) -> None:
        return None

    def named(self, name: str) -> list[Happening]:
        return [each for each in self.happenings if each.name == name]

    @property
    def text(self) -> str:
        text = ""
        for happening in self.happenings:
            if happening.name == "message":
                text += happening.answer
            elif happening.name == "message_replace":
                text = happening.answer
        return text


@dataclass
class FixedDirectory:
    """The same instances for every account."""

    instances: tuple[Instance, ...]

    async def list_instances(self, account_id: str) -> tuple[Instance, ...]:  # noqa: ARG002
        return self.instances

    async def get_instance(self, account_id: str, instance_id: str) -> Instance:  # noqa: ARG002
        for each in self.instances:
            if each.id == instance_id:
                return each
        ids = ", ".join(each.id for each in self.instances)
        raise NotFound(f"There is no instance '{instance_id}'; there are: {ids}", code="InstanceNotFound")


@dataclass
class FakeProbe:
    """Answers catalogue questions by name; `hangs` makes every statement wait until it is cancelled."""

    answers: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    rows: QueryResult | HousecallError | None = None
    plan: Any = None
    hangs: bool = False
    facts: ServerFacts = FACTS
    statements_run: int = 0
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[str] = field(default_factory=list)
    started: asyncio.Event = field(default_factory=asyncio.Event)

    __hash__ = object.__hash__

    async def query_trusted(self, sql: str, parameters: Sequence[Any] = ()) -> QueryResult:  # noqa: ARG002
        await self._run(sql)
        for name, rows in self.answers.items():
            if sql == catalogue_sql("postgresql", name):
                columns = tuple(rows[0]) if rows else ()
                return QueryResult(columns, tuple(tuple(row.values()) for row in rows), False, 0.001)
        return QueryResult((), (), False, 0.001)

    async def query(self, sql: str, parameters: Sequence[Any] = ()) -> QueryResult:  # noqa: ARG002
        await self._run(sql)
        if isinstance(self.rows, HousecallError):
            raise self.rows
        return self.rows or QueryResult(("one",), ((1,),), False, 0.001)

    async def explain(self, sql: str) -> Any:
        await self._run(sql)
        return self.plan

    async def read(self, reading: Reading) -> Rows | Unavailable:
        return Unavailable(reading.name, "error", "this probe reads nothing")

    async def cancel(self) -> None:
        self.cancelled.set()

    async def close(self) -> None:
        return None

    async def _run(self, sql: str) -> None:
        self.asked.append(sql)
        self.statements_run += 1
        self.started.set()
        if self.hangs:
            await self.cancelled.wait()


class FakeEngine:
    """Opens the one probe it was given, or fails as it was told."""

    name = "postgresql"
    readings: tuple[Reading, ...] = ()

    def __init__(self, probe: FakeProbe | HousecallError) -> None:
        self.probe = probe
        self.opened = 0

    def parse_dsn(self, dsn: str) -> Target:  # noqa: ARG002
        return an_instance().target

    @asynccontextmanager
    async def open_probe(
        self,
        target: Target,  # noqa: ARG002
        limits: ProbeLimits,  # noqa: ARG002
        *,
        instance_id: str,  # noqa: ARG002
    ) -> AsyncIterator[FakeProbe]:
        self.opened += 1
        if isinstance(self.probe, HousecallError):
            raise self.probe
        yield self.probe


def engines_of(probe: FakeProbe | HousecallError) -> Engines:
    return Engines({"postgresql": FakeEngine(probe)}, ProbeLimits())  # type: ignore[dict-item]
