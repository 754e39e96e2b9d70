"""Settings that SET PERSIST keeps for the next start and that do not hold yet (MySQL).

Why it matters: the server does not run as it was told to; the next restart, planned or not, changes its behaviour,
and a value that cannot be satisfied keeps it from starting.
How to fix: restart in a maintenance window, or take the change back with RESET PERSIST.
Cannot see: changes in the configuration file, which neither server shows until it has restarted; MariaDB keeps nothing
with SET PERSIST.
Source: MySQL manual, "Persisted System Variables".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.checks.mysql._measured import measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.mysql.rows.server import ChangedVariable, PersistedVariable
from housecall.wording import Say

CHECK = Check(
    id="mysql.pending_restart",
    item="instance_info",
    severity=Severity.WARNING,
    title=Say(en="Settings that wait for a restart", zh="等待重启才能生效的参数"),
)
_WAITS = Say(
    en="{name} is kept as {persisted} for the next start; the server still runs with {current}.",
    zh="参数 {name} 已持久化为 {persisted}，下次启动生效；服务器目前仍以 {current} 运行。",
)
_SWITCHES = {"ON": "1", "OFF": "0", "TRUE": "1", "FALSE": "0", "YES": "1", "NO": "0"}


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding]:
    for row in now.rows(PersistedVariable):
        if same(row.persisted_value, row.current_value) or set_while_running(now, row.name):
            continue
        yield Finding(
            CHECK.id, CHECK.item, Severity.WARNING, row.name, "setting",
            _WAITS(name=row.name, persisted=row.persisted_value, current=row.current_value),
            measured(PersistedVariable, running_value=(row.current_value, "text"),
                     value_after_restart=(row.persisted_value, "text")),
            details={"name": row.name, "persisted": row.persisted_value, "current": row.current_value},
        )  # fmt: skip


def same(one: str | None, other: str | None) -> bool:
    """Whether two texts of a setting mean the same: ON is 1, and 128 is 128.000000."""
    first, second = (_SWITCHES.get((value or "").upper(), (value or "").upper()) for value in (one, other))
    try:
        return float(first) == float(second)
    except ValueError:
        return first == second


def set_while_running(now: Snapshot, name: str) -> bool:
    """Whether the running value came later, from SET GLOBAL: then it is told as drift, and waits for nothing."""
    rows = now.get(ChangedVariable)
    return not isinstance(rows, Unavailable) and any(row.name == name and row.source == "DYNAMIC" for row in rows)
