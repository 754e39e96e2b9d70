"""A large buffer cache in small memory pages.

Why it matters: every session keeps a page table of its own for the cache; at 8 GB and a hundred sessions these tables
alone take more than a gigabyte.
How to fix: vm.nr_hugepages on the machine, then huge_pages = try (the default) or on, and a restart.
Cannot see: whether `try` succeeded, before version 17.
Source: PostgreSQL manual, "Linux Huge Pages"; see also postgresqltuner.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.checks.postgresql._settings import is_off, setting, setting_number
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.settings import ServerSetting
from housecall.wording import Say

CHECK = Check(
    id="postgresql.huge_pages",
    item="performance_metrics",
    severity=Severity.INFO,
    title=Say("Large cache without huge pages", "大缓存未使用大页"),
    thresholds=[
        Threshold("large_buffers", 8 * 1024**3, "16 MB of page tables a session, by entries of 8 bytes for 4 kB"),
    ],
)
_OFF = Say(
    "huge_pages is off with {buffers:bytes} of shared_buffers: every session keeps page tables for all of it.",
    "shared_buffers 为 {buffers:bytes} 而 huge_pages 关闭：每个会话都要为其维护页表。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    pages, buffers = setting(now, "huge_pages"), setting_number(now, "shared_buffers")
    if pages is not None and is_off(pages.value) and (buffers or 0.0) >= limits["large_buffers"]:
        yield Finding(
            CHECK.id, CHECK.item, Severity.INFO, "huge_pages", "setting", _OFF(buffers=buffers),
            measured(ServerSetting, huge_pages=(pages.value, "text"), shared_buffers=(buffers, "bytes")),
        )  # fmt: skip
