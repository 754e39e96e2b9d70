"""Statements and logins that the server refuses for want of a right.

Why it matters: an application that lost a grant fails at every call, and its users see errors.
How to fix: grant what the application needs, or stop what should not ask.
Cannot see: which account and table, unless a session that failed is still connected; on MariaDB statements that were
refused are not counted, only logins.
Source: MySQL manual, performance_schema.events_errors_summary_global_by_error; errors 1044, 1045, 1142, 1143, 1227,
1370.
"""

import re
from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._counters import pace
from housecall.diagnosis.checks.mysql._measured import measured
from housecall.diagnosis.finding import Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.diagnosis.unavailable import not_evaluated
from housecall.engines.engine import Unavailable
from housecall.engines.mysql.quoting import account
from housecall.engines.mysql.rows.server import FailedStatement, StatementError
from housecall.wording import Say

CHECK = Check(
    id="mysql.permission_errors",
    item="error_log_analysis",
    severity=Severity.WARNING,
    title=Say(en="Statements refused for want of a right", zh="因权限不足被拒绝的语句"),
    thresholds=[
        Threshold("least_refused", 20, "statements refused; a person tries a few times and asks somebody"),
        Threshold("recent_seconds", 600.0, "the latest of them: an application that still fails asks within minutes"),
        Threshold("least_seen", 3, "refusals of one account among the latest statements of its sessions"),
    ],
    needs_window=True,
)
REFUSED = frozenset({1044, 1142, 1143, 1227, 1370, 1410})
_NAMED = re.compile(
    r"(?P<right>[A-Z ,]+) command denied to user '(?P<user>[^']*)'@'(?P<host>[^']*)' for"
    r" (?:table|routine|column '[^']*' in"
    r" table) [`']?(?P<object>[^']+?)[`']?$"
)
_SEEN = Say(en="{account} is refused again and again: {text}", zh="{account} 反复被拒绝：{text}")
_COUNTED = Say(
    en="{refused:count} statements were refused for want of a right, the latest {ago:duration} ago.",
    zh="有 {refused:count} 条语句因权限不足被拒绝，最近一次在 {ago:duration} 前。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    failed = now.get(FailedStatement)
    if isinstance(failed, Unavailable):
        yield not_evaluated(CHECK.id, failed, now)
        failed = ()
    refused = [row for row in failed if row.number in REFUSED]
    seen = [row for row in refused if row.statements >= limits["least_seen"]]
    for row in seen:
        named = _NAMED.search(row.message or "")
        who = account(named["user"], named["host"]) if named else row.user_name or "?"
        yield Finding(
            CHECK.id, CHECK.item, Severity.WARNING, who, "role", _SEEN(account=who, text=row.message),
            measured(FailedStatement, refused=(row.statements, "count"), message=(row.message, "text")),
            details={"kind": "seen", "account": who, "right": named["right"].strip() if named else None,
                     "object": named["object"] if named else None, "schema": row.schema_name,
                     "text": row.message, "times": row.statements},
            identity=f"{who} {named['object'] if named else row.message}",
        )  # fmt: skip
    if not seen:
        yield from _counted(now, earlier, limits)


def _counted(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    rows = now.get(StatementError)
    if isinstance(rows, Unavailable):
        return
    refused = [row for row in rows if row.number in REFUSED]
    times = sum(row.raised for row in refused)
    ago = min((row.last_seconds_ago for row in refused if row.last_seconds_ago is not None), default=float("inf"))
    if times < limits["least_refused"] or ago > limits["recent_seconds"]:
        return
    share = times / max(pace(now, earlier, "Questions").total, 1.0)
    yield Finding(
        CHECK.id, CHECK.item, Severity.WARNING if share >= 0.01 else Severity.NOTICE, "server", "server",
        _COUNTED(refused=times, ago=max(0.0, ago)),
        measured(StatementError, refused=(times, "count"), latest=(round(max(0.0, ago)), "seconds ago"),
                 share_of_statements=(round(share, 4), "share")),
        details={"kind": "counted", "times": times, "share": share, "seconds_ago": max(0.0, ago)},
    )  # fmt: skip
