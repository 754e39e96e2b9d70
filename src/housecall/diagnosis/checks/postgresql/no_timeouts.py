"""Timeouts that would end forgotten transactions, runaway statements and endless lock waits, and are all off.

Why it matters: without any limit one forgotten transaction can hold the whole server until a person comes.
How to fix: set them per role, for the application's roles first.
Cannot see: limits that the application or the pooler sets by itself.
Source: the practice of postgresai; PostgreSQL manual, "Client Connection Defaults".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.connections import UpkeepSettings
from housecall.wording import Say

CHECK = Check(
    id="postgresql.no_timeouts",
    item="connection_session_management",
    severity=Severity.INFO,
    title=Say("No timeouts set", "未设置超时"),
)

_MESSAGE = Say(
    "{missing} is not set for new sessions: a forgotten transaction or statement runs until a person ends it.",
    "新会话未设置 {missing}：被遗忘的事务或语句会一直存在，直到有人手动结束。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding | NotEvaluated]:
    settings = now.row(UpkeepSettings)
    values = {
        "idle_in_transaction_session_timeout": settings.idle_in_transaction_timeout_seconds,
        "statement_timeout": settings.statement_timeout_seconds,
        "lock_timeout": settings.lock_timeout_seconds,
    }
    missing = [
        name
        for name, seconds in values.items()
        if seconds == 0 and not any(f"{name}=" in override for override in settings.overrides)
    ]
    if settings.transaction_timeout_seconds > 0 or "idle_in_transaction_session_timeout" not in missing:
        return
    yield Finding(
        check=CHECK.id,
        item=CHECK.item,
        severity=Severity.INFO,
        object="server",
        object_kind="setting",
        message=_MESSAGE(missing=", ".join(missing)),
        evidence=tuple(Evidence(name, seconds, "seconds", "upkeep_settings") for name, seconds in values.items()),
    )
