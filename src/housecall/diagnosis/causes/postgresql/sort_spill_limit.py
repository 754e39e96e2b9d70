"""Sorts and hashes write more than temp_file_limit lets them, and their statements fail."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._changes import reset_stored, set_setting
from housecall.diagnosis.causes.postgresql._sessions import application_change
from housecall.diagnosis.causes.postgresql.sort_spill import CAUSE as SORT_SPILL
from housecall.diagnosis.checks.postgresql.temp_file_limit import NAME
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id=SORT_SPILL.id,
    title=SORT_SPILL.title,
    checks=(
        "postgresql.temp_file_limit",
        "postgresql.temp_spills",
        "postgresql.rollback_ratio",
        "postgresql.error_log",
    ),
)
TIMES = 10
"""What is enough cannot be seen: the statement ended at the limit. A tenfold limit still ends a runaway."""
_STATEMENT = Say("The statement that failed most often: {statement:code}.", "失败最多的语句：{statement:code}。")
_LESS = Say(
    "Let the statement sort or hash less: an index that gives the order, fewer rows and columns, or more work_mem for"
    " its role",
    "减少该语句排序或哈希的数据量：用索引直接给出顺序、减少行和列，或为其角色增大 work_mem",
)
_SUCCEEDS = Say("the statement succeeds", "该语句执行成功")
_CAUTION = Say(
    "The limit keeps one session from filling the disk: look at the free space first, and set a higher limit for the"
    " role whose reports need it.",
    "该上限用于防止单个会话写满磁盘：请先查看剩余空间，并只为确实需要的角色设置更高的上限。",
)
_KINDS = ("other", "temporary_file")


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.temp_file_limit"):
        statement = finding.details["statement"]
        because: tuple[Message, ...] = (_STATEMENT(statement=statement[:200]),) if statement else ()
        explained = [
            *found.of("postgresql.rollback_ratio", "postgresql.temp_spills"),
            *(each for each in found.of("postgresql.error_log") if each.object in _KINDS),
        ]
        yield Cause(
            id=CAUSE.id,
            object=NAME,
            object_kind="setting",
            severity=finding.severity,
            confidence=0.95,
            summary=finding.message,
            because=because,
            evidence=finding.evidence,
            remedies=(_lifted(finding), application_change(_LESS(), _SUCCEEDS())),
            rests_on=(finding.fingerprint,),
            absorbs=tuple(each.fingerprint for each in explained),
        )


def _lifted(finding: Finding) -> Remedy:
    details = finding.details
    if details["value"] is not None:
        return reset_stored(NAME, details["value"], details["database"], details["role"], details["scope"])
    limit = int(details["limit_bytes"]) // 1024
    return set_setting(NAME, f"{TIMES * limit}kB", f"{limit}kB", caution=_CAUTION())
