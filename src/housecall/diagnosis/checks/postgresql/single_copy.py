"""Data that exists once: no standby, no archive of the WAL.

Why it matters: when this disk fails, everything since the last backup is lost.
How to fix: archive the WAL (archive_mode, archive_command) beside base backups, or a standby; wal_level = replica.
Cannot see: backups of the disk, snapshots of the cloud, logical dumps.
Source: PostgreSQL manual, "Continuous Archiving and Point-in-Time Recovery"; see also postgresqltuner and
check_pgactivity.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.checks.postgresql._settings import setting
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.replication import ReplicationSlot, Standby
from housecall.engines.postgresql.rows.settings import ServerSetting
from housecall.wording import Say

CHECK = Check(
    id="postgresql.single_copy",
    item="backup_recovery_analysis",
    severity=Severity.NOTICE,
    title=Say("Only one copy of the data", "数据只有一份"),
)
_MINIMAL = Say(
    "wal_level is minimal: neither a standby nor recovery to a point in time is possible.",
    "wal_level 为 minimal：无法建立备库，也无法做时间点恢复。",
)
_SINGLE = Say(
    "WAL is not archived and no standby is connected: what is newer than the last backup exists once.",
    "未归档 WAL，也没有备库连接：上次备份之后的数据只有一份。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding]:
    if now.facts.in_recovery:
        return
    level, mode = setting(now, "wal_level"), setting(now, "archive_mode")
    if level is not None and level.value == "minimal":
        yield Finding(
            CHECK.id, CHECK.item, Severity.NOTICE, "wal_level", "setting", _MINIMAL(),
            measured(ServerSetting, wal_level=(level.value, "text")),
        )  # fmt: skip
    elif mode is not None and mode.value == "off" and not now.rows(Standby) and not now.rows(ReplicationSlot):
        yield Finding(
            CHECK.id, CHECK.item, Severity.INFO, "archive_mode", "setting", _SINGLE(),
            measured(ServerSetting, archive_mode=(mode.value, "text")) + measured(Standby, standbys=(0, "count")),
        )  # fmt: skip
