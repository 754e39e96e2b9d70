"""Clients get in without proving who they are: trust in pg_hba.conf, passwords in clear text or equal to the name."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._changes import evidence_of, set_setting
from housecall.diagnosis.causes.postgresql._sessions import NO_LOCK
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.quoting import quote_identifier
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="weak_authentication",
    title=Say("Weak authentication", "身份验证薄弱"),
    checks=("postgresql.weak_authentication", "postgresql.weak_passwords"),
)
_RULES = Say(
    "{count:count} rule{count:|s} of pg_hba.conf let{count:s|} clients log in without proof of who they are.",
    "pg_hba.conf 中有 {count:count} 条规则允许客户端不经验证登录。",
)
_ITSELF = Say(
    "The server let role {user} in without a password; who else may come in so, only pg_hba.conf tells.",
    "服务器未要求密码就让角色 {user} 登录；还有谁可以这样登录，要看 pg_hba.conf。",
)
_PASSWORDS = Say(
    "The password of {role} is its own name, which everybody tries first.", "{role} 的密码与角色名相同，最先被猜到。"
)
_EDIT = Say(
    "Give every login role a password, then write scram-sha-256 in place of {method} in line {lines} of pg_hba.conf"
    " (`SHOW hba_file` says where) and reload; keep `peer` for local administration",
    "先为每个登录角色设置密码，再把 pg_hba.conf（位置见 `SHOW hba_file`）第 {lines} 行的 {method} 改为"
    " scram-sha-256 并重新加载；"
    "本机管理可保留 peer",
)
_EDIT_UNSEEN = Say(
    "Give every login role a password, then write scram-sha-256 in place of trust in pg_hba.conf and reload; keep"
    " `peer`"
    " for local administration",
    "先为每个登录角色设置密码，再把 pg_hba.conf 中的 trust 改为 scram-sha-256 并重新加载；本机管理可保留 peer",
)
_CAUTION = Say(
    "An application that logs in without a password today is locked out until it has one. Keep a session open while you"
    " change it.",
    "目前免密登录的应用在配置密码之前会无法登录。修改时请保留一个已打开的会话。",
)
_UNDO = Say("write the old line back and reload", "把原来的行写回并重新加载")
_VERIFY = Say("a client without a password is refused", "无密码的客户端会被拒绝")
_NEW_PASSWORD = Say(
    "Give role {role} a new password (in psql: \\password {role}) and put it into the application",
    "为角色 {role} 设置新密码（在 psql 中：\\password {role}），并同步到应用",
)
_NO_WAY_BACK = Say("the old password should not come back", "不应恢复旧密码")
_SCRAM = Say("New passwords are kept by SCRAM from now on.", "此后新设的密码以 SCRAM 方式保存。")


BESIDE_THE_POINT = -0.1
"""A rule for the machine's own users costs nothing: it stands behind any other advice of its severity."""


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    open_rules = [
        each
        for each in found.of("postgresql.weak_authentication")
        if each.details["how"] in ("trust", "password", "unasked")
    ]
    if open_rules:
        yield _of_rules(open_rules, now)
    for finding in found.of("postgresql.weak_passwords"):
        if finding.details["what"] == "own_name":
            yield _of_password(finding)


def _of_rules(findings: list[Finding], now: Snapshot) -> Cause:
    worst = max(findings, key=lambda each: each.severity.rank)
    seen = [each for each in findings if each.details["line"] is not None]
    summary = _RULES(count=len(seen)) if seen else _ITSELF(user=now.facts.user)
    return Cause(
        id=CAUSE.id,
        object="pg_hba.conf",
        object_kind="setting",
        severity=worst.severity,
        confidence=0.95 if seen else 0.7,
        summary=summary,
        because=tuple(each.message for each in seen[:3]),
        evidence=evidence_of(worst),
        remedies=(_edit(seen),),
        impact=0.0 if worst.severity.rank > Severity.INFO.rank else BESIDE_THE_POINT,
        rests_on=tuple(each.fingerprint for each in findings),
    )


def _edit(seen: list[Finding]) -> Remedy:
    title: Message = _EDIT_UNSEEN()
    if seen:
        lines = ", ".join(str(each.details["line"]) for each in seen[:10])
        methods = "/".join(sorted({each.details["how"] for each in seen}))
        title = _EDIT(lines=lines, method=methods)
    return Remedy(
        title=title, statements=(), lock=NO_LOCK(), risk="medium", when="later", rollback=(), rollback_note=_UNDO(),
        verify=_VERIFY(), caution=_CAUTION(),
        verify_statement="SELECT line_number, type, address, auth_method FROM pg_hba_file_rules;",
    )  # fmt: skip


def _of_password(finding: Finding) -> Cause:
    role = quote_identifier(finding.details["role"])
    change = Remedy(
        title=_NEW_PASSWORD(role=role), statements=(), lock=NO_LOCK(), risk="medium", when="now", rollback=(),
        rollback_note=_NO_WAY_BACK(), verify=_VERIFY(), caution=_CAUTION(),
    )  # fmt: skip
    scram = set_setting("password_encryption", "scram-sha-256", None, caution=_SCRAM())
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="role",
        severity=finding.severity,
        confidence=0.99,
        summary=_PASSWORDS(role=finding.object),
        because=(),
        evidence=finding.evidence,
        remedies=(change, scram),
        rests_on=(finding.fingerprint,),
    )
