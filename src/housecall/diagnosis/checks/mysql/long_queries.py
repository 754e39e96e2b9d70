"""Statements that have been running for a long time.

Why it matters: a statement that runs for minutes is either a report, a runaway, or waits for something.
How to fix: look at its plan; end it (KILL QUERY) when nobody waits for its result; set max_execution_time (MySQL) or
max_statement_time (MariaDB).
Cannot see: statements that ended before we looked. Replication and its threads are left out: they run for ever.
Source: MySQL manual, "The INFORMATION_SCHEMA PROCESSLIST Table"; the times are our proposal, and no more than a notice,
since length alone is no fault.
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
    id="mysql.long_queries",
    item="slow_query_analysis",
    severity=Severity.NOTICE,
    title=Say("Long-running statements", "长时间运行的语句"),
    thresholds=[
        Threshold("info_seconds", 60.0, "a page's statement is over after a second"),
        Threshold("notice_seconds", 300.0, "five minutes are a report or a runaway"),
        Threshold("max_sessions", 10, "the oldest; the total is told"),
    ],
)
_MESSAGE = Say(
    "The statement of session {id} ({user}) has been running for {age:duration}.",
    "会话 {id}（用户 {user}）的语句已运行 {age:duration}。",
)
_WORKING = ("Query", "Execute")


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    locks = locks_of(now)
    running = [
        each
        for each in locks.sessions
        if each.command in _WORKING and each.id not in locks.waiting and (each.seconds or 0.0) >= limits["info_seconds"]
    ]
    for session in sorted(running, key=lambda each: -(each.seconds or 0.0))[: int(limits["max_sessions"])]:
        age, details = session.seconds or 0.0, session_details(locks, session)
        yield Finding(
            CHECK.id, CHECK.item, Severity.NOTICE if age >= limits["notice_seconds"] else Severity.INFO,
            f"session {session.id}", "session", _MESSAGE(id=session.id, user=session.user_name, age=age),
            measured(
                Session,
                running=(age, "seconds"),
                state=(session.state, "text"),
                client=(session.client, "text"),
                statement=(details["statement"], "text"),
                statements_like_this=(len(running), "count"),
            ),
            details=details,
            identity=f"{session.user_name}@{session.client}|{details['statement']}",
        )  # fmt: skip
