"""Statements of the application that fail again and again, because the server or the schema is not as they expect.

Why it matters: a server that was left read-only, a column that a migration dropped, a view whose definer is gone: every
call fails at once, the server looks idle and healthy, and the users see errors.
How to fix: bring back what the statements need, or take the change of the application back that asks for it.
Cannot see: on MariaDB without the consumer events_statements_history, which error it is, unless the plan of the
statement fails for the same reason or a setting says so. What belongs to everyday work is left out: duplicate keys,
deadlocks, lock timeouts, time limits, errors that the application raises itself; missing rights have a check of their
own.
Source: MySQL manual, performance_schema.events_errors_summary_global_by_error and "Statement Summary Tables"; MySQL and
MariaDB error references.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from housecall.advisor.statement import parse_statement
from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._counters import pace
from housecall.diagnosis.checks.mysql._measured import is_on, measured, number, variable
from housecall.diagnosis.checks.mysql._statement_text import tables_of
from housecall.diagnosis.checks.mysql._tables import rows_or_none
from housecall.diagnosis.finding import Finding, ObjectKind, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.fingerprint import fingerprint, normalise
from housecall.engines.mysql.explainable import plain_digest, schema_and_statement
from housecall.engines.mysql.rows.server import FailedStatement, StatementError
from housecall.engines.mysql.rows.statements import TopStatement
from housecall.wording import Message, Say

CHECK = Check(
    id="mysql.failing_statements",
    item="error_log_analysis",
    severity=Severity.WARNING,
    title=Say("Statements that fail at every call", "每次执行都失败的语句"),
    thresholds=[
        Threshold("least_failed", 20, "failures; a person tries a few times and asks somebody"),
        Threshold("recent_seconds", 600.0, "the latest of them: an application that still fails asks within minutes"),
        Threshold("fails_within_seconds", 0.1, "a call: what waited for a lock or a time limit took longer"),
        Threshold("least_seen", 3, "failures among the latest statements, where no statement fails at every call"),
        Threshold("most", 3, "told at once"),
    ],
)
READ_ONLY, JOIN_SIZE, SAFE_UPDATES, SORT_MEMORY = "read_only", "join_size", "safe_updates", "sort_memory"
MISSING, DEFINER, FORM, VALUE, OTHER, UNKNOWN = "missing", "definer", "form", "value", "other", "unknown"
KINDS: Mapping[int, str] = {
    1290: READ_ONLY, 1836: READ_ONLY, 1104: JOIN_SIZE, 1175: SAFE_UPDATES, 1038: SORT_MEMORY,
    1049: MISSING, 1054: MISSING, 1109: MISSING, 1146: MISSING, 1176: MISSING, 1191: MISSING, 1305: MISSING,
    1356: MISSING, 1449: DEFINER,
    1055: FORM, 1064: FORM, 1136: FORM, 1140: FORM, 1222: FORM, 1364: FORM,
    1292: VALUE, 1366: VALUE, 1406: VALUE,
    1034: OTHER, 1037: OTHER, 1194: OTHER, 1195: OTHER, 1206: OTHER, 1436: OTHER, 1598: OTHER, 1665: OTHER,
    1785: OTHER, 1812: OTHER, 1932: OTHER, 3636: OTHER,
}  # fmt: skip
_PLANNED = re.compile(r"^(?:Instance '[^']*': )?(?P<text>.*) \(error (?P<code>\d+)\)$", re.DOTALL)
_BY_PLAN = frozenset(code for code, kind in KINDS.items() if kind in (MISSING, DEFINER)) | {1055, 1140}
"""Errors of a plan that its statement gets too; a form that is wrong may be the digest's, which hides values."""
_OPTION = re.compile(r"running with the --([\w-]+)(?:=\S+)? option")
_QUOTED = re.compile(r"'([^']+)'")
_WORK = frozenset({"SELECT", "WITH", "INSERT", "REPLACE", "UPDATE", "DELETE", "CALL"})
WRITES = frozenset({"INSERT", "REPLACE", "UPDATE", "DELETE"})
_READ_ONLY_SETTINGS = ("innodb_read_only", "super_read_only", "read_only")
_NO_LIMIT = 18446744073709551615.0
"""The default of max_join_size on both."""
_UNGROUPED = Say(
    "A statement failed at each of its {times:count} calls: it returns a column that GROUP BY does not name, which"
    " ONLY_FULL_GROUP_BY in sql_mode refuses.",
    "有一条语句的 {times:count} 次调用全部失败：它返回了 GROUP BY 中没有的列，而 sql_mode 中的 ONLY_FULL_GROUP_BY"
    " 不允许这样做。",
)
_FAILS = Say(
    "Statements fail again and again, {times:count} time{times:|s} so far: {text}",
    "语句反复失败，目前已有 {times:count} 次：{text}",
)
_REASON_UNKNOWN = Say(
    "A statement failed at each of its {times:count} calls, and the server keeps no reason: {statement:code}",
    "有一条语句的 {times:count} 次调用全部失败，服务器没有保留原因：{statement:code}",
)


