"""Rules of pg_hba.conf by which clients need not prove who they are, or only badly.

Why it matters: with `trust` everybody who reaches the port is any role that he names, the superuser included; with
`password` over an unencrypted connection every router on the way reads the password.
How to fix: scram-sha-256 in place of trust, password and md5, and addresses no wider than needed; then a reload.
Cannot see: the rules without the right to read them; then only whether Housecall itself was let in unasked. Who may
reach the socket's folder, and firewalls.
Source: PostgreSQL manual, "The pg_hba.conf File" and "Trust Authentication".
"""

import ipaddress
from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.checks.postgresql._settings import setting
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.quoting import quote_identifier
from housecall.engines.postgresql.rows.rights import LoginRule
from housecall.wording import Message, Say, Value

CHECK = Check(
    id="postgresql.weak_authentication",
    item="security_configuration_analysis",
    severity=Severity.CRITICAL,
    title=Say("Logins without proof", "无需验证即可登录"),
)
_TRUST = Say(
    "pg_hba.conf lets {users} in without a password from {place} (line {line:count}).",
    "pg_hba.conf 第 {line:count} 行允许 {users} 从 {place} 免密登录。",
)
_CLEAR = Say(
    "pg_hba.conf asks {users} from {place} for the password in clear text (line {line:count}).",
    "pg_hba.conf 第 {line:count} 行要求 {users} 从 {place} 以明文发送密码。",
)
_MD5 = Say(
    "pg_hba.conf checks {users} from {place} by md5, which is deprecated (line {line:count}).",
    "pg_hba.conf 第 {line:count} 行对来自 {place} 的 {users} 使用已弃用的 md5。",
)
_BROKEN = Say(
    "Line {line:count} of pg_hba.conf cannot be read ({error}): the server keeps its old rules at a reload, and does"
    " not start with these.",
    "pg_hba.conf 第 {line:count} 行无法解析（{error}）：重新加载时仍使用旧规则，重启则会失败。",
)
_UNASKED = Say(
    "The server let role {user} in without asking for a password.", "服务器没有要求密码就让角色 {user} 登录。"
)
_MAY_NOT = Say("role '{user}' may not read the rules of pg_hba.conf", "角色 '{user}' 无权读取 pg_hba.conf 的规则")
_LOOPBACK = ("127.0.0.1", "::1", "localhost", "samehost")


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding | NotEvaluated]:
    rules = now.get(LoginRule)
    if isinstance(rules, Unavailable):
        yield NotEvaluated(CHECK.id, _MAY_NOT(user=now.facts.user), _grant(now))
        if now.facts.let_in_unasked:
            yield _finding(
                f"role {now.facts.user}", Severity.INFO, _UNASKED(user=now.facts.user),
                (Evidence("password_asked", False, "yes/no", "login_rules"),), "unasked", None, now.facts.user,
            )  # fmt: skip
        return
    for rule in rules:
        yield from _judged(rule, now)


def _grant(now: Snapshot) -> str:
    user = quote_identifier(now.facts.user)
    return (
        f"GRANT SELECT ON pg_catalog.pg_hba_file_rules TO {user};"
        f" GRANT EXECUTE ON FUNCTION pg_catalog.pg_hba_file_rules() TO {user};"
    )


def _judged(rule: LoginRule, now: Snapshot) -> Iterator[Finding]:
    if rule.error:
        message = _BROKEN(line=rule.line_number, error=rule.error[:200])
        yield _finding("pg_hba.conf", Severity.NOTICE, message, _evidence(rule), "broken", rule, None)
        return
    place, users = place_of(rule), ", ".join(rule.users or ["all"])
    values: dict[str, Value] = {"users": users, "place": place, "line": rule.line_number}
    if rule.method == "trust":
        severity = reach(rule, now)
        yield _finding("pg_hba.conf", severity, _TRUST(**values), _evidence(rule), "trust", rule, None)
    elif rule.method == "password" and rule.type in ("host", "hostnossl") and not _is_near(rule):
        yield _finding("pg_hba.conf", Severity.NOTICE, _CLEAR(**values), _evidence(rule), "password", rule, None)
    elif rule.method == "md5":
        yield _finding("pg_hba.conf", Severity.INFO, _MD5(**values), _evidence(rule), "md5", rule, None)


def place_of(rule: LoginRule) -> str:
    """`the local socket`, `10.0.0.0/255.0.0.0`, `all`."""
    if rule.type == "local":
        return "the local socket"
    return "/".join(each for each in (rule.address, rule.netmask) if each) or "all"


def reach(rule: LoginRule, now: Snapshot) -> Severity:
    """How bad it is by who can come: who may enter the socket's folder, this machine, a network, the world."""
    listens = setting(now, "listen_addresses")
    heard = {each.strip() for each in (listens.value or "").split(",")} if listens else {"*"}
    if rule.type == "local":
        return Severity.INFO
    if _is_near(rule) or heard <= {"", "localhost", "127.0.0.1", "::1"}:
        return Severity.NOTICE
    return Severity.CRITICAL if _is_world(rule) else Severity.WARNING


def _is_near(rule: LoginRule) -> bool:
    if rule.type == "local" or (rule.address or "") in _LOOPBACK:
        return True
    try:
        return ipaddress.ip_network(f"{rule.address}/{rule.netmask}", strict=False).is_loopback
    except ValueError:
        return False


def _is_world(rule: LoginRule) -> bool:
    return rule.address == "all" or rule.netmask in ("0.0.0.0", "::")  # noqa: S104 - a pattern, nothing listens


def _evidence(rule: LoginRule) -> tuple[Evidence, ...]:
    return measured(
        LoginRule,
        line=(rule.line_number, "number"),
        type=(rule.type, "text"),
        databases=(", ".join(rule.databases or []), "text"),
        users=(", ".join(rule.users or []), "text"),
        address=(place_of(rule), "text"),
        method=(rule.method, "text"),
    )


def _finding(
    name: str, severity: Severity, message: Message, evidence: tuple[Evidence, ...], how: str, rule: LoginRule | None,
    user: str | None,
) -> Finding:  # fmt: skip
    return Finding(
        CHECK.id, CHECK.item, severity, name, "role" if user else "setting", message, evidence,
        details={
            "how": how, "line": rule.line_number if rule else None, "place": place_of(rule) if rule else None,
            "users": list(rule.users or []) if rule else [], "type": rule.type if rule else None,
        },
        identity=f"{how} {rule.type} {rule.databases} {rule.users} {place_of(rule)}" if rule else f"{how} {user}",
    )  # fmt: skip
