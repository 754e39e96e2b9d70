"""A standby that receives nothing from its primary, or was told to stop replaying.

Why it matters: it falls behind by everything that is written, while it still answers queries as if nothing were
wrong.
How to fix: mend the connection (address, password, slot, pg_hba.conf; the standby's log tells), or resume the replay.
Cannot see: a standby that is fed from an archive on purpose has no receiver either; it is told apart by
primary_conninfo.
Source: the practice of check_pgactivity; PostgreSQL manual, pg_stat_wal_receiver and "Recovery Control Functions".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.diagnosis.unavailable import grant
from housecall.engines.postgresql.rows.replication import ReplicaStatus
from housecall.wording import Say

CHECK = Check(
    id="postgresql.standby_disconnected",
    item="high_availability_disaster_recovery_analysis",
    severity=Severity.CRITICAL,
    title=Say("Standby without primary, or paused", "备库断连或暂停重放"),
)

_DISCONNECTED = Say(
    "This standby has no connection to its primary; its newest transaction is {seconds:duration} old.",
    "本备库与主库没有连接，最新事务距今 {seconds:duration}。",
)
_PAUSED = Say(
    "Replay is paused on this standby; its newest transaction is {seconds:duration} old.",
    "本备库的重放已暂停，最新事务距今 {seconds:duration}。",
)

_HIDDEN = Say(
    "there is no WAL receiver, and role '{user}' may not see whether there should be one",
    "没有 WAL 接收进程，而角色 '{user}' 无权查看是否应该有",
)


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding | NotEvaluated]:
    status = now.row(ReplicaStatus)
    if not status.in_recovery:
        return
    if status.replay_paused:
        yield _finding("paused", Severity.WARNING, status, now)
    if not status.receiver_running and status.has_primary is not False:
        if status.has_primary is None:
            yield NotEvaluated(
                CHECK.id,
                _HIDDEN(user=now.facts.user),
                grant("pg_monitor", now),
            )
        else:
            yield _finding("disconnected", Severity.CRITICAL, status, now)


def _finding(what: str, severity: Severity, status: ReplicaStatus, now: Snapshot) -> Finding:
    say = _PAUSED if what == "paused" else _DISCONNECTED
    return Finding(
        check=CHECK.id,
        item=CHECK.item,
        severity=severity,
        object=now.instance,
        object_kind="replica",
        message=say(seconds=status.last_replayed_seconds),
        evidence=(
            Evidence("receiver_running", status.receiver_running, "flag", "replica_status"),
            Evidence("replay_paused", status.replay_paused, "flag", "replica_status"),
            Evidence("newest_transaction", status.last_replayed_seconds, "seconds", "replica_status"),
            Evidence("not_replayed", status.unreplayed_bytes, "bytes", "replica_status"),
        ),
        details={"what": what, "seconds": status.last_replayed_seconds},
        identity=what,
    )
