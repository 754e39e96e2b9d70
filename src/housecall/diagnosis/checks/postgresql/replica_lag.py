"""Standbys that are behind, seen from the primary (bytes) and from the standby itself (time, and why).

Why it matters: reads on the standby are old, and a failover loses or waits for what was not replayed.
How to fix: depends on where it is stuck: sending (network), replaying (a query in the way, a delay set on purpose,
slow disks).
Cannot see: from the primary, a delay that is set on the standby: its replay_lag column may show milliseconds
meanwhile, so bytes decide. On an idle primary the time since the last replayed transaction grows without any lag.
Source: the practice of check_pgactivity (30 s, 100 MB); PostgreSQL manual, pg_stat_replication.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.diagnosis.unavailable import grant
from housecall.engines.postgresql.rows.replication import ReplicaStatus, Standby
from housecall.wording import Say

CHECK = Check(
    id="postgresql.replica_lag",
    item="high_availability_disaster_recovery_analysis",
    severity=Severity.WARNING,
    title=Say("Replica lag", "复制延迟"),
    thresholds=[
        Threshold("notice_bytes", 16 * 1024**2, "one WAL segment: a moment's burst on a busy server"),
        Threshold("warning_bytes", 100 * 1024**2, "common practice"),
        Threshold("warning_seconds", 30.0, "common practice"),
    ],
)

_PRIMARY = Say(
    "Standby {standby} ({client}) is {lag:bytes} behind: {unsent:bytes} not sent, {unreplayed:bytes} not replayed.",
    "备库 {standby}（{client}）落后 {lag:bytes}：未发送 {unsent:bytes}，未重放 {unreplayed:bytes}。",
)
_STANDBY = Say(
    "This standby has {unreplayed:bytes} of WAL to replay; its newest transaction is {seconds:duration} old.",
    "本备库还有 {unreplayed:bytes} WAL 未重放，最新事务距今 {seconds:duration}。",
)

_HIDDEN = Say(
    "role '{user}' may not see how far {standbys:count} standby{standbys:|s} {standbys:has|have} got",
    "角色 '{user}' 看不到 {standbys:count} 个备库的复制进度",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    standbys = [row for row in now.rows(Standby) if not row.is_logical]
    for standby in standbys:
        lag = standby.replay_lag_bytes or 0
        if standby.state != "backup" and lag >= limits["notice_bytes"]:
            yield _of_standby(standby, lag, limits)
    hidden = sum(not standby.visible for standby in standbys)
    if hidden:
        yield NotEvaluated(
            CHECK.id,
            _HIDDEN(user=now.facts.user, standbys=hidden),
            grant("pg_monitor", now),
        )
    status = now.row(ReplicaStatus)
    if status.in_recovery:
        yield from _here(status, now, limits)


def _of_standby(standby: Standby, lag: int, limits: Limits) -> Finding:
    name = standby.application or f"pid {standby.pid}"
    unsent = standby.send_lag_bytes or 0
    late = (standby.replay_lag_seconds or 0.0) >= limits["warning_seconds"] or lag >= limits["warning_bytes"]
    return Finding(
        check=CHECK.id,
        item=CHECK.item,
        severity=Severity.WARNING if late else Severity.NOTICE,
        object=name,
        object_kind="replica",
        message=_PRIMARY(standby=name, client=standby.client, lag=lag, unsent=unsent, unreplayed=max(0, lag - unsent)),
        evidence=(
            Evidence("behind", lag, "bytes", "standbys"),
            Evidence("not_sent", unsent, "bytes", "standbys"),
            Evidence("replay_lag_column", standby.replay_lag_seconds, "seconds", "standbys"),
            Evidence("state", standby.state, "text", "standbys"),
            Evidence("sync_state", standby.sync_state, "text", "standbys"),
        ),
        details={"where": "primary", "lag_bytes": lag, "unsent_bytes": unsent, "client": standby.client},
    )


def _here(status: ReplicaStatus, now: Snapshot, limits: Limits) -> Iterator[Finding]:
    unreplayed, seconds = status.unreplayed_bytes or 0, status.last_replayed_seconds or 0.0
    if unreplayed < limits["notice_bytes"] and not (unreplayed > 0 and seconds >= limits["warning_seconds"]):
        return
    late = seconds >= limits["warning_seconds"] or unreplayed >= limits["warning_bytes"]
    yield Finding(
        check=CHECK.id,
        item=CHECK.item,
        severity=Severity.WARNING if late else Severity.NOTICE,
        object=now.instance,
        object_kind="replica",
        message=_STANDBY(unreplayed=unreplayed, seconds=seconds),
        evidence=(
            Evidence("not_replayed", unreplayed, "bytes", "replica_status"),
            Evidence("newest_transaction", round(seconds, 1), "seconds", "replica_status"),
            Evidence("recovery_min_apply_delay", status.apply_delay_seconds, "seconds", "replica_status"),
            Evidence("replay_paused", status.replay_paused, "flag", "replica_status"),
            Evidence("max_standby_streaming_delay", status.standby_delay_seconds, "seconds", "replica_status"),
        ),
        details={
            "where": "standby",
            "lag_bytes": unreplayed,
            "seconds": seconds,
            "apply_delay_seconds": status.apply_delay_seconds,
            "paused": bool(status.replay_paused),
        },
        identity="this standby",
    )
