"""Accounts that anybody can log in to: without a name, without a password, or with their own name as the password.

Why it matters: whoever reaches the server owns what the account may do.
How to fix: a password, or lock the account until its owner has set one; anonymous accounts are dropped.
An account that only the machine itself can use is told more softly than one for the network.
Cannot see: on MySQL with caching_sha2_password, whether a password is the name: that hash cannot be compared in SQL.
Source: MySQL manual, "Securing the Initial MySQL Account" and "Authentication Plugins"; checks.md rows 47 and 50.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.checks.mysql._measured import measured, variable
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.quoting import account
from housecall.engines.mysql.rows.server import AccountRow
from housecall.wording import Say

CHECK = Check(
    id="mysql.weak_accounts",
    item="security_configuration_analysis",
    severity=Severity.CRITICAL,
    title=Say(en="Accounts that anybody can use", zh="弱口令或匿名账号"),
)
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
_WITH_PASSWORD = ("", "mysql_native_password", "caching_sha2_password", "sha256_password", "ed25519", "parsec",
                  "mysql_old_password")  # fmt: skip
_SAYS = {
    "anonymous": Say(
        en="{account} has no user name: everybody from {host} may log in with any name.",
        zh="{account} 是匿名账号：来自 {host} 的任何人可以用任意用户名登录。",
    ),
    "empty": Say(en="{account} has no password.", zh="{account} 没有密码。"),
    "name": Say(en="The password of {account} is its own name.", zh="{account} 的密码与用户名相同。"),
    "old": Say(
        en="{account} logs in with {plugin}, whose hash is weak and which newer servers no longer have.",
        zh="{account} 使用 {plugin} 登录，其哈希较弱，且新版本服务器已移除该插件。",
    ),
}


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding]:
    own = (variable(now, "hostname") or "").lower()
    for row in now.rows(AccountRow):
        kind = weakness(row, now)
        if kind is None:
            continue
        name, is_local = account(row.user_name, row.host), row.host.lower() in (*LOCAL_HOSTS, own)
        yield Finding(
            CHECK.id, CHECK.item, _severity(kind, row, is_local=is_local), name, "role",
            _SAYS[kind](account=name, host=row.host, plugin=row.plugin),
            measured(AccountRow, account=(name, "name"), plugin=(row.plugin, "text"),
                     has_password=(row.has_password, "flag"), password_is_name=(row.password_is_name, "flag"),
                     may_do_everything=(row.has_all or row.has_super, "flag")),
            details={"kind": kind, "user": row.user_name, "host": row.host, "plugin": row.plugin, "is_local": is_local},
        )  # fmt: skip


def weakness(row: AccountRow, now: Snapshot) -> str | None:
    """What is weak about an account; None: nothing, or nobody can log in with it. Roles of MariaDB have no host."""
    flavour = now.facts.version.flavour
    if row.is_locked or (flavour == "mariadb" and not row.host):
        return None
    if not row.user_name:
        return "anonymous"
    if not row.has_password and (row.plugin or "") in _WITH_PASSWORD:
        return "empty"
    if row.password_is_name:
        return "name"
    is_old = row.plugin == "mysql_old_password" or (row.plugin == "mysql_native_password" and flavour == "mysql")
    return "old" if is_old else None


def _severity(kind: str, row: AccountRow, *, is_local: bool) -> Severity:
    if kind == "old":
        return Severity.INFO if row.plugin == "mysql_native_password" else Severity.WARNING
    if is_local:
        return Severity.NOTICE
    return Severity.CRITICAL if row.has_all or row.has_super or row.has_file else Severity.WARNING
