"""Old row versions that purge has not removed, and the oldest open transaction, which may be why.

Why it matters: every read of a row that changed walks through its old versions, and undo space grows.
How to fix: end the old transaction or read view; shorten reports and dumps, or run them on a replica.
Cannot see: whether the oldest transaction holds a read view (under READ COMMITTED it does only while a statement runs).
Source: MySQL manual, "Purge Configuration" (innodb_max_purge_lag); 1 million is the line of pt and RDS runbooks, the
smaller ones are ours and need an old transaction beside them.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._blocking import locks_of, session_details
from housecall.diagnosis.checks.mysql._innodb import history_list_length
from housecall.diagnosis.checks.mysql._measured import measured, number
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.innodb import InnodbStatus
from housecall.engines.mysql.rows.server import Variable
from housecall.engines.mysql.rows.sessions import Session
from housecall.wording import Say

CHECK = Check(
    id="mysql.history_list",
    item="storage_engine_analysis",
    severity=Severity.CRITICAL,
    title=Say("History list length", "历史列表长度"),
    thresholds=[
        Threshold("notice_length", 5_000, "a few hundred to some thousand come and go under any load"),
        Threshold("held_seconds", 10.0, "a transaction as old as this, and purge waits for it"),
        Threshold("warning_length", 100_000, "with an old transaction: it grows until that one ends"),
        Threshold("warning_alone_length", 1_000_000, "purge cannot keep up, whoever is to blame"),
        Threshold("critical_length", 10_000_000, "hours of purging, and every read pays for it"),
    ],
    needs_window=True,
)
_HELD = Say(
    "{length:count} committed changes are not purged; the oldest transaction, of session {id} ({user}), has been open"
    " for {age:duration}.",
    "有 {length:count} 个已提交的变更未被清理；最老的事务属于会话 {id}（{user}），已打开 {age:duration}。",
)
_ALONE = Say(
    "{length:count} committed changes are not purged, and no old transaction explains it.",
    "有 {length:count} 个已提交的变更未被清理，且没有老事务可以解释。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    length = history_list_length(now)
    locks = locks_of(now)
    open_ones = [each for each in locks.sessions if (each.transaction_seconds or 0.0) >= limits["held_seconds"]]
    oldest = max(open_ones, key=lambda each: each.transaction_seconds or 0.0, default=None)
    if length < (limits["notice_length"] if oldest else limits["warning_alone_length"]):
        return
    grown = length - history_list_length(earlier) if earlier else None
    details = session_details(locks, oldest) if oldest else None
    yield Finding(
        CHECK.id, CHECK.item, _severity(length, limits), f"session {oldest.id}" if oldest else "server",
        "session" if oldest else "server",
        _HELD(length=length, id=oldest.id, user=oldest.user_name, age=oldest.transaction_seconds)
        if oldest
        else _ALONE(length=length),
        measured(InnodbStatus, history_list_length=(length, "count"), grown_in_the_window=(grown, "count"))
        + measured(
            Session,
            oldest_transaction=(oldest.transaction_seconds if oldest else None, "seconds"),
            isolation=(oldest.isolation_level if oldest else None, "text"),
            statement=(details["statement"] if details else None, "text"),
        )
        + measured(Variable, purge_threads=(number(now, "innodb_purge_threads"), "count")),
        details={
            "length": length, "grown": grown, "root": details,
            "isolation": oldest.isolation_level if oldest else None,
            "purge_threads": number(now, "innodb_purge_threads"),
        },
        identity=f"{oldest.user_name}@{oldest.client}" if oldest else "server",
    )  # fmt: skip


def _severity(length: float, limits: Limits) -> Severity:
    if length >= limits["critical_length"]:
        return Severity.CRITICAL
    return Severity.WARNING if length >= limits["warning_length"] else Severity.NOTICE
