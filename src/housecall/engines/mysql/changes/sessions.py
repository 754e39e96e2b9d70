"""Cancelling a statement and ending a session.

KILL takes a bare connection id. Ids count up from the start of the server and are not given twice before 2^32 of them
were used, so the state that an approval is bound to holds the start of the server beside id, account and client
address (with its port); for a cancel, the statement too. What differs in any of them is left alone.
Source: MySQL manual, "KILL Statement"; MariaDB Knowledge Base, "KILL".
"""

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from housecall.engines.change import Change, Json, Told
from housecall.engines.engine import Probe, Unavailable
from housecall.engines.guard import guard
from housecall.engines.mysql import ENGINE
from housecall.engines.mysql.changes._common import Arguments, one
from housecall.engines.mysql.rows.sessions import LockWait, MetadataLock
from housecall.errors import HousecallError, NotFound, RequestError
from housecall.wording import Say

SETTLE_SECONDS = 5.0
"""How long a server may take to end a session, and the sessions behind it to get their locks."""
INNODB_KEEPS_ITS_PICTURE_SECONDS = 0.15
"""InnoDB shows its transactions from a copy that stays the same while it is asked for more often than every 0.1 s
(storage/innobase/trx/trx0i_s.cc, CACHE_MIN_IDLE_TIME), so whoever must know what is true now waits."""

_SESSION = """
SELECT p.ID AS id, p.USER AS user_name, p.HOST AS host, p.COMMAND AS command, p.TIME AS seconds, p.STATE AS state,
    LEFT(p.INFO, 4000) AS statement, CAST(t.trx_id AS CHAR) AS transaction_id,
    CAST(t.trx_started AS CHAR) AS transaction_started, COALESCE(t.trx_rows_modified, 0) AS rows_modified,
    TIMESTAMPDIFF(SECOND, t.trx_started, NOW()) AS transaction_seconds,
    (SELECT CAST(MIN(m.TIME_ENABLED) AS CHAR) FROM information_schema.INNODB_METRICS AS m) AS server_started
FROM information_schema.PROCESSLIST AS p
LEFT JOIN information_schema.INNODB_TRX AS t ON t.trx_mysql_thread_id = p.ID
WHERE p.ID = %s
"""
_OF_THE_SERVER = {"system user", "event_scheduler"}
_REPLICATION = ("Binlog Dump", "Slave_", "Daemon")

CANCEL_TITLE = Say(
    "Cancel the statement of session {id} (user {user} from {host}, running for {age:duration})",
    "取消会话 {id} 的语句（用户 {user}，来自 {host}，已运行 {age:duration}）",
)
END_TITLE = Say(
    "End session {id} (user {user} from {host}, {command}, transaction open for {age:duration})",
    "终止会话 {id}（用户 {user}，来自 {host}，{command}，事务已打开 {age:duration}）",
)
LOCK = Say(
    "takes no lock; {waiting} session{waiting:|s} {waiting:waits|wait} behind this one now",
    "不加锁；目前有 {waiting} 个会话在它后面等待",
)
AT_ONCE = Say(
    "at once; {rows:count} changed row{rows:|s} {rows:is|are} rolled back, which takes about as long as"
    " changing them did",
    "立即生效；需回滚已修改的 {rows:count} 行，耗时与修改它们相当",
)
LOST = Say(
    "cannot be undone: the session's open transaction is rolled back and its application must connect again",
    "无法撤销：该会话未提交的事务会回滚，应用需要重新连接",
)
CANCELLED = Say(
    "cannot be undone: the statement is rolled back and must be sent again; the transaction stays open",
    "无法撤销：该语句会回滚，需要重新发送；事务仍保持打开",
)
WROTE = Say("this session has written and not committed: that work is lost", "该会话有尚未提交的写入：这些工作会丢失")
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
    """`pid` is the connection id as the process list shows it."""

    pid: int = Field(gt=0, le=2**63 - 1)


async def compose_cancel(probe: Probe, arguments: SessionArguments, instance_id: str) -> Change:
    return await _compose(probe, arguments, instance_id, "cancel_query")


async def compose_terminate(probe: Probe, arguments: SessionArguments, instance_id: str) -> Change:
    return await _compose(probe, arguments, instance_id, "terminate_session")


