"""Statements of the application fail at every call on MySQL or MariaDB: what they ask for is not there, or not allowed.

What a setting refuses is told by the setting, unless this is a replica, where writes are refused rightly.
"""

from collections.abc import Iterator, Mapping

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._settings import NO_LOCK, advice
from housecall.diagnosis.causes.mysql.refusing_setting import because
from housecall.diagnosis.checks.mysql.failing_statements import (
    DEFINER,
    FORM,
    MISSING,
    OTHER,
    READ_ONLY,
    UNKNOWN,
    VALUE,
)
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="failing_statements",
    title=Say("Statements that fail at every call", "每次执行都失败的语句"),
    checks=("mysql.failing_statements", "mysql.top_statements"),
)
_TELL_BETTER = (
    "mysql.collation_mismatch", "mysql.permission_errors", "mysql.key_exhaustion", "mysql.full_memory_tables",
    "mysql.prepared_statements", "mysql.packet_size", "mysql.short_timeouts",
)  # fmt: skip
"""Checks that know a reason why statements fail: where it may be theirs, they tell it."""
_MEND: Mapping[str, Say] = {
    MISSING: Say(
        "Find what changed last (a migration, a release, a dropped index): bring back what the statement asks for, or"
        " roll out the release that no longer asks for it",
        "查明最近的变更（迁移、发布、删除的索引）：恢复语句所需的对象，或发布不再使用它的版本",
    ),
    DEFINER: Say(
        "Give the view, trigger or routine a definer that exists (ALTER DEFINER = … VIEW …; a trigger or routine is"
        " created anew), after asking why the account was removed",
        "为该视图、触发器或存储程序指定存在的 DEFINER（ALTER DEFINER = … VIEW …；触发器和存储程序需重建），"
        "并先确认该账号为何被删除",
    ),
    FORM: Say(
        "Correct the statement in the application; when it worked before, look whether sql_mode or the table was"
        " changed",
        "在应用中修正该语句；如果以前能执行，请检查 sql_mode 或表结构是否被修改",
    ),
    VALUE: Say(
        "Let the application send values that fit the column, or widen the column; a looser sql_mode would store wrong"
        " values silently",
        "让应用发送符合列定义的值，或加宽该列；放宽 sql_mode 会悄悄存入错误的值",
    ),
    OTHER: Say(
        "Run the statement by hand and act on what the server says", "手工执行该语句，并按服务器的提示处理"
    ),
    UNKNOWN: Say(
        "Run the statement by hand, as the application's account, to see the error",
        "以应用账号手工执行该语句，查看错误信息",
    ),
    READ_ONLY: Say(
        "Point what writes to the primary: this server is a replica, and is rightly read-only",
        "让写入连接到主库：该服务器是从库，只读是正确的",
    ),
}  # fmt: skip
_DUPLICATES = Say("It may meet a duplicate key each time, as meant.", "也可能每次都遇到重复键，属于预期行为。")
_ENOUGH = Say("the statement fails no more", "该语句不再失败")
_COUNT = (
    "SELECT DIGEST_TEXT, COUNT_STAR, SUM_ERRORS, LAST_SEEN FROM performance_schema.events_statements_summary_by_digest"
    " WHERE SUM_ERRORS > 0 ORDER BY LAST_SEEN DESC LIMIT 10;"
)


_KEEP = Say(
    "Let the server keep the errors of the latest statements, so that the next examination names this one",
    "让服务器保留最近语句的错误信息，下次检查即可说明原因",
)
_KEPT = Say(
    "both consumers are on, and the next examination tells the error", "两个 consumer 均已打开，下次检查给出错误"
)
_UNTIL = Say("It holds until the next restart.", "重启后失效。")
_CONSUMERS = "NAME IN ('events_statements_current', 'events_statements_history')"


def _keep_errors() -> Remedy:
    """MariaDB has them off by default."""
    switch = "UPDATE performance_schema.setup_consumers SET ENABLED = '{}' WHERE " + _CONSUMERS + ";"
    return Remedy(
        title=_KEEP(), statements=(switch.format("YES"),), lock=NO_LOCK(), risk="low", when="now",
        rollback=(switch.format("NO"),), verify=_KEPT(), caution=_UNTIL(),
        verify_statement=f"SELECT NAME, ENABLED FROM performance_schema.setup_consumers WHERE {_CONSUMERS};",
    )  # fmt: skip


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.failing_statements"):
        if finding.details["kind"] in _MEND and not _is_told_better(finding, found):
            yield _cause(finding)


def _is_told_better(finding: Finding, found: Found) -> bool:
    if finding.details["kind"] == READ_ONLY:
        return not finding.details["on_replica"]
    others = any(each.severity.rank >= Severity.WARNING.rank for each in found.of(*_TELL_BETTER))
    return others and finding.details["kind"] in (UNKNOWN, VALUE, OTHER)


def _cause(finding: Finding) -> Cause:
    details = finding.details
    is_unknown = details["kind"] == UNKNOWN
    is_concluded = is_unknown or (details["kind"] == FORM and not details["is_seen"])
    why = because(finding)[1:] if is_concluded else because(finding)
    is_soft = is_unknown and finding.severity == Severity.NOTICE
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind=finding.object_kind,
        severity=finding.severity,
        confidence=0.5 if is_unknown else 0.85,
        summary=finding.message,
        because=(*why, _DUPLICATES()) if is_soft else why,
        evidence=finding.evidence,
        remedies=(
            advice(_MEND[details["kind"]](), _ENOUGH(), verify_statement=_COUNT, when="now"),
            *((_keep_errors(),) if is_unknown else ()),
        ),
        rests_on=(finding.fingerprint,),
    )  # fmt: skip
