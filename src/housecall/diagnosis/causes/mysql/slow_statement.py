"""One statement takes most of the time of MySQL or MariaDB, slowly, and nothing else that was found says why.

It is told, since "nothing is wrong" would be no answer to who waits for it, and it is a notice, since it may be the
work that the server is there for. A subquery in FROM that is built whole for each call is named as what it is, and so
is a random order.
"""

import re
from collections.abc import Iterator

from sqlglot import exp

from housecall.advisor.statement import parse_statement
from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._statement_causes import (
    STATEMENT,
    application_change,
    row_messages,
    share_message,
)
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.guard.tables import tables_in
from housecall.engines.mysql.explainable import plain_digest
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="unknown",
    title=Say("A slow statement without a known cause", "原因不明的慢语句"),
    checks=("mysql.top_statements",),
)
MIN_SHARE = 0.3
"""Of the time of all statements: the server does hardly anything else."""
MIN_SECONDS = 0.2
"""Of a call: a person notices it."""
MIN_SECONDS_AT_RANDOM = 0.02
"""Of a call that puts all rows into a random order, whatever else it does: what it costs grows with the table."""
MIN_CALLS = 5
"""Fewer are somebody's report."""
_WAITS = (
    "mysql.blocked_sessions", "mysql.hot_row", "mysql.table_lock_waits", "mysql.row_lock_time",
    "mysql.global_read_lock", "mysql.advisory_locks", "mysql.external_load",
)  # fmt: skip
"""What makes any statement slow, whatever it does."""
_WRITES = ("INSERT", "REPLACE", "UPDATE", "DELETE")
_SLOWS_WRITES = ("mysql.over_indexing", "mysql.unused_index", "mysql.duplicate_index")
_SUMMARY = Say(
    "One statement takes {share:percent} of all statement time, {mean:duration} a call, and nothing that was looked at"
    " says why.",
    "有一条语句占全部语句耗时的 {share:percent}，每次 {mean:duration}，已检查的各项都没有给出原因。",
)
_DERIVED = Say(
    "It reads from a subquery in FROM that groups rows; where the condition outside cannot be moved into it, the server"
    " builds all groups for each call.",
    "它从 FROM 中带分组的子查询读取；如果外层条件不能下推到子查询，服务器每次调用都要构建全部分组。",
)
_PUSH = Say(
    "Put the outer condition into the subquery too (or use LATERAL on MySQL), so that it groups only the rows that are"
    " wanted",
    "把外层条件也写进子查询（MySQL 可用 LATERAL），使其只对需要的行分组",
)
_RANDOM = Say(
    en="ORDER BY RAND() gives every row a number and sorts them all, for each call.",
    zh="ORDER BY RAND() 每次调用都要为每一行生成随机数并全部排序。",
)
_PICK = Say(
    en="Pick a random key between the lowest and the highest, and read the first row from there on (WHERE id >= … ORDER"
    " BY id LIMIT 1)",
    zh="先在最小和最大主键之间取一个随机值，再从该处取第一行（WHERE id >= … ORDER BY id LIMIT 1）",
)
_RANDOM_ORDER = re.compile(r"order by rand ?\(", re.IGNORECASE)
_MEASURE = Say(
    "Run EXPLAIN ANALYZE (ANALYZE on MariaDB) with the application's values, and look for the step that takes the time",
    "用应用的实际参数执行 EXPLAIN ANALYZE（MariaDB 用 ANALYZE），找出耗时的步骤",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    if found.of(*_WAITS) or any(each.severity.rank >= Severity.WARNING.rank for each in found.findings):
        return
    for finding in found.of("mysql.top_statements"):
        if _is_felt(finding) and not _is_slowed_by_indexes(finding, found):
            yield _cause(finding)


def _is_felt(finding: Finding) -> bool:
    details = finding.details
    is_work = details["kind"] in ("SELECT", "WITH", "UPDATE", "DELETE", "INSERT", "REPLACE", "CALL")
    waits_by_itself = "sleep(" in details["text"].lower() or "get_lock(" in details["text"].lower()
    return (
        is_work
        and not waits_by_itself
        and not details["is_over"]
        and details["share"] >= MIN_SHARE
        and (details["calls"] or 0) >= MIN_CALLS
        and (details["mean_seconds"] or 0.0) >= (MIN_SECONDS_AT_RANDOM if _is_random(details["text"]) else MIN_SECONDS)
    )


def _is_slowed_by_indexes(statement: Finding, found: Found) -> bool:
    """Whether it writes into a table that has indexes which nobody needs."""
    if statement.details["kind"] not in _WRITES:
        return False
    tables = tables_in(plain_digest(statement.details["query"]), "mysql")
    return any(each.details["table"].lower() in tables for each in found.of(*_SLOWS_WRITES))


def _is_random(text: str) -> bool:
    return _RANDOM_ORDER.search(text) is not None


def _cause(finding: Finding) -> Cause:
    details = finding.details
    is_derived, is_random = _groups_in_from(plain_digest(details["query"])), _is_random(details["text"])
    shape: tuple[Message, ...] = (*((_DERIVED(),) if is_derived else ()), *((_RANDOM(),) if is_random else ()))
    first = (
        *((application_change(_PUSH()),) if is_derived else ()),
        *((application_change(_PICK()),) if is_random else ()),
    )
    return Cause(
        id=CAUSE.id,
        object=details["tables"][0] if details["tables"] else finding.object,
        object_kind="table" if details["tables"] else "statement",
        severity=Severity.NOTICE,
        confidence=0.3,
        summary=_SUMMARY(share=details["share"], mean=details["mean_seconds"]),
        because=(share_message(details), STATEMENT(statement=details["text"]), *row_messages(details), *shape),
        evidence=finding.evidence,
        remedies=(*first, application_change(_MEASURE())),
        rests_on=(finding.fingerprint,),  # without impact: whatever else is found goes first
    )


def _groups_in_from(sql: str) -> bool:
    tree = parse_statement(sql, "mysql")
    return tree is not None and any(
        isinstance(each.this, exp.Select) and each.this.args.get("group") is not None
        and isinstance(each.parent, exp.From | exp.Join)
        for each in tree.find_all(exp.Subquery)
    )  # fmt: skip
