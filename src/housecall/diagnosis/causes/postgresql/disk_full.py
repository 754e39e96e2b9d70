"""A disk of the server is full. What fills it is the root when another rule finds it: a slot, the archiver."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._sessions import NO_LOCK
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="disk_full",
    title=Say("Disk full", "磁盘已满"),
    checks=("postgresql.disk_full", "postgresql.error_log", "postgresql.rollback_ratio"),
)
_SUMMARY = Say(
    "The disk that holds {place} is full: {count:count} write{count:|s} failed.",
    "{place} 所在的磁盘已满：{count:count} 次写入失败。",
)
_SAYS = Say("The server's log: {message}", "服务器日志：{message}")
_LAST = Say("The last write failed {ago:duration} ago.", "最近一次写入失败发生在 {ago:duration} 前。")
_WAL = Say(
    "Grow the volume of pg_wal, then find what keeps the WAL: a replication slot, a failing archive_command, or"
    " wal_keep_size. Never delete files of pg_wal by hand: the server could not start again",
    "先扩容 pg_wal 所在的卷，再查明 WAL 为何堆积：复制槽、失败的 archive_command 或 wal_keep_size。切勿手工删除 pg_wal "
    "中的文件，否则服务器可能无法再启动",
)
_TEMPORARY = Say(
    "Find the statement that writes the temporary files, give it a limit (temp_file_limit for its role), and index or"
    " shorten its sort; a cancelled statement gives its room back at once",
    "找到写临时文件的语句，为其角色设置 temp_file_limit，并通过索引或减少排序数据量来优化；语句取消后空间立即释放",
)
_DATA = Say(
    "Grow the volume, or remove what is not needed from it: other programs' files and old logs first, then tables that"
    " nobody needs (TRUNCATE or DROP frees their room at once, DELETE and VACUUM do not). VACUUM FULL needs even more"
    " room while it runs",
    "扩容该卷，或清理不需要的内容：先清理其他程序的文件和旧日志，再处理没人使用的表（TRUNCATE 或 DROP 立即释放空间，"
    "DELETE 加 VACUUM 不会）。VACUUM FULL 运行时还需要更多空间",
)
_VERIFY = Say("df shows room on the volume and no further message comes", "df 显示该卷有剩余空间，且日志不再出现新消息")
_UNDO = Say("room is only added; nothing to undo", "仅增加空间，无需回退")
_LARGEST = (
    "SELECT c.oid::regclass AS relation, pg_size_pretty(pg_total_relation_size(c.oid)) AS size FROM pg_class AS c"
    " WHERE c.relkind IN ('r', 'm') ORDER BY pg_total_relation_size(c.oid) DESC LIMIT 10;"
)
_KEEPERS = (
    "SELECT slot_name, active, pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)) AS retained"
    " FROM pg_replication_slots;"
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.disk_full"):
        yield _cause(finding, found)


def _cause(finding: Finding, found: Found) -> Cause:
    details = finding.details
    explained = [
        *found.of("postgresql.rollback_ratio"),
        *(each for each in found.of("postgresql.error_log") if each.object == "disk_full"),
        *(each for each in found.of("postgresql.crash_restarts") if details["place"] == "pg_wal"),
    ]
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="server",
        severity=finding.severity,
        confidence=0.95,
        summary=_SUMMARY(place=details["place"], count=details["count"]),
        because=(_SAYS(message=details["message"][:300]), _LAST(ago=details["ago"])),
        evidence=finding.evidence,
        remedies=(_remedy(finding),),
        rests_on=(finding.fingerprint,),
        absorbs=tuple(each.fingerprint for each in explained),
    )


def _remedy(finding: Finding) -> Remedy:
    titles: dict[str, Message] = {"pg_wal": _WAL(), "temporary files": _TEMPORARY()}
    return Remedy(
        title=titles.get(finding.object, _DATA()),
        statements=(),
        lock=NO_LOCK(),
        risk="low",
        when="now",
        rollback=(),
        rollback_note=_UNDO(),
        verify=_VERIFY(),
        verify_statement=_KEEPERS if finding.object == "pg_wal" else _LARGEST,
    )
