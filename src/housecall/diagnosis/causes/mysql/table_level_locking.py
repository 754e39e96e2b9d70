"""Statements on MySQL or MariaDB wait for a whole table: its engine locks no rows, or somebody ran LOCK TABLES.

The object is the table. Who holds it now is told where it can be seen.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes._sessions import share_held_up
from housecall.diagnosis.causes.mysql._changes import COPIES, WAIT_SHORTLY
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
from housecall.diagnosis.causes.mysql._settings import joined
from housecall.diagnosis.checks.mysql._blocking import optional
from housecall.diagnosis.checks.mysql._measured import table_name
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.tables import ForeignEngineTable
from housecall.wording import Say

CAUSE = CauseRule(
    id="table_level_locking",
    title=Say("Whole tables are locked", "表级锁"),
    checks=(BLOCKED, "mysql.table_lock_waits"),
)
_ENGINE = Say(
    "{table} is a table of {engine}, which locks whole tables: {waiting:count} session{waiting:|s} {waiting:waits|wait}"
    " for it.",
    "{table} 使用 {engine} 引擎，只能锁整张表：有 {waiting:count} 个会话在等待。",
)
_LOCK_TABLES = Say(
    "{table} is locked as a whole (LOCK TABLES) by {holder}: {waiting:count} session{waiting:|s} {waiting:waits|wait}.",
    "{table} 被 {holder} 整表锁定（LOCK TABLES）：有 {waiting:count} 个会话在等待。",
)
_UNSEEN = Say(
    "{waiting:count} session{waiting:|s} {waiting:waits|wait} for {table} as a whole, and the server does not tell who"
    " holds it (LOCK TABLES, or a transaction that is not shown).",
    "有 {waiting:count} 个会话在等待 {table} 的整表锁，而服务器未显示持有者（LOCK TABLES，或未显示的事务）。",
)
_COUNTED = Say(
    "{waited:count} statement{waited:|s} had to wait for a whole table; {table} ({engine}) is the largest whose engine"
    " locks no rows.",
    "有 {waited:count} 条语句等待过表级锁；{table}（{engine}）是不支持行锁的表中最大的一张。",
)
_HOLDER = Say("Session {id} (user {user} from {client}) holds it.", "持有者是会话 {id}（用户 {user}，来自 {client}）。")
_SHARE = Say(
    "That is {share:percent} of the table locks; {window:count} waited while we looked.",
    "占表锁请求的 {share:percent}；检查期间有 {window:count} 条在等待。",
)
_CONVERT = Say("Convert {table} to InnoDB", "把 {table} 转换为 InnoDB")
_CONVERTED = Say(
    "the table's engine is InnoDB, and nobody waits for a table level lock", "该表的引擎为 InnoDB，且没有会话等待表级锁"
)
_CAUTION = Say("Try it on a copy first: InnoDB takes more space.", "请先在副本上试验：InnoDB 占用更多空间。")
_DO_WITHOUT = Say(
    "Do without LOCK TABLES: a transaction with SELECT … FOR UPDATE locks the rows that are needed",
    "不使用 LOCK TABLES：在事务中用 SELECT … FOR UPDATE 只锁需要的行",
)
_NOBODY = Say("nobody waits for the table", "没有会话等待该表")


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    queues = [each for each in found.of(BLOCKED) if each.details["kind"] == "table_lock"]
    for finding in queues:
        yield _now_waiting(finding, found, now)
    tables = {each.details["table"] for each in queues}
    for finding in found.of("mysql.table_lock_waits"):
        if finding.object not in tables and finding.severity.rank >= Severity.NOTICE.rank:
            yield _counted(finding, now)


def _now_waiting(finding: Finding, found: Found, now: Snapshot) -> Cause:
    details, root = finding.details, finding.details["root"]
    table = details["table"] or finding.object
    engine = _engine(table, now)
    by_engine = engine is not None and details["kind_of_lock"] == "table"
    holder = (_HOLDER(id=root["id"], user=root["user"], client=root["client"]), *told(root, seen=True)) if root else ()
    return Cause(
        id=CAUSE.id,
        object=table,
        object_kind="table",
        severity=finding.severity,
        confidence=0.9 if by_engine else details["confidence"],
        summary=_ENGINE(table=table, engine=engine, waiting=details["waiting"])
        if by_engine
        else (_LOCK_TABLES if root else _UNSEEN)(table=table, holder=finding.object, waiting=details["waiting"]),
        because=(LONGEST_WAIT(waiting=details["waiting"], longest=details["longest_seconds"]), *holder),
        evidence=(*finding.evidence, *(session_evidence(root) if root else ())),
        remedies=(*_cancelled(details), *_remedies(table, engine if by_engine else None, root, now)),
        rests_on=(finding.fingerprint,),
        absorbs=(*explained_by_queue(found, finding), *fingerprints(found.of("mysql.table_lock_waits"))),
        holds_up=share_held_up(details),
    )


def _cancelled(details: Mapping[str, Any]) -> tuple[Remedy, ...]:
    """A schema change that waits for an unseen holder: without it those behind it go on."""
    return (cancel_statement(details["middle"]),) if details["middle"] and not details["root"] else ()


def _counted(finding: Finding, now: Snapshot) -> Cause:
    details = finding.details
    seen = details["seen_waiting"]
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="table",
        severity=finding.severity,
        confidence=0.9 if seen else 0.8 if details["tables"] == 1 else 0.5,
        summary=_COUNTED(waited=details["waited"], table=finding.object, engine=details["engine"] or "?"),
        because=(_SHARE(share=details["share"], window=details["window"]),),
        evidence=finding.evidence,
        remedies=_remedies(finding.object, details["engine"], None, now),
        rests_on=(finding.fingerprint,),
        holds_up=details["held_up"],
    )


def _engine(table: str, now: Snapshot) -> str | None:
    rows = optional(now, ForeignEngineTable)
    return next((row.engine for row in rows if table_name(row.schema_name, row.table_name) == table), None)


def _remedies(table: str, engine: str | None, root: dict[str, Any] | None, now: Snapshot) -> tuple[Remedy, ...]:
    asleep = root is not None and root["command"] == "Sleep"
    end = (end_session(root, verify=_NOBODY()),) if root is not None and asleep else ()
    if engine is None:
        return (*end, application_change(_DO_WITHOUT(), _NOBODY(), WAITING))
    size = next(
        (row.size_bytes for row in optional(now, ForeignEngineTable)
         if table_name(row.schema_name, row.table_name) == table), 0,
    )  # fmt: skip
    return (*end, _convert(table, engine, size))


def _convert(table: str, engine: str, _size: int) -> Remedy:
    return Remedy(
        title=_CONVERT(table=table),
        statements=(f"ALTER TABLE {table} ENGINE = InnoDB;",),
        lock=COPIES(table=table),
        risk="medium",
        when="later",
        rollback=(f"ALTER TABLE {table} ENGINE = {engine};",),
        verify=_CONVERTED(),
        verify_statement=f"SHOW CREATE TABLE {table};",
        caution=joined(_CAUTION(), WAIT_SHORTLY()),
    )
