"""A session of MySQL or MariaDB that sleeps in an open transaction and holds row locks that others wait for.

The session at the root of the queue is to blame, never those that wait.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.finding import Evidence, Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="idle_in_transaction_blocker",
    title=Say("A session idle in transaction blocks others", "事务中空闲的会话阻塞了其他会话"),
    checks=("mysql.blocked_sessions",),
)
_SUMMARY = Say(
    "Session {id} (user {user} from {client}) is idle in a transaction and blocks {waiting:count} session(s) on "
    "{table}.",
    "会话 {id}（用户 {user}，来自 {client}）在事务中空闲，在 {table} 上阻塞了 {waiting:count} 个会话。",
)
_WAIT = Say(
    "{waiting:count} session(s) wait for it, the longest for {longest:duration}.",
    "有 {waiting:count} 个会话在等它，最长已等 {longest:duration}。",
)
_IDLE = Say(
    "It has been idle for {idle:duration}; its transaction is open for {transaction:duration} and changed "
    "{modified:count} row(s).",
    "它已空闲 {idle:duration}，事务已打开 {transaction:duration}，修改了 {modified:count} 行。",
)
_LAST = Say("Its last statement: {statement}", "它最后执行的语句：{statement}")
_END = Say("End session {id}, and only it", "终止会话 {id}（仅此一个）")
_FREES = Say("Takes no lock; it frees those the session holds.", "自身不加锁，并释放该会话持有的锁。")
_UNDONE = Say(
    "Nothing to undo: the transaction is rolled back, and its client gets an error and may start again.",
    "无需回滚：该事务会被回滚，客户端收到错误后可以重试。",
)
_GONE = Say("Nobody waits for session {id} any more.", "不再有会话等待会话 {id}。")
_CAUTION = Say(
    "Its uncommitted changes are lost. Look once more that the id is still that of {user} from {client}.",
    "它未提交的修改会丢失。执行前请再次确认该会话仍属于来自 {client} 的 {user}。",
)
_APPLICATION = Say(
    "Let the application commit before it waits for anything else (a person, another service)",
    "让应用在等待其他事情（用户、其他服务）之前先提交事务",
)
_NO_STATEMENT = Say("A change of the application: nothing is run on the server.", "修改应用程序，不在数据库上执行。")
_SEEN = Say("no session sleeps in a transaction for long", "不再有会话长时间在事务中空闲")
_OPEN = "SELECT trx_mysql_thread_id, trx_started FROM information_schema.INNODB_TRX ORDER BY trx_started;"


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.blocked_sessions"):
        if finding.details["kind"] == "idle_in_transaction":
            yield _cause(finding)


def _cause(finding: Finding) -> Cause:
    root, details = finding.details["root"], finding.details
    idle = _IDLE(idle=root["seconds"], transaction=root["transaction_seconds"], modified=root["rows_modified"] or 0)
    last = (_LAST(statement=root["statement"]),) if root["statement"] else ()
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="session",
        severity=finding.severity,
        confidence=0.95,
        summary=_SUMMARY(
            id=root["id"], user=root["user"], client=root["client"], waiting=details["waiting"], table=details["table"]
        ),
        because=(_WAIT(waiting=details["waiting"], longest=details["longest_seconds"]), idle, *last),
        evidence=(
            *finding.evidence,
            Evidence("session", root["id"], "id", "sessions"),
            Evidence("user", root["user"], "text", "sessions"),
            Evidence("transaction_open", root["transaction_seconds"], "seconds", "sessions"),
            Evidence("last_statement", root["statement"], "text", "last_statements"),
        ),
        remedies=(_end(root), _commit_sooner()),
        rests_on=(finding.fingerprint,),
        impact=min(1.0, details["waiting"] / max(1, details["session_total"])),
    )


def _end(root: dict[str, object]) -> Remedy:
    session = int(str(root["id"]))
    return Remedy(
        title=_END(id=session),
        statements=(f"KILL CONNECTION {session};",),
        lock=_FREES(),
        risk="medium",
        when="now",
        rollback=(),
        rollback_note=_UNDONE(),
        verify=_GONE(id=session),
        verify_statement=_OPEN,
        caution=_CAUTION(user=str(root["user"]), client=str(root["client"])),
    )


def _commit_sooner() -> Remedy:
    return Remedy(
        title=_APPLICATION(), statements=(), lock=_NO_STATEMENT(), risk="low", when="later", rollback=(),
        rollback_note=_NO_STATEMENT(), verify=_SEEN(), verify_statement=_OPEN,
    )  # fmt: skip
