"""Binary logs that are thrown away after less than a few days.

Why it matters: a backup older than the oldest binary log cannot be rolled forward, and a replica that was down for a
weekend has to be built anew.
How to fix: binlog_expire_logs_seconds of at least the time between two backups, and some days more.
Cannot see: when the last backup was made; neither server keeps it.
Source: MySQL manual, binlog_expire_logs_seconds (default 30 days); common practice (3 days).
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._counters import number, switch
from housecall.diagnosis.checks.mysql._measured import measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import Variable
from housecall.wording import Say

CHECK = Check(
    id="mysql.binlog_retention",
    item="backup_recovery_analysis",
    severity=Severity.NOTICE,
    title=Say(en="Binary logs kept for a short time", zh="binlog 保留时间过短"),
    thresholds=[Threshold("least_seconds", 3 * 24 * 3600.0, "a weekend; common practice")],
)
_SHORT = Say(
    en="Binary logs are kept for {kept:duration} only.",
    zh="binlog 只保留 {kept:duration}。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    now.rows(Variable)
    kept = kept_seconds(now)
    if switch(now, "log_bin") and 0 < kept < limits["least_seconds"]:
        yield Finding(
            CHECK.id, CHECK.item, Severity.NOTICE, "binlog_expire_logs_seconds", "setting", _SHORT(kept=kept),
            measured(Variable, kept_for=(kept, "seconds")), details={"kept_seconds": kept},
        )  # fmt: skip


def kept_seconds(now: Snapshot) -> float:
    """How long binary logs are kept; 0: until somebody purges them."""
    return number(now, "binlog_expire_logs_seconds") or 24 * 3600 * (number(now, "expire_logs_days") or 0.0)
