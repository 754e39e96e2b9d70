"""Sorts that do not fit into the sort buffer and are merged in files.

Why it matters: each merge pass writes the rows to a file and reads them back.
How to fix: an index in the order of the sort, if it is one statement; else sort_buffer_size back to its default or up
to a few megabytes.
Source: MySQL manual, Sort_merge_passes ("If this value is large, you should consider increasing sort_buffer_size");
see also MySQLTuner (a tenth of the sorts).
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._counters import KB, number, pace, settings
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CHECK = Check(
    id="mysql.sort_buffer",
    item="performance_metrics",
    severity=Severity.WARNING,
    title=Say(en="Sorts merged on disk", zh="排序溢出到磁盘归并"),
    thresholds=[
        Threshold("pass_share", 0.1, "of the sorts; as MySQLTuner has it"),
        Threshold("warning_in_window", 20, "merge passes in a window of a second: the server works on files now"),
        Threshold("notice_per_second", 0.1, "merge passes on average; fewer are reports"),
        Threshold("least_total", 50, "merge passes in all, since the counters of a young server prove nothing"),
        Threshold("default_bytes", 256 * KB, "the default of MySQL; MariaDB's is 2 MB"),
    ],
    needs_window=True,
)
_MERGES = Say(
    en="{passes:count} merge passes for {sorts:count} sorts ({rate:number} a second): sort_buffer_size is"
    " {size:bytes}.",
    zh="{sorts:count} 次排序产生了 {passes:count} 次归并（每秒 {rate:number} 次）：sort_buffer_size 为 {size:bytes}。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    passes = pace(now, earlier, "Sort_merge_passes")
    sorts = pace(now, earlier, "Sort_scan", "Sort_range")
    size = number(now, "sort_buffer_size")
    if size is None or passes.total < limits["least_total"]:
        return
    in_window = passes.in_window or 0.0
    is_now = in_window >= limits["warning_in_window"] and in_window >= limits["pass_share"] * (sorts.in_window or 0.0)
    share = passes.total / max(sorts.total, 1.0)
    if not is_now and (share < limits["pass_share"] or passes.average < limits["notice_per_second"]):
        return
    is_low = size < limits["default_bytes"]
    yield Finding(
        CHECK.id, CHECK.item, Severity.WARNING if is_now and is_low else Severity.NOTICE, "sort_buffer_size", "setting",
        _MERGES(passes=passes.total, sorts=sorts.total, rate=passes.current, size=size),
        passes.evidence("sort_merge_passes") + sorts.evidence("sorts") + settings(now, sort_buffer_size="bytes"),
        details={"size": size, "is_low": is_low, "is_now": is_now, "is_over": passes.is_over, "share": share,
                 "rate": passes.current, "age_seconds": passes.seconds},
    )  # fmt: skip
