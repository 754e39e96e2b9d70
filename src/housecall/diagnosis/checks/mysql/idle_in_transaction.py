"""Sessions that opened a transaction and do nothing in it.

Why it matters: an open transaction keeps its row locks, the metadata locks of every table it touched, and a read view
that keeps purge from removing old row versions.
How to fix: commit or roll back in the application; end the session. MariaDB has idle_transaction_timeout.
Cannot see: what a session will do next; one that blocks is reported by its queue.
Source: MySQL manual, "Metadata Locking" and "Purge Configuration"; the times are those of the same check on PostgreSQL.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._blocking import locks_of, session_details
from housecall.diagnosis.checks.mysql._measured import measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.sessions import Session
from housecall.wording import Say

CHECK = Check(
    id="mysql.idle_in_transaction",
    item="connection_session_management",
    severity=Severity.WARNING,
    title=Say("Idle in transaction", "事务中空闲的会话"),
    thresholds=[
        Threshold("info_seconds", 60.0, "application gaps are milliseconds; a minute is worth a line"),
        Threshold("notice_seconds", 300.0, "five minutes hold back purge and every schema change on its tables"),
        Threshold("warning_seconds", 1800.0, "nobody thinks that long: the transaction was forgotten"),
        Threshold("max_sessions", 10, "the oldest; the total is told"),
    ],
)
_MESSAGE = Say(
    "Session {id} of {user} has been idle in a transaction for {idle:duration}.",
    "用户 {user} 的会话 {id} 在事务中空闲已 {idle:duration}。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    locks = locks_of(now)
    idle = [each for each in locks.sessions if each.is_idle_in_transaction]
    old = [each for each in idle if (each.seconds or 0.0) >= limits["info_seconds"]]
    for session in sorted(old, key=lambda each: -(each.seconds or 0.0))[: int(limits["max_sessions"])]:
        seconds = session.seconds or 0.0
        details = session_details(locks, session)
        yield Finding(
            CHECK.id, CHECK.item, _severity(seconds, limits), f"session {session.id}", "session",
            _MESSAGE(id=session.id, user=session.user_name, idle=seconds),
            measured(
                Session,
                idle=(seconds, "seconds"),
                transaction=(session.transaction_seconds, "seconds"),
                client=(session.client, "text"),
                rows_modified=(session.rows_modified, "count"),
                last_statement=(details["statement"], "text"),
                sessions_like_this=(len(old), "count"),
            ),
            details=details,
            identity=f"{session.user_name}@{session.client}|{details['statement']}",
        )  # fmt: skip


def _severity(idle_seconds: float, limits: Limits) -> Severity:
    if idle_seconds >= limits["warning_seconds"]:
        return Severity.WARNING
    return Severity.NOTICE if idle_seconds >= limits["notice_seconds"] else Severity.INFO
