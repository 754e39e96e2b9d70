"""Changers made of a table of kinds: how each kind of change is composed, measured, looked up and tidied after.

What differs from engine to engine is the table and how a writer is opened; `ChangerOfKinds` is the rest.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from housecall.engines.change import Change, Json, Told, Writer
from housecall.engines.engine import Probe, Target
from housecall.errors import RequestError

Compose = Callable[[Probe, Any, str], Awaitable[Change]]
Measure = Callable[[Probe, Change], Awaitable[dict[str, Any]]]
LookUp = Callable[[Probe, str, Json, Json, str], Awaitable[Told]]
Leftovers = Callable[[Probe, Change], Awaitable[tuple[str, ...]]]


class OpenWriter(Protocol):
    """`Changer.open_writer` as a function."""

    def __call__(
        self, target: Target, *, instance_id: str, statement_timeout_seconds: float
    ) -> AbstractAsyncContextManager[Writer]: ...


class Arguments(BaseModel):
    """Arguments of a change: names and values. One that does not exist is refused, not ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of change. `settle` measures after it, waiting for what takes a moment; `leftovers` after a failure."""

    arguments: type[Arguments]
    compose: Compose
    measure: Measure
    look_up: LookUp
    settle: Measure | None = None
    leftovers: Leftovers | None = None


class ChangerOfKinds:
    """Implements the seam `Changer`: `kinds` by the name of the tool."""

    def __init__(self, kinds: Mapping[str, Kind], open_writer: OpenWriter) -> None:
        self._kinds = kinds
        self._open_writer = open_writer

    @property
    def tools(self) -> tuple[str, ...]:
        return tuple(self._kinds)

    async def compose(self, probe: Probe, tool: str, arguments: Json, instance_id: str) -> Change:
        kind = self._kinds[tool]
        try:
            read = kind.arguments.model_validate(dict(arguments))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "arguments"
            raise RequestError(f"{tool}: {where}: {first['msg']}") from None
        return await kind.compose(probe, read, instance_id)

    async def measure(self, probe: Probe, change: Change) -> dict[str, Any]:
        return await self._kinds[change.tool].measure(probe, change)

    async def settle(self, probe: Probe, change: Change) -> dict[str, Any]:
        kind = self._kinds[change.tool]
        return await (kind.settle or kind.measure)(probe, change)

    async def leftovers(self, probe: Probe, change: Change) -> tuple[str, ...]:
        """Nothing where the server undoes by itself what failed."""
        kind = self._kinds[change.tool]
        return await kind.leftovers(probe, change) if kind.leftovers else ()

    async def look_up(self, probe: Probe, tool: str, arguments: Json, state: Json, since: str) -> Told:
        return await self._kinds[tool].look_up(probe, tool, arguments, state, since)

    def open_writer(
        self, target: Target, *, instance_id: str, statement_timeout_seconds: float
    ) -> AbstractAsyncContextManager[Writer]:
        return self._open_writer(target, instance_id=instance_id, statement_timeout_seconds=statement_timeout_seconds)


async def rows(probe: Probe, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """What the catalogue answers, by column."""
    result = await probe.query_trusted(sql, parameters)
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


async def one(probe: Probe, sql: str, parameters: Sequence[Any] = ()) -> dict[str, Any] | None:
    found = await rows(probe, sql, parameters)
    return found[0] if found else None
