"""WAL on disk far beyond what the server is set to keep.

Why it matters: the server removes WAL at checkpoints; what stays beyond max_wal_size is kept for somebody: a slot, a
standby, the archiver, and it grows until the disk is full.
How to fix: find who keeps it (replication slots, the archiver, wal_keep_size); never delete files by hand.
Cannot see: how large the disk is.
Source: PostgreSQL manual, "WAL Configuration"; see also check_pgactivity.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.replication import WalFiles
from housecall.wording import Say

CHECK = Check(
    id="postgresql.wal_directory",
    item="resource_usage",
    severity=Severity.NOTICE,
    title=Say("Much WAL on disk", "WAL 目录过大"),
    thresholds=[
        Threshold("times", 2, "of max_wal_size: checkpoints run late under load, but not by so much"),
        Threshold("min_bytes", 2 * 1024**3, "twice the default max_wal_size; less fills no disk"),
    ],
)
_MUCH = Say(
    "{size:bytes} of WAL lie on disk, though max_wal_size is {limit:bytes}: something keeps it.",
    "磁盘上有 {size:bytes} 的 WAL，而 max_wal_size 为 {limit:bytes}：有对象在保留它。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for row in now.rows(WalFiles):
        if row.size_bytes >= limits["times"] * row.max_wal_bytes and row.size_bytes >= limits["min_bytes"]:
            yield Finding(
                CHECK.id, CHECK.item, Severity.NOTICE, "pg_wal", "server",
                _MUCH(size=row.size_bytes, limit=row.max_wal_bytes),
                measured(
                    WalFiles,
                    wal_size=(row.size_bytes, "bytes"),
                    max_wal_size=(row.max_wal_bytes, "bytes"),
                    files=(row.files, "count"),
                    waiting_for_the_archiver=(row.ready_files, "count"),
                ),
                details={"size_bytes": row.size_bytes, "limit_bytes": row.max_wal_bytes},
            )  # fmt: skip
