"""InnoDB's own report, part by part."""

import re
from typing import Annotated

from pydantic import Field

from housecall.agent.tools.bounded import clip
from housecall.agent.tools.catalogue import Context, InstanceId, ToolResult
from housecall.agent.tools.registry import ToolSpec
from housecall.errors import RequestError
from housecall.wording import Say

MAX_CHARACTERS = 5_000
"""Of the part that is shown; the others are named."""

_PART = re.compile(r"^-{3,}\n([A-Z][A-Z /&]+)\n-{3,}\n", re.MULTILINE)


class InnodbReport(ToolResult):
    """One part of the report as the server wrote it. `parts` are the names of all there are."""

    instance_id: str
    part: str
    text: str
    cut: bool
    parts: list[str]


async def show_engine_innodb_status(
    ctx: Context,
    instance_id: InstanceId = None,
    part: Annotated[
        str,
        Field(description="Name of a part: LATEST DETECTED DEADLOCK, TRANSACTIONS, SEMAPHORES, BUFFER POOL AND MEMORY"),
    ] = "TRANSACTIONS",
) -> InnodbReport:
    instance = await ctx.deps.instance(instance_id)
    if instance.engine != "mysql":
        raise RequestError(f"Instance '{instance.id}' is PostgreSQL, which has no InnoDB; examine_instance looks at it")
    async with ctx.deps.open_probe(instance) as probe:
        result = await probe.query_trusted("SHOW ENGINE INNODB STATUS")
    return part_of(str(result.rows[0][-1]), part, instance.id)


def part_of(report: str, part: str, instance_id: str) -> InnodbReport:
    """Pure. Raises RequestError for a part that this report does not have, with those that it has."""
    pieces = _PART.split(report)
    parts = {name.strip(): body.strip() for name, body in zip(pieces[1::2], pieces[2::2], strict=True)}
    wanted = next((name for name in parts if part.strip().upper() in name), None)
    if wanted is None:
        raise RequestError(f"InnoDB's report has no part {clip(part, 40)!r} now; it has: {', '.join(parts)}")
    text = parts[wanted]
    return InnodbReport(
        instance_id=instance_id, part=wanted, text=text[:MAX_CHARACTERS], cut=len(text) > MAX_CHARACTERS,
        parts=list(parts),
    )  # fmt: skip


TOOLS = (
    ToolSpec(
        "show_engine_innodb_status",
        "read",
        Say(
            en="A part of InnoDB's own report (MySQL, MariaDB).",
            zh="InnoDB 状态报告的某一部分（MySQL、MariaDB）：最近的死锁、事务、信号量、缓冲池。",
            tc="InnoDB 狀態報告的某一部分（MySQL、MariaDB）：最近的死結、交易、號誌、緩衝池。",
            ja="InnoDB のレポートの一部（MySQL、MariaDB）：デッドロック、トランザクション、バッファプール。",
        ),
        show_engine_innodb_status,
    ),
)
