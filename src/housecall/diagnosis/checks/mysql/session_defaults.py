"""Defaults of every new session that surprise applications: autocommit off, an isolation level that nobody expects.

Why it matters: with autocommit off every SELECT opens a transaction that stays open, and its read view holds back purge
and every ALTER TABLE; READ UNCOMMITTED shows what is rolled back later; SERIALIZABLE makes plain reads take locks.
How to fix: the server's default for everybody, and the other value in the sessions that want it.
Source: MySQL manual, "autocommit, Commit, and Rollback", "Transaction Isolation Levels"; pt-variable-advisor.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.checks.mysql._measured import measured, variable
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import Variable
from housecall.wording import Say

CHECK = Check(
    id="mysql.session_defaults",
    item="lock_wait_deadlock_analysis",
    severity=Severity.NOTICE,
    title=Say(en="Unusual defaults of sessions", zh="会话默认值异常"),
)
_IS = Say(en="{name} is {value} for every new session: ", zh="{name} 对所有新会话为 {value}：")


@dataclass(frozen=True, slots=True)
class Oddity:
    """What a value does to applications, and the literal that takes it back."""

    effect: Say
    good: str


_DIRTY = Oddity(Say(en="reads see what may be rolled back.", zh="会读到可能被回滚的数据。"), "'REPEATABLE-READ'")
_SERIAL = Oddity(Say(en="plain reads take locks.", zh="普通查询也会加锁。"), "'REPEATABLE-READ'")
ODDITIES: Mapping[tuple[str, str], Oddity] = {
    ("autocommit", "OFF"): Oddity(
        Say(en="every statement opens a transaction that stays open.", zh="每条语句都会打开一个不会自动结束的事务。"),
        "ON",
    ),
    ("transaction_isolation", "READ-UNCOMMITTED"): _DIRTY,
    ("transaction_isolation", "SERIALIZABLE"): _SERIAL,
    ("tx_isolation", "READ-UNCOMMITTED"): _DIRTY,
    ("tx_isolation", "SERIALIZABLE"): _SERIAL,
    ("completion_type", "CHAIN"): Oddity(
        Say(en="every COMMIT opens a new transaction.", zh="每次 COMMIT 都会打开新事务。"), "'NO_CHAIN'"
    ),
    ("completion_type", "RELEASE"): Oddity(
        Say(en="every COMMIT ends the session.", zh="每次 COMMIT 都会断开会话。"), "'NO_CHAIN'"
    ),
    ("innodb_deadlock_detect", "OFF"): Oddity(
        Say(en="a deadlock holds until innodb_lock_wait_timeout.", zh="死锁要等到 innodb_lock_wait_timeout 才解除。"),
        "ON",
    ),
}


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding]:
    now.rows(Variable)
    for name in dict.fromkeys(name for name, _ in ODDITIES):
        value = (variable(now, name) or "").upper()
        odd = ODDITIES.get((name, value))
        if odd:
            say = Say(en=_IS.en + odd.effect.en, zh=_IS.zh + odd.effect.zh)
            yield Finding(
                CHECK.id, CHECK.item, Severity.NOTICE, name, "setting", say(name=name, value=value),
                measured(Variable, value=(value, "text")), details={"name": name, "value": value, "good": odd.good},
            )  # fmt: skip
