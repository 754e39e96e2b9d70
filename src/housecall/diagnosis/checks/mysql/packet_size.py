"""Statements or rows that are larger than max_allowed_packet.

Why it matters: the server cuts the connection ("MySQL server has gone away", error 1153), mostly with an import or a
file in a column.
How to fix: max_allowed_packet of 64 MB on server and client; smaller batches.
Cannot see: on MariaDB the error itself; there a limit below the default and sessions that were aborted are the sign.
Source: MySQL manual, "Packet Too Large" (defaults: 64 MB, 16 MB on MariaDB); errors 1153, 1301, 3509.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import counter, in_window, measured, number
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.mysql.rows.server import StatementError, StatusCounter, Variable
from housecall.wording import Say

CHECK = Check(
    id="mysql.packet_size",
    item="connection_session_management",
    severity=Severity.WARNING,
    title=Say("Statements too large for a packet", "语句超过数据包上限"),
    thresholds=[
        Threshold("recent_seconds", 3600.0, "an error of the last hour goes on"),
        Threshold("default_bytes", 16 * 1024 * 1024, "MariaDB's default, the smaller of the two"),
        Threshold("ample_bytes", 64 * 1024 * 1024, "MySQL's default; an error before it was raised to this is mended"),
        Threshold("tiny_bytes", 1024 * 1024, "a photograph is larger"),
        Threshold("min_aborted", 20, "sessions that ended without a goodbye; a few are a developer's laptop"),
        Threshold("min_aborted_share", 0.1, "of all connections: what cuts them is a rule and no accident"),
    ],
    needs_window=True,
)
_SEEN = Say(
    "{count:count} statement{count:|s} or row{count:|s} {count:was|were} larger than max_allowed_packet"
    " took ({size:bytes} now).",
    "有 {count:count} 条语句或行超过 max_allowed_packet 的限制（当前为 {size:bytes}）。",
)
_LIKELY = Say(
    "max_allowed_packet is only {size:bytes}, and {count:count} sessions ended without a goodbye, which is how the"
    " server answers what is too large.",
    "max_allowed_packet 只有 {size:bytes}，且有 {count:count} 个会话异常中断，这正是服务器对超大数据包的处理方式。",
)
_ERRORS = (1153, 1301, 3509)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    size, errors = number(now, "max_allowed_packet"), now.get(StatementError)
    raised = [] if isinstance(errors, Unavailable) else [row for row in errors if row.number in _ERRORS]
    aborted, connections = counter(now, "Aborted_clients") or 0.0, counter(now, "Connections") or 0.0
    window = in_window(now, earlier, "Aborted_clients") or 0.0
    count = sum(row.raised for row in raised)
    if raised:
        latest = min((row.last_seconds_ago for row in raised if row.last_seconds_ago is not None), default=None)
        is_recent = latest is not None and latest <= limits["recent_seconds"]
        is_ample = size is not None and size >= limits["ample_bytes"] and not _in_this_window(latest, now, earlier)
        severity = Severity.WARNING if is_recent and not is_ample else Severity.NOTICE
        message = _SEEN(count=count, size=size)
    elif isinstance(errors, Unavailable) and size is not None and size < limits["default_bytes"]:
        if aborted < max(limits["min_aborted"], limits["min_aborted_share"] * connections):
            return
        severity = Severity.WARNING if window or size < limits["tiny_bytes"] else Severity.NOTICE
        message = _LIKELY(size=size, count=aborted)
    else:
        return
    yield Finding(
        CHECK.id, CHECK.item, severity, "max_allowed_packet", "setting", message,
        measured(Variable, max_allowed_packet=(size, "bytes"))
        + measured(StatementError, too_large=(count if raised else None, "count"))
        + measured(StatusCounter, aborted_sessions=(aborted, "count"), aborted_in_the_window=(window, "count")),
        details={
            "size": size, "count": count, "aborted": aborted, "seen": bool(raised), "window": window,
            "share": aborted / max(1.0, connections),
        },
    )  # fmt: skip


def _in_this_window(latest: float | None, now: Snapshot, earlier: Snapshot | None) -> bool:
    return latest is not None and earlier is not None and latest <= now.seconds_since(earlier)
