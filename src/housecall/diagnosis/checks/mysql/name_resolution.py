"""Whether the server asks the name service for each new client.

Why it matters: a slow or dead name server then makes every login slow, and logins pile up as "unauthenticated user".
How to fix: skip_name_resolve = ON in the configuration, after changing accounts that are granted by host name.
Source: MySQL manual, "DNS Lookups and the Host Cache".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import measured, variable
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import Variable
from housecall.engines.mysql.rows.sessions import Session
from housecall.wording import Say

CHECK = Check(
    id="mysql.name_resolution",
    item="connection_session_management",
    severity=Severity.WARNING,
    title=Say("Names of clients are looked up", "反向解析客户端主机名"),
    thresholds=[
        Threshold("many_logins", 5, "that many logins at once are not finished by chance"),
        Threshold("slow_seconds", 2.0, "a login takes milliseconds"),
    ],
)
_OFF = Say(
    "skip_name_resolve is {value}: every new client is looked up in the name service; {logins:count} login{logins:|s}"
    " {logins:is|are} not finished.",
    "skip_name_resolve 为 {value}：每个新客户端都要反向解析；有 {logins:count} 个登录尚未完成。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    value = variable(now, "skip_name_resolve")
    if value != "OFF":
        return
    logins = [each for each in now.rows(Session) if each.user_name == "unauthenticated user"]
    slow = [each for each in logins if (each.seconds or 0.0) >= limits["slow_seconds"]]
    pile = len(slow) >= limits["many_logins"]
    yield Finding(
        CHECK.id, CHECK.item, Severity.WARNING if pile else Severity.INFO, "skip_name_resolve", "setting",
        _OFF(value=value, logins=len(logins)),
        measured(Variable, skip_name_resolve=(value, "text"))
        + measured(Session, unfinished_logins=(len(logins), "count"), slow_logins=(len(slow), "count")),
        details={"logins": len(logins), "slow": len(slow)},
    )  # fmt: skip
