"""New tables go to the shared tablespace, whose file never becomes smaller.

Why it matters: dropping or rebuilding a table gives nothing back to the disk, and one file grows without end.
How to fix: innodb_file_per_table = ON; tables move out when they are rebuilt.
Source: MySQL manual, "File-Per-Table Tablespaces"; see also MySQLTuner.
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
    id="mysql.file_per_table",
    item="storage_engine_analysis",
    severity=Severity.NOTICE,
    title=Say(en="Tables in one shared file", zh="未启用独立表空间"),
)
_OFF = Say(
    en="innodb_file_per_table is off: new tables go to the shared file, which never becomes smaller.",
    zh="innodb_file_per_table 未开启：新表写入共享表空间文件，该文件只增不减。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding]:
    now.rows(Variable)
    if switch(now, "innodb_file_per_table") is False:
        yield Finding(
            CHECK.id, CHECK.item, Severity.NOTICE, "innodb_file_per_table", "setting", _OFF(),
            measured(Variable, innodb_file_per_table=("OFF", "text")),
        )  # fmt: skip
