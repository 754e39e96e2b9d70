"""Logins that are refused because the account is locked, its password has expired, or it comes without TLS.

Why it matters: the application is down, and its clients try again and again; the server itself is idle.
How to fix: unlock the account or give it a new password, after asking who locked it and why.
Cannot see: on MariaDB, which account was refused: it is concluded from logins that fail otherwise than by a wrong
password while an account is locked. Wrong passwords are told with the other refusals, by permission_errors.
Source: MySQL manual, "Account Locking", "Password Management" and Locked_connects; MariaDB documentation, "Account
Locking" and Access_denied_errors.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._counters import pace
from housecall.diagnosis.checks.mysql._measured import measured
from housecall.diagnosis.checks.mysql._tables import rows_or_none
from housecall.diagnosis.finding import Finding, ObjectKind, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.quoting import account
from housecall.engines.mysql.rows.server import AccountRow, StatementError, StatusCounter
from housecall.wording import Say

CHECK = Check(
    id="mysql.failed_logins",
    item="connection_session_management",
    severity=Severity.WARNING,
    title=Say("Logins that a locked account is refused", "账号锁定导致登录被拒"),
    thresholds=[
        Threshold("least_refused", 20, "logins; a person tries a few times and asks somebody"),
        Threshold("recent_seconds", 600.0, "the latest of them: an application that is down tries within minutes"),
    ],
    needs_window=True,
)
LOCKED, EXPIRED, WITHOUT_TLS = "locked", "expired", "without_tls"
KINDS = {3118: LOCKED, 1862: EXPIRED, 3159: WITHOUT_TLS}
_INTERNAL = ("mysql.", "mariadb.sys")
_SAYS = {
    LOCKED: Say(
        "Logins are refused because the account is locked: {who} ({times:count} so far).",
        "登录因账号被锁定而被拒绝：{who}（目前 {times:count} 次）。",
    ),
    EXPIRED: Say(
        "Logins are refused because the password has expired: {who} ({times:count} so far).",
        "登录因密码过期而被拒绝：{who}（目前 {times:count} 次）。",
    ),
    WITHOUT_TLS: Say(
        "Logins without TLS are refused, because require_secure_transport is on: {who} ({times:count} so far).",
        "因 require_secure_transport 已打开，未使用 TLS 的登录被拒绝：{who}（目前 {times:count} 次）。",
    ),
}


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for row in rows_or_none(now, StatementError):
        kind = KINDS.get(row.number)
        ago = row.last_seconds_ago
        if kind is None or ago is None or row.raised < limits["least_refused"] or ago > limits["recent_seconds"]:
            continue
        accounts = [name for name in _accounts(now, kind) if row.user_name in (None, name[0])]
        if not accounts and row.user_name is not None:
            accounts = [(row.user_name, None)]
        yield _finding(kind, accounts, row.raised, max(0.0, ago), is_seen=True)
    if now.facts.version.flavour == "mariadb":
        yield from _concluded(now, earlier, limits)


def _accounts(now: Snapshot, kind: str) -> list[tuple[str, str | None]]:
    """Those that are locked, or whose password has expired."""
    if kind == WITHOUT_TLS:
        return []
    return [
        (row.user_name, row.host)
        for row in rows_or_none(now, AccountRow)
        if (row.is_locked if kind == LOCKED else row.is_expired) and not row.user_name.startswith(_INTERNAL)
    ]


def _concluded(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    """MariaDB counts the logins that failed, those of wrong passwords, and those that never came to a login."""
    failed = pace(now, earlier, "Aborted_connects")
    others = pace(now, earlier, "Access_denied_errors", "Aborted_connects_preauth")
    in_window = (failed.in_window or 0.0) - (others.in_window or 0.0)
    accounts = _accounts(now, LOCKED)
    if accounts and in_window >= 1 and failed.total - others.total >= limits["least_refused"]:
        yield _finding(LOCKED, accounts, int(failed.total - others.total), 0.0, is_seen=False)


def _finding(kind: str, accounts: list[tuple[str, str | None]], times: int, ago: float, *, is_seen: bool) -> Finding:
    names = [account(user, host) if host is not None else user for user, host in accounts]
    one = names[0] if len(names) == 1 else None
    object_kind: ObjectKind = "role" if one else "server"
    name = one or "server"
    if kind == WITHOUT_TLS:
        name, object_kind = "require_secure_transport", "setting"
    return Finding(
        CHECK.id, CHECK.item, Severity.WARNING, name, object_kind,
        _SAYS[kind](who=", ".join(names[:3]) or "?", times=times),
        measured(StatementError if is_seen else StatusCounter, refused=(times, "count"),
                 latest=(round(ago), "seconds ago"))
        + measured(AccountRow, accounts=(", ".join(names[:3]) or None, "name")),
        details={"kind": kind, "account": one, "accounts": names, "times": times, "is_seen": is_seen},
    )  # fmt: skip
