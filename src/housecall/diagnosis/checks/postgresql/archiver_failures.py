"""WAL archiving that fails.

Why it matters: without the archive there is no recovery to a moment, and WAL piles up until the disk is full.
How to fix: mend what archive_command or the archive library needs (space, rights, network); the server retries by
itself.
Cannot see: the error text, which stands in the server's log; how many files wait, without pg_monitor.
Source: PostgreSQL manual, "Continuous Archiving" and pg_stat_archiver; see also check_pgactivity (more than 10 files
waiting).
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.rows.replication import Archiver, WalFiles
from housecall.wording import Say

CHECK = Check(
    id="postgresql.archiver_failures",
    item="backup_recovery_analysis",
    severity=Severity.CRITICAL,
    title=Say("Archiving fails", "WAL 归档失败"),
    thresholds=[
        Threshold("critical_ready_files", 64, "one GB of WAL that exists nowhere else and cannot be removed"),
    ],
)

_FAILING = Say(
    "Archiving WAL fails: {failures:count} failure{failures:|s}, the last {failed:duration} ago on"
    " {file}, none stored since.",
    "WAL 归档失败：已失败 {failures:count} 次，最近一次在 {failed:duration} 前（{file}），之后没有任何文件归档成功。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    archiver = now.row(Archiver)
    if not archiver.enabled or not is_failing(archiver):
        return
    files = now.get(WalFiles)
    wal = None if isinstance(files, Unavailable) or not files else files[0]
    ready = wal.ready_files if wal else None
    severe = ready is not None and ready >= limits["critical_ready_files"]
    yield Finding(
        check=CHECK.id,
        item=CHECK.item,
        severity=Severity.CRITICAL if severe else Severity.WARNING,
        object="archiver",
        object_kind="server",
        message=_FAILING(
            failures=archiver.failures, failed=archiver.last_failed_seconds, file=archiver.last_failed_file
        ),
        evidence=(
            Evidence("failures", archiver.failures, "failures", "archiver"),
            Evidence("last_failed", archiver.last_failed_seconds, "seconds ago", "archiver"),
            Evidence("last_failed_file", archiver.last_failed_file, "text", "archiver"),
            Evidence("last_archived", archiver.last_archived_seconds, "seconds ago", "archiver"),
            Evidence("files_waiting", ready, "files", "wal_files"),
            Evidence("wal_on_disk", wal.size_bytes if wal else None, "bytes", "wal_files"),
        ),
        details={
            "failures": archiver.failures,
            "file": archiver.last_failed_file,
            "failed_seconds": archiver.last_failed_seconds,
            "archived_seconds": archiver.last_archived_seconds,
            "ready": ready,
            "library": archiver.library,
            "has_command": archiver.has_command,
        },
    )


def is_failing(archiver: Archiver) -> bool:
    """Failed, and has not succeeded since."""
    if archiver.failures == 0 or archiver.last_failed_seconds is None:
        return False
    return archiver.last_archived_seconds is None or archiver.last_failed_seconds < archiver.last_archived_seconds
