"""Binary logs that nothing removes, and how much space they take.

Why it matters: they grow with every write until the disk is full, and then every write stops.
How to fix: binlog_expire_logs_seconds of some days more than the time between two backups; PURGE BINARY LOGS after a
look at what the replicas have read. Never remove the files by hand.
Cannot see: the size of the disk; which file each replica still needs.
Source: MySQL manual, binlog_expire_logs_seconds (default 30 days, 0 keeps for ever; MariaDB's default is 0).
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import is_on, measured, number, variable
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.mysql.rows.server import BinaryLogs, Database, Variable
from housecall.wording import Say

CHECK = Check(
    id="mysql.binary_log_size",
    item="resource_usage",
    severity=Severity.WARNING,
    title=Say("Binary logs that stay", "binlog 未清理"),
    thresholds=[
        Threshold("min_bytes", 64 * 1024 * 1024, "less is one file that is not full"),
        Threshold("min_files", 3, "the newest is in use, the one before it may just have been closed"),
        Threshold("warning_share", 0.5, "of the data: history begins to outgrow what it is the history of"),
        Threshold("warning_bytes", 10 * 1024**3, "kept for ever, whatever the size of the data"),
    ],
)
_FOR_EVER = Say(
    "{files:count} binary logs take {size:bytes} and are never removed: {name} is {value}.",
    "{files:count} 个 binlog 占用 {size:bytes} 且永不清理：{name} 为 {value}。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    if not is_on(now, "log_bin") or kept_seconds(now) > 0:
        return
    logs = now.row(BinaryLogs)
    if logs.size_bytes < limits["min_bytes"] or logs.files < limits["min_files"]:
        return
    databases = now.get(Database)
    known = () if isinstance(databases, Unavailable) else databases
    stored = sum(row.data_bytes + row.index_bytes for row in known)
    is_large = logs.size_bytes >= limits["warning_bytes"] or logs.size_bytes >= limits["warning_share"] * stored
    name, value = ("binlog_expire_logs_auto_purge", "OFF") if _is_off(now) else ("binlog_expire_logs_seconds", "0")
    yield Finding(
        CHECK.id, CHECK.item, Severity.WARNING if is_large else Severity.NOTICE, name, "setting",
        _FOR_EVER(files=logs.files, size=logs.size_bytes, name=name, value=value),
        measured(BinaryLogs, files=(logs.files, "count"), size=(logs.size_bytes, "bytes"), oldest=(logs.first, "name"))
        + measured(Database, data=(stored, "bytes"))
        + measured(Variable, value=(value, "text")),
        details={
            "files": logs.files, "size": logs.size_bytes, "oldest": logs.first, "newest": logs.last, "stored": stored,
            "setting": name,
        },
    )  # fmt: skip


def kept_seconds(now: Snapshot) -> float:
    """How long binary logs are kept; 0: for ever. The older setting counts days."""
    if _is_off(now):
        return 0.0
    return number(now, "binlog_expire_logs_seconds") or 86400.0 * (number(now, "expire_logs_days") or 0.0)


def _is_off(now: Snapshot) -> bool:
    return variable(now, "binlog_expire_logs_auto_purge") == "OFF"
