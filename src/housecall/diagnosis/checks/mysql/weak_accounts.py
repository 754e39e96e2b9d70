"""Accounts that anybody can log in to: without a name, without a password, or with their own name as the password.

Why it matters: whoever reaches the server owns what the account may do.
How to fix: a password, or lock the account until its owner has set one; anonymous accounts are dropped.
An account that only the machine itself can use is told more softly than one for the network.
Cannot see: on MySQL with caching_sha2_password, whether a password is the name: that hash cannot be compared in SQL.
Source: MySQL manual, "Securing the Initial MySQL Account" and "Authentication Plugins"; see also MySQLTuner.
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
    local: dict[tuple[str, str], list[AccountRow]] = {}
    for row in now.rows(AccountRow):
        kind = weakness(row, now)
        if kind is None:
            continue
        if row.host.lower() in (*LOCAL_HOSTS, own):
            local.setdefault((kind, row.user_name), []).append(row)
        else:
            yield _finding(kind, [row], is_local=False)
    for (kind, _), rows in local.items():
        yield _finding(kind, rows, is_local=True)


def _finding(kind: str, rows: list[AccountRow], *, is_local: bool) -> Finding:
    """One an account; those of one user on the machine itself are one, `'root'@'localhost'` first."""
    rows = sorted(rows, key=lambda row: (row.host != "localhost", row.host))
    first = rows[0]
    names = [account(row.user_name, row.host) for row in rows]
    return Finding(
        CHECK.id, CHECK.item, _severity(kind, first, is_local=is_local), names[0], "role",
        _SAYS[kind](account=", ".join(names), host=first.host, plugin=first.plugin),
        measured(AccountRow, account=(", ".join(names), "name"), plugin=(first.plugin, "text"),
                 has_password=(first.has_password, "flag"), password_is_name=(first.password_is_name, "flag"),
                 may_do_everything=(first.has_all or first.has_super, "flag")),
        details={"kind": kind, "user": first.user_name, "host": first.host, "accounts": names,
                 "is_local": is_local},
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
