"""Sessions that opened a transaction and do nothing in it.

Why it matters: an open transaction keeps its locks and, if it has a snapshot, every row version that vacuum should
remove.
How to fix: commit or roll back in the application; end the session; set idle_in_transaction_session_timeout.
Cannot see: states of other roles' sessions without pg_read_all_stats.
Source: PostgreSQL manual, "Routine Vacuuming"; thresholds from the practice of check_pgactivity and postgres-mcp,
with the warning moved to half an hour because a session that blocks or holds back vacuum is reported by its effect.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._blocking import hidden_sessions, one_line, session_details, session_identity
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.sessions import Session
from housecall.wording import Say

CHECK = Check(
    id="postgresql.idle_in_transaction",
    item="connection_session_management",
    severity=Severity.WARNING,
    title=Say("Idle in transaction", "事务中空闲的会话"),
    thresholds=[
        Threshold("info_seconds", 60.0, "application gaps are milliseconds; a minute is worth a line"),
        Threshold("notice_seconds", 300.0, "common practice"),
        Threshold("warning_seconds", 1800.0, "nobody thinks that long: the transaction was forgotten"),
        Threshold("max_sessions", 10, "the oldest; the total is told"),
    ],
)

_MESSAGE = Say(
    "Session pid {pid} of {user} has been idle in a transaction for {idle:duration}.",
    "用户 {user} 的会话 pid {pid} 在事务中空闲已 {idle:duration}。",
)
_READING = "sessions"


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    sessions = now.rows(Session)
    idle = [each for each in sessions if (each.state or "").startswith("idle in transaction")]
    old = [each for each in idle if (each.state_seconds or 0.0) >= limits["info_seconds"]]
    for session in sorted(old, key=lambda each: -(each.state_seconds or 0.0))[: int(limits["max_sessions"])]:
        yield _finding(session, len(old), limits)
    yield from hidden_sessions(now, CHECK.id)


def _finding(session: Session, total: int, limits: Limits) -> Finding:
    idle = session.state_seconds or 0.0
    return Finding(
        check=CHECK.id,
        item=CHECK.item,
        severity=_severity(idle, limits),
        object=f"pid {session.pid}",
        object_kind="session",
        message=_MESSAGE(pid=session.pid, user=session.user_name, idle=idle),
        evidence=(
            Evidence("idle", round(idle, 1), "seconds", _READING),
            Evidence("transaction", round(session.transaction_seconds or 0.0, 1), "seconds", _READING),
            Evidence("application", session.application, "text", _READING),
            Evidence("client", session.client, "text", _READING),
            Evidence("last_statement", one_line(session.statement), "text", _READING),
            Evidence("sessions_like_this", total, "sessions", _READING),
        ),
        details={**session_details(session), "has_written": session.has_written},
        identity=session_identity(session),
    )


def _severity(idle_seconds: float, limits: Limits) -> Severity:
    if idle_seconds >= limits["warning_seconds"]:
        return Severity.WARNING
    return Severity.NOTICE if idle_seconds >= limits["notice_seconds"] else Severity.INFO
