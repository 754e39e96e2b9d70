"""Sessions over the network whose data, and perhaps passwords, everybody on the way can read.

Why it matters: queries, rows and, with md5 or password, credentials go in clear.
How to fix: ssl = on with a certificate, then `hostssl` in place of `host` in pg_hba.conf.
Cannot see: networks that are encrypted below (VPN, service mesh).
Source: PostgreSQL manual, "Secure TCP/IP Connections with SSL"; common practice.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.checks.postgresql._settings import setting
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.rights import PlainSessions
from housecall.engines.postgresql.rows.settings import ServerSetting
from housecall.wording import Say

CHECK = Check(
    id="postgresql.unencrypted_sessions",
    item="security_configuration_analysis",
    severity=Severity.NOTICE,
    title=Say("Unencrypted sessions", "未加密的会话"),
)
_PLAIN = Say(
    "{sessions:count} session{sessions:|s} over the network {sessions:is|are} not encrypted, most of them from {client}"
    " (user {user}).",
    "有 {sessions:count} 个网络会话未加密，主要来自 {client}（用户 {user}）。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding]:
    rows = now.rows(PlainSessions)
    if rows:
        first, ssl = rows[0], setting(now, "ssl")
        yield Finding(
            CHECK.id, CHECK.item, Severity.NOTICE, "ssl", "setting",
            _PLAIN(sessions=first.session_total, client=first.client, user=first.user_name),
            measured(PlainSessions, unencrypted_sessions=(first.session_total, "sessions"))
            + measured(ServerSetting, ssl=(ssl.value if ssl else None, "text")),
        )  # fmt: skip
