"""An account of MySQL or MariaDB that anybody can use, or one that may do everything from any host."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._settings import NO_LOCK, advice
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Version
from housecall.wording import Say

CAUSE = CauseRule(
    id="weak_authentication",
    title=Say(en="Weak authentication", zh="认证薄弱"),
    checks=("mysql.weak_accounts", "mysql.wide_accounts"),
)
_NETWORK = Say(en="It may log in over the network from {host}.", zh="该账号可通过网络从 {host} 登录。")
_LOCAL = Say(en="Only the machine itself can use it.", zh="只有服务器本机能够使用该账号。")
_PASSWORD = Say(
    en="Give {account} a random password, which the statement answers", zh="为 {account} 设置随机密码，由语句返回"
)
_LOCK = Say(en="Lock {account} until its owner has set a password", zh="锁定 {account}，直到其所有者设置密码")
_LOCK_ANONYMOUS = Say(
    en="Lock the anonymous account, and drop it when nobody misses it", zh="锁定匿名账号，确认无人使用后删除"
)
_SET_YOURSELF = Say(
    en="Set a password for {account} with ALTER USER, and keep it in the vault",
    zh="用 ALTER USER 为 {account} 设置密码并妥善保存",
)
_NARROW = Say(
    en="Give the application an account with rights on its own database, from the hosts it runs on; then revoke these",
    zh="为应用创建只对自己的库、只从所在主机登录的账号，再收回这些权限",
)
_MOVE = Say(
    en="Move {account} to caching_sha2_password with a new password",
    zh="让 {account} 改用 caching_sha2_password 并更换密码",
)
_CAUTION = Say(
    en="Whoever logs in with it is refused from now on; sessions that are connected stay. Tell its owner first.",
    zh="此后用旧方式登录会被拒绝，已有连接不受影响。请先通知账号所有者。",
)
_VERIFY = Say(en="nobody logs in to {account} without a secret", zh="没有密码就无法登录 {account}")
_NO_WAY_BACK = Say(
    en="The old state is the fault; give another password if needed.", zh="原状态即是问题所在；如有需要可再次修改密码。"
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    """One cause an account: the wide rights of a weak account make it worse, and are no second cause."""
    wide = {each.object: each for each in found.of("mysql.wide_accounts")}
    weak = found.of("mysql.weak_accounts")
    for finding in (*weak, *(each for name, each in wide.items() if name not in {each.object for each in weak})):
        if finding.severity == Severity.INFO:
            continue
        second = wide.get(finding.object) if finding.check == "mysql.weak_accounts" else None
        basis = (finding, second) if second else (finding,)
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind="role",
            severity=finding.severity,
            confidence=0.97,
            summary=finding.message,
            because=(_LOCAL() if finding.details.get("is_local") else _NETWORK(host=finding.details["host"]),),
            evidence=tuple(evidence for each in basis for evidence in each.evidence),
            remedies=(_remedy(finding, now.facts.version),),
            rests_on=tuple(each.fingerprint for each in basis),
        )


def _remedy(finding: Finding, version: Version) -> Remedy:
    name, kind = finding.object, finding.details.get("kind")
    names = finding.details.get("accounts", [name])
    told, show = ", ".join(names), f"SHOW CREATE USER {name};"
    if kind is None:
        return advice(_NARROW(), _VERIFY(account=name), verify_statement=f"SHOW GRANTS FOR {name};")
    if kind == "old":
        return advice(_MOVE(account=told), _VERIFY(account=told), verify_statement=show)
    if kind == "anonymous" or (version.flavour == "mariadb" and finding.details["user"] != "root"):
        return Remedy(
            title=_LOCK_ANONYMOUS() if kind == "anonymous" else _LOCK(account=told),
            statements=tuple(f"ALTER USER {each} ACCOUNT LOCK;" for each in names), lock=NO_LOCK(), risk="medium",
            when="now", rollback=tuple(f"ALTER USER {each} ACCOUNT UNLOCK;" for each in names),
            verify=_VERIFY(account=told), verify_statement=show, caution=_CAUTION(),
        )  # fmt: skip
    if version.flavour == "mariadb":
        return advice(_SET_YOURSELF(account=told), _VERIFY(account=told), verify_statement=show, when="now")
    return Remedy(
        title=_PASSWORD(account=told),
        statements=tuple(f"ALTER USER {each} IDENTIFIED BY RANDOM PASSWORD;" for each in names), lock=NO_LOCK(),
        risk="medium", when="now", rollback=(), rollback_note=_NO_WAY_BACK(), verify=_VERIFY(account=told),
        verify_statement=show, caution=_CAUTION(),
    )  # fmt: skip
