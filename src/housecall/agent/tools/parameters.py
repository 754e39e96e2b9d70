"""Settings of an instance."""

from typing import Annotated

from pydantic import Field

from housecall.agent.tools.bounded import clip
from housecall.agent.tools.catalogue import Context, InstanceId, ToolResult, ask
from housecall.agent.tools.registry import ToolSpec
from housecall.engines.engine import EngineName
from housecall.engines.mysql.static_variables import is_static
from housecall.wording import Say

MAX_PARAMETERS = 40


class Parameter(ToolResult):
    name: str
    value: str | None
    unit: str | None
    built_in_value: str | None
    source: str
    needs: str
    pending_restart: bool
    description: str


class Parameters(ToolResult):
    """`needs` is what a change takes: restart, reload, session, or SET GLOBAL (MySQL, MariaDB: for new sessions)."""

    instance_id: str
    engine: EngineName
    selection: str
    parameters: list[Parameter]
    shown: int
    total: int
    not_found: list[str]


_NEEDS = {
    "postmaster": "restart", "sighup": "reload", "internal": "rebuild", "backend": "reconnect", "global": "SET GLOBAL",
}  # fmt: skip


def _needs(engine: EngineName, name: str, context: str | None) -> str:
    if engine == "mysql" and context is None:
        return "restart" if is_static(name) else "SET GLOBAL"
    return _NEEDS.get(context or "", "session")


async def describe_db_instance_parameters(
    ctx: Context,
    instance_id: InstanceId = None,
    names: Annotated[list[str] | None, Field(description="Exact names, such as work_mem")] = None,
    search: Annotated[str | None, Field(description="Part of a name, such as vacuum")] = None,
) -> Parameters:
    instance = await ctx.deps.instance(instance_id)
    wanted = [name.strip().lower() for name in names[:30]] if names else None
    async with ctx.deps.open_probe(instance) as probe:
        rows = await ask(probe, instance.engine, "parameters", (wanted, wanted, search, search))
    shown = rows[:MAX_PARAMETERS]
    found = {row["name"].lower() for row in rows}
    return Parameters(
        instance_id=instance.id,
        engine=instance.engine,
        selection="by name" if wanted else f"name contains {search!r}" if search else "changed from the built-in value",
        parameters=[
            Parameter(
                name=row["name"],
                value=clip(row["value"] or "", 120),
                unit=row["unit"],
                built_in_value=None if row["built_in_value"] is None else clip(row["built_in_value"], 60),
                source=row["source"],
                needs=_needs(instance.engine, row["name"], row["context"]),
                pending_restart=bool(row["pending_restart"]),
                description=clip(row["description"] or "", 90),
            )
            for row in shown
        ],
        shown=len(shown),
        total=rows[0]["total"] if rows else 0,
        not_found=[name for name in wanted or [] if name not in found],
    )


TOOLS = (
    ToolSpec(
        "describe_db_instance_parameters",
        "read",
        Say(
            en="Settings of an instance: by exact names, by part of a name, or all that were changed.",
            zh="实例参数：按名称、按名称片段，或列出所有被修改过的参数。",
            tc="執行個體參數：依名稱、依名稱片段，或列出所有已修改的參數。",
            ja="インスタンスの設定：名前、名前の一部、または変更されたものすべて。",
        ),
        describe_db_instance_parameters,
    ),
)
