"""Data pages whose checksum was wrong when they were read.

Why it matters: a wrong checksum means that the disk, the controller or the memory returned something else than was
written.
How to fix: find the file in the log, restore it from a backup or fail over to a replica, and check the hardware.
Cannot see: anything when data checksums are off (the server says NULL).
Source: PostgreSQL manual, pg_stat_database.checksum_failures.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.memory import DatabaseCounters
from housecall.wording import Say

CHECK = Check(
    id="postgresql.checksum_failures",
    item="storage_engine_analysis",
    severity=Severity.CRITICAL,
    title=Say(en="Damaged data pages", zh="数据页校验失败"),
)
_DAMAGED = Say(
    en="{count:count} data page{count:|s} of database {database} failed their checksum when they were read.",
    zh="数据库 {database} 有 {count:count} 个数据页读取时校验失败。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding]:
    row = now.row(DatabaseCounters)
    if row.checksum_failures:
        yield Finding(
            CHECK.id, CHECK.item, Severity.CRITICAL, now.facts.database, "database",
            _DAMAGED(count=row.checksum_failures, database=now.facts.database),
            measured(DatabaseCounters, checksum_failures=(row.checksum_failures, "count")),
            details={"failures": row.checksum_failures},
        )  # fmt: skip
