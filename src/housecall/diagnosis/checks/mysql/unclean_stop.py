"""The server did not stop by itself before its last start: it crashed, was killed, or the machine went down.

Why it matters: the next start has to recover, and what killed it may come again; on Linux it is most often the
kernel, which ends the largest process when memory runs out.
How to fix: look for the reason outside: the kernel's log (dmesg, "Out of memory: Killed process"), the service's log.
Cannot see: MariaDB's error log; on MySQL a log that does not reach back past the last start, which is then not judged.
Source: MySQL manual, "The error_log Table" (MY-010116 starting, MY-010910 shutdown complete).
"""

import itertools
from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import ServerStart
from housecall.wording import Say

CHECK = Check(
    id="mysql.unclean_stop",
    item="error_log_analysis",
    severity=Severity.WARNING,
    title=Say(en="The server was killed or crashed", zh="服务器异常终止后重启"),
    thresholds=[
        Threshold("recent_seconds", 24 * 3600.0, "a crash of today is news"),
        Threshold("told_seconds", 30 * 24 * 3600.0, "older ones are history"),
        Threshold("often", 3, "times within the log: something kills it again and again"),
    ],
)
STARTING, STOPPED = "MY-010116", ("MY-010910", "MY-013172")
_KILLED = Say(
    en="The server started {ago:duration} ago without having stopped before; so it did {times:count} time{times:|s} in"
    " the log.",
    zh="服务器在 {ago:duration} 前启动，而此前没有正常停止的记录；日志中这样的情况共 {times:count} 次。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    killed = unclean_starts(now.rows(ServerStart))
    if not killed or killed[0] > limits["told_seconds"]:
        return
    is_news = killed[0] <= limits["recent_seconds"] or len(killed) >= limits["often"]
    yield Finding(
        CHECK.id, CHECK.item, Severity.WARNING if is_news else Severity.NOTICE, "server", "server",
        _KILLED(ago=killed[0], times=len(killed)),
        measured(ServerStart, started=(round(killed[0]), "seconds ago"), times=(len(killed), "count")),
        details={"seconds_ago": killed[0], "times": len(killed), "is_news": is_news},
    )  # fmt: skip


def unclean_starts(rows: tuple[ServerStart, ...]) -> list[float]:
    """How long ago the server started without a stop before, latest first. The oldest start of the log cannot be
    judged."""
    lines = sorted(
        (row for row in rows if row.code == STARTING or row.code in STOPPED), key=lambda row: -row.seconds_ago
    )
    unclean = [
        later.seconds_ago
        for before, later in itertools.pairwise(lines)
        if later.code == STARTING and before.code == STARTING
    ]
    return sorted(unclean)
