"""Statements of an application fail at every call: what they ask for is not there, or not as they expect it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes._statements import STATEMENT
from housecall.diagnosis.causes.postgresql._sessions import application_change
from housecall.diagnosis.checks.postgresql.failing_statements import (
    FORM,
    LOCKS,
    MISSING,
    PARTITION,
    PLAN,
    PREPARED,
    VALUE,
)
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="failing_statements",
    title=Say("Statements that fail at every call", "每次执行都失败的语句"),
    checks=("postgresql.failing_statements", "postgresql.error_log", "postgresql.rollback_ratio"),
)
_TELL_BETTER = ("postgresql.key_exhaustion", "postgresql.permission_errors", "postgresql.timeouts_too_short")
"""Checks that know why values do not fit, or why statements fail: where it may be theirs, they tell it."""
_MEND: Mapping[str, Say] = {
    MISSING: Say(
        "Find what changed last (a release, a migration that has not run, a search_path): run the migration, or roll"
        " back the release that asks for it",
        "查明最近的变更（发布、尚未执行的迁移、search_path）：执行迁移，或回滚使用它的版本",
    ),
    PARTITION: Say(
        "Create the partition that the failing row belongs to, now, and let a job make the next ones ahead of time; a"
        " DEFAULT partition would take such rows in, but is in the way when the right one is made later",
        "立即创建失败行所属的分区，并让定时任务提前创建后续分区；"
        "DEFAULT 分区虽能接收这些行，但以后补建分区时会成为障碍",
    ),
    PREPARED: Say(
        "Prepared statements live in one session, and a pooler that shares sessions between transactions loses them:"
        " let the pooler follow them (PgBouncer 1.21: max_prepared_statements above 0), or switch them off in the"
        " driver",
        "预处理语句只存在于一个会话中，按事务复用会话的连接池会丢失它们：让连接池跟踪预处理语句"
        "（PgBouncer 1.21 起把 max_prepared_statements 设为大于 0），或在驱动中关闭",
    ),
    PLAN: Say(
        "The table was changed under prepared statements: let the sessions reconnect (recycle the pool), and name the"
        " columns in place of *",
        "表结构在预处理语句存在期间被修改：让会话重新连接（更换连接池中的连接），并用列名代替 *",
    ),
    FORM: Say(
        "Correct the statement in the application; when it worked before, look for the index or the column that was"
        " changed",
        "在应用中修正该语句；如果以前能执行，请检查被修改的索引或列",
    ),
    LOCKS: Say(
        "Let statements name the partition key, so that fewer tables are locked, and transactions touch fewer of them;"
        " where many are needed, raise max_locks_per_transaction at the next planned restart",
        "让语句带上分区键以减少锁定的表，并缩小事务涉及的表数；确需很多表时，"
        "在下次计划重启时调大 max_locks_per_transaction",
    ),
    VALUE: Say(
        "Let the application check the value before it sends it, or widen the column",
        "让应用在发送之前校验该值，或加宽该列",
    ),
}
_PARTITION_LOCK = Say(
    "CREATE TABLE … PARTITION OF takes ACCESS EXCLUSIVE on the whole table for a moment (set lock_timeout); a table"
    " that is made first and attached takes SHARE UPDATE EXCLUSIVE.",
    "CREATE TABLE … PARTITION OF 会短暂持有整张表的 ACCESS EXCLUSIVE 锁（请设置 lock_timeout）；"
    "先建表再 ATTACH 只需 SHARE UPDATE EXCLUSIVE 锁。",
)
_PARTITION_UNDO = Say("Drop the partition again while it is empty.", "分区为空时可再删除。")
_MIGRATION_LOCK = Say(
    "That of the migration; a release that is rolled back takes none. Set lock_timeout for the migration.",
    "取决于迁移语句；回滚发布不加锁。执行迁移时请设置 lock_timeout。",
)
_MIGRATION_UNDO = Say("The migration's own way back, or the release again.", "按迁移自带的回退步骤，或重新发布。")
_DETAIL = Say("It adds: {detail}", "日志补充：{detail}")
_ENOUGH = Say("the log tells of it no more", "日志中不再出现该错误")


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    better = any(each.severity.rank >= Severity.WARNING.rank for each in found.of(*_TELL_BETTER))
    for finding in found.of("postgresql.failing_statements"):
        if not (better and finding.details["kind"] == VALUE):
            yield _cause(finding, found)


def _cause(finding: Finding, found: Found) -> Cause:
    details = finding.details
    told = [each for each in found.of("postgresql.error_log") if each.object == details["log_kind"]]
    failed = found.of("postgresql.rollback_ratio") if finding.severity.rank >= Severity.WARNING.rank else ()
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind=finding.object_kind,
        severity=finding.severity,
        confidence=0.85,
        summary=finding.message,
        because=tuple(_because(finding)),
        evidence=finding.evidence,
        remedies=(_remedy(details["kind"]),),
        rests_on=(finding.fingerprint,),
        absorbs=tuple(each.fingerprint for each in (*told, *failed)),
    )


def _remedy(kind: str) -> Remedy:
    change = replace(application_change(_MEND[kind](), _ENOUGH()), when="later" if kind == LOCKS else "now")
    if kind == PARTITION:
        return replace(change, lock=_PARTITION_LOCK(), rollback_note=_PARTITION_UNDO())
    return replace(change, lock=_MIGRATION_LOCK(), rollback_note=_MIGRATION_UNDO()) if kind == MISSING else change


def _because(finding: Finding) -> Iterator[Message]:
    details = finding.details
    if details["detail"]:
        yield _DETAIL(detail=details["detail"][:200])
    if details["statement"]:
        yield STATEMENT(statement=details["statement"])
