"""Timeouts that end the application's own statements, locks or sessions again and again.

Why it matters: a limit below what the work needs turns every run into an error, and the work is done for nothing.
How to fix: set the limit above the slowest statement that has to finish (and make that one faster); a few hundred
milliseconds for a lock are right, for a report they are not.
Cannot see: limits that the application sets in its own sessions or in the driver. Without the log only rolled back
transactions are seen, not why, so that a very short limit and many of them are needed.
Source: PostgreSQL manual, "Client Connection Defaults" (statement_timeout, lock_timeout, idle_in_transaction_session_
timeout, idle_session_timeout, transaction_timeout).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from housecall.attachments.events import EventKind
from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._durations import seconds_of
from housecall.diagnosis.checks.postgresql._failing import failing
from housecall.diagnosis.checks.postgresql._log import Told, log_evidence, log_not_read, told_by_log
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.checks.postgresql._settings import stored_for_roles
from housecall.diagnosis.checks.postgresql.dangerous_settings import scope_of
from housecall.diagnosis.finding import Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.rows.connections import UpkeepSettings
from housecall.engines.postgresql.rows.settings import RoleSetting
from housecall.engines.postgresql.rows.transactions import TransactionCounters
from housecall.wording import Say, Value

CHECK = Check(
    id="postgresql.timeouts_too_short",
    item="connection_session_management",
    severity=Severity.WARNING,
    title=Say("Timeouts too short", "超时设置过短"),
    thresholds=[
        Threshold("warning_messages", 10, "within 15 minutes; a limit that ends one runaway statement does its work"),
        Threshold(
            "short_seconds", 5.0, "a limit above this that ends statements shows slow statements, not a bad limit"
        ),
        Threshold(
            "tiny_seconds", 0.25, "below the usual slowest statement of any application; suspicious without a log"
        ),
        Threshold(
            "tiny_lock_seconds", 0.05, "shorter than the commit of the one who holds the row takes on a busy disk"
        ),
        Threshold("short_idle_seconds", 5.0, "of an idle session: a pool keeps them for minutes, and opens them anew"),
        Threshold("min_rollbacks", 50, "without the log: fewer rolled back transactions tell nothing"),
        Threshold("min_share", 0.2, "without the log: of all transactions; applications roll back a few by themselves"),
    ],
    needs_window=True,
)
_ENDS = Say(
    "{name} is {value:duration} for {scope}: it ended {count:count} statement{count:|s} or session{count:|s} within"
    " 15 minutes.",
    "{scope} 的 {name} 为 {value:duration}：15 分钟内因此中断了 {count:count} 次语句或会话。",
)
_SUSPECT = Say(
    "{name} is {value:duration} for {scope}, and {share:percent} of the transactions were rolled back.",
    "{scope} 的 {name} 只有 {value:duration}，同时有 {share:percent} 的事务被回滚。",
)
_TINY = Say(
    "{name} is {value:duration} for {scope}: little work is done in so short a time.",
    "{scope} 的 {name} 只有 {value:duration}：这么短的时间几乎做不完什么工作。",
)


@dataclass(frozen=True, slots=True)
class Timeout:
    """A timeout in force somewhere: for the server when `stored` is None."""

    name: str
    seconds: float
    stored: RoleSetting | None

    @property
    def scope(self) -> str:
        return scope_of(self.stored) if self.stored else "the server"


_ENDED_BY: dict[str, tuple[EventKind, str]] = {
    "statement_timeout": ("statement_timeout", "statement timeout"),
    "lock_timeout": ("lock_timeout", "lock timeout"),
    "idle_in_transaction_session_timeout": ("idle_timeout", "idle-in-transaction"),
    "idle_session_timeout": ("idle_timeout", "idle-session"),
    "transaction_timeout": ("other", "transaction timeout"),
}
_WITHOUT_LOG = {
    "statement_timeout": "tiny_seconds", "transaction_timeout": "tiny_seconds", "lock_timeout": "tiny_lock_seconds",
}  # fmt: skip


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    timeouts = _timeouts(now)
    if not timeouts:
        return
    missing = list(log_not_read(now, CHECK.id))
    if any(each.seconds <= limits["short_seconds"] for each in timeouts):
        yield from missing
    for name in _ENDED_BY:
        named = [each for each in timeouts if each.name == name and each.seconds <= limits["short_seconds"]]
        if named and missing:
            yield from _without_log(min(named, key=lambda each: each.seconds), now, earlier, limits)
        elif named:
            yield from _by_log(named, now, limits)


def _timeouts(now: Snapshot) -> list[Timeout]:
    found = []
    for row in stored_for_roles(now):
        seconds = seconds_of(row.value) if row.name in _ENDED_BY else None
        if seconds:
            found.append(Timeout(row.name, seconds, row))
    rows = now.get(UpkeepSettings)
    for server in () if isinstance(rows, Unavailable) else rows:
        values = {
            "statement_timeout": server.statement_timeout_seconds,
            "lock_timeout": server.lock_timeout_seconds,
            "idle_in_transaction_session_timeout": server.idle_in_transaction_timeout_seconds,
            "idle_session_timeout": server.idle_session_timeout_seconds,
            "transaction_timeout": server.transaction_timeout_seconds,
        }
        # what is stored for the role that asks is read here too, and is no setting of the server
        own = {each.name for each in stored_for_roles(now) if each.role_name == now.facts.user}
        databases = {each.name for each in found if each.stored and each.stored.role_name is None}
        found += [
            Timeout(name, seconds, None)
            for name, seconds in values.items()
            if seconds > 0 and name not in own | databases
        ]
    return found


def _by_log(timeouts: list[Timeout], now: Snapshot, limits: Limits) -> Iterator[Finding]:
    """The log tells how often a limit struck; whose it was, the user where the log names one, else the shortest."""
    kind, words = _ENDED_BY[timeouts[0].name]
    told = [each for each in told_by_log(now, kind) if words in each.message and each.is_recent]
    count = sum(each.recent for each in told)
    users = {each.user for each in told if each.user}
    named = [each for each in timeouts if each.stored and each.stored.role_name in users]
    shortest = min(named or timeouts, key=lambda each: each.seconds)
    if count >= limits["warning_messages"]:
        yield _finding(shortest, Severity.WARNING, count, None, told)
    elif shortest.seconds <= limits["tiny_seconds"] and shortest.name != "lock_timeout":
        yield _finding(shortest, Severity.INFO, None, None, told)


def _without_log(timeout: Timeout, now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    if timeout.name == "idle_session_timeout" and timeout.seconds <= limits["short_idle_seconds"]:
        yield _finding(timeout, Severity.NOTICE, None, None, ())
        return
    limit = _WITHOUT_LOG.get(timeout.name)
    if limit is None or timeout.seconds > limits[limit]:
        return
    counted = failing(now, earlier)
    many = counted and counted.rollbacks >= limits["min_rollbacks"] and counted.share >= limits["min_share"]
    if counted and many:
        yield _finding(timeout, Severity.WARNING, counted.rollbacks, counted.share, ())
    elif timeout.name != "lock_timeout":
        yield _finding(timeout, Severity.INFO, None, None, ())


def _finding(
    timeout: Timeout, severity: Severity, count: int | None, share: float | None, told: list[Told] | tuple[()]
) -> Finding:
    values: dict[str, Value] = {"name": timeout.name, "value": timeout.seconds, "scope": timeout.scope}
    if share is not None:
        message = _SUSPECT(**values, share=share)
    else:
        message = _TINY(**values) if count is None else _ENDS(**values, count=count)
    stored = timeout.stored
    reading: type[UpkeepSettings] | type[RoleSetting] = RoleSetting if stored else UpkeepSettings
    evidence = measured(
        reading, timeout=(timeout.name, "text"), value=(timeout.seconds, "seconds"), set_for=(timeout.scope, "text")
    )
    if share is not None:
        evidence += measured(
            TransactionCounters, rollbacks=(count, "transactions"), rollback_share=(round(share, 3), "share")
        )
    return Finding(
        CHECK.id, CHECK.item, severity, timeout.name, "setting", message, evidence + log_evidence(list(told)),
        details={
            "name": timeout.name, "seconds": timeout.seconds, "scope": timeout.scope, "count": count, "share": share,
            "role": stored.role_name if stored else None, "database": stored.database_name if stored else None,
            "value": stored.value if stored else None, "statement": told[0].statement if told else None,
        },
        identity=f"{timeout.name}|{timeout.scope}",
    )  # fmt: skip
