"""Where the sessions' waiting time goes: one kind of wait that takes most of it.

Why it matters: the wait that outweighs the others names the bottleneck: data files, the redo log, the binary log, a
latch.
How to fix: by wait; data file reads want memory or an index, log writes a faster disk or fewer commits.
Cannot see: waits on latches, unless their instruments were switched on; idle and client waits are left out.
Source: MySQL manual, "Performance Schema Wait Event Tables"; see also MySQLTuner (half of the time).
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.mysql.rows.server import Wait
from housecall.wording import Say

CHECK = Check(
    id="mysql.wait_profile",
    item="performance_metrics",
    severity=Severity.INFO,
    title=Say(en="What the server waits for", zh="等待事件分布"),
    thresholds=[
        Threshold("share", 0.5, "common practice"),
        Threshold("least_busy", 0.5, "waiting sessions on average in the window: less is not a crowd"),
    ],
    needs_window=False,
)
_WAITS = Say(
    en="{share:percent} of the waiting time goes to {event}: {sessions:number} session{sessions:|s} on average"
    " in the last"
    " {window:duration}.",
    zh="{share:percent} 的等待时间花在 {event}：最近 {window:duration} 内平均 {sessions:number} 个会话。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    rows = now.rows(Wait)
    before = None if earlier is None else earlier.get(Wait)
    if earlier is None or before is None or isinstance(before, Unavailable):
        return
    window = max(now.seconds_since(earlier), 0.001)
    known = {row.event: row.total_seconds for row in before}
    grown = {row.event: row.total_seconds - known[row.event] for row in rows if row.event in known}
    total = sum(grown.values())
    for event, seconds in sorted(grown.items(), key=lambda each: -each[1])[:1]:
        if total / window >= limits["least_busy"] and seconds >= limits["share"] * total:
            yield Finding(
                CHECK.id, CHECK.item, Severity.INFO, event, "server",
                _WAITS(share=seconds / total, event=event, sessions=seconds / window, window=window),
                measured(Wait, share=(round(seconds / total, 3), "share"), waited=(round(seconds, 2), "seconds"),
                         window=(round(window, 1), "seconds")),
                details={"event": event, "share": seconds / total, "sessions": seconds / window},
            )  # fmt: skip
