"""Processors that other programs keep busy, so that the server's own work waits for them.

Why it matters: every statement is slower and nothing in the database explains it.
How to fix: find the other program (top, pidstat) and move or limit it; in a container look at its limit of processor
time; with stolen time, ask the host's owner.
Cannot see: the machine itself, which neither server shows through SQL. A calculation of 15 ms stands for the server's
work, so a short burst of another program looks like a long one; it is made only while sessions are seen at work.
Source: MySQL manual, "SHOW PROFILE Statement"; MariaDB documentation, "SHOW PROFILE"; Linux manual, getrusage(2).
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._machine import cpus
from housecall.diagnosis.checks.mysql._measured import measured, number
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.mysql.rows.server import ProcessorShare
from housecall.engines.mysql.rows.sessions import Session
from housecall.wording import Say

CHECK = Check(
    id="mysql.external_load",
    item="resource_usage",
    severity=Severity.NOTICE,
    title=Say("Processors busy with other programs", "处理器被其他程序占用"),
    thresholds=[
        Threshold("max_share", 0.25, "of what the server's own work leaves: others take three times as much"),
        Threshold("min_waited_seconds", 0.03, "less is one turn of one other program"),
    ],
)
_MESSAGE = Say(
    "A calculation of {spent:duration} took {seconds:duration} on this server: for the rest of the time other programs"
    " had the processor.",
    "在该服务器上做一次需要 {spent:duration} 处理器时间的计算，实际用了 {seconds:duration}："
    "其余时间处理器被其他程序占用。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    rows = now.get(ProcessorShare)
    for row in () if isinstance(rows, Unavailable) else rows:
        working, processors = _most_at_work(now), _processors(now)
        left = min(1.0, (processors or 1) / (working + 1))
        waited = row.seconds - row.processor_seconds
        if waited < limits["min_waited_seconds"] or row.processor_seconds > limits["max_share"] * left * row.seconds:
            continue
        share = row.processor_seconds / row.seconds
        yield Finding(
            CHECK.id, CHECK.item, Severity.NOTICE, "machine", "server",
            _MESSAGE(spent=row.processor_seconds, seconds=row.seconds),
            measured(
                ProcessorShare,
                share_of_a_processor=(round(share, 3), "share"),
                calculation_took=(row.seconds, "seconds"),
                on_a_processor=(row.processor_seconds, "seconds"),
                taken_off_it=(row.preempted, "count"),
                sessions_at_work=(working, "count"),
            ),
            details={"share": share, "working": working, "processors": processors},
        )  # fmt: skip


def _processors(now: Snapshot) -> int | None:
    """MariaDB tells only how many groups its thread pool would have, by default one for each processor."""
    groups = number(now, "thread_pool_size") if now.facts.version.flavour == "mariadb" else None
    return int(groups) if groups else cpus(now)


def _most_at_work(now: Snapshot) -> int:
    """Sessions that ran a statement at once, in the look that saw most: the server's own wish for processors."""
    looks = [[each for each in sample.rows(Session) if each.is_working] for sample in now.samples]
    return max((len(look) for look in looks), default=0)
