"""Connections kept free for administrators: none, or too many.

Why it matters: when all connections are taken and none is reserved, nobody can log in to end the session at fault.
How to fix: superuser_reserved_connections = 3; takes effect at the next restart.
Source: PostgreSQL manual, superuser_reserved_connections; see also postgresqltuner.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.checks.postgresql._settings import setting
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.settings import ServerSetting
from housecall.wording import Say

CHECK = Check(
    id="postgresql.connection_reserve",
    item="connection_session_management",
    severity=Severity.NOTICE,
    title=Say("No connections reserved for administrators", "未给管理员预留连接"),
    thresholds=[
        Threshold("many", 10, "more administrators than that do not log in at once"),
    ],
)
_NONE = Say(
    "superuser_reserved_connections is 0: with all connections taken nobody can log in to help.",
    "superuser_reserved_connections 为 0：连接耗尽时没有人能登录处理。",
)
_MANY = Say(
    "superuser_reserved_connections is {value:count}: so many connections are kept from the applications.",
    "superuser_reserved_connections 为 {value:count}：预留过多，应用可用的连接变少。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    row = setting(now, "superuser_reserved_connections")
    if row is None:
        return
    severity = Severity.NOTICE if row.number == 0 else Severity.INFO if row.number > limits["many"] else None
    if severity:
        message = _NONE() if row.number == 0 else _MANY(value=row.number)
        yield Finding(
            CHECK.id, CHECK.item, severity, row.name, "setting", message,
            measured(ServerSetting, superuser_reserved_connections=(row.number, "count")),
        )  # fmt: skip
