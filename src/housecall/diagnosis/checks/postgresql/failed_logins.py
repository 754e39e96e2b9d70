"""Logins that the server refuses again and again.

Why it matters: a program with a wrong password or a missing line in pg_hba.conf is down as far as its users see; many
different users mean that somebody tries passwords.
How to fix: correct the program's password or address; let nobody reach the port who need not.
Cannot see: refusals at a pooler or a firewall before the server.
Source: PostgreSQL manual, "Client Authentication Problems"; SQLSTATE class 28 and 3D000.
"""

import re
from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._log import log_evidence, log_not_read, told_by_log
from housecall.diagnosis.finding import Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CHECK = Check(
    id="postgresql.failed_logins",
    item="error_log_analysis",
    severity=Severity.WARNING,
    title=Say("Refused logins", "登录被拒绝"),
    thresholds=[
        Threshold("notice_messages", 3, "within 15 minutes; a person mistypes a password once or twice"),
        Threshold("warning_messages", 20, "within 15 minutes: more than once a minute is a program, not a person"),
    ],
)
_REFUSED = Say(
    "{count:count} login{count:|s} refused within 15 minutes: {message}",
    "15 分钟内有 {count:count} 次登录被拒绝：{message}",
)
_WHO = re.compile(r"(?:user|role|database) \"([^\"]+)\"")


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    yield from log_not_read(now, CHECK.id)
    told = [each for each in told_by_log(now, "login_failed") if each.severity == "FATAL" and each.is_recent]
    for each in sorted(told, key=lambda one: -one.recent)[:3]:
        if each.recent < limits["notice_messages"]:
            continue
        who = _WHO.search(each.message)
        name = who[1] if who else "?"
        yield Finding(
            CHECK.id, CHECK.item,
            Severity.WARNING if each.recent >= limits["warning_messages"] else Severity.NOTICE,
            f"role {name}", "role", _REFUSED(count=each.recent, message=each.message[:200]), log_evidence([each]),
            details={"name": name, "message": each.message, "count": each.recent},
            identity=each.message[:80],
        )  # fmt: skip
