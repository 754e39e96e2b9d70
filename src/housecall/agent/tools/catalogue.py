"""Catalogue questions of the tools: `engines/<engine>/catalogue/<name>.sql`, run through a probe with bound values."""

import importlib.resources
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic_ai import RunContext as PydanticRunContext

from housecall.agent.context import RunContext
from housecall.engines.engine import EngineName, Probe
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
def catalogue_sql(engine: EngineName, name: str) -> str:
    """The text of one question, without its comments. Raises RequestError when this engine has no such question."""
    file = importlib.resources.files("housecall.engines") / engine / "catalogue" / f"{name}.sql"
    if not file.is_file():
        raise RequestError(f"This question is not answered for {engine} yet; examine_instance is")
    lines = file.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("--"))


async def ask(
    probe: Probe, engine: EngineName, name: str, parameters: Sequence[Any] = (), names: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """The rows of one question. `names` are identifiers, already quoted, for the places in braces."""
    sql = catalogue_sql(engine, name)
    for place, text in (names or {}).items():
        sql = sql.replace(f"{{{place}}}", text.replace("%", "%%"))
    result = await probe.query_trusted(sql, parameters)
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]
