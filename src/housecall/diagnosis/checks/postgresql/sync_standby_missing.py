"""Commits that must wait for a synchronous standby which is not there.

Why it matters: with synchronous_standby_names set and too few standbys connected, every commit hangs for ever.
How to fix: bring the standby back, or take it out of synchronous_standby_names knowingly.
Cannot see: standbys and waits of other roles without pg_read_all_stats.
Source: PostgreSQL manual, "Synchronous Replication".
"""

import re
from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.diagnosis.unavailable import grant
from housecall.engines.postgresql.rows.replication import ReplicaStatus, Standby
from housecall.engines.postgresql.rows.sessions import Session
from housecall.wording import Say

CHECK = Check(
    id="postgresql.sync_standby_missing",
    item="high_availability_disaster_recovery_analysis",
    severity=Severity.CRITICAL,
    title=Say("Synchronous standby missing", "同步备库缺失"),
)

_MISSING = Say(
    "{present:count} of {wanted:count} synchronous standbys {present:is|are} connected; {waiting:count}"
    " session{waiting:|s} {waiting:hangs|hang} in commit.",
    "需要 {wanted:count} 个同步备库，当前仅 {present:count} 个；{waiting:count} 个会话卡在提交。",
)

_HIDDEN = Say("role '{user}' may not see which standbys are synchronous", "角色 '{user}' 无权查看哪些备库是同步的")


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding | NotEvaluated]:
    status = now.row(ReplicaStatus)
    wanted = wanted_standbys(status.synchronous_standby_names)
    if status.in_recovery or not wanted:
        return
    standbys = now.rows(Standby)
    if any(not standby.visible for standby in standbys):
        yield NotEvaluated(
            CHECK.id,
            _HIDDEN(user=now.facts.user),
            grant("pg_monitor", now),
        )
        return
    present = sum(standby.sync_state in ("sync", "quorum") for standby in standbys)
    waiting = [session for session in now.rows(Session) if session.wait_event == "SyncRep"]
    if present >= wanted:
        return
    longest = max((session.statement_seconds or 0.0 for session in waiting), default=0.0)
    yield Finding(
        check=CHECK.id,
        item=CHECK.item,
        severity=Severity.CRITICAL if waiting else Severity.WARNING,
        object="synchronous_standby_names",
        object_kind="setting",
        message=_MISSING(present=present, wanted=wanted, waiting=len(waiting)),
        evidence=(
            Evidence("synchronous_standby_names", status.synchronous_standby_names, "text", "replica_status"),
            Evidence("wanted", wanted, "standbys", "replica_status"),
            Evidence("connected_synchronous", present, "standbys", "standbys"),
            Evidence("sessions_in_commit", len(waiting), "sessions", "sessions"),
            Evidence("longest_in_commit", round(longest, 1), "seconds", "sessions"),
        ),
        details={
            "names": status.synchronous_standby_names,
            "wanted": wanted,
            "present": present,
            "waiting": len(waiting),
            "longest_seconds": longest,
            "session_total": max((session.session_total for session in now.rows(Session)), default=0),
        },
    )


def wanted_standbys(names: str) -> int:
    """How many standbys a commit waits for: `a, b` wants one, `FIRST 2 (a, b, c)`, `ANY 2 (...)` and `2 (...)` two."""
    if not names.strip():
        return 0
    match = re.match(r"\s*(?:first\s+|any\s+)?(\d+)\s*\(", names, re.IGNORECASE)
    return int(match[1]) if match else 1
