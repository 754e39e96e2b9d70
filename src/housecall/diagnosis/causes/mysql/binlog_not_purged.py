"""Nothing removes the binary logs of MySQL or MariaDB: they grow until the disk is full."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._sessions import NO_LOCK, set_global
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.quoting import quote_literal
from housecall.wording import Say

CAUSE = CauseRule(
    id="binlog_not_purged",
    title=Say("Binary logs are never removed", "binlog 未清理"),
    checks=("mysql.binary_log_size",),
)
_DATA = Say(
    "The data itself take {stored:bytes}; the oldest of the logs is {oldest}.",
    "数据本身占 {stored:bytes}；最早的日志为 {oldest}。",
)
_EXPIRE = Say(
    "Keep binary logs for a week, or longer than the time between two backups", "binlog 保留一周，或长于两次备份的间隔"
)
_EXPIRE_CAUTION = Say(
    "Logs older than that go at the next switch of the log: first look that every replica has read them and that a"
    " backup is newer.",
    "早于该时间的日志会在下次切换日志时删除：请先确认所有从库都已读取，且有更新的备份。",
)
_EXPIRES = Say("binlog_expire_logs_seconds is 604800", "binlog_expire_logs_seconds 为 604800")
_AUTO = Say("Let expired logs be removed again", "恢复自动清理过期日志")
_AUTO_IS_ON = Say("binlog_expire_logs_auto_purge is ON", "binlog_expire_logs_auto_purge 为 ON")
_PURGE = Say(
    "Remove what every replica has read and every backup has: logs before the one that they still need (here the"
    " newest)",
    "清除所有从库已读取且备份已包含的日志（此处示例为最新日志之前的全部）",
)
_PURGE_CAUTION = Say(
    "Look at SHOW REPLICA STATUS on every replica first, and put the oldest log that one of them names in the place of"
    " the newest. What is purged is gone for recovery to a point in time.",
    "请先在每个从库执行 SHOW REPLICA STATUS，并把语句中的日志换成它们仍需要的最早一个。清除后无法再用于按时间点恢复。",
)
_PURGED = Say("the logs take less space", "日志占用空间减少")
_NOT_BACK = Say("Cannot be undone.", "无法撤销。")
WEEK_SECONDS = 7 * 24 * 3600


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.binary_log_size"):
        details = finding.details
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind="setting",
            severity=finding.severity,
            confidence=0.9,
            summary=finding.message,
            because=(_DATA(stored=details["stored"], oldest=details["oldest"]),),
            evidence=finding.evidence,
            remedies=(_expire(finding, now), _purge(finding)),
            rests_on=(finding.fingerprint,),
        )


def _expire(finding: Finding, now: Snapshot) -> Remedy:
    flavour = now.facts.version.flavour
    if finding.details["setting"] == "binlog_expire_logs_auto_purge":
        return set_global(
            _AUTO(), "binlog_expire_logs_auto_purge", "ON", "OFF", flavour, verify=_AUTO_IS_ON(),
            caution=_EXPIRE_CAUTION(), risk="medium",
        )  # fmt: skip
    return set_global(
        _EXPIRE(), "binlog_expire_logs_seconds", str(WEEK_SECONDS), "0", flavour, verify=_EXPIRES(),
        caution=_EXPIRE_CAUTION(), risk="medium",
    )  # fmt: skip


def _purge(finding: Finding) -> Remedy:
    return Remedy(
        title=_PURGE(),
        statements=(f"PURGE BINARY LOGS TO {quote_literal(finding.details['newest'])};",),
        lock=NO_LOCK(),
        risk="high",
        when="later",
        rollback=(),
        rollback_note=_NOT_BACK(),
        verify=_PURGED(),
        verify_statement="SHOW BINARY LOGS;",
        caution=_PURGE_CAUTION(),
    )
