"""The disk under MySQL or MariaDB is full: writes fail or wait."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._settings import advice
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="disk_full",
    title=Say(en="The disk is full", zh="磁盘已满"),
    checks=("mysql.error_log",),
)
_WAITS = Say(
    en="Writes fail or wait for room, and the binary log may stop the server.",
    zh="写入失败或等待空间，binlog 写入失败还可能导致服务器停止。",
)
_ROOM = Say(
    en="Make room on the volume of the data folder, tmpdir and binary logs: grow it, or move away what is not the"
    " server's",
    zh="为数据目录、tmpdir 和 binlog 所在的卷腾出空间：扩容，或移走不属于数据库的文件",
)
_NEVER = Say(
    en="Delete no file of the server by hand. Binary logs that every replica and backup has read go with PURGE"
    " BINARY LOGS.",
    zh="切勿手工删除数据库文件。所有从库和备份都已读取的 binlog 用 PURGE BINARY LOGS 清理。",
)
_VERIFY = Say(en="writes succeed and the log tells no new error", zh="写入恢复正常，日志不再有新的报错")
_LARGEST = (
    "SELECT TABLE_SCHEMA, TABLE_NAME, DATA_LENGTH + INDEX_LENGTH AS size_bytes, DATA_FREE FROM"
    " information_schema.TABLES"
    " ORDER BY size_bytes DESC LIMIT 20;"
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.error_log"):
        if finding.details["kind"] == "disk_full":
            yield Cause(
                id=CAUSE.id,
                object="server",
                object_kind="server",
                severity=finding.severity,
                confidence=0.95,
                summary=finding.message,
                because=(_WAITS(),),
                evidence=finding.evidence,
                remedies=(advice(_ROOM(), _VERIFY(), verify_statement=_LARGEST, when="now", caution=_NEVER()),),
                rests_on=(finding.fingerprint,),
                impact=1.0,
                past=not finding.details["is_now"],
            )
