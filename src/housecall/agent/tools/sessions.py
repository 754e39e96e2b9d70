"""Who is connected, and who waits for whom."""

from typing import Annotated, Any

from pydantic import Field

from housecall.agent.tools.bounded import clip
from housecall.agent.tools.catalogue import Context, InstanceId, ToolResult, ask
from housecall.agent.tools.mysql_blocking import waiting_and_blocking
from housecall.agent.tools.registry import ToolSpec
from housecall.engines.engine import EngineName
from housecall.engines.mysql.quoting import quote_literal
from housecall.engines.postgresql.quoting import quote_identifier
from housecall.wording import Say

MAX_SESSIONS = 25
HIDDEN = "<insufficient privilege>"


class StateCount(ToolResult):
    state: str
    sessions: int
    longest_seconds: float | None


class Session(ToolResult):
    pid: int
    user: str | None
    application: str | None
    client_address: str | None
    state: str | None
    waits_on: str | None
    transaction_seconds: float | None
    statement_seconds: float | None
    statement: str | None


class Sessions(ToolResult):
    instance_id: str
    engine: EngineName
    connections: int
    max_connections: int
    reserved_connections: int
    used_share: float
    by_state: list[StateCount]
    sessions: list[Session]
    shown: int
    total: int
    asked_for_pid: int | None
    statements_hidden: int
    to_see_them: str | None


class Waiter(ToolResult):
    pid: int
    blocked_by: list[int]
    user: str | None
    application: str | None
    waits_for: str | None
    waiting_seconds: float | None
    statement: str | None


class Blocker(ToolResult):
    """A session that waits for nobody and that others wait for. `pid` 0 stands for a prepared transaction."""

    pid: int
    user: str | None
    application: str | None
    client_address: str | None
    state: str | None
    transaction_seconds: float | None
    state_seconds: float | None
    statement: str | None
    waiting_sessions: int


class Blocking(ToolResult):
    instance_id: str
    engine: EngineName
    root_blockers: list[Blocker]
    waiting: list[Waiter]
    shown: int
    total_waiting: int
    statements_hidden: int
    to_see_them: str | None


async def list_sessions(
    ctx: Context,
    instance_id: InstanceId = None,
    state: Annotated[str | None, Field(description="active, idle, or 'idle in transaction'")] = None,
    min_seconds: Annotated[float | None, Field(description="Only transactions at least this old")] = None,
    pid: Annotated[int | None, Field(description="Only this session")] = None,
) -> Sessions:
    instance = await ctx.deps.instance(instance_id)
    async with ctx.deps.open_probe(instance) as probe:
        counts = await ask(probe, instance.engine, "session_counts")
        rows = await ask(probe, instance.engine, "sessions", (pid, state, state, min_seconds, min_seconds, pid, pid))
        grant = _grant(instance.engine, probe.facts.user)
    shown = rows[:MAX_SESSIONS]
    hidden = sum(row["sessions"] for row in counts if row["state"] == "hidden")
    connections = sum(row["sessions"] for row in counts)
    maximum = counts[0]["max_connections"] if counts else 0
    return Sessions(
        instance_id=instance.id,
        engine=instance.engine,
        connections=connections,
        max_connections=maximum,
        reserved_connections=counts[0]["reserved_connections"] if counts else 0,
        used_share=round(connections / maximum, 3) if maximum else 0.0,
        by_state=[
            StateCount(state=row["state"], sessions=row["sessions"], longest_seconds=_seconds(row["longest_seconds"]))
            for row in counts
        ],
        sessions=[_session(row) for row in shown],
        shown=len(shown),
        total=rows[0]["total"] if rows else 0,
        asked_for_pid=pid,
        statements_hidden=hidden,
        to_see_them=grant if hidden else None,
    )


def _session(row: dict[str, Any]) -> Session:
    waits = ": ".join(part for part in (row["wait_event_type"], row["wait_event"]) if part)
    return Session(
        pid=row["pid"],
        user=row["user_name"],
        application=clip(row["application_name"] or "", 60) or None,
        client_address=row["client_address"],
        state=row["state"],
        waits_on=waits or None,
        transaction_seconds=_seconds(row["transaction_seconds"]),
        statement_seconds=_seconds(row["statement_seconds"]),
        statement=clip(row["statement"] or "", 160) or None,
    )


