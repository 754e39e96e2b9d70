"""No binary log, so nothing can be restored to a moment after the last backup.

Why it matters: a wrong DELETE an hour ago can only be undone by a backup and the binary log since; no replica can
follow.
How to fix: log_bin in the configuration file and a restart, with a retention that reaches back past the last backup.
Source: MySQL manual, "Point-in-Time (Incremental) Recovery"; on by default in MySQL, off in MariaDB.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.checks.mysql._counters import switch
from housecall.diagnosis.checks.mysql._measured import measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import Variable
from housecall.wording import Say

CHECK = Check(
    id="mysql.binlog_off",
    item="backup_recovery_analysis",
    severity=Severity.NOTICE,
    title=Say(en="No binary log", zh="未开启 binlog"),
)
_OFF = Say(
    en="The binary log is off: after a loss the server can be restored to its last backup only.",
    zh="未开启 binlog：发生数据丢失时只能恢复到最近一次备份。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding]:
    now.rows(Variable)
    if switch(now, "log_bin") is False:
        severity = Severity.INFO if now.facts.version.flavour == "mariadb" else Severity.NOTICE
        yield Finding(
            CHECK.id, CHECK.item, severity, "log_bin", "setting", _OFF(), measured(Variable, log_bin=("OFF", "text")),
        )  # fmt: skip
