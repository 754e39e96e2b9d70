"""The storage returned other bytes than were written: pages fail their checksum."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.finding import Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="damaged_pages",
    title=Say(en="Damaged data pages", zh="数据页损坏"),
    checks=("postgresql.checksum_failures", "postgresql.error_log"),
)
_SUMMARY = Say(
    en="{count:count} data page{count:|s} of database {database} {count:is|are} damaged: the disk, its"
    " controller or memory returned"
    " wrong bytes.",
    zh="数据库 {database} 有 {count:count} 个数据页损坏：磁盘、控制器或内存返回了错误的数据。",
)
_LOGGED = Say(
    en="The server found damaged data in database {database}: {message}",
    zh="服务器在数据库 {database} 中发现损坏的数据：{message}",
)
_TITLE = Say(
    en="Find the relation in the server log ('invalid page in block'), fail over to a sound replica or restore it"
    " from a backup, and"
    " have the hardware checked",
    zh="在服务器日志中找到对应的表（invalid page in block），切换到健康的备库或从备份恢复，并检查硬件",
)
_LOCK = Say(en="depends on the way of the restore", zh="取决于恢复方式")
_VERIFY = Say(en="the count of failures does not grow", zh="校验失败次数不再增长")
_NOTE = Say(en="keep the damaged files until the restore is proved", zh="在确认恢复成功之前保留损坏的文件")
_CAUTION = Say(
    en="Never set zero_damaged_pages or ignore_checksum_failure on the only copy.",
    zh="切勿在唯一副本上打开 zero_damaged_pages 或 ignore_checksum_failure。",
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    counted = found.of("postgresql.checksum_failures")
    logged = [each for each in found.of("postgresql.error_log") if each.details["kind"] == "corruption"]
    for finding in counted or [each for each in logged if each.severity == Severity.CRITICAL][:1]:
        summary = (
            _SUMMARY(count=finding.details["failures"], database=finding.object)
            if counted
            else _LOGGED(database=now.facts.database, message=finding.details["message"][:200])
        )
        yield Cause(
            id=CAUSE.id,
            object=now.facts.database,
            object_kind="database",
            severity=finding.severity,
            confidence=0.95,
            summary=summary,
            because=(),
            evidence=finding.evidence,
            remedies=(
                Remedy(
                    title=_TITLE(), statements=(), lock=_LOCK(), risk="high", when="now", rollback=(), verify=_VERIFY(),
                    verify_statement=(
                        "SELECT checksum_failures, checksum_last_failure FROM pg_stat_database"
                        " WHERE datname = current_database();"
                    ),
                    rollback_note=_NOTE(), caution=_CAUTION(),
                ),
            ),
            rests_on=(finding.fingerprint,),
            absorbs=tuple(each.fingerprint for each in logged),
        )  # fmt: skip
