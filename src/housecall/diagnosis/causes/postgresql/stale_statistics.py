"""The planner works from statistics that are older than the data, or from none.

Absorbs the costly statements of the table: while the planner is misled, their plans prove nothing about indexes. An
index that only the text of a statement speaks for is absorbed too: what is known of the table is not true. So is a
queue behind a running statement that reads the table, since it holds its locks for as long as its bad plan takes.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes._sessions import share_held_up
from housecall.diagnosis.causes.postgresql._changes import LOCK_CONCURRENT, MOMENT, analyze_table, same_table
from housecall.diagnosis.causes.postgresql._sessions import cancel_statement, fingerprints, lasting_queues
from housecall.diagnosis.causes.postgresql._statement_causes import spills_of
from housecall.diagnosis.causes.postgresql.missing_index import is_supported
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.quoting import qualified, quote_literal
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="stale_statistics",
    title=Say(en="Statistics older than the data", zh="统计信息过期"),
    checks=(
        "postgresql.stale_statistics",
        "postgresql.top_statements",
        "postgresql.missing_index",
        "postgresql.temp_spills",
    ),
)
_STALE = Say(
    en="The planner's statistics of {table} are stale: {changes:count} of {rows:count} row{rows:|s}"
    " changed since the last"
    " ANALYZE.",
    zh="表 {table} 的统计信息已过期：自上次 ANALYZE 以来，{rows:count} 行中有 {changes:count} 行发生变更。",
)
_NEVER = Say(
    en="{table} ({rows:count} row{rows:|s}) was never analysed: the planner guesses.",
    zh="表 {table}（{rows:count} 行）从未做过 ANALYZE，优化器只能猜测。",
)
_BELIEVES = Say(
    en="The planner believes in {believed:count} row{believed:|s}; the table has {rows:count}.",
    zh="优化器认为有 {believed:count} 行，实际有 {rows:count} 行。",
)
_OFF = Say(
    en="Autovacuum, which would analyse it, is switched off for it, so it will not heal by itself.",
    zh="负责自动 ANALYZE 的 autovacuum 对该表已关闭，不会自行恢复。",
)
_SOON = Say(
    en="Autovacuum is on and will analyse it within minutes, unless its workers are busy elsewhere.",
    zh="autovacuum 已打开，除非其工作进程都在忙，几分钟内会自动 ANALYZE。",
)
_SHARE = Say(
    en="Statements on this table took {share:percent} of the time of all statements.",
    zh="涉及该表的语句占全部语句耗时的 {share:percent}。",
)
_QUEUE = Say(
    en="Session pid {pid} reads it with a plan made for other data, and {waiting:count} session{waiting:|s}"
    " {waiting:waits|wait} for its locks, the longest for {longest:duration}. It keeps that plan until it is cancelled"
    " and started again.",
    zh="会话 pid {pid} 用为旧数据制定的计划读取该表，{waiting:count} 个会话在等它的锁，最长已等 {longest:duration}。"
    "在取消并重新执行之前，它一直沿用这个计划。",
)
_ENABLE = Say(en="Let autovacuum work on {table} again", zh="重新对 {table} 启用 autovacuum")
_ENABLE_VERIFY = Say(en="the option is gone", zh="该选项已清除")


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    statements = found.of("postgresql.top_statements")
    for finding in found.of("postgresql.stale_statistics"):
        own = [each for each in statements if finding.object in each.details.get("tables", ())]
        guesses = [
            each
            for each in found.of("postgresql.missing_index")
            if same_table(each.details, finding.details) and not is_supported(each)
        ]
        is_grave = finding.severity is Severity.WARNING
        queues = _queues_behind_readers(found, finding) if is_grave else []
        spills = spills_of(found, [each.details["identity"] for each in own])
        consequences = [*queues, *own, *spills, *_option(found, finding)] if is_grave else []
        yield _cause(finding, own, queues, [*guesses, *consequences])


def _queues_behind_readers(found: Found, finding: Finding) -> list[Finding]:
    """Queues whose root is busy with a statement that reads the table."""
    return [
        each
        for each in lasting_queues(found)
        if each.details["kind"] == "running" and finding.object in each.details["root_tables"]
    ]


def _option(found: Found, finding: Finding) -> list[Finding]:
    """That autovacuum is off for the table, while it has done no other harm: hardly a row is dead."""
    return [
        each
        for each in found.of("postgresql.autovacuum_off_for_table")
        if same_table(each.details, finding.details) and each.severity.rank < Severity.WARNING.rank
    ]


def _cause(finding: Finding, statements: list[Finding], queues: list[Finding], explained: list[Finding]) -> Cause:
    details = finding.details
    is_grave = finding.severity is Severity.WARNING
    share = min(sum(each.details["share"] for each in statements), 1.0)
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="table",
        severity=max((finding.severity, *(each.severity for each in queues)), key=lambda each: each.rank),
        confidence=0.9 if is_grave else 0.6,
        summary=(_NEVER if details["never"] else _STALE)(
            table=finding.object, rows=details["live_rows"], changes=details["changes"]
        ),
        because=tuple(_because(finding, share, queues)),
        evidence=finding.evidence,
        remedies=tuple(_remedies(finding, queues)),
        rests_on=(finding.fingerprint,),
        absorbs=fingerprints(explained),
        impact=share if is_grave else 0.0,
        holds_up=max((share_held_up(each.details) for each in queues), default=0.0),
    )


def _because(finding: Finding, share: float, queues: list[Finding]) -> Iterator[Message]:
    details = finding.details
    for queue in queues[:1]:
        yield _QUEUE(
            pid=queue.details["root"]["pid"], waiting=queue.details["waiting"], longest=queue.details["longest_seconds"]
        )
    if not details["never"]:
        yield _BELIEVES(believed=details["planner_rows"], rows=details["live_rows"])
    yield _SOON() if details["autovacuum"] else _OFF()
    if share > 0:
        yield _SHARE(share=share)


def _remedies(finding: Finding, queues: list[Finding]) -> Iterator[Remedy]:
    """A statement that runs keeps its plan, so after ANALYZE it is cancelled and started again."""
    details = finding.details
    yield analyze_table(details["schema"], details["table"])
    yield from (cancel_statement(queue.details["root"]) for queue in queues[:1])
    if not details["table_autovacuum"]:
        target = qualified(details["schema"], details["table"])
        yield Remedy(
            title=_ENABLE(table=target),
            statements=(f"ALTER TABLE {target} RESET (autovacuum_enabled);",),
            lock=LOCK_CONCURRENT(),
            risk="low",
            when="now",
            rollback=(f"ALTER TABLE {target} SET (autovacuum_enabled = false);",),
            verify=_ENABLE_VERIFY(),
            verify_statement=f"SELECT reloptions FROM pg_class WHERE oid = to_regclass({quote_literal(target)});",
            duration=MOMENT(),
        )
