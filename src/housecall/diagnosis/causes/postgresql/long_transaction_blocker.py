"""A session that works in a transaction while others wait for the locks it holds.

Unlike an idle blocker it will finish by itself; the question is whether its work is worth the queue. A worker of
autovacuum that prevents wraparound is never to be ended: the statement that waits for it can be run later. One that
hangs in its commit for want of a standby is a victim itself.
"""

import re
from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes._sessions import share_held_up
from housecall.diagnosis.causes.postgresql._sessions import (
    BLOCKED,
    HIDDEN,
    LAST_STATEMENT,
    LONGEST_WAIT,
    UNTRACKED_WORKS,
    application_change,
    by_place,
    cancel_statement,
    explained_by_queue,
    fingerprints,
    lasting_queues,
    limit_role,
    session_evidence,
    waiting_for,
    waits_for_a_standby,
)
from housecall.diagnosis.checks.postgresql._blocking import UNTRACKED
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="long_transaction_blocker",
    title=Say("A running transaction blocks others", "正在执行的事务阻塞了其他会话"),
    checks=(BLOCKED,),
)

_SUMMARY = Say(
    "Session pid {pid} (user {user}, application {application}) is running a transaction that blocks"
    " {waiting:count} session{waiting:|s} on {table}.",
    "会话 pid {pid}（用户 {user}，应用 {application}）正在执行的事务在 {table} 上阻塞了 {waiting:count} 个会话。",
)
_SUMMARY_ELSEWHERE = Say(
    "Session pid {pid} (user {user}, application {application}) is running a transaction that blocks"
    " {waiting:count} session{waiting:|s} on a table of database {database}.",
    "会话 pid {pid}（用户 {user}，应用 {application}）正在执行的事务在数据库 "
    "{database} 的一张表上阻塞了 {waiting:count} 个会话。",
)
_SUMMARY_NO_TABLE = Say(
    "Session pid {pid} (user {user}, application {application}) is running a transaction that blocks"
    " {waiting:count} session{waiting:|s}.",
    "会话 pid {pid}（用户 {user}，应用 {application}）正在执行的事务阻塞了 {waiting:count} 个会话。",
)
_AUTOVACUUM = Say(
    "Autovacuum (pid {pid}) works on {table} against transaction id wraparound, and {waiting:count} session{waiting:|s}"
    " that want{waiting:s|} an exclusive lock wait{waiting:s|} for it.",
    "autovacuum（pid {pid}）正在处理 {table} 以防止事务 ID 回卷，{waiting:count} 个需要排他锁的会话在等它。",
)
_AUTOVACUUM_ELSEWHERE = Say(
    "Autovacuum (pid {pid}) works on a table of database {database} against transaction id wraparound, and"
    " {waiting:count} session{waiting:|s} that want{waiting:s|} an exclusive lock wait{waiting:s|} for it.",
    "autovacuum（pid {pid}）正在处理数据库 "
    "{database} 的一张表以防止事务 ID 回卷，{waiting:count} 个需要排他锁的会话在等它。",
)
_WORDS = (_SUMMARY, _SUMMARY_ELSEWHERE, _SUMMARY_NO_TABLE)
_VACUUM_WORDS = (_AUTOVACUUM, _AUTOVACUUM_ELSEWHERE, _AUTOVACUUM_ELSEWHERE)
_RUNNING = Say("Its transaction has been open for {transaction:duration}.", "它的事务已打开 {transaction:duration}。")
_WAIT_FOR_VACUUM = Say(
    "Let it finish, and run the waiting statement again afterwards with a lock_timeout",
    "等它完成后，再设置 lock_timeout 重新执行等待中的语句",
)
_NOBODY_WAITS = Say("Nobody waits for pid {pid} any more: the count is 0.", "不再有会话等待 pid {pid}：计数为 0。")


