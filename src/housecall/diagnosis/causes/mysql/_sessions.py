"""What the causes about sessions of MySQL and MariaDB share: the statements that end one, and what a queue explains."""

from collections.abc import Mapping
from typing import Any

from housecall.diagnosis.cause import Found
from housecall.diagnosis.causes._sessions import CHANGES_APPLICATION as CHANGES_APPLICATION
from housecall.diagnosis.causes._sessions import LAST_STATEMENT as LAST_STATEMENT
from housecall.diagnosis.causes._sessions import LONGEST_WAIT as LONGEST_WAIT
from housecall.diagnosis.causes._sessions import ROLLED_BACK as ROLLED_BACK
from housecall.diagnosis.causes._sessions import application_change as application_change
from housecall.diagnosis.causes._sessions import fingerprints as fingerprints
from housecall.diagnosis.finding import Evidence, Finding
from housecall.diagnosis.remedy import Remedy
from housecall.engines.engine import Flavour
from housecall.wording import Message, Say

BLOCKED = "mysql.blocked_sessions"

INFERRED = Say(
    "The server does not show who holds the lock: it is inferred from what is open and for how long.",
    "服务器没有显示锁的持有者，这里根据打开的事务及其时长推断。",
)
NO_LOCK = Say("Takes no lock and blocks nobody.", "不加锁，不阻塞任何会话。")
FREES_LOCKS = Say("Takes no lock; it frees those the session holds.", "自身不加锁，并释放该会话持有的锁。")
FOR_NEW_SESSIONS = Say(
    "Takes no lock; holds for sessions that begin from now on, and until a restart unless the configuration file says"
    " so too.",
    "不加锁，对新会话生效；重启后失效，需同时写入配置文件。",
)
_GONE = Say("Nobody waits for session {id} any more.", "不再有会话等待会话 {id}。")
_END = Say("End session {id}, and only it", "终止会话 {id}（仅此一个）")
_END_CAUTION = Say(
    "Its uncommitted changes are lost. Look once more that the id is still that of {user} from {client}.",
    "它未提交的修改会丢失。执行前请再次确认该会话仍属于来自 {client} 的 {user}。",
)
_NOTHING_LOST = Say(
    "It has changed no row so far: nothing is lost, and its client has to connect anew. Look once more that the id is"
    " still that of {user} from {client}.",
    "它尚未修改任何行，不会丢失数据，客户端只需重新连接。执行前请再次确认该会话仍属于来自 {client} 的 {user}。",
)
_CANCEL = Say("End the running statement of session {id}", "终止会话 {id} 正在执行的语句")
_CANCEL_CAUTION = Say(
    "The work of the statement is lost; a large change takes as long to roll back as it ran.",
    "该语句已完成的工作会丢失；大的修改回滚所需时间与已执行时间相当。",
)
WAITING = (
    "SELECT ID, TIME, STATE, LEFT(INFO, 80) AS statement FROM information_schema.PROCESSLIST"
    " WHERE STATE LIKE 'Waiting for%lock%' OR STATE IN ('User lock', 'Waiting for table flush') ORDER BY TIME DESC;"
)
ROW_WAITS = (
    "SELECT trx_mysql_thread_id, trx_wait_started FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'"
    " ORDER BY trx_wait_started;"
)
OPEN_TRANSACTIONS = "SELECT trx_mysql_thread_id, trx_started FROM information_schema.INNODB_TRX ORDER BY trx_started;"


def end_session(session: Mapping[str, Any], *, verify: Message | None = None, statement: str = WAITING) -> Remedy:
    """KILL one connection. Verified by its queue unless told how."""
    number = int(session["id"])
    caution = _NOTHING_LOST if session.get("rows_modified") == 0 else _END_CAUTION
    return Remedy(
        title=_END(id=number),
        statements=(f"KILL CONNECTION {number};",),
        lock=FREES_LOCKS(),
        risk="medium",
        when="now",
        rollback=(),
        rollback_note=ROLLED_BACK(),
        verify=verify or _GONE(id=number),
        verify_statement=statement,
        caution=caution(user=session["user"], client=session["client"] or "-"),
    )


