"""Changes that other engines have and this one has no use for: each says what is there instead."""

from typing import Any

from pydantic import ConfigDict

from housecall.engines.change import Change, Json, Told
from housecall.engines.engine import Probe
from housecall.engines.mysql.changes._common import Arguments
from housecall.errors import RequestError


class AnyArguments(Arguments):
    """Whatever was given: none of it is used."""

    model_config = ConfigDict(frozen=True, extra="allow")


async def vacuum(_probe: Probe, _arguments: AnyArguments, instance_id: str) -> Change:
    raise RequestError(
        f"Instance '{instance_id}': MySQL and MariaDB have no VACUUM; InnoDB removes old row versions by itself once no"
        " transaction needs them. Statistics are renewed by analyze_table; free space inside a table is given back by"
        " rebuild_index, which builds the table anew"
    )


async def slot(_probe: Probe, _arguments: AnyArguments, instance_id: str) -> Change:
    raise RequestError(
        f"Instance '{instance_id}': MySQL and MariaDB have no replication slots; binary logs are kept by"
        " binlog_expire_logs_seconds, which set_parameter sets"
    )


async def measure(_probe: Probe, _change: Change) -> dict[str, Any]:
    return {}


async def look_up(_probe: Probe, tool: str, _arguments: Json, _state: Json, _since: str) -> Told:
    return Told("not_happened", f"{tool} does not exist on this engine.")