async def show_blocking(ctx: Context, instance_id: InstanceId = None) -> Blocking:
    instance = await ctx.deps.instance(instance_id)
    async with ctx.deps.open_probe(instance) as probe:
        if instance.engine == "mysql":
            rows = await waiting_and_blocking(probe)
        else:
            rows = await ask(probe, instance.engine, "blocking")
        grant = _grant(instance.engine, probe.facts.user)
    by_pid = {row["pid"]: row for row in rows}
    waiting = [row for row in rows if row["blocked_by"] or row["waits_for"]]
    roots = [row for row in rows if not row["blocked_by"] and not row["waits_for"]]
    hidden = sum(row["statement"] == HIDDEN for row in rows)
    return Blocking(
        instance_id=instance.id,
        engine=instance.engine,
        root_blockers=[
            _blocker(row, sum(row["pid"] in _roots(w["pid"], by_pid) for w in waiting)) for row in roots[:10]
        ],
        waiting=[_waiter(row) for row in waiting[:15]],
        shown=min(15, len(waiting)),
        total_waiting=len(waiting),
        statements_hidden=hidden,
        to_see_them=grant if hidden else None,
    )


def _roots(pid: int, by_pid: dict[int, dict[str, Any]]) -> set[int]:
    """The sessions at the head of the queues that `pid` stands in."""
    seen: set[int] = set()
    todo, roots = [pid], set()
    while todo:
        each = todo.pop()
        if each in seen:
            continue
        seen.add(each)
        blockers = by_pid[each]["blocked_by"] if each in by_pid else []
        if each != pid and not blockers:
            roots.add(each)
        todo.extend(blockers)
    return roots


def _blocker(row: dict[str, Any], waiting_sessions: int) -> Blocker:
    return Blocker(
        pid=row["pid"],
        user=row["user_name"],
        application=clip(row["application_name"] or "", 60) or None,
        client_address=row["client_address"],
        state=row["state"],
        transaction_seconds=_seconds(row["transaction_seconds"]),
        state_seconds=_seconds(row["state_seconds"]),
        statement=clip(row["statement"] or "", 200) or None,
        waiting_sessions=waiting_sessions,
    )


def _waiter(row: dict[str, Any]) -> Waiter:
    return Waiter(
        pid=row["pid"],
        blocked_by=sorted(set(row["blocked_by"]))[:10],
        user=row["user_name"],
        application=clip(row["application_name"] or "", 60) or None,
        waits_for=clip(row["waits_for"] or "", 120) or None,
        waiting_seconds=_seconds(row["state_seconds"]),
        statement=clip(row["statement"] or "", 120) or None,
    )


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(max(0.0, value), 1)


def _grant(engine: EngineName, user: str) -> str:
    if engine == "mysql":
        return f"GRANT PROCESS ON *.* TO {quote_literal(user)};"
    return f"GRANT pg_monitor TO {quote_identifier(user)};"


TOOLS = (
    ToolSpec(
        "list_sessions",
        "read",
        Say(
            en="Connections now: counts by state against the limit, and the sessions, the working and oldest first.",
            zh="当前连接：按状态统计并与上限比较，以及会话列表（活动和最久的在前）。",
            tc="目前連線：依狀態統計並與上限比較，以及工作階段清單（作用中與最久者在前）。",
            ja="現在の接続：状態別の数と上限、セッション一覧（稼働中・古い順）。",
        ),
        list_sessions,
    ),
    ToolSpec(
        "show_blocking",
        "read",
        Say(
            en="Lock waits now: the sessions at the root, who waits for them, for what and how long.",
            zh="当前锁等待：根源会话，以及谁在等待、等待什么、等待多久。",
            tc="目前鎖等待：根源工作階段，以及誰在等待、等待什麼、等待多久。",
            ja="現在のロック待ち：根元のセッションと、誰が何をどれだけ待っているか。",
        ),
        show_blocking,
    ),
)
