"""A replica that is behind its source, or that is told to stay behind.

Why it matters: reads from it are old, and after a failover what it has not applied has to wait.
How to fix: a delay that was set is not a fault of anything else; otherwise parallel appliers, primary keys on all
tables, smaller transactions on the source, and no long locks on the replica.
Cannot see: changes that the source has not sent; seconds are counted between what was fetched and what is applied.
Source: MySQL manual, "SHOW REPLICA STATUS" (Seconds_Behind_Source) and "Delayed Replication"; 30 s as usual in
runbooks.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._channels import name_of, waits_on_purpose
from housecall.diagnosis.checks.mysql._measured import measured, number
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.replication import ReplicaStatus
from housecall.engines.mysql.rows.server import Variable
from housecall.wording import Say

CHECK = Check(
    id="mysql.replica_lag",
    item="high_availability_disaster_recovery_analysis",
    severity=Severity.CRITICAL,
    title=Say("Replica lag", "复制延迟"),
    thresholds=[
        Threshold("notice_seconds", 10.0, "people see that their own change is not there"),
        Threshold("warning_seconds", 30.0, "checks of most runbooks"),
        Threshold("critical_seconds", 3600.0, "an hour to make good before a failover"),
    ],
)
_BEHIND = Say("{name} is {lag:duration} behind {source}.", "{name} 落后 {source} {lag:duration}。")
_DELAYED = Say(
    "{name} stays {delay:duration} behind {source} because it is told to; beyond that it is {lag:duration} behind.",
    "{name} 按设置比 {source} 延迟 {delay:duration}；除此之外落后 {lag:duration}。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for status in now.rows(ReplicaStatus):
        if not status.sql_running:
            continue
        waiting = waits_on_purpose(status)
        lag = max(0.0, (status.seconds_behind or 0.0) - status.delay_seconds)
        severity = Severity.NOTICE if waiting else _severity(lag, limits)
        if severity is None and status.delay_seconds:
            severity = Severity.INFO
        if severity is not None:
            yield _finding(now, status, lag, severity)


def _severity(lag: float, limits: Limits) -> Severity | None:
    if lag >= limits["critical_seconds"]:
        return Severity.CRITICAL
    if lag >= limits["warning_seconds"]:
        return Severity.WARNING
    return Severity.NOTICE if lag >= limits["notice_seconds"] else None


def _finding(now: Snapshot, status: ReplicaStatus, lag: float, severity: Severity) -> Finding:
    name, source = name_of(now, status.channel), f"{status.source_host}:{status.source_port}"
    on_mariadb = now.facts.version.flavour == "mariadb"
    appliers = number(now, "slave_parallel_threads" if on_mariadb else "replica_parallel_workers")
    if appliers is None:
        appliers = number(now, "slave_parallel_workers")
    message = (
        _DELAYED(name=name, delay=status.delay_seconds, source=source, lag=lag)
        if status.delay_seconds
        else _BEHIND(name=name, lag=lag, source=source)
    )
    return Finding(
        CHECK.id, CHECK.item, severity, name, "replica", message,
        measured(
            ReplicaStatus,
            behind=(status.seconds_behind, "seconds"),
            delay_that_was_set=(status.delay_seconds, "seconds"),
            not_applied=(status.position_gap_bytes, "bytes"),
            relay_logs=(status.relay_log_bytes, "bytes"),
            applier_state=(status.sql_state, "text"),
        )
        + measured(Variable, parallel_appliers=(appliers, "count")),
        details={
            "channel": status.channel, "source": source, "lag": lag, "delay": status.delay_seconds,
            "behind": status.seconds_behind, "gap": status.position_gap_bytes, "state": status.sql_state or "",
            "appliers": appliers, "receiver_runs": status.io_running,
        },
    )  # fmt: skip
