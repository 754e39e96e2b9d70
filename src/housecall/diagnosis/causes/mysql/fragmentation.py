"""A table of MySQL or MariaDB keeps much free space inside its file, left by deletes."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._changes import ONLINE
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.quoting import quote_literal
from housecall.wording import Say

CAUSE = CauseRule(
    id="fragmentation",
    title=Say(en="A fragmented table", zh="表碎片"),
    checks=("mysql.fragmentation",),
)
_WHY = Say(
    en="{free:bytes} could go back to the disk; inserts will use it again if the table grows.",
    zh="可向磁盘归还 {free:bytes}；如果表还会增长，后续插入也能复用这些空间。",
)
_REBUILD = Say(en="Rebuild {table} off peak", zh="在低峰期重建 {table}")
_NO_UNDO = Say(en="Nothing to undo: the rows are the same.", zh="无需回退：数据不变。")
_LOCKED = Say(en="Writes of {table} wait while it is rebuilt.", zh="重建期间 {table} 的写入需要等待。")
_VERIFY = Say(en="the free space inside is gone", zh="内部空闲空间已释放")
_ABOUT = Say(
    en="about {seconds:duration} for {used:bytes}, at 50 MB a second",
    zh="{used:bytes} 约需 {seconds:duration}（按每秒 50 MB 估算）",
)
_CAUTION = Say(
    en="Only if the table will not fill again by itself. Needs {used:bytes} of disk meanwhile, and replicas lag"
    " by as long as"
    " it takes.",
    zh="仅当该表不会很快再次填满时才有意义。执行期间需要 {used:bytes} 磁盘空间，从库会延迟相应的时间。",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.fragmentation"):
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind="table",
            severity=finding.severity,
            confidence=0.85,
            summary=finding.message,
            because=(_WHY(free=finding.details["free_bytes"]),),
            evidence=finding.evidence,
            remedies=(_rebuild(finding),),
            rests_on=(finding.fingerprint,),
            impact=0.005,
        )


def _rebuild(finding: Finding) -> Remedy:
    table, details = finding.object, finding.details
    used = details["used_bytes"]
    is_innodb = details["engine"] == "InnoDB"
    return Remedy(
        title=_REBUILD(table=table),
        statements=(
            f"ALTER TABLE {table} ENGINE=InnoDB, ALGORITHM=INPLACE, LOCK=NONE;" if is_innodb else
            f"OPTIMIZE TABLE {table};",
        ),
        lock=ONLINE(table=table) if is_innodb else _LOCKED(table=table),
        risk="medium", when="later", rollback=(), rollback_note=_NO_UNDO(), verify=_VERIFY(),
        verify_statement="SELECT DATA_LENGTH, INDEX_LENGTH, DATA_FREE FROM information_schema.TABLES"
        f" WHERE TABLE_SCHEMA = {quote_literal(details['schema'])} AND TABLE_NAME = {quote_literal(details['table'])};",
        duration=_ABOUT(seconds=max(1.0, used / (50 * 1024**2)), used=used), caution=_CAUTION(used=used),
    )  # fmt: skip
