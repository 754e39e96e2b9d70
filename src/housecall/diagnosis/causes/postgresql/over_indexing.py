"""A written table carries many indexes that no query uses; together they make every write slower."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._changes import MOMENT, concurrently
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.quoting import qualified, quote_literal
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="over_indexing",
    title=Say(en="Too many indexes on a table", zh="表上索引过多"),
    checks=("postgresql.over_indexing", "postgresql.unused_index"),
)
SURE_SECONDS = 24 * 3600.0
_SUMMARY = Say(
    en="{table} carries {indexes} index{indexes:|es}; {idle} of them served no query, yet every write maintains them.",
    zh="表 {table} 有 {indexes} 个索引，其中 {idle} 个没有服务过任何查询，却在每次写入时都要维护。",
)
_WRITES = Say(
    en="{writes:count} row changes in {age:duration}; the idle indexes take {bytes:bytes}, the table itself"
    " {table_bytes:bytes}.",
    zh="{age:duration} 内有 {writes:count} 次行变更；闲置索引共占 {bytes:bytes}，表本身 {table_bytes:bytes}。",
)
_YOUNG = Say(
    en="The statistics are only {age:duration} old: wait for a full business cycle before dropping.",
    zh="统计信息只有 {age:duration}，请等一个完整的业务周期再删除。",
)
_TITLE = Say(en="Drop the idle indexes of {table}, one after the other", zh="逐个删除 {table} 上的闲置索引")
_LOCK = Say(
    en="each drop waits for running transactions on the table and blocks neither reads nor writes",
    zh="每次删除都会等待该表上正在运行的事务结束，但不阻塞读写",
)
_VERIFY = Say(en="inserts into {table} are faster and no query is slower", zh="{table} 的写入变快，且没有查询变慢")
_CAUTION = Say(
    en="Look at pg_stat_user_indexes on every replica first; drop one, watch for a day, go on.",
    zh="先查看每个备库上的 pg_stat_user_indexes；删除一个，观察一天，再继续。",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    unused = found.of("postgresql.unused_index")
    for finding in found.of("postgresql.over_indexing"):
        mine = [
            each
            for each in unused
            if (each.details["schema"], each.details["table"]) == (finding.details["schema"], finding.details["table"])
        ]
        yield _cause(finding, mine)


def _cause(finding: Finding, unused: list[Finding]) -> Cause:
    details = finding.details
    is_young = details["age_seconds"] < SURE_SECONDS
    because: tuple[Message, ...] = (
        _WRITES(
            writes=details["writes"], age=details["age_seconds"], bytes=details["idle_bytes"],
            table_bytes=details["table_bytes"],
        ),
    )  # fmt: skip
    if is_young:
        because += (_YOUNG(age=details["age_seconds"]),)
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="table",
        severity=finding.severity,
        confidence=0.6 if is_young else 0.85,
        summary=_SUMMARY(table=finding.object, indexes=details["indexes"], idle=len(details["idle"])),
        because=because,
        evidence=finding.evidence,
        remedies=(_remedy(finding),),
        rests_on=(finding.fingerprint,),
        absorbs=tuple(each.fingerprint for each in unused),
        impact=min(len(details["idle"]) / 100, 0.3),
    )


def _remedy(finding: Finding) -> Remedy:
    details = finding.details
    table = qualified(details["schema"], details["table"])
    return Remedy(
        title=_TITLE(table=table),
        statements=tuple(f"DROP INDEX CONCURRENTLY {qualified(details['schema'], name)};" for name in details["idle"]),
        lock=_LOCK(),
        risk="medium",
        when="later",
        rollback=tuple(concurrently(definition) for definition in details["definitions"]),
        verify=_VERIFY(table=table),
        verify_statement=(
            "SELECT indexrelname, idx_scan FROM pg_stat_all_indexes"
            f" WHERE relid = to_regclass({quote_literal(table)}) ORDER BY idx_scan;"
        ),
        duration=MOMENT(),
        caution=_CAUTION(),
    )
