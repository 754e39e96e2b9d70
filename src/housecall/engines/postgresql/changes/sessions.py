"""Cancelling a statement and ending a session.

A process id is reused, so the statement names the session by when it began as well: a session that took the id over is
never touched. Sessions are found by superusers and members of pg_monitor or pg_read_all_stats only.
"""

import asyncio
from typing import Any

from pydantic import Field

from housecall.engines.change import Change, Json, Told
from housecall.engines.engine import Probe
from housecall.engines.guard import guard
from housecall.engines.postgresql.changes._common import Arguments, one, rows
from housecall.engines.postgresql.quoting import quote_literal
from housecall.errors import NotFound, RequestError
from housecall.wording import Say

SETTLE_SECONDS = 5.0
"""How long a server may take to end a session, and the sessions behind it to get their locks."""

_SESSION = """
SELECT a.pid, a.backend_start::text AS backend_start, a.xact_start::text AS xact_start,
    a.query_start::text AS query_start, a.state, a.backend_type, a.usename::text AS user_name,
    a.application_name, a.backend_xid IS NOT NULL AS wrote, left(a.query, 2000) AS query,
    EXTRACT(epoch FROM clock_timestamp() - a.query_start)::float8 AS statement_seconds,
    EXTRACT(epoch FROM clock_timestamp() - a.xact_start)::float8 AS transaction_seconds
FROM pg_catalog.pg_stat_activity AS a
WHERE a.pid = %s
"""
_WAITING = """
SELECT l.pid, pg_catalog.pg_blocking_pids(l.pid) AS blocked_by
FROM (SELECT DISTINCT pid FROM pg_catalog.pg_locks WHERE NOT granted) AS l
"""

CANCEL_TITLE = Say(
    "Cancel the statement of session {pid} (user {user}, state {state}, running for {age:duration})",
    "取消会话 {pid} 的语句（用户 {user}，状态 {state}，已运行 {age:duration}）",
)
END_TITLE = Say(
    "End session {pid} (user {user}, state {state}, transaction open for {age:duration})",
    "终止会话 {pid}（用户 {user}，状态 {state}，事务已打开 {age:duration}）",
)
LOCK = Say(
    "takes no lock; {waiting} session{waiting:|s} {waiting:waits|wait} behind this one now",
    "不加锁；目前有 {waiting} 个会话在它后面等待",
)
AT_ONCE = Say(
    "at once; rolling back may take about as long as the session has been writing",
    "立即生效；回滚所需时间可能与该会话写入的时间相当",
)
LOST = Say(
    "cannot be undone: the session's open transaction is rolled back and its application must connect again",
    "无法撤销：该会话未提交的事务会回滚，应用需要重新连接",
)
CANCELLED = Say(
    "cannot be undone: the statement is rolled back and must be sent again",
    "无法撤销：该语句会回滚，需要重新发送",
)
WROTE = Say(
    "this session has written and not committed: that work is lost",
    "该会话有尚未提交的写入：这些工作会丢失",
)
VICTIM = Say(
    "this session waits itself, behind {blockers}: ending it mends nothing",
    "该会话自身在等待（被 {blockers} 阻塞）：结束它解决不了问题",
)
ENDED = Say(
    "the session is gone and the sessions that waited behind it go on", "该会话消失，并且后面等待的会话继续执行"
)
STOPPED = Say(
    "the statement no longer runs and the sessions that waited behind it go on",
    "该语句不再执行，并且后面等待的会话继续执行",
)


class SessionArguments(Arguments):
    """`pid` is the process id as pg_stat_activity shows it."""

    pid: int = Field(gt=0, le=2**31 - 1)


async def compose_cancel(probe: Probe, arguments: SessionArguments, instance_id: str) -> Change:
    return await _compose(probe, arguments, instance_id, "cancel_query")


async def compose_terminate(probe: Probe, arguments: SessionArguments, instance_id: str) -> Change:
    return await _compose(probe, arguments, instance_id, "terminate_session")


