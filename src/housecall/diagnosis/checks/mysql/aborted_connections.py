"""Connections that failed before the login, and sessions that ended without a goodbye.

Why it matters: failed logins are a wrong password, a scanner, or the network; aborted sessions are clients that died,
that wait_timeout cut, or that sent more than max_allowed_packet.
How to fix: read the reason in the error log (log_error_verbosity = 3, log_warnings on MariaDB); close connections
properly. Cannot see: which reason; the counters have one number for all.
Source: MySQL manual, "Communication Errors and Aborted Connections"; 3 % as MySQLTuner.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import counter, in_window, measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import StatusCounter
from housecall.wording import Say

CHECK = Check(
    id="mysql.aborted_connections",
    item="connection_session_management",
    severity=Severity.NOTICE,
    title=Say("Aborted connections", "异常中断的连接"),
    thresholds=[
        Threshold("min_share", 0.03, "MySQLTuner's line"),
        Threshold("min_count", 20, "a few are a developer's laptop"),
    ],
    needs_window=True,
)
_MESSAGE = Say(
    "{aborted:count} of {connections:count} connections {how} ({share:percent}), {window:count} while we looked.",
    "{connections:count} 个连接中有 {aborted:count} 个{how}（{share:percent}），检查期间 {window:count} 个。",
)
_KINDS = {
    "Aborted_connects": "failed before the login was done",
    "Aborted_clients": "ended without a goodbye",
}


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    connections = counter(now, "Connections") or 0.0
    for name, how in _KINDS.items():
        aborted = counter(now, name) or 0.0
        share, window = aborted / max(1.0, connections), in_window(now, earlier, name) or 0.0
        if aborted < limits["min_count"] or share < limits["min_share"]:
            continue
        yield Finding(
            CHECK.id, CHECK.item, Severity.NOTICE if window else Severity.INFO, name, "server",
            _MESSAGE(aborted=aborted, connections=connections, how=how, share=share, window=window),
            measured(
                StatusCounter,
                aborted=(aborted, "count"),
                connections=(connections, "count"),
                share=(share, "share"),
                in_the_window=(window, "count"),
            ),
            details={"aborted": aborted, "share": share, "window": window},
        )  # fmt: skip
