"""A setting under which committed data can be lost, damage goes unseen, or an application cannot write."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._changes import reset_stored, set_setting
from housecall.diagnosis.checks.postgresql.dangerous_settings import READ_ONLY
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="dangerous_setting",
    title=Say(en="A setting that endangers data", zh="危及数据安全的参数"),
    checks=("postgresql.dangerous_settings", "postgresql.rollback_ratio"),
)
_SCOPE = Say(en="It is set for {scope}.", zh="设置范围：{scope}。")
_SERVER = Say(en="It holds for the whole server.", zh="对整个服务器生效。")
_CAUTION = Say(
    en="Commits become slower: they wait for the disk again. After a time without it, take a fresh base backup.",
    zh="提交会变慢，因为要重新等待磁盘落盘。曾经关闭过的，建议重新做一次全量备份。",
)
_CAUTION_LAST_MOMENTS = Say(
    en="Commits become slower: they wait for the disk again. While it is off, transactions acknowledged in the last"
    " moments may be lost after a crash; nothing is corrupted by it.",
    zh="提交会变慢，因为要重新等待磁盘落盘。关闭期间若崩溃，最后片刻已确认的事务可能丢失，但不会损坏数据。",
)
_CAUTIONS = {"fsync": _CAUTION, "full_page_writes": _CAUTION, "synchronous_commit": _CAUTION_LAST_MOMENTS}


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.dangerous_settings"):
        scope = finding.details["scope"]
        failed = found.of("postgresql.rollback_ratio") if finding.object == READ_ONLY else ()
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind="setting",
            severity=finding.severity,
            confidence=0.99,
            summary=finding.message,
            because=(_SCOPE(scope=scope) if scope else _SERVER(),),
            evidence=finding.evidence,
            remedies=(_remedy(finding),),
            rests_on=(finding.fingerprint,),
            absorbs=tuple(each.fingerprint for each in failed),
        )


def _remedy(finding: Finding) -> Remedy:
    details = finding.details
    if details["scope"]:
        return reset_stored(details["name"], details["value"], details["database"], details["role"], details["scope"])
    caution = _CAUTIONS[details["name"]]() if details["name"] in _CAUTIONS else None
    return set_setting(
        details["name"], details["good"], details["value"], restart=details["context"] == "postmaster", caution=caution
    )
