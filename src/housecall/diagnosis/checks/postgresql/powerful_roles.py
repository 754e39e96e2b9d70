"""Applications that run as superuser, and roles that pass row-level security.

Why it matters: one hole in the application is then a hole in the whole server, its files included.
How to fix: a role that owns the application's tables and nothing else; superusers for people only.
Cannot see: what a role inherits by SET ROLE to a superuser.
Source: PostgreSQL manual, "Role Attributes"; common practice.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.rights import PowerfulRole
from housecall.wording import Say

CHECK = Check(
    id="postgresql.powerful_roles",
    item="security_configuration_analysis",
    severity=Severity.NOTICE,
    title=Say("Applications with all rights", "应用使用高权限角色"),
    thresholds=[
        Threshold("min_sessions", 1, "one program is enough for a hole"),
        Threshold("many_superusers", 3, "as many as look after a server; each is a key to all of it"),
    ],
)
_USED = Say(
    "{sessions:count} session{sessions:|s} of programs run as {role}, which may do everything on this server.",
    "有 {sessions:count} 个程序会话以 {role} 运行，该角色拥有服务器的全部权限。",
)
_BYPASSES = Say("Role {role} passes row-level security (BYPASSRLS).", "角色 {role} 可绕过行级安全策略（BYPASSRLS）。")
_MANY = Say("{count:count} superusers may log in: {roles}.", "可登录的超级用户有 {count:count} 个：{roles}。")


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    rows = now.rows(PowerfulRole)
    for row in rows:
        evidence = measured(
            PowerfulRole,
            sessions=(row.sessions, "sessions"),
            remote_sessions=(row.remote_sessions, "sessions"),
            application=(row.application, "text"),
        )
        if row.is_superuser and row.sessions >= limits["min_sessions"]:
            severity = Severity.NOTICE if row.remote_sessions else Severity.INFO
            message = _USED(sessions=row.sessions, role=row.role_name)
            yield Finding(CHECK.id, CHECK.item, severity, f"role {row.role_name}", "role", message, evidence)
        elif not row.is_superuser:
            message = _BYPASSES(role=row.role_name)
            yield Finding(CHECK.id, CHECK.item, Severity.INFO, f"role {row.role_name}", "role", message, evidence)
    superusers = [row.role_name for row in rows if row.is_superuser]
    if len(superusers) > limits["many_superusers"]:
        yield Finding(
            CHECK.id, CHECK.item, Severity.INFO, "superusers", "role",
            _MANY(count=len(superusers), roles=", ".join(superusers[:5])),
            measured(PowerfulRole, superusers=(len(superusers), "count")),
        )  # fmt: skip
