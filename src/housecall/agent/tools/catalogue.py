"""Catalogue questions of the tools: `engines/<engine>/catalogue/<name>.sql`, run through a probe with bound values."""

import importlib.resources
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic_ai import RunContext as PydanticRunContext

from housecall.agent.context import RunContext
from housecall.engines.engine import EngineName, Flavour, Probe
from housecall.engines.mysql.places import places_of
from housecall.errors import RequestError

Context = PydanticRunContext[RunContext]
InstanceId = Annotated[
    str | None,
    Field(description="Id of the instance; leave it out when only one exists or the question is bound to one"),
]


class ToolResult(BaseModel):
    """Base of what tools return."""

    model_config = ConfigDict(frozen=True)


@cache
def catalogue_sql(engine: EngineName, name: str, flavour: Flavour | None = None) -> str:
    """The text of one question, without its comments; a file `name@flavour.sql` is for that flavour alone.

    Raises RequestError when this engine has no such question.
    """
    folder = importlib.resources.files("housecall.engines") / engine / "catalogue"
    file = folder / f"{name}@{flavour}.sql"
    if not file.is_file():
        file = folder / f"{name}.sql"
    if not file.is_file():
        raise RequestError(f"This question is not answered for {engine} yet; examine_instance is")
    lines = file.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("--"))


async def ask(
    probe: Probe, engine: EngineName, name: str, parameters: Sequence[Any] = (), names: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """The rows of one question. `names` are identifiers, already quoted, for the places in braces.

    MySQL has no arrays: there a list goes as its members with commas between.
    """
    sql = catalogue_sql(engine, name, probe.facts.version.flavour)
    places = dict(names or {})
    if engine == "mysql":
        places |= await places_of(probe, sql)
        parameters = [",".join(value) if isinstance(value, list) else value for value in parameters]
    for place, text in places.items():
        sql = sql.replace(f"{{{place}}}", text.replace("%", "%%"))
    result = await probe.query_trusted(sql, parameters)
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]
