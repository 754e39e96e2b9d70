"""Settings of isolation and locking that differ from what applications count on.

Why it matters: under SERIALIZABLE every plain read locks rows, under READ UNCOMMITTED it shows what never was; without
deadlock detection two sessions wait for each other until innodb_lock_wait_timeout.
How to fix: set the default level back, and choose another for the transactions that need it.
Cannot see: levels that sessions choose for themselves.
Source: MySQL manual, "Transaction Isolation Levels" and "Deadlock Detection".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.checks.mysql._measured import measured, variable
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import Variable
from housecall.wording import Say

CHECK = Check(
    id="mysql.lock_settings",
    item="lock_wait_deadlock_analysis",
    severity=Severity.NOTICE,
    title=Say("Isolation and locking settings", "隔离级别与锁相关参数"),
)
_ODD = Say("{name} is {value}, which applications seldom count on.", "{name} 为 {value}，多数应用并未按此设计。")
_ODD_VALUES = {
    "transaction_isolation": ("SERIALIZABLE", "READ-UNCOMMITTED"),
    "tx_isolation": ("SERIALIZABLE", "READ-UNCOMMITTED"),
    "innodb_deadlock_detect": ("OFF",),
}


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding]:
    seen: set[str] = set()
    for name, odd in _ODD_VALUES.items():
        value = variable(now, name)
        if value not in odd or (name.endswith("isolation") and "isolation" in seen):
            continue
        seen.add("isolation" if name.endswith("isolation") else name)
        yield Finding(
            CHECK.id, CHECK.item, Severity.NOTICE, name, "setting", _ODD(name=name, value=value),
            measured(Variable, value=(value, "text")), details={"name": name, "value": value},
        )  # fmt: skip
