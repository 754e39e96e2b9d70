"""A node of a Galera cluster that is not ready, or that slows the whole cluster down.

Why it matters: a node outside of the primary component refuses statements; a node whose queue is full makes every other
node wait (flow control).
How to fix: find why the node left (network, disk); give a slow node more appliers (wsrep_slave_threads) or take it out.
Cannot see: the other nodes; examine each.
Source: Galera manual, "Monitoring the Cluster" (wsrep_ready, wsrep_flow_control_paused).
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import counter, is_on, measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import StatusCounter
from housecall.wording import Say

CHECK = Check(
    id="mysql.galera",
    item="high_availability_disaster_recovery_analysis",
    severity=Severity.CRITICAL,
    title=Say("Galera cluster", "Galera 集群"),
    thresholds=[
        Threshold("paused_share", 0.02, "of the time since the last FLUSH STATUS; the checks of MySQLTuner"),
        Threshold("warning_share", 0.1, "a tenth of all time is lost to one node"),
    ],
)
_NOT_READY = Say(
    "This node of the cluster takes no statements (wsrep_ready is OFF).", "该节点不可用（wsrep_ready 为 OFF）。"
)
_PAUSED = Say(
    "The cluster was paused for {share:percent} of the time by flow control; {size:count} node{size:|s} in it.",
    "流控使集群暂停的时间占 {share:percent}；集群有 {size:count} 个节点。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    if not is_on(now, "wsrep_on"):
        return
    size, paused = counter(now, "wsrep_cluster_size"), counter(now, "wsrep_flow_control_paused") or 0.0
    if counter(now, "wsrep_ready") == 0:
        yield _finding(Severity.CRITICAL, "wsrep_ready", _NOT_READY, paused, size)
    elif paused >= limits["paused_share"]:
        severity = Severity.WARNING if paused >= limits["warning_share"] else Severity.NOTICE
        yield _finding(severity, "wsrep_flow_control_paused", _PAUSED, paused, size)


def _finding(severity: Severity, name: str, say: Say, share: float, size: float | None) -> Finding:
    return Finding(
        CHECK.id, CHECK.item, severity, name, "server", say(share=share, size=size),
        measured(StatusCounter, paused_share=(share, "share"), nodes=(size, "count")),
        details={"share": share, "size": size},
    )  # fmt: skip
