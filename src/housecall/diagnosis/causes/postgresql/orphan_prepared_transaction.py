"""A transaction was prepared for two-phase commit and nobody finished it.

It keeps its locks, and every row that died since, across restarts. Only its owner knows whether it must be committed
or rolled back.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes._sessions import share_held_up
from housecall.diagnosis.causes.postgresql._sessions import BLOCKED, FREES_LOCKS, LONGEST_WAIT, fingerprints, held_back
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.quoting import quote_identifier, quote_literal
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="orphan_prepared_transaction",
    title=Say("An orphaned prepared transaction", "被遗弃的两阶段事务"),
    checks=("postgresql.prepared_transactions", BLOCKED),
)

_SUMMARY = Say(
    "Prepared transaction '{gid}' (owner {owner}, database {database}) was left open {age:duration} ago; it keeps its"
    " locks and holds back vacuum.",
    "两阶段事务 '{gid}'（属主 {owner}，数据库 {database}）自 {age:duration} 前一直未完成，仍持有锁并阻碍 vacuum。",
)
_LOCKS = Say("It locks {tables}.", "它锁定了 {tables}。")
_AGE = Say("It is {age:count} transaction{age:|s} old.", "它已落后 {age:count} 个事务。")
_KEEPS = Say(
    "{rows:count} dead row{rows:|s} {rows:stays|stay} because of it.", "因它而无法清理的死元组有 {rows:count} 个。"
)
_ROLLBACK = Say(
    "Ask {owner} or the transaction manager which way '{gid}' must end; if it is unknown to both, roll it back",
    "先向 {owner} 或事务管理器确认 '{gid}' 应提交还是回滚；若双方都不知情，则回滚",
)
_COMMIT = Say(
    "If the transaction manager decided to commit '{gid}', commit it", "若事务管理器已决定提交 '{gid}'，则提交"
)
_IRREVERSIBLE = Say("Cannot be undone: decide before.", "不可撤销，请先确认。")
_CAUTION = Say(
    "The other participants may have committed: rolling back would make the databases differ. Connect to database"
    " {database} as {owner} or a superuser.",
    "其他参与方可能已提交：此时回滚会导致数据不一致。需以 {owner} 或超级用户连接数据库 {database} 执行。",
)
_GONE = Say("pg_prepared_xacts shows '{gid}' no more.", "pg_prepared_xacts 中不再有 '{gid}'。")


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:  # noqa: ARG001
    blocking = {each.object: each for each in found.of(BLOCKED) if each.details["kind"] == "prepared"}
    held = {
        each.object: each for each in found.of("postgresql.old_xmin_holders") if each.details["holder"] == "prepared"
    }
    for finding in found.of("postgresql.prepared_transactions"):
        name = finding.object
        if name in blocking or name in held or finding.severity.rank >= Severity.NOTICE.rank:
            yield _cause(finding, blocking.get(name), held.get(name), found)


def _cause(finding: Finding, queue: Finding | None, holder: Finding | None, found: Found) -> Cause:
    details, gid = finding.details, finding.object
    severity = max((each.severity for each in (finding, queue, holder) if each), key=lambda each: each.rank)
    return Cause(
        id=CAUSE.id,
        object=gid,
        object_kind="prepared_transaction",
        severity=severity,
        confidence=0.95 if finding.severity.rank >= Severity.WARNING.rank or queue else 0.8,
        summary=_SUMMARY(gid=gid, owner=details["owner"], database=details["database"], age=details["age_seconds"]),
        because=_because(finding, queue, holder),
        evidence=finding.evidence,
        remedies=_remedies(finding),
        rests_on=fingerprints([finding, *([queue] if queue else [])]),
        absorbs=fingerprints(held_back(found, holder=gid)),
        holds_up=share_held_up(queue.details) if queue else 0.0,
    )


def _because(finding: Finding, queue: Finding | None, holder: Finding | None) -> tuple[Message, ...]:
    details = finding.details
    because: list[Message] = []
    if queue:
        because.append(LONGEST_WAIT(waiting=queue.details["waiting"], longest=queue.details["longest_seconds"]))
    if details["relations"]:
        because.append(_LOCKS(tables=", ".join(details["relations"][:5])))
    if holder and holder.details["held_rows"]:
        because.append(_KEEPS(rows=holder.details["held_rows"]))
    because.append(_AGE(age=details["xid_age"]))
    return tuple(because)


def _remedies(finding: Finding) -> tuple[Remedy, ...]:
    owner, gid = finding.details["owner"], finding.object
    literal = quote_literal(gid)
    return (
        _finish(finding, _ROLLBACK(owner=owner, gid=gid), f"ROLLBACK PREPARED {literal}"),
        _finish(finding, _COMMIT(gid=gid), f"COMMIT PREPARED {literal}"),
    )


def _finish(finding: Finding, title: Message, statement: str) -> Remedy:
    details, gid = finding.details, finding.object
    return Remedy(
        title=title,
        statements=(statement,),
        lock=FREES_LOCKS(),
        risk="high",
        when="now",
        rollback=(),
        rollback_note=_IRREVERSIBLE(),
        verify=_GONE(gid=gid),
        verify_statement=(
            f"SELECT count(*) AS left_open FROM pg_catalog.pg_prepared_xacts WHERE gid = {quote_literal(gid)}"
        ),
        caution=_CAUTION(database=quote_identifier(details["database"]), owner=details["owner"]),
    )
