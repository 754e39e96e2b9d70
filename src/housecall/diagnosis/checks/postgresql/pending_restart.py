"""Settings that were changed in a file and wait for a restart.

Why it matters: the server does not run as its files say; the next restart, planned or not, changes its behaviour, and
a value that
cannot be satisfied keeps it from starting.
How to fix: restart in a maintenance window, or take the change back.
Cannot see: the new value, without the privilege to read the configuration files.
Source: PostgreSQL manual, pg_settings.pending_restart.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.settings import ServerSetting
from housecall.wording import Say

CHECK = Check(
    id="postgresql.pending_restart",
    item="instance_info",
    severity=Severity.WARNING,
    title=Say(en="Settings that wait for a restart", zh="等待重启才能生效的参数"),
)
_WAITS = Say(
    en="{name} was changed in the configuration and waits for a restart; the server still runs with {value}.",
    zh="参数 {name} 的修改需要重启才能生效；服务器目前仍以 {value} 运行。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding]:
    for row in now.rows(ServerSetting):
        if row.pending_restart:
            value = f"{row.value} {row.unit}" if row.unit else row.value
            yield Finding(
                CHECK.id, CHECK.item, Severity.WARNING, row.name, "setting",
                _WAITS(name=row.name, value=value),
                measured(ServerSetting, running_value=(value, "text"), pending_restart=(True, "flag")),
                details={"name": row.name, "value": row.value, "unit": row.unit},
            )  # fmt: skip
