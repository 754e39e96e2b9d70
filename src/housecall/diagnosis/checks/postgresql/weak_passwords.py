"""Passwords that are kept badly, are the role's own name, or are about to expire.

Why it matters: an md5 hash is itself enough to log in by md5, and is soon guessed; a password that equals the name is
the first that is tried; an expired one stops its application at night.
How to fix: password_encryption = scram-sha-256, then give the role its password anew (\\password); extend VALID UNTIL.
Cannot see: weak passwords kept by SCRAM: nothing tells them from good ones. Needs a superuser.
Source: PostgreSQL manual, "Password Authentication" (md5 is deprecated) and CREATE ROLE (VALID UNTIL).
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.finding import Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.rows.rights import PasswordKind
from housecall.wording import Message, Say

CHECK = Check(
    id="postgresql.weak_passwords",
    item="security_configuration_analysis",
    severity=Severity.WARNING,
    title=Say("Weak or expiring passwords", "弱密码或即将过期的密码"),
    thresholds=[
        Threshold("expires_seconds", 7 * 24 * 3600, "a week to change it in the application as well; common practice"),
    ],
)
_OWN_NAME = Say("The password of role {role} is its own name.", "角色 {role} 的密码与角色名相同。")
_OLD_HASH = Say(
    "The password of role {role} is kept as {kind}, which scram-sha-256 replaces.",
    "角色 {role} 的密码以 {kind} 方式保存，应改为 scram-sha-256。",
)
_EXPIRES = Say(
    "The password of role {role} expires in {left:duration}; after that it cannot log in.",
    "角色 {role} 的密码将在 {left:duration} 后过期，届时无法登录。",
)
_EXPIRED = Say(
    "The password of role {role} expired {ago:duration} ago: it cannot log in with it.",
    "角色 {role} 的密码已于 {ago:duration} 前过期，无法再用它登录。",
)
_SUPERUSERS = Say(
    "only a superuser may see how passwords are kept; role '{user}' is none",
    "只有超级用户能查看密码的保存方式，角色 '{user}' 不是超级用户",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    rows = now.get(PasswordKind)
    if isinstance(rows, Unavailable):
        yield NotEvaluated(CHECK.id, _SUPERUSERS(user=now.facts.user))
        return
    for row in rows:
        for severity, message, what in _judged(row, limits):
            yield Finding(
                CHECK.id, CHECK.item, severity, f"role {row.role_name}", "role", message,
                measured(
                    PasswordKind, kind=(row.kind, "text"), is_own_name=(row.is_own_name, "yes/no"),
                    valid_for=(row.valid_seconds and round(row.valid_seconds), "seconds"),
                ),
                details={"role": row.role_name, "what": what, "kind": row.kind},
                identity=f"{row.role_name} {what}",
            )  # fmt: skip


def _judged(row: PasswordKind, limits: Limits) -> Iterator[tuple[Severity, Message, str]]:
    if row.is_own_name:
        yield Severity.WARNING, _OWN_NAME(role=row.role_name), "own_name"
    elif row.kind in ("md5", "plain"):
        yield Severity.NOTICE, _OLD_HASH(role=row.role_name, kind=row.kind), "old_hash"
    if row.valid_seconds is not None and row.valid_seconds < 0:
        yield Severity.NOTICE, _EXPIRED(role=row.role_name, ago=-row.valid_seconds), "expired"
    elif row.valid_seconds is not None and row.valid_seconds < limits["expires_seconds"]:
        yield Severity.NOTICE, _EXPIRES(role=row.role_name, left=row.valid_seconds), "expires"
