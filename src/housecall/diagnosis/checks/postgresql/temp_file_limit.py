"""Statements that fail because their temporary files pass temp_file_limit.

Why it matters: the statement did all its work up to the limit, for nothing, and its caller gets an error.
How to fix: let the statement write less (an index that gives the order, fewer rows, more work_mem for its role), or
raise the limit for the one role whose reports need it and where the disk has the room.
Cannot see: without the log nothing; failed statements are counted nowhere.
Source: PostgreSQL manual, "Resource Consumption", temp_file_limit; SQLSTATE 53400.
"""

import re
from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._log import Told, log_evidence, log_not_read, told_by_log
from housecall.diagnosis.checks.postgresql._settings import setting_number, stored_for_roles
from housecall.diagnosis.checks.postgresql.dangerous_settings import scope_of
from housecall.diagnosis.finding import Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.settings import RoleSetting
from housecall.wording import Say

NAME = "temp_file_limit"
CHECK = Check(
    id="postgresql.temp_file_limit",
    item="resource_usage",
    severity=Severity.WARNING,
    title=Say("Temporary files over their limit", "临时文件超出上限"),
    thresholds=[
        Threshold("warning_messages", 3, "within 15 minutes; once is the runaway that the limit is there for"),
    ],
)
_FAILS = Say(
    "{count:count} statement{count:|s} failed within 15 minutes because their temporary files passed temp_file_limit"
    " ({limit:bytes}) of {scope}.",
    "15 分钟内有 {count:count} 条语句因临时文件超出 {scope} 的 temp_file_limit（{limit:bytes}）而失败。",
)
_OVER = re.compile(rf"{NAME}\W+(\d+) ?kB")


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    stored = [each for each in stored_for_roles(now) if each.name == NAME]
    present = {setting_number(now, NAME) or 0.0, *(each.memory_bytes() or 0.0 for each in stored)}
    if not any(each > 0 for each in present):
        return
    yield from log_not_read(now, CHECK.id)
    told = [each for each in told_by_log(now) if each.severity == "ERROR" and each.is_recent]
    told = [each for each in told if _limit_bytes(each) in present]  # one that was changed since is over
    count = sum(each.recent for each in told)
    if count < limits["warning_messages"]:
        return
    told.sort(key=lambda each: -each.recent)
    owner, limit = _owner(told, stored), _limit_bytes(told[0])
    scope = scope_of(owner) if owner else "the server"
    yield Finding(
        CHECK.id, CHECK.item, Severity.WARNING, NAME, "setting",
        _FAILS(count=count, limit=limit, scope=scope), log_evidence(told),
        details={
            "count": count, "limit_bytes": limit, "statement": told[0].statement, "scope": scope,
            "value": owner.value if owner else None, "role": owner.role_name if owner else None,
            "database": owner.database_name if owner else None,
        },
    )  # fmt: skip


def _limit_bytes(told: Told) -> float | None:
    """The limit that a message names, or None when it is another message."""
    match = _OVER.search(told.message)
    return float(match[1]) * 1024 if match else None


def _owner(told: list[Told], stored: list[RoleSetting]) -> RoleSetting | None:
    """Where the limit comes from: what is set for a role that got the error, else for the database; else the server."""
    users = {each.user for each in told if each.user}
    own = [each for each in stored if each.role_name is not None and (not users or each.role_name in users)]
    return next(iter([*own, *(each for each in stored if each.role_name is None)]), None)