async def _compose(probe: Probe, arguments: SessionArguments, instance_id: str, tool: str) -> Change:
    session = await _session(probe, arguments.pid)
    behind = await _queue(probe)
    waiting, blockers = _behind(behind, arguments.pid), behind.get(arguments.pid, set())
    ends, wrote = tool == "terminate_session", bool(session["rows_modified"])
    if not ends and not session["statement"]:
        raise RequestError(f"Session {arguments.pid} runs no statement now, so there is none to cancel")
    caution = WROTE() if wrote else VICTIM(blockers=", ".join(map(str, sorted(blockers)))) if blockers else None
    age = session["transaction_seconds"] if ends else session["seconds"]
    return Change(
        tool=tool,
        instance_id=instance_id,
        arguments=arguments.model_dump(),
        statements=(f"KILL {'CONNECTION' if ends else 'QUERY'} {arguments.pid}",),
        title=(END_TITLE if ends else CANCEL_TITLE)(
            id=arguments.pid,
            user=session["user_name"],
            host=session["host"],
            command=session["command"],
            age=age or 0.0,
        ),
        lock=LOCK(waiting=len(waiting)),
        duration=AT_ONCE(rows=session["rows_modified"]),
        risk="high" if wrote and ends else "medium" if ends or wrote else "low",
        verify=ENDED() if ends else STOPPED(),
        state=state_of(session, ends=ends),
        facts={
            "active": session["command"] != "Sleep",
            "wrote": wrote,
            "reads": guard(session["statement"] or "", "mysql").allowed,
            "statement_seconds": float(session["seconds"] or 0.0),
            "waiting": len(waiting),
        },
        rollback_note=LOST() if ends else CANCELLED(),
        caution=caution,
    )


def state_of(session: Mapping[str, Any], *, ends: bool) -> dict[str, Any]:
    """What identifies the session, and for a cancel its statement. Pure."""
    names = ("id", "user_name", "host", "server_started", "transaction_started", "transaction_id")
    state = {name: session[name] for name in names}
    if not ends:
        state["statement"] = hashlib.sha256((session["statement"] or "").encode()).hexdigest()[:16]
    return state


async def _session(probe: Probe, pid: int) -> dict[str, Any]:
    """Raises NotFound and RequestError: gone, hidden, the server's own, or of replication."""
    if not probe.facts.has_monitor_role:
        raise RequestError(
            f"Account '{probe.facts.user}' does not see the sessions of others, so session {pid} cannot be told from"
            f" one that takes its place; GRANT PROCESS ON *.* TO '{probe.facts.user}';"
        )
    await asyncio.sleep(INNODB_KEEPS_ITS_PICTURE_SECONDS)  # an old picture would show a transaction that has ended
    session = await one(probe, _SESSION, (pid,))
    if session is None:
        raise NotFound(f"There is no session {pid} any more; list the sessions again")
    if session["user_name"] in _OF_THE_SERVER or str(session["command"]).startswith(_REPLICATION):
        raise RequestError(f"Session {pid} is no session of an application ({session['command']}); it is left")
    return session


async def _queue(probe: Probe) -> dict[int, set[int]]:
    """Who waits for whom, as far as the server tells: session to those before it."""
    behind: dict[int, set[int]] = {}
    version = probe.facts.version
    readings = {each.row: each for each in ENGINE.readings if each.serves(version)}
    waits = await probe.read(readings[LockWait])
    for wait in () if isinstance(waits, Unavailable) else waits:
        if isinstance(wait, LockWait):
            behind.setdefault(wait.waiting_id, set()).add(wait.blocking_id)
    locks = await probe.read(readings[MetadataLock])
    known = [each for each in (() if isinstance(locks, Unavailable) else locks) if isinstance(each, MetadataLock)]
    for wanted in known:
        for held in known:
            same = (held.schema_name, held.object_name) == (wanted.schema_name, wanted.object_name)
            if not wanted.is_granted and held.is_granted and same and held.session_id != wanted.session_id:
                behind.setdefault(wanted.session_id, set()).add(held.session_id)
    return behind


def _behind(queue: Mapping[int, set[int]], pid: int) -> set[int]:
    """All sessions that wait behind this one, however far back."""
    found: set[int] = set()
    grew = True
    while grew:
        more = {each for each, blockers in queue.items() if each not in found and {pid, *found} & blockers}
        found, grew = found | more, bool(more)
    return found - {pid}


async def measure(probe: Probe, change: Change) -> dict[str, Any]:
    """How many sessions wait, and whether the session is there."""
    queue = await _queue(probe)
    return {
        "session_present": await _is_there(probe, change.tool, change.state),
        "waiting_behind_it": len(_behind(queue, int(change.state["id"]))),
        "waiting_for_locks": len(queue),
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
    try:
        session = await _session(probe, int(state["id"]))
    except HousecallError:
        return False
    now = state_of(session, ends=tool == "terminate_session")
    if tool == "terminate_session":
        return all(now[name] == state[name] for name in ("id", "user_name", "host", "server_started"))
    return now == dict(state) and bool(session["statement"])


async def look_up(probe: Probe, tool: str, _arguments: Json, state: Json, _since: str) -> Told:
    if await _is_there(probe, tool, state):
        return Told("not_happened", f"Session {state['id']} is still there.")
    note = f"Session {state['id']} is gone" if tool == "terminate_session" else "The statement no longer runs"
    return Told("happened", f"{note}; whether by this or by itself cannot be told.")