_REFRESH = Say(
    "Next time refresh it with REFRESH MATERIALIZED VIEW CONCURRENTLY, which lets readers go on; it needs a unique"
    " index on plain columns of the view",
    "下次改用 REFRESH MATERIALIZED VIEW CONCURRENTLY，读者不受影响；前提是该物化视图在普通列上有唯一索引",
)
_BUILD = Say(
    "Next time build it with CREATE INDEX CONCURRENTLY (outside a transaction), which lets writers go on",
    "下次用 CREATE INDEX CONCURRENTLY 建索引（不能放在事务中），写入不受影响",
)
_REBUILD = Say(
    "Next time use REINDEX ... CONCURRENTLY (outside a transaction), which lets readers and writers go on",
    "下次用 REINDEX ... CONCURRENTLY 重建索引（不能放在事务中），读写不受影响",
)
_REWRITE = Say(
    "Next time let plain VACUUM keep the space in use, or rewrite the table with pg_repack or in a maintenance window:"
    " VACUUM FULL and CLUSTER lock out everybody until they end",
    "平时用普通 VACUUM 让空间重复利用；确需重写时用 pg_repack 或放到维护窗口："
    "VACUUM FULL 和 CLUSTER 会一直排斥所有读写",
)
_LOCK_TABLE = Say(
    "Take a weaker lock, or none: SELECT ... FOR UPDATE of the rows it works on, or SHARE UPDATE EXCLUSIVE MODE where"
    " the job must only not meet itself; and COMMIT before long work",
    "改用更弱的锁或不加表锁：只对要处理的行用 SELECT ... FOR UPDATE；若仅为避免任务自身重复执行，"
    "用 SHARE UPDATE EXCLUSIVE MODE；长时间计算之前先提交",
)
_NOT_VALID = Say(
    "Next time add the constraint NOT VALID, which takes its lock for a moment, and run VALIDATE CONSTRAINT afterwards,"
    " which lets readers and writers go on",
    "下次先用 NOT VALID 添加约束（只短暂加锁），再执行 VALIDATE CONSTRAINT，期间读写不受影响",
)
_NOT_NULL = Say(
    "Next time add CHECK (column IS NOT NULL) NOT VALID, validate it, and then SET NOT NULL, which need not read the"
    " table again",
    "下次先添加 CHECK（列 IS NOT NULL）NOT VALID 并验证，再执行 SET NOT NULL，这样不必再扫描全表",
)
_ANOTHER_COLUMN = Say(
    "Next time add a column of the new type, fill it in batches with a trigger for new rows, and swap the two in a"
    " short transaction: a change of type rewrites the table and locks out everybody",
    "下次新增目标类型的列，分批回填并用触发器处理新行，最后在短事务中切换：直接改类型会重写全表并阻塞所有人",
)
_ADD = r"^\s*alter\s+table\b.*\badd\s+"
_MAINTENANCE: tuple[tuple[re.Pattern[str], Say], ...] = (
    (re.compile(r"^\s*refresh\s+materialized\s+view\s+(?!concurrently)", re.I), _REFRESH),
    (re.compile(r"^\s*create\s+(?:unique\s+)?index\s+(?!concurrently)", re.I), _BUILD),
    (re.compile(r"^\s*reindex\b(?!.*\bconcurrently\b)", re.I), _REBUILD),
    (re.compile(r"^\s*(?:vacuum\s*(?:full\b|\([^)]*\bfull\b)|cluster\b)", re.I), _REWRITE),
    (re.compile(r"^\s*lock\s", re.I), _LOCK_TABLE),
    (re.compile(_ADD + r"(?:constraint\s+\S+\s+)?(?:check\b|foreign\s+key\b)", re.I | re.S), _NOT_VALID),
    (re.compile(r"^\s*alter\s+table\b.*\bset\s+not\s+null\b", re.I | re.S), _NOT_NULL),
    (
        re.compile(r"^\s*alter\s+table\b.*\balter\s+(?:column\s+)?\S+\s+(?:set\s+data\s+)?type\b", re.I | re.S),
        _ANOTHER_COLUMN,
    ),
)
"""What there is a gentler way for, by the beginning of the statement."""


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:  # noqa: ARG001
    for finding in lasting_queues(found):
        if waits_for_a_standby(finding):
            continue
        if finding.details["kind"] in ("running", "hidden", "autovacuum") or _works_under_advisory_lock(finding):
            yield _cause(finding, found)


def _works_under_advisory_lock(finding: Finding) -> bool:
    return finding.details["kind"] == "advisory" and finding.details["root"]["state"] in ("active", None)


def _cause(finding: Finding, found: Found) -> Cause:
    root, details = finding.details["root"], finding.details
    waiting, total = details["waiting"], details["session_total"]
    is_vacuum = details["kind"] == "autovacuum"
    because = [LONGEST_WAIT(waiting=waiting, longest=details["longest_seconds"])]
    if root["transaction_seconds"] is not None:
        because.append(_RUNNING(transaction=root["transaction_seconds"]))
    if root["state"] == UNTRACKED:
        because.append(UNTRACKED_WORKS())
    else:
        because.append(LAST_STATEMENT(statement=root["statement"]) if root["visible"] else HIDDEN())
    words = _VACUUM_WORDS if is_vacuum else _WORDS
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="session",
        severity=finding.severity,
        confidence=_confidence(finding),
        summary=by_place(finding, *words)(
            pid=root["pid"],
            user=root["user"],
            application=root["application"] or "-",
            waiting=waiting,
            table=details["relation"],
            database=details["elsewhere"] or root["database"],
        ),
        because=tuple(because),
        evidence=(*finding.evidence[:3], *session_evidence(root)),
        remedies=_remedies(finding, is_vacuum),
        rests_on=(finding.fingerprint,),
        absorbs=fingerprints(explained_by_queue(found, root["pid"], waiting, total)),
        holds_up=share_held_up(details),
    )


def _confidence(finding: Finding) -> float:
    return 0.5 if finding.details["kind"] == "hidden" else 0.9


def _remedies(finding: Finding, is_vacuum: bool) -> tuple[Remedy, ...]:
    root = finding.details["root"]
    if is_vacuum:
        pid = root["pid"]
        return (application_change(_WAIT_FOR_VACUUM(), _NOBODY_WAITS(pid=pid), waiting_for(pid)),)
    advice = next((say for pattern, say in _MAINTENANCE if pattern.match(root["statement"] or "")), None)
    if advice is not None:
        pid = root["pid"]
        return (cancel_statement(root), application_change(advice(), _NOBODY_WAITS(pid=pid), waiting_for(pid)))
    return (cancel_statement(root), *limit_role(root["user"], "statement_timeout", "5min"))