@dataclass(frozen=True, slots=True)
class Failure:
    """One error that goes on. `statement` is the digest that fails so, where it is known; `text` what the server says,
    or the name of the error; `is_seen` False: concluded from settings."""

    code: int
    times: int
    seconds_ago: float | None
    text: str
    statement: TopStatement | None
    source: type[Any]
    is_seen: bool = True

    @property
    def kind(self) -> str:
        return KINDS.get(self.code, UNKNOWN)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    always = _always_failing(now, limits)
    found = _numbered(now, always, limits) or [
        each for row in always if (each := _guessed(row, now, earlier, limits)) is not None
    ]
    told: set[tuple[int, str]] = set()
    for failure in found:
        if failure.kind == READ_ONLY and _is_lifted(failure, now):
            continue
        finding = _finding(failure, now)
        key = (failure.code, finding.object)
        if key not in told and len(told) < limits["most"]:
            told.add(key)
            yield finding


def _always_failing(now: Snapshot, limits: Limits) -> list[TopStatement]:
    """What fails at every call, still, and at once; the most often first."""
    rows = [
        row
        for row in rows_or_none(now, TopStatement)
        if row.errors >= max(limits["least_failed"], row.calls)
        and row.calls > 0
        and (row.last_seen_seconds or 0.0) <= limits["recent_seconds"]
        and row.total_seconds / row.calls <= limits["fails_within_seconds"]
        and _kind(row) in _WORK
    ]
    return sorted(rows, key=lambda row: -row.errors)


def _kind(row: TopStatement) -> str:
    words = row.query.lstrip("( \n\t").split(None, 1)
    return words[0].upper() if words else ""


# --- the error is known ---


def _numbered(now: Snapshot, always: list[TopStatement], limits: Limits) -> list[Failure]:
    """By the server's numbers: counters of errors (MySQL), or the latest statements of the sessions."""
    counted = [
        row
        for row in rows_or_none(now, StatementError)
        if row.number in KINDS
        and row.raised >= limits["least_failed"]
        and row.last_seconds_ago is not None
        and row.last_seconds_ago <= limits["recent_seconds"]
    ]
    said = {row.number: row.message for row in reversed(rows_or_none(now, FailedStatement)) if row.message}
    often = {row.number for row in rows_or_none(now, FailedStatement) if row.statements >= limits["least_seen"]}
    found = [
        Failure(row.number, row.raised, max(0.0, row.last_seconds_ago or 0.0), text, statement, StatementError)
        for row in counted
        if (statement := _statement_of(row.number, said.get(row.number), always, row.raised, now)) is not None
        or row.number in often
        or _refuses(KINDS[row.number], now)
        for text in [said.get(row.number) or _explained(statement, now) or row.name or str(row.number)]
    ]
    return sorted(found, key=lambda each: -each.times) or _from_sessions(now, always)


def _from_sessions(now: Snapshot, always: list[TopStatement]) -> list[Failure]:
    """MariaDB counts no errors by number: the latest statements say which, the digest how often."""
    found: list[Failure] = []
    for row in rows_or_none(now, FailedStatement):
        statement = _statement_of(row.number, row.message, always, row.statements, now) if row.number in KINDS else None
        if statement is not None:
            ago = statement.last_seen_seconds
            found.append(
                Failure(row.number, statement.errors, ago, row.message or str(row.number), statement, FailedStatement)
            )
    return found


