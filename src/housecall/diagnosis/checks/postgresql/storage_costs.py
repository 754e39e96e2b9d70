"""A planner that believes in slow random reads while the storage is quick.

Why it matters: random_page_cost = 4 was made for spinning disks; on SSDs the planner shuns indexes that would win.
How to fix: random_page_cost = 1.1, first for one session and its costly statements.
Cannot see: the storage itself; the measured time of a read tells (track_io_timing), the system's cache included.
Source: PostgreSQL manual, random_page_cost; see also postgresqltuner.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.checks.postgresql._settings import setting
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.memory import DatabaseCounters
from housecall.engines.postgresql.rows.settings import ServerSetting
from housecall.wording import Say

CHECK = Check(
    id="postgresql.storage_costs",
    item="performance_metrics",
    severity=Severity.INFO,
    title=Say("Costs of spinning disks on quick storage", "快速存储仍按机械盘估算代价"),
    thresholds=[
        Threshold("slow_cost", 3, "the default is 4; 1.1 to 2 are usual for SSDs and caches"),
        Threshold("quick_seconds", 0.0005, "a spinning disk needs some 5 ms to another place, an SSD 0.1"),
        Threshold("min_blocks", 100_000, "800 MB of reads, so that the mean means something"),
    ],
)
_QUICK = Say(
    "A read of a block takes {read:duration} on average, but random_page_cost is {cost}, as for spinning disks.",
    "读取一个数据块平均只需 {read:duration}，但 random_page_cost 仍为机械硬盘的 {cost}。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    cost = setting(now, "random_page_cost")
    for row in now.rows(DatabaseCounters):
        if cost is None or cost.number < limits["slow_cost"] or row.blocks_read < limits["min_blocks"]:
            continue
        read = row.read_seconds / row.blocks_read
        if 0 < read <= limits["quick_seconds"]:
            yield Finding(
                CHECK.id, CHECK.item, Severity.INFO, "random_page_cost", "setting", _QUICK(read=read, cost=cost.value),
                measured(
                    DatabaseCounters, time_of_a_read=(read, "seconds"), blocks_read=(row.blocks_read, "count")
                ) + measured(ServerSetting, random_page_cost=(cost.number, "number")),
            )  # fmt: skip
