"""Accounts that may do everything from any host.

Why it matters: one leaked password of an application is then the whole server.
How to fix: an account for each application with rights on its own database, from the hosts that it runs on.
Source: MySQL manual, "Access Control, Stage 1" and "Making MySQL Secure Against Attackers"; see also MySQLTuner.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.checks.mysql._measured import measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.quoting import account
from housecall.engines.mysql.rows.server import AccountRow
from housecall.wording import Say

CHECK = Check(
    id="mysql.wide_accounts",
    item="security_configuration_analysis",
    severity=Severity.NOTICE,
    title=Say(en="All rights from any host", zh="任意主机可用的高权限账号"),
)
_WIDE = Say(
    en="{account} may log in from any host and has {rights}.", zh="{account} 可从任意主机登录，并拥有 {rights}。"
)
_ANY_HOST = ("%", "", "%.%", "0.0.0.0/0.0.0.0")


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding]:
    for row in now.rows(AccountRow):
        rights = wide_rights(row)
        is_role = now.facts.version.flavour == "mariadb" and not row.host
        if rights and row.host in _ANY_HOST and not row.is_locked and not is_role:
            name = account(row.user_name, row.host)
            yield Finding(
                CHECK.id, CHECK.item, Severity.NOTICE, name, "role", _WIDE(account=name, rights=", ".join(rights)),
                measured(AccountRow, account=(name, "name"), rights=(", ".join(rights), "text"),
                         requires_tls=(row.requires_tls, "flag")),
                details={"user": row.user_name, "host": row.host, "rights": rights},
            )  # fmt: skip


def wide_rights(row: AccountRow) -> list[str]:
    """Rights on *.* that let an account take over the server."""
    held = {
        "ALL": row.has_all and row.has_super, "SUPER": row.has_super and not row.has_all, "FILE": row.has_file,
        "CREATE USER": row.has_create_user, "GRANT OPTION": row.has_grant,
    }  # fmt: skip
    return [name for name, has in held.items() if has]
