"""Transactions take the same locks in different orders and block each other until the server ends one.

The server counts deadlocks but keeps no statements: the log has them. Past ones are told as past.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._sessions import NO_LOCK, application_change
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="deadlock",
    title=Say("Deadlocks", "死锁"),
    checks=("postgresql.deadlocks",),
)

RECENT_SECONDS = 24 * 3600.0
"""Counters younger than a day say that it happens now; older ones need the rate to say so (our proposal)."""

_SUMMARY = Say(
    "Transactions in database {database} deadlock: {deadlocks:count} within {seconds:duration}.",
    "数据库 {database} 的事务发生死锁：{seconds:duration} 内 {deadlocks:count} 次。",
)
_RATE = Say("That is {rate:number} an hour.", "即每小时 {rate:number} 次。")
_WINDOW = Say("{count:count} of them happened while we looked.", "其中 {count:count} 次发生在本次检查期间。")
_LOG = Say(
    "The statements of each are in the server's log, under 'deadlock detected'.",
    "每次死锁涉及的语句记录在服务器日志的 “deadlock detected” 条目中。",
)
_ORDER = Say(
    "Lock rows in one order everywhere (for example ORDER BY id with FOR UPDATE before updating several), and retry"
    " the transaction on SQLSTATE 40P01",
    "所有代码按同一顺序加锁（例如更新多行前先按 id 排序 FOR UPDATE），遇到 SQLSTATE 40P01 时重试事务",
)
_NO_MORE = Say("The count of deadlocks of {database} grows no more.", "{database} 的死锁计数不再增长。")
_LOG_WAITS = Say("Write lock waits longer than deadlock_timeout to the log", "把超过 deadlock_timeout 的锁等待写入日志")
_LOGGED = Say(
    "The setting is on; the next waits name both sides in the log.", "设置已开启，之后的锁等待会在日志中记录双方。"
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:  # noqa: ARG001
    for finding in found.of("postgresql.deadlocks"):
        if finding.severity.rank >= Severity.NOTICE.rank and finding.details["is_current"]:
            yield _cause(finding)
    others = [each for each in found.of("postgresql.deadlocks") if not each.details["is_current"]]
    yield from (_cause(each) for each in others if each.severity.rank >= Severity.WARNING.rank)


def _cause(finding: Finding) -> Cause:
    details = finding.details
    because = [_RATE(rate=details["rate"])]
    if details["in_window"] > 0:
        because.append(_WINDOW(count=details["in_window"]))
    because.append(_LOG())
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="database",
        severity=finding.severity,
        confidence=0.9,
        summary=_SUMMARY(database=finding.object, deadlocks=details["deadlocks"], seconds=details["seconds"]),
        because=tuple(because),
        evidence=finding.evidence,
        remedies=(
            application_change(_ORDER(), _NO_MORE(database=finding.object), _COUNT),
            _log_lock_waits(),
        ),
        rests_on=(finding.fingerprint,),
        past=details["in_window"] == 0 and details["seconds"] > RECENT_SECONDS and details["rate"] < 1,
    )


_COUNT = "SELECT datname, deadlocks FROM pg_catalog.pg_stat_database WHERE datname = current_database()"


def _log_lock_waits() -> Remedy:
    return Remedy(
        title=_LOG_WAITS(),
        statements=("ALTER SYSTEM SET log_lock_waits = on", "SELECT pg_catalog.pg_reload_conf()"),
        lock=NO_LOCK(),
        risk="low",
        when="now",
        rollback=("ALTER SYSTEM RESET log_lock_waits", "SELECT pg_catalog.pg_reload_conf()"),
        verify=_LOGGED(),
        verify_statement="SHOW log_lock_waits",
    )
