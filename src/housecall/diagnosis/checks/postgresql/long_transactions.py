"""Transactions that have been open and working for a long time.

Why it matters: as long as they run, vacuum cannot remove what died since they began, and their locks stay.
How to fix: split the work into batches, move reports to a standby, or end the transaction.
Cannot see: whether the work is wanted: a dump or a report is long on purpose, so length alone is a notice.
Source: the practice of check_pgactivity and pganalyze (600 s).
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._blocking import hidden_sessions, one_line, session_details, session_identity
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.sessions import Session
from housecall.wording import Say

CHECK = Check(
    id="postgresql.long_transactions",
    item="connection_session_management",
    severity=Severity.NOTICE,
    title=Say("Long transactions", "长事务"),
    thresholds=[
        Threshold("notice_seconds", 600.0, "common practice"),
        Threshold("max_sessions", 10, "the oldest; the total is told"),
    ],
)

_MESSAGE = Say(
    "The transaction of session pid {pid} ({user}) has been open for {age:duration}.",
    "会话 pid {pid}（用户 {user}）的事务已打开 {age:duration}。",
)
_READING = "sessions"


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    yield from hidden_sessions(now, CHECK.id)
    old = [
        each
        for each in now.rows(Session)
        if (each.transaction_seconds or 0.0) >= limits["notice_seconds"]
        and each.backend_type == "client backend"
        and not (each.state or "").startswith("idle in transaction")
    ]
    for session in sorted(old, key=lambda each: -(each.transaction_seconds or 0.0))[: int(limits["max_sessions"])]:
        age = session.transaction_seconds or 0.0
        yield Finding(
            check=CHECK.id,
            item=CHECK.item,
            severity=Severity.NOTICE,
            object=f"pid {session.pid}",
            object_kind="session",
            message=_MESSAGE(pid=session.pid, user=session.user_name, age=age),
            evidence=(
                Evidence("transaction", round(age, 1), "seconds", _READING),
                Evidence("state", session.state, "text", _READING),
                Evidence("application", session.application, "text", _READING),
                Evidence("statement", one_line(session.statement), "text", _READING),
                Evidence("transactions_like_this", len(old), "sessions", _READING),
            ),
            details=session_details(session),
            identity=session_identity(session),
        )