def _statement_of(
    code: int, message: str | None, always: list[TopStatement], times: int, now: Snapshot
) -> TopStatement | None:
    """The digest that fails for this reason: whose plan fails so, which holds the name that the server says, or which
    changes something where changes are refused."""
    for row in always:
        planned = _plan_failure(row, now)
        if planned is not None and planned[0] == code:
            return row
    names = [name.rpartition(".")[2].lower() for name in _QUOTED.findall(message or "")[:1]]
    for row in always:
        if names and names[0] in row.query.lower():
            return row
    if KINDS.get(code) == READ_ONLY:
        return next((row for row in always if _kind(row) in WRITES), None)
    accounts_for_most = len(always) == 1 and always[0].errors >= times / 2
    return always[0] if accounts_for_most else None  # a trigger or a view names what the statement does not


# --- the error has to be concluded ---


def _guessed(row: TopStatement, now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Failure | None:
    """Why a statement fails whose error was not kept; None where another check tells it."""
    if not _numbers_hidden(now) or (pace(now, earlier, "Access_denied_errors").total >= limits["least_failed"]):
        return None
    planned = _plan_failure(row, now)
    if planned is not None:
        return Failure(planned[0], row.errors, row.last_seen_seconds, planned[1], row, TopStatement)
    if _kind(row) in WRITES and is_on(now, "read_only"):
        return Failure(1290, row.errors, row.last_seen_seconds, "read_only", row, TopStatement, is_seen=False)
    size = number(now, "max_join_size")
    if _kind(row) == "SELECT" and size is not None and size < _NO_LIMIT:
        return Failure(1104, row.errors, row.last_seen_seconds, "max_join_size", row, TopStatement, is_seen=False)
    if "ONLY_FULL_GROUP_BY" in (variable(now, "sql_mode") or "").upper() and _returns_ungrouped(row):
        text = "ONLY_FULL_GROUP_BY"
        return Failure(1055, row.errors, row.last_seen_seconds, text, row, TopStatement, is_seen=False)
    if (number(now, "max_statement_time") or 0.0) > 0 or "illegal mix" in (_failure_text(row, now) or "").lower():
        return None
    return Failure(0, row.errors, row.last_seen_seconds, "", row, TopStatement, is_seen=False)


def _returns_ungrouped(row: TopStatement) -> bool:
    """Whether it returns a bare column that its GROUP BY does not name."""
    tree = parse_statement(plain_digest(row.query), "mysql")
    group = tree.args.get("group") if isinstance(tree, exp.Select) else None
    if tree is None or group is None:
        return False
    named = {each.name.lower() for each in group.find_all(exp.Column)}
    returned = [each.unalias() for each in tree.expressions]
    return any(isinstance(each, exp.Column) and each.name.lower() not in named for each in returned)


def _numbers_hidden(now: Snapshot) -> bool:
    """Whether this server tells no error by its number: MySQL's counters would show one of ours."""
    return now.facts.version.flavour == "mariadb"


def _plan_failure(row: TopStatement | None, now: Snapshot) -> tuple[int, str] | None:
    said = _PLANNED.search(_failure_text(row, now) or "") if row is not None else None
    return (int(said["code"]), said["text"]) if said is not None and int(said["code"]) in _BY_PLAN else None


def _explained(row: TopStatement | None, now: Snapshot) -> str | None:
    planned = _plan_failure(row, now)
    return planned[1] if planned else None


def _failure_text(row: TopStatement, now: Snapshot) -> str | None:
    """Why the server gave no plan for it."""
    identity = fingerprint(plain_digest(row.query), "mysql")
    for plan in now.plans:
        if plan.failure is not None:
            text = plain_digest(schema_and_statement(plan.statement)[1])
            if fingerprint(text, "mysql") == identity:
                return plan.failure
    return None


def _refuses(kind: str, now: Snapshot) -> bool:
    """Whether the setting that gives such an error stands so now."""
    if kind == READ_ONLY:
        return any(is_on(now, each) for each in _READ_ONLY_SETTINGS)
    if kind == JOIN_SIZE:
        return (number(now, "max_join_size") or _NO_LIMIT) < _NO_LIMIT
    return kind == SORT_MEMORY or (kind == SAFE_UPDATES and is_on(now, "sql_safe_updates"))


def _is_lifted(failure: Failure, now: Snapshot) -> bool:
    """Whether the server was read-only when it refused, and is no more."""
    said = _OPTION.search(failure.text)
    other = said is not None and said[1].replace("-", "_") not in _READ_ONLY_SETTINGS
    return not other and not _refuses(READ_ONLY, now)


# --- what is told ---


def _finding(failure: Failure, now: Snapshot) -> Finding:
    statement = failure.statement
    text = _one_line(statement.query) if statement is not None else None
    name, kind = _object(failure, now)
    return Finding(
        CHECK.id, CHECK.item, _severity(failure), name, kind, _message(failure, text),
        measured(failure.source, failed=(failure.times, "count"), error=(failure.code or None, "number"),
                 latest=(None if failure.seconds_ago is None else round(failure.seconds_ago), "seconds ago"))
        + (measured(TopStatement, calls=(statement.calls, "count"), errors=(statement.errors, "count"))
           if statement is not None else ()),
        details={
            "kind": _kind_told(failure, name, kind), "code": failure.code, "times": failure.times, "text": failure.text,
            "statement": text, "calls": statement.calls if statement is not None else None,
            "errors": statement.errors if statement is not None else None, "is_seen": failure.is_seen,
            "setting": name if kind == "setting" else None, "value": variable(now, name) if kind == "setting" else None,
            "on_replica": now.facts.in_recovery, "seconds_ago": failure.seconds_ago,
        },
        identity=f"{failure.code} {name}",
    )  # fmt: skip


def _kind_told(failure: Failure, name: str, kind: ObjectKind) -> str:
    """Error 1290 is that of every option which forbids a statement; the others may be a setting of the session."""
    is_read_only = kind == "setting" and name in _READ_ONLY_SETTINGS
    if failure.kind == READ_ONLY:
        return READ_ONLY if is_read_only else OTHER
    needs_setting = failure.kind in (JOIN_SIZE, SAFE_UPDATES, SORT_MEMORY)
    return OTHER if needs_setting and kind != "setting" else failure.kind


def _severity(failure: Failure) -> Severity:
    """A write that fails for an unknown reason may meet duplicates, as meant."""
    unknown_write = failure.kind == UNKNOWN and failure.statement is not None and _kind(failure.statement) != "SELECT"
    return Severity.NOTICE if unknown_write else Severity.WARNING


def _message(failure: Failure, statement: str | None) -> Message:
    if failure.kind == UNKNOWN:
        return _REASON_UNKNOWN(times=failure.times, statement=statement)
    if failure.code == 1055 and not failure.is_seen:
        return _UNGROUPED(times=failure.times)
    return _FAILS(times=failure.times, text=failure.text)


def _object(failure: Failure, now: Snapshot) -> tuple[str, ObjectKind]:
    setting = _setting(failure, now)
    if setting is not None:
        return setting, "setting"
    statement = failure.statement
    if statement is not None:
        tables = tables_of(plain_digest(statement.query), statement.schema_name or now.facts.database)
        if tables:
            return tables[0], "table"
    return "server", "server"


def _setting(failure: Failure, now: Snapshot) -> str | None:
    """The setting that refuses the statements."""
    if failure.kind == READ_ONLY:
        said = _OPTION.search(failure.text)
        named = said[1].replace("-", "_") if said else None
        if named is None:
            named = next((each for each in _READ_ONLY_SETTINGS if is_on(now, each)), None)
        return "super_read_only" if named == "read_only" and is_on(now, "super_read_only") else named
    if not _refuses(failure.kind, now):
        return None  # a session set it for itself
    return {JOIN_SIZE: "max_join_size", SAFE_UPDATES: "sql_safe_updates", SORT_MEMORY: "sort_buffer_size"}.get(
        failure.kind
    )


def _one_line(query: str) -> str:
    line = normalise(plain_digest(query), "mysql")
    return line if len(line) <= 160 else line[:157] + "..."