async def _compose(probe: Probe, arguments: SessionArguments, instance_id: str, tool: str) -> Change:
    session = await _session(probe, arguments.pid)
    waiting, blockers = await _queue(probe, arguments.pid)
    ends = tool == "terminate_session"
    caution = WROTE() if session["wrote"] else VICTIM(blockers=", ".join(map(str, blockers))) if blockers else None
    names = ("pid", "backend_start", "xact_start") if ends else ("pid", "backend_start", "xact_start", "query_start")
    state = {name: session[name] for name in names}
    age = session["transaction_seconds"] if ends else session["statement_seconds"]
    return Change(
        tool=tool,
        instance_id=instance_id,
        arguments=arguments.model_dump(),
        statements=(_statement("pg_terminate_backend" if ends else "pg_cancel_backend", state),),
        title=(END_TITLE if ends else CANCEL_TITLE)(
            pid=session["pid"], user=session["user_name"], state=session["state"], age=age or 0.0
        ),
        lock=LOCK(waiting=waiting),
        duration=AT_ONCE(),
        risk="high" if session["wrote"] and ends else "medium" if ends or session["wrote"] else "low",
        verify=ENDED() if ends else STOPPED(),
        state=state,
        facts={
            "active": session["state"] == "active",
            "wrote": bool(session["wrote"]),
            "reads": guard(session["query"] or "", "postgresql").allowed,
            "statement_seconds": session["statement_seconds"] or 0.0,
            "waiting": waiting,
        },
        rollback_note=LOST() if ends else CANCELLED(),
        caution=caution,
    )


async def _session(probe: Probe, pid: int) -> dict[str, Any]:
    """Raises NotFound and RequestError: gone, hidden, our own, or none of a client."""
    session = await one(probe, _SESSION, (pid,))
    if session is None:
        raise NotFound(f"There is no session {pid} any more; list the sessions again")
    if session["backend_start"] is None or session["backend_type"] is None:
        raise RequestError(
            f"Session {pid} is hidden from role '{probe.facts.user}', so it cannot be told from one that takes its"
            f" number over; GRANT pg_monitor TO {probe.facts.user};"
        )
    if session["backend_type"] != "client backend" or str(session["application_name"]).startswith("housecall"):
        raise RequestError(f"Session {pid} is no session of an application ({session['backend_type']}); it is left")
    return session


async def _queue(probe: Probe, pid: int) -> tuple[int, list[int]]:
    """How many sessions wait behind this one, however far back, and whom it waits for itself."""
    behind = {row["pid"]: list(row["blocked_by"]) for row in await rows(probe, _WAITING)}
    found: set[int] = set()
    grew = True
    while grew:
        more = {each for each, blockers in behind.items() if each not in found and {pid, *found} & set(blockers)}
        found, grew = found | more, bool(more)
    return len(found - {pid}), behind.get(pid, [])


def _statement(function: str, state: Json) -> str:
    """The call, made only when everything that was seen still holds."""
    conditions = [f"pid = {int(state['pid'])}"]
    for name in ("backend_start", "xact_start", "query_start"):
        if name in state:
            value = state[name]
            moment = "NULL" if value is None else f"{quote_literal(value)}::timestamptz"
            conditions.append(f"{name} IS NOT DISTINCT FROM {moment}")
    return f"SELECT pg_catalog.{function}(pid)\nFROM pg_catalog.pg_stat_activity\nWHERE " + "\n    AND ".join(
        conditions
    )


async def measure(probe: Probe, change: Change) -> dict[str, Any]:
    """How many sessions wait, and whether the session is there."""
    waiting, _ = await _queue(probe, int(change.state["pid"]))
    queued = len(await rows(probe, _WAITING))
    return {
        "session_present": await _is_there(probe, change.tool, change.state),
        "waiting_behind_it": waiting,
        "waiting_for_locks": queued,
    }


async def settle(probe: Probe, change: Change) -> dict[str, Any]:
    """The numbers once the server has ended what it was asked to end, or after SETTLE_SECONDS."""
    pause, waited = 0.05, 0.0
    while True:
        found = await measure(probe, change)
        if waited >= SETTLE_SECONDS or (not found["session_present"] and not found["waiting_behind_it"]):
            return found
        await asyncio.sleep(pause)
        waited, pause = waited + pause, min(pause * 2, 0.5)


async def _is_there(probe: Probe, tool: str, state: Json) -> bool:
    """The session (for a cancel: its statement) still is."""
    session = await one(probe, _SESSION, (state["pid"],))
    if session is None or session["backend_start"] != state["backend_start"]:
        return False
    if tool == "terminate_session":
        return True
    return bool(session["query_start"] == state["query_start"] and session["state"] == "active")


async def look_up(probe: Probe, tool: str, _arguments: Json, state: Json, _since: str) -> Told:
    if await _is_there(probe, tool, state):
        return Told("not_happened", f"Session {state['pid']} is still there.")
    note = f"Session {state['pid']} is gone" if tool == "terminate_session" else "The statement no longer runs"
    return Told("happened", f"{note}; whether by this or by itself cannot be told.")
