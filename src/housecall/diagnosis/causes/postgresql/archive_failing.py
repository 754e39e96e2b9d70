"""The archiver cannot store WAL files: no recovery to a moment, and WAL that may not be removed."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._sessions import NO_LOCK
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="archive_failing",
    title=Say("Archiving fails", "WAL 归档失败"),
    checks=("postgresql.archiver_failures",),
)

_SUMMARY = Say(
    "Archiving WAL fails: the last of {failures:count} failures was {failed:duration} ago on {file}.",
    "WAL 归档失败：共失败 {failures:count} 次，最近一次在 {failed:duration} 前，文件 {file}。",
)
_NEVER = Say("Nothing was archived since the statistics were reset.", "统计重置以来没有任何文件归档成功。")
_LAST = Say("The last file was archived {archived:duration} ago.", "最近一次归档成功在 {archived:duration} 前。")
_READY = Say("{ready:count} WAL files wait and cannot be removed.", "有 {ready:count} 个 WAL 文件在等待，无法清除。")
_MEND = Say(
    "Mend what the {means} needs (space, rights, network at the target); the error stands in the server's log. The"
    " server retries by itself: delete no WAL by hand",
    "修复 {means} 所需的条件（目标端空间、权限、网络），错误信息在服务器日志中。服务器会自动重试，切勿手工删除 WAL",
)
_VERIFY = Say(
    "last_archived_time is newer than last_failed_time, and fewer files wait.",
    "last_archived_time 晚于 last_failed_time，等待文件减少。",
)
_HARMLESS = Say("Nothing is run on the server.", "不在数据库上执行任何语句。")
_STATE = (
    "SELECT archived_count, failed_count, last_archived_time, last_failed_time, last_failed_wal"
    " FROM pg_catalog.pg_stat_archiver"
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:  # noqa: ARG001
    for finding in found.of("postgresql.archiver_failures"):
        details = finding.details
        yield Cause(
            id=CAUSE.id,
            object="archiver",
            object_kind="server",
            severity=finding.severity,
            confidence=0.95,
            summary=_SUMMARY(failures=details["failures"], failed=details["failed_seconds"], file=details["file"]),
            because=_because(finding),
            evidence=finding.evidence,
            remedies=(_mend(finding),),
            rests_on=(finding.fingerprint,),
            absorbs=tuple(each.fingerprint for each in found.of("postgresql.disk_full") if each.object == "pg_wal"),
        )


def _because(finding: Finding) -> tuple[Message, ...]:
    archived, ready = finding.details["archived_seconds"], finding.details["ready"]
    because = [_NEVER() if archived is None else _LAST(archived=archived)]
    if ready is not None:
        because.append(_READY(ready=ready))
    return tuple(because)


def _mend(finding: Finding) -> Remedy:
    return Remedy(
        title=_MEND(means="archive_library" if finding.details["library"] else "archive_command"),
        statements=(),
        lock=NO_LOCK(),
        risk="low",
        when="now",
        rollback=(),
        rollback_note=_HARMLESS(),
        verify=_VERIFY(),
        verify_statement=_STATE,
    )
