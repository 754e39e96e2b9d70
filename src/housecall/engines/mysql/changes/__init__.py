"""What can be changed on a MySQL or MariaDB server: one table of tools, how each is composed, measured and looked up.

Tools that mean nothing here (VACUUM, replication slots) are known all the same, and say what is there instead.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from housecall.engines.change import Change, Json, Told, Writer
from housecall.engines.engine import Probe, Target
from housecall.engines.mysql.changes import absent, indexes, parameters, sessions, statement, tables
from housecall.engines.mysql.changes._common import Arguments
from housecall.engines.mysql.writer import open_writer
from housecall.errors import RequestError

Compose = Callable[[Probe, Any, str], Awaitable[Change]]
Measure = Callable[[Probe, Change], Awaitable[dict[str, Any]]]
LookUp = Callable[[Probe, str, Json, Json, str], Awaitable[Told]]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of change. `settle` measures after it, waiting for what takes a moment."""

    arguments: type[Arguments]
    compose: Compose
    measure: Measure
    look_up: LookUp
    settle: Measure | None = None


KINDS: dict[str, Kind] = {
    "cancel_query": Kind(
        sessions.SessionArguments, sessions.compose_cancel, sessions.measure, sessions.look_up, sessions.settle
    ),
    "terminate_session": Kind(
        sessions.SessionArguments, sessions.compose_terminate, sessions.measure, sessions.look_up, sessions.settle
    ),
    "create_index": Kind(indexes.CreateIndexArguments, indexes.compose_create, indexes.measure, indexes.look_up),
    "drop_index": Kind(indexes.IndexArguments, indexes.compose_drop, indexes.measure, indexes.look_up),
    "rebuild_index": Kind(indexes.IndexArguments, tables.compose_rebuild, tables.measure, tables.look_up),
    "analyze_table": Kind(tables.TableArguments, tables.compose_analyze, tables.measure, tables.look_up),
    "set_table_option": Kind(tables.OptionArguments, tables.compose_option, tables.measure, tables.look_up),
    "set_parameter": Kind(parameters.ParameterArguments, parameters.compose, parameters.measure, parameters.look_up),
    "execute_sql": Kind(statement.StatementArguments, statement.compose, statement.measure, statement.look_up),
    "vacuum_table": Kind(absent.AnyArguments, absent.vacuum, absent.measure, absent.look_up),
    "drop_replication_slot": Kind(absent.AnyArguments, absent.slot, absent.measure, absent.look_up),
}


class MySQLChanger:
    """Implements the seam `Changer`."""

    @property
    def tools(self) -> tuple[str, ...]:
        return tuple(KINDS)

    async def compose(self, probe: Probe, tool: str, arguments: Json, instance_id: str) -> Change:
        kind = KINDS[tool]
        try:
            read = kind.arguments.model_validate(dict(arguments))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "arguments"
            raise RequestError(f"{tool}: {where}: {first['msg']}") from None
        return await kind.compose(probe, read, instance_id)

    async def measure(self, probe: Probe, change: Change) -> dict[str, Any]:
        return await KINDS[change.tool].measure(probe, change)

    async def settle(self, probe: Probe, change: Change) -> dict[str, Any]:
        kind = KINDS[change.tool]
        return await (kind.settle or kind.measure)(probe, change)

    async def leftovers(self, _probe: Probe, _change: Change) -> tuple[str, ...]:
        """Nothing: the servers undo DDL that failed by themselves."""
        return ()

    async def look_up(self, probe: Probe, tool: str, arguments: Json, state: Json, since: str) -> Told:
        return await KINDS[tool].look_up(probe, tool, arguments, state, since)

    def open_writer(
        self, target: Target, *, instance_id: str, statement_timeout_seconds: float
    ) -> AbstractAsyncContextManager[Writer]:
        return open_writer(target, instance_id=instance_id, statement_timeout_seconds=statement_timeout_seconds)


CHANGER = MySQLChanger()
