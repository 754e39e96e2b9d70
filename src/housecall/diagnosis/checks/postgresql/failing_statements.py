"""Statements of an application that fail again and again, because the schema is not as they expect.

Why it matters: a column that a migration has yet to add, a partition that nobody made for the new month, a pooler that
loses prepared statements: every call fails at once, the server looks idle and healthy, and the users see errors.
How to fix: bring what the statements need, or take back the change of the application that asks for it.
Cannot see: anything without the log. Left out is what belongs to everyday work (duplicate keys, deadlocks, time limits,
values that a constraint refuses); missing rights and short timeouts have checks of their own.
Source: PostgreSQL manual, "PostgreSQL Error Codes", classes 26, 42 and 53; "Table Partitioning" for rows without a
partition; PgBouncer, "max_prepared_statements".
"""

import re
from collections.abc import Iterator, Mapping

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks._text import one_line
from housecall.diagnosis.checks.postgresql._log import Told, log_evidence, log_not_read, told_by_log
from housecall.diagnosis.checks.postgresql._statements import known_tables, tables_in
from housecall.diagnosis.finding import Finding, NotEvaluated, ObjectKind, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CHECK = Check(
    id="postgresql.failing_statements",
    item="error_log_analysis",
    severity=Severity.WARNING,
    title=Say("Statements that fail at every call", "每次执行都失败的语句"),
    thresholds=[
        Threshold("least_failed", 20, "within 15 minutes; a person tries a few times and asks somebody"),
        Threshold("recent_seconds", 600.0, "the latest of them: an application that still fails asks within minutes"),
        Threshold("most", 3, "told at once"),
    ],
)
MISSING, PARTITION, PREPARED, PLAN, FORM, LOCKS, VALUE = (
    "missing", "partition", "prepared", "plan", "form", "locks", "value",
)  # fmt: skip
_BY_WORDS: Mapping[str, re.Pattern[str]] = {
    PREPARED: re.compile(r"^prepared statement \"[^\"]*\" (?:does not exist|already exists)"),
    PLAN: re.compile(r"^cached plan must not change result type"),
    PARTITION: re.compile(r"^no partition of relation \"(?P<name>[^\"]+)\" found for row"),
    LOCKS: re.compile(r"^out of shared memory"),
    MISSING: re.compile(
        r"^(?:relation|table|schema|materialized view|type|function|procedure|operator)"
        r" \"?(?P<name>[^\"(]+?)\"?(?:\(.*)? does not exist|^column .* does not exist|^no schema has been selected"
    ),
    FORM: re.compile(
        r"^syntax error|must appear in the GROUP BY clause|^there is no unique or exclusion constraint matching"
        r"|\" is ambiguous|^function .* is not unique|is of type .* but expression is of type"
    ),
    VALUE: re.compile(r"^value too long for type|^invalid input syntax for type|out of range"),
}
_SETTING = "max_locks_per_transaction"
_FAILS = Say(
    "Statements fail for one reason, {count:count} times in the log of the last 15 minutes: {message}",
    "语句因同一原因失败，最近 15 分钟的日志中出现 {count:count} 次：{message}",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    yield from log_not_read(now, CHECK.id)
    told = [each for each in told_by_log(now) if each.severity in ("ERROR", "FATAL") and _goes_on(each, limits)]
    named = [(kind, each) for each in told if (kind := kind_of_failure(each.message)) is not None]
    named.sort(key=lambda each: -each[1].recent)
    for kind, each in named[: int(limits["most"])]:
        yield _finding(kind, each, now)


def kind_of_failure(message: str) -> str | None:
    """What a statement failed for, when that is not everyday work."""
    return next((kind for kind, words in _BY_WORDS.items() if words.search(message)), None)


def _goes_on(told: Told, limits: Limits) -> bool:
    is_late = told.last_seconds_ago is not None and told.last_seconds_ago <= limits["recent_seconds"]
    return is_late and told.recent >= limits["least_failed"]


def _finding(kind: str, told: Told, now: Snapshot) -> Finding:
    name, object_kind = _place(kind, told, now)
    message = re.sub(r" at character \d+$", "", told.message)[:200]
    return Finding(
        CHECK.id, CHECK.item, Severity.NOTICE if kind == VALUE else Severity.WARNING, name, object_kind,
        _FAILS(count=told.recent, message=message), log_evidence([told]),
        details={
            "kind": kind, "message": message, "count": told.recent, "detail": told.detail, "user": told.user,
            "statement": one_line(told.statement) if told.statement else None, "log_kind": told.kind,
        },
        identity=f"{kind} {name} {message}",
    )  # fmt: skip


def _place(kind: str, told: Told, now: Snapshot) -> tuple[str, ObjectKind]:
    """What is missing or refused: the name in the message, else the statement's table, else the database."""
    if kind == LOCKS:
        return _SETTING, "setting"
    found = _BY_WORDS[kind].search(told.message)
    name = found.groupdict().get("name") if found else None
    if name:
        return known_tables(now).get(name, name), "table"
    tables = tables_in(told.statement, now) if kind != PREPARED else []
    return (tables[0], "table") if tables else (now.facts.database, "database")
