"""The statements that cost the server most."""

from typing import Annotated, Any, Literal

from pydantic import Field

from housecall.agent.tools.bounded import clip
from housecall.agent.tools.catalogue import Context, InstanceId, ToolResult, ask
from housecall.agent.tools.registry import ToolSpec
from housecall.agent.tools.sessions import HIDDEN
from housecall.engines.engine import EngineName, Probe
from housecall.engines.mysql.quoting import quote_literal
from housecall.engines.postgresql.quoting import quote_identifier
from housecall.errors import StatementFailed
from housecall.wording import Say

Missing = Literal["extension", "privilege", "error"]
Order = Literal["total_time", "mean_time", "calls", "rows", "reads"]


class Statement(ToolResult):
    query_id: str | None
    statement: str
    calls: int
    total_seconds: float
    mean_ms: float
    max_ms: float
    rows: int
    blocks_read: int | None = None
    temp_blocks_written: int | None = None
    rows_examined: int | None = None
    calls_without_index: int | None = None
    disk_temporary_tables: int | None = None
    share_of_time: float | None


class RunningStatement(ToolResult):
    pid: int
    user: str | None
    running_seconds: float | None
    waits_on: str | None
    statement: str


class TopStatements(ToolResult):
    """`not_available` tells why there are no statistics and only the statements of this moment are shown.

    `sessions_hidden` counts sessions whose state this role may not see: they may be running statements too.
    """

    instance_id: str
    engine: EngineName
    order: Order
    statements: list[Statement]
    shown: int
    total: int
    running_now: list[RunningStatement]
    sessions_hidden: int
    missing: Missing | None
    not_available: str | None
    remedy: str | None


async def top_statements(
    ctx: Context,
    instance_id: InstanceId = None,
    order: Annotated[Order, Field(description="What to rank by")] = "total_time",
    limit: Annotated[int, Field(ge=1, le=20)] = 8,
) -> TopStatements:
    instance = await ctx.deps.instance(instance_id)
    async with ctx.deps.open_probe(instance) as probe:
        recorded = _recorded_by_mysql if instance.engine == "mysql" else _recorded_by_postgresql
        rows, missing, reason, remedy = await recorded(probe, order, limit)
        running = await ask(probe, instance.engine, "running_statements", (limit,))
        counts = await ask(probe, instance.engine, "session_counts")
        user = probe.facts.user
    if rows and all(row["statement"] == HIDDEN for row in rows):
        missing = "privilege"
        reason = f"role {user} may not read the statements of other users"
        remedy = f"GRANT pg_read_all_stats TO {quote_identifier(user)};"
    return TopStatements(
        instance_id=instance.id,
        engine=instance.engine,
        order=order,
        statements=[_statement(row) for row in rows],
        shown=len(rows),
        total=rows[0]["total"] if rows else 0,
        running_now=[_running(row) for row in running],
        sessions_hidden=sum(row["sessions"] for row in counts if row["state"] == "hidden"),
        missing=missing,
        not_available=reason,
        remedy=remedy,
    )


Recorded = tuple[list[dict[str, Any]], Missing | None, str | None, str | None]
"""Rows, what is missing, why, and what would help."""


async def _recorded_by_postgresql(probe: Probe, order: Order, limit: int) -> Recorded:
    schema = await ask(probe, "postgresql", "statements_schema")
    if not schema:
        reason = "pg_stat_statements is not installed in this database, so no statement statistics exist"
        remedy = "shared_preload_libraries = 'pg_stat_statements' (restart), then CREATE EXTENSION pg_stat_statements;"
        return [], "extension", reason, remedy
    names = {"schema": quote_identifier(schema[0]["schema_name"])}
    try:
        return await ask(probe, "postgresql", "statements", (order, limit), names), None, None, None
    except StatementFailed as error:
        remedy = "shared_preload_libraries must list pg_stat_statements; that needs a restart"
        return [], "error", error.message, remedy


async def _recorded_by_mysql(probe: Probe, order: Order, limit: int) -> Recorded:
    if "performance_schema" not in probe.facts.extensions:
        reason = "performance_schema is off on this server, so no statement statistics exist"
        return [], "extension", reason, "performance_schema = ON in the server's configuration, and a restart"
    try:
        return await ask(probe, "mysql", "statements", (order, limit)), None, None, None
    except StatementFailed as error:
        if "denied" not in error.message:
            raise
        remedy = f"GRANT SELECT ON performance_schema.* TO {quote_literal(probe.facts.user)};"
        return [], "privilege", error.message, remedy


def _statement(row: dict[str, Any]) -> Statement:
    return Statement(
        query_id=row["query_id"],
        statement=clip(row["statement"] or "", 300),
        calls=row["calls"],
        total_seconds=round(row["total_seconds"], 3),
        mean_ms=round(row["mean_ms"], 3),
        max_ms=round(row["max_ms"], 3),
        rows=row["rows"],
        blocks_read=row.get("blocks_read"),
        temp_blocks_written=row.get("temp_blocks_written"),
        rows_examined=row.get("rows_examined"),
        calls_without_index=row.get("calls_without_index"),
        disk_temporary_tables=row.get("disk_temporary_tables"),
        share_of_time=None if row["share_of_time"] is None else round(float(row["share_of_time"]), 4),
    )


def _running(row: dict[str, Any]) -> RunningStatement:
    return RunningStatement(
        pid=row["pid"],
        user=row["user_name"],
        running_seconds=None if row["running_seconds"] is None else round(max(0.0, row["running_seconds"]), 2),
        waits_on=": ".join(part for part in (row["wait_event_type"], row["wait_event"]) if part) or None,
        statement=clip(row["statement"] or "", 200),
    )


TOOLS = (
    ToolSpec(
        "top_statements",
        "read",
        Say(
            en="The statements that cost most by total time, mean time, calls, rows or reads; and those running now.",
            zh="最耗资源的语句：按总耗时、平均耗时、调用次数、行数或读取量排序；以及当前正在运行的语句。",
            tc="最耗資源的陳述式：依總耗時、平均耗時、呼叫次數、列數或讀取量排序；以及目前執行中的陳述式。",
            ja="負荷の高い文（合計時間・平均時間・回数・行数・読み取り順）と、実行中の文。",
        ),
        top_statements,
    ),
)
