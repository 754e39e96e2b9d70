"""performance_schema is off, so nobody can tell which statements and waits cost the time.

Why it matters: without it top statements, unused indexes, waits and, on MySQL, holders of row locks stay unknown.
How to fix: performance_schema = ON in the configuration file and a restart; it takes some 200 to 400 MB.
Source: MySQL manual, "Performance Schema Startup Configuration"; it is on by default in MySQL and off in MariaDB.
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
    id="mysql.performance_schema_off",
    item="instance_info",
    severity=Severity.NOTICE,
    title=Say(en="performance_schema is off", zh="performance_schema 未开启"),
)
_OFF = Say(
    en="performance_schema is off: which statements and waits cost the time cannot be seen.",
    zh="performance_schema 未开启：无法看到哪些语句和等待消耗了时间。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding]:
    now.rows(Variable)
    if switch(now, "performance_schema") is False:
        severity = Severity.INFO if now.facts.version.flavour == "mariadb" else Severity.NOTICE
        yield Finding(
            CHECK.id, CHECK.item, severity, "performance_schema", "setting", _OFF(),
            measured(Variable, performance_schema=("OFF", "text")),
        )  # fmt: skip
