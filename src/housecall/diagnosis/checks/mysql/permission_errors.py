"""Statements and logins that the server refuses for want of a right.

Why it matters: an application that lost a grant fails at every call, and its users see errors.
How to fix: grant what the application needs, or stop what should not ask.
Cannot see: which account, unless a session that failed is still connected (on MariaDB, only where the consumer
events_statements_history is on); there the counter of denied statements and logins is used.
Source: MySQL manual, performance_schema.events_errors_summary_global_by_error; errors 1044, 1045, 1142, 1143, 1227,
1370.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._counters import pace
from housecall.diagnosis.checks.mysql._measured import measured
from housecall.diagnosis.finding import Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.diagnosis.unavailable import not_evaluated
from housecall.engines.engine import Unavailable
from housecall.engines.mysql.quoting import account
from housecall.engines.mysql.rows.server import FailedStatement, StatementError, StatusCounter
from housecall.engines.mysql.rows.statements import TopStatement
from housecall.wording import Say

CHECK = Check(
    id="mysql.permission_errors",
    item="error_log_analysis",
    severity=Severity.WARNING,
    title=Say(en="Statements refused for want of a right", zh="因权限不足被拒绝的语句"),
    thresholds=[
        Threshold("least_refused", 20, "statements refused; a person tries a few times and asks somebody"),
        Threshold("recent_seconds", 600.0, "the latest of them: an application that still fails asks within minutes"),
        Threshold("warning_share", 0.01, "of all statements: one user in a hundred sees errors"),
        Threshold("least_seen", 3, "refusals of one account among the latest statements of its sessions"),
    ],
    needs_window=True,
)
REFUSED = frozenset({1044, 1142, 1143, 1227, 1370, 1410})
COUNTED = REFUSED | {1045}
_ACCOUNT = r"to user '(?P<user>[^']*)'@'(?P<host>[^']*)'"
_NAMED = re.compile(
    rf"(?P<right>[A-Za-z ,]+?) command denied {_ACCOUNT} for (?P<what>table|routine|column '[^']*' in table)"
    r" [`']?(?P<object>[^']+?)[`']?$"
)
_DATABASE = re.compile(r"Access denied for user '(?P<user>[^']*)'@'(?P<host>[^']*)' to database '(?P<object>[^']*)'")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Who was refused what, as far as the server's words say it."""

    account: str
    right: str | None = None
    object: str | None = None
    what: str | None = None


def refusal(row: FailedStatement) -> Refusal:
    """Out of the server's message."""
    text = row.message or ""
    if named := _NAMED.search(text):
        who = account(named["user"], named["host"])
        return Refusal(who, named["right"].strip().upper(), named["object"], named["what"].split()[0])
    if database := _DATABASE.search(text):
        return Refusal(account(database["user"], database["host"]), None, database["object"], "database")
    return Refusal(row.user_name or "?")


_SEEN = Say(en="{account} is refused again and again: {text}", zh="{account} 反复被拒绝：{text}")
_COUNTED = Say(
    en="{refused:count} statements or logins were refused for want of a right, the latest {ago:duration} ago.",
    zh="有 {refused:count} 条语句或登录因权限不足被拒绝，最近一次在 {ago:duration} 前。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    failed = now.get(FailedStatement)
    if isinstance(failed, Unavailable):
        yield not_evaluated(CHECK.id, failed, now)
        failed = ()
    refused = [row for row in failed if row.number in REFUSED]
    seen = [row for row in refused if row.statements >= limits["least_seen"]]
    for row in seen:
        who = refusal(row)
        yield Finding(
            CHECK.id, CHECK.item, Severity.WARNING, who.account, "role", _SEEN(account=who.account, text=row.message),
            measured(FailedStatement, refused=(row.statements, "count"), message=(row.message, "text")),
            details={"kind": "seen", "account": who.account, "right": who.right, "object": who.object,
                     "what": who.what, "schema": row.schema_name, "text": row.message, "times": row.statements},
            identity=f"{who.account} {who.object or row.message}",
        )  # fmt: skip
    if not seen:
        yield from _counted(now, earlier, limits)


def _counted(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    """By counters alone: MySQL counts errors by their number, MariaDB all that was denied, logins among them."""
    rows = now.get(StatementError)
    known = () if isinstance(rows, Unavailable) else [row for row in rows if row.number in COUNTED]
    denied = pace(now, earlier, "Access_denied_errors")
    failing = _failing(now, limits)
    times = sum(row.raised for row in known) or denied.total
    ago = min((row.last_seconds_ago for row in known if row.last_seconds_ago is not None), default=None)
    if ago is None:
        ago = 0.0 if denied.in_window else failing.last_seen_seconds if failing else None
    if times < limits["least_refused"] or ago is None or ago > limits["recent_seconds"]:
        return
    ago = max(0.0, ago)
    share = times / max(pace(now, earlier, "Questions").total, 1.0)
    yield Finding(
        CHECK.id, CHECK.item, Severity.WARNING if share >= limits["warning_share"] else Severity.NOTICE,
        "server", "server", _COUNTED(refused=times, ago=ago),
        measured(StatementError if known else StatusCounter, refused=(times, "count"),
                 latest=(round(ago), "seconds ago"), share_of_statements=(round(share, 4), "share"))
        + (measured(TopStatement, failing_statement=(failing.query, "text"), errors=(failing.errors, "count"))
           if failing else ()),
        details={"kind": "counted", "times": times, "share": share, "seconds_ago": ago,
                 "statement": failing.query if failing else None},
    )  # fmt: skip


def _failing(now: Snapshot, limits: Limits) -> TopStatement | None:
    """The statement that failed most, at every call, if there is one."""
    rows = now.get(TopStatement)
    if isinstance(rows, Unavailable):
        return None
    always = [row for row in rows if row.errors >= max(limits["least_seen"], row.calls)]
    return max(always, key=lambda row: row.errors, default=None)
