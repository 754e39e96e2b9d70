"""Transactions that have been open and working for a long time.

Why it matters: their locks stay, and purge cannot remove the row versions that they may still read.
How to fix: split the work into batches, move reports to a replica, or end the transaction.
Cannot see: whether the work is wanted: a dump or a report is long on purpose, so length alone is a notice.
Source: MySQL manual, "Purge Configuration"; ten minutes as on PostgreSQL.
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
    id="mysql.long_transactions",
    item="connection_session_management",
    severity=Severity.NOTICE,
    title=Say("Long transactions", "长事务"),
    thresholds=[
        Threshold("notice_seconds", 600.0, "a web request or a batch step is over long before"),
        Threshold("max_sessions", 10, "the oldest; the total is told"),
    ],
)
_MESSAGE = Say(
    "The transaction of session {id} ({user}) has been open for {age:duration}.",
    "会话 {id}（用户 {user}）的事务已打开 {age:duration}。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    locks = locks_of(now)
    old = [
        each
        for each in locks.sessions
        if (each.transaction_seconds or 0.0) >= limits["notice_seconds"]
        and not each.is_idle_in_transaction
        and each.id not in locks.waiting
    ]
    for session in sorted(old, key=lambda each: -(each.transaction_seconds or 0.0))[: int(limits["max_sessions"])]:
        age, details = session.transaction_seconds or 0.0, session_details(locks, session)
        yield Finding(
            CHECK.id, CHECK.item, Severity.NOTICE, f"session {session.id}", "session",
            _MESSAGE(id=session.id, user=session.user_name, age=age),
            measured(
                Session,
                transaction=(age, "seconds"),
                client=(session.client, "text"),
                statement=(details["statement"], "text"),
                transactions_like_this=(len(old), "count"),
            ),
            details=details,
            identity=f"{session.user_name}@{session.client}|{details['statement']}",
        )  # fmt: skip
