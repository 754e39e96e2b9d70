"""Text indexes were built under another version of their collation's library: their order may be wrong."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.quoting import quote_identifier
from housecall.wording import Say

CAUSE = CauseRule(
    id="collation_version_mismatch",
    title=Say(en="Collation changed under its indexes", zh="排序规则版本不匹配"),
    checks=("postgresql.collation_version",),
)
_WHY = Say(
    en="Searches may miss rows that exist, and unique indexes may let duplicates in.",
    zh="查询可能漏掉存在的行，唯一索引也可能放入重复值。",
)
_TITLE = Say(
    en="Rebuild the indexes of database {database}, then record the new version",
    zh="重建数据库 {database} 的索引，再登记新版本",
)
_LOCK = Say(
    en="SHARE UPDATE EXCLUSIVE on one table after the other: reads and writes go on",
    zh="逐表加 SHARE UPDATE EXCLUSIVE 锁，读写照常",
)
_VERIFY = Say(en="recorded and actual version are equal", zh="登记的版本与实际版本一致")
_NOTE = Say(
    en="the rebuilt indexes are right under the new library; nothing to undo", zh="重建后的索引与新库一致，无需回退"
)
_CAUTION = Say(
    en="Look for duplicates in unique text columns first, or their rebuild fails. The rebuild needs free disk for"
    " the largest index.",
    zh="先检查唯一文本列中是否有重复值，否则重建会失败。重建需要足够容纳最大索引的空闲磁盘。",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.collation_version"):
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind=finding.object_kind,
            severity=finding.severity,
            confidence=0.9,
            summary=finding.message,
            because=(_WHY(),),
            evidence=finding.evidence,
            remedies=(_remedy(finding),),
            rests_on=(finding.fingerprint,),
        )


def _remedy(finding: Finding) -> Remedy:
    details = finding.details
    database = quote_identifier(details["database"])
    record = (
        f"ALTER DATABASE {database} REFRESH COLLATION VERSION;"
        if details["is_default"]
        else f"ALTER COLLATION {quote_identifier(details['name'])} REFRESH VERSION;"
    )
    return Remedy(
        title=_TITLE(database=database),
        statements=(f"REINDEX DATABASE CONCURRENTLY {database};", record),
        lock=_LOCK(),
        risk="medium",
        when="later",
        rollback=(),
        rollback_note=_NOTE(),
        verify=_VERIFY(),
        caution=_CAUTION(),
    )
