"""What active sessions wait for, over the samples of the session list.

Why it matters: the wait that most sessions share names the bottleneck: a lock, storage, the lock manager, a commit.
How to fix: depends on the wait; the causes built on this check say it where one wait proves one cause.
Cannot see: waits of other roles without pg_read_all_stats; a few looks within a second tell only heavy waits.
Source: PostgreSQL manual, "Wait Events"; see also postgresai (half of the sessions).
"""

from collections import Counter
from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._blocking import hidden_sessions
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.sessions import Session
from housecall.wording import Say

CHECK = Check(
    id="postgresql.wait_events",
    item="performance_metrics",
    severity=Severity.NOTICE,
    title=Say("What sessions wait for", "等待事件分布"),
    thresholds=[
        Threshold("min_active", 3, "average active sessions; fewer are not a crowd"),
        Threshold("min_share", 0.2, "a fifth of the active sessions in one internal wait is not chance"),
        Threshold("notice_share", 0.5, "common practice"),
        Threshold("min_looks", 3, "fewer samples prove nothing"),
    ],
    needs_window=True,
)

_MESSAGE = Say(
    "{share:percent} of the active sessions wait on {event} ({sessions:number} on average).",
    "{share:percent} 的活动会话在等待 {event}（平均 {sessions:number} 个）。",
)
_READING = "sessions"
_IDLE_TYPES = {None, "Client", "Activity", "Timeout", "Extension"}

_FEW = Say("the session list was looked at only {looks:count} time{looks:|s}", "会话列表只采样了 {looks:count} 次")


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    yield from hidden_sessions(now, CHECK.id)
    looks = [sample.rows(Session) for sample in now.samples]
    if len(looks) < limits["min_looks"]:
        yield NotEvaluated(CHECK.id, _FEW(looks=len(looks)))
        return
    active = [each for sessions in looks for each in sessions if each.state == "active"]
    average_active = len(active) / len(looks)
    if average_active < limits["min_active"]:
        return
    waits = Counter(
        (each.wait_event_type, each.wait_event) for each in active if each.wait_event_type not in _IDLE_TYPES
    )
    for (wait_type, event), seen in waits.most_common(3):
        share = seen / len(active)
        if share >= limits["min_share"]:
            yield _finding(f"{wait_type}:{event}", share, seen / len(looks), len(looks), limits)


def _finding(event: str, share: float, sessions: float, looks: int, limits: Limits) -> Finding:
    return Finding(
        check=CHECK.id,
        item=CHECK.item,
        severity=Severity.NOTICE if share >= limits["notice_share"] else Severity.INFO,
        object=event,
        object_kind="server",
        message=_MESSAGE(share=share, event=event, sessions=sessions),
        evidence=(
            Evidence("share_of_active_sessions", round(share, 3), "share", _READING),
            Evidence("sessions_on_average", round(sessions, 1), "sessions", _READING),
            Evidence("samples", looks, "samples", _READING),
        ),
        details={"event": event, "share": share, "sessions": sessions, "samples": looks},
    )
