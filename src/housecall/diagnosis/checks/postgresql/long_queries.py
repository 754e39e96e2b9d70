"""Statements that have been running for a long time.

Why it matters: a statement that runs for minutes is either a report, a runaway, or waits for something.
How to fix: look at its plan; cancel it (pg_cancel_backend) when nobody waits for its result; set statement_timeout.
Cannot see: statements of other roles without pg_read_all_stats; statements that ended before we looked.
Source: the practice of PgHero and check_pgactivity (60 s and 300 s), as info and notice, since length alone is no
fault.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._blocking import hidden_sessions, one_line, session_details, session_identity
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.sessions import Session
from housecall.wording import Say

CHECK = Check(
    id="postgresql.long_queries",
    item="slow_query_analysis",
    severity=Severity.NOTICE,
    title=Say("Long-running statements", "长时间运行的语句"),
    thresholds=[
        Threshold("info_seconds", 60.0, "common practice"),
        Threshold("notice_seconds", 300.0, "common practice"),
        Threshold("max_sessions", 10, "the oldest; the total is told"),
    ],
)

_MESSAGE = Say(
    "The statement of session pid {pid} ({user}) has been running for {age:duration}.",
    "会话 pid {pid}（用户 {user}）的语句已运行 {age:duration}。",
)
_READING = "sessions"


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    yield from hidden_sessions(now, CHECK.id)
    running = [
        each
        for each in now.rows(Session)
        if each.state == "active"
        and each.backend_type == "client backend"
        and not each.blocked_by
        and (each.statement_seconds or 0.0) >= limits["info_seconds"]
    ]
    for session in sorted(running, key=lambda each: -(each.statement_seconds or 0.0))[: int(limits["max_sessions"])]:
        age = session.statement_seconds or 0.0
        yield Finding(
            check=CHECK.id,
            item=CHECK.item,
            severity=Severity.NOTICE if age >= limits["notice_seconds"] else Severity.INFO,
            object=f"pid {session.pid}",
            object_kind="session",
            message=_MESSAGE(pid=session.pid, user=session.user_name, age=age),
            evidence=(
                Evidence("running", round(age, 1), "seconds", _READING),
                Evidence("waits_on", _wait(session), "text", _READING),
                Evidence("application", session.application, "text", _READING),
                Evidence("statement", one_line(session.statement), "text", _READING),
                Evidence("statements_like_this", len(running), "sessions", _READING),
            ),
            details=session_details(session),
            identity=session_identity(session),
        )


def _wait(session: Session) -> str | None:
    return f"{session.wait_event_type}:{session.wait_event}" if session.wait_event else None