def cancel_statement(session: Mapping[str, Any], *, statement: str = WAITING) -> Remedy:
    """KILL QUERY: the session stays."""
    number = int(session["id"])
    return Remedy(
        title=_CANCEL(id=number),
        statements=(f"KILL QUERY {number};",),
        lock=FREES_LOCKS(),
        risk="low",
        when="now",
        rollback=(),
        rollback_note=ROLLED_BACK(),
        verify=_GONE(id=number),
        verify_statement=statement,
        caution=_CANCEL_CAUTION(),
    )


def set_global(
    title: Message,
    name: str,
    value: str,
    before: str | None,
    flavour: Flavour,
    *,
    verify: Message,
    caution: Message | None = None,
    when: str = "now",
    risk: str = "low",
) -> Remedy:
    """Change a dynamic setting; kept over a restart on MySQL. Values are numbers, switches, or quoted text."""
    set_ = "SET PERSIST" if flavour == "mysql" else "SET GLOBAL"
    return Remedy(
        title=title,
        statements=(f"{set_} {name} = {value};",),
        lock=FOR_NEW_SESSIONS() if flavour == "mariadb" else NO_LOCK(),
        risk=risk,  # type: ignore[arg-type]
        when=when,  # type: ignore[arg-type]
        rollback=(f"{set_} {name} = {before};",) if before is not None else (),
        rollback_note=None if before is not None else NO_LOCK(),
        verify=verify,
        verify_statement=f"SHOW GLOBAL VARIABLES LIKE '{name}';",
        caution=caution,
    )


def session_evidence(session: Mapping[str, Any]) -> tuple[Evidence, ...]:
    return (
        Evidence("session", session["id"], "id", "sessions"),
        Evidence("user", session["user"], "text", "sessions"),
        Evidence("client", session["client"], "text", "sessions"),
        Evidence("command", session["command"], "text", "sessions"),
        Evidence("transaction_open", session["transaction_seconds"], "seconds", "sessions"),
        Evidence("last_statement", session["statement"], "text", "sessions"),
    )


def told(session: Mapping[str, Any], *, seen: bool) -> tuple[Message, ...]:
    """Its last statement where it is known, and that the holder was inferred where it was."""
    last = (LAST_STATEMENT(statement=session["statement"]),) if session["statement"] else ()
    return last if seen else (*last, INFERRED())


def explained_by_queue(found: Found, finding: Finding) -> tuple[str, ...]:
    """Fingerprints of what a queue behind one session accounts for: the session by other names, waits that were
    counted, statements that gave up, and connections that are full because most of them wait."""
    details = finding.details
    return fingerprints(
        [
            *of_session(found, details["root_id"]),
            *found.of("mysql.row_lock_time", "mysql.lock_wait_timeouts"),
            *(each for each in found.of("mysql.table_lock_waits") if each.object == details["table"]),
            *_full_of_waiters(found, details),
        ]
    )


def of_session(found: Found, session: int) -> list[Finding]:
    """What the checks say of one session under its own name."""
    checks = (
        "mysql.idle_in_transaction", "mysql.long_transactions", "mysql.long_queries", "mysql.advisory_locks",
        "mysql.global_read_lock", "mysql.history_list",
    )  # fmt: skip
    queues = [each for each in found.of("mysql.ddl_lock_queue") if each.details["root_id"] == session]
    return [*(each for each in found.of(*checks) if each.object == f"session {session}"), *queues]


def _full_of_waiters(found: Found, details: Mapping[str, Any]) -> list[Finding]:
    if details["waiting"] + 1 < details["session_total"] / 2:
        return []
    return list(found.of("mysql.connections_used", "mysql.connection_leak"))
