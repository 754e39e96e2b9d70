"""A schema change waits for an open transaction, and everybody else on the table waits behind the schema change.

The root is the transaction that the schema change waits for; ending the schema change clears the queue just as well and
loses nothing. Several open transactions in front of one schema change are one cause.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes._sessions import share_held_up
from housecall.diagnosis.causes.mysql._sessions import (
    BLOCKED,
    LONGEST_WAIT,
    WAITING,
    application_change,
    cancel_statement,
    end_session,
    explained_by_queue,
    fingerprints,
    session_evidence,
    told,
)
from housecall.diagnosis.finding import Evidence, Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="ddl_lock_queue",
    title=Say("A schema change queues behind an open transaction", "DDL 在未结束的事务后排队"),
    checks=(BLOCKED, "mysql.ddl_lock_queue"),
)
_SUMMARY = Say(
    "Session {root} (user {user} from {client}, {command}) keeps {table} in an open transaction; the schema change of"
    " session {ddl} waits for it, and {behind:count} session{behind:|s} {behind:waits|wait} behind that.",
    "会话 {root}（用户 {user}，来自 {client}，{command}）的未结束事务占着 {table}；会话 {ddl} 的 DDL 在等它，其后又排了"
    " {behind:count} 个会话。",
)
_SUMMARY_NO_TABLE = Say(
    "Session {root} (user {user} from {client}, {command}) has a transaction open that the schema change of session"
    " {ddl} waits for, and {behind:count} session{behind:|s} {behind:waits|wait} behind that.",
    "会话 {ddl} 的 DDL 在等待会话 {root}（用户 {user}，来自 {client}，{command}）未结束的事务，其后又排了"
    " {behind:count} 个会话。",
)
_DDL = Say("The schema change: {statement:code}.", "DDL 语句：{statement:code}。")
_ROOT = Say(
    "Session {root} has its transaction open for {transaction:duration}.",
    "会话 {root} 的事务已打开 {transaction:duration}。",
)
_MIGRATIONS = Say(
    "Run schema changes with SET SESSION lock_wait_timeout = 3 (the default waits for up to a year on MySQL and a day"
    " on MariaDB), and try again until they get through",
    "执行 DDL 前先 SET SESSION lock_wait_timeout = 3（默认值在 MySQL 为一年、MariaDB 为一天），拿不到锁就稍后重试",
)
_INSTEAD = Say(
    "Or, in place of that, end the schema change of session {id} and start it again later",
    "或者改为终止会话 {id} 的结构变更，稍后再执行",
)
_NO_QUEUE = Say("no session waits for a table metadata lock", "没有会话在等待表的元数据锁")


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    by_ddl: dict[int, list[Finding]] = {}
    for finding in found.of(BLOCKED):
        if finding.details["kind"] == "ddl_queue":
            by_ddl.setdefault(finding.details["middle"]["id"], []).append(finding)
    for findings in by_ddl.values():
        findings.sort(key=lambda each: -((each.details["root"] or {}).get("transaction_seconds") or 0.0))
        yield _cause(findings, found)


def _cause(findings: list[Finding], found: Found) -> Cause:
    worst = findings[0]
    details, ddl = worst.details, worst.details["middle"]
    root = details["root"] or _unlisted(details["root_id"])
    severity = max((each.severity for each in findings), key=lambda each: each.rank)
    roots = [each.details["root"] for each in findings if each.details["root"]]
    return Cause(
        id=CAUSE.id,
        object=worst.object,
        object_kind="session",
        severity=severity,
        confidence=details["confidence"],
        summary=(_SUMMARY if details["table"] else _SUMMARY_NO_TABLE)(
            root=root["id"], user=root["user"], client=root["client"], command=root["command"],
            table=details["table"], ddl=ddl["id"], behind=details["behind_middle"],
        ),
        because=(
            LONGEST_WAIT(waiting=details["waiting"], longest=details["longest_seconds"]),
            _DDL(statement=ddl["statement"]),
            _ROOT(root=root["id"], transaction=root["transaction_seconds"]),
            *told(root, seen=details["seen"]),
        ),
        evidence=(
            *worst.evidence,
            *session_evidence(root),
            Evidence("schema_change_session", ddl["id"], "id", "sessions"),
            Evidence("schema_change", ddl["statement"], "text", "sessions"),
            Evidence("sessions_behind_it", details["behind_middle"], "count", "sessions"),
            Evidence("transactions_in_front", len(findings), "count", "sessions"),
        ),
        remedies=_remedies(roots, ddl, seen=details["seen"]),
        rests_on=fingerprints(findings),
        absorbs=tuple(dict.fromkeys(name for each in findings for name in explained_by_queue(found, each))),
        holds_up=share_held_up(details),
    )  # fmt: skip


def _unlisted(number: int) -> dict[str, Any]:
    """A session beyond the cap of the session list: only its number is known."""
    return {
        "id": number, "user": "?", "client": "?", "command": "?", "transaction_seconds": None, "statement": None,
    }  # fmt: skip


def _remedies(roots: list[Mapping[str, Any]], ddl: Mapping[str, Any], *, seen: bool) -> tuple[Remedy, ...]:
    """Ending forgotten transactions lets the schema change through; work in progress is not worth losing for it, nor is
    a session that was only inferred."""
    cancel = cancel_statement(ddl)
    forgotten = bool(roots) and seen and all(root["command"] == "Sleep" for root in roots)
    instead = replace(cancel, title=_INSTEAD(id=ddl["id"]))
    first = (*(end_session(root) for root in roots[:3]), instead) if forgotten else (cancel,)
    return (*first, application_change(_MIGRATIONS(), _NO_QUEUE(), WAITING))
