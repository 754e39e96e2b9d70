"""One transaction with very many savepoints makes every other session slow.

A notice while nobody suffers; a warning when the cache of subtransactions is busy or waited for.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._sessions import LAST_STATEMENT, application_change, fingerprints
from housecall.diagnosis.finding import Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="subtransaction_overflow",
    title=Say("Too many subtransactions", "子事务溢出"),
    checks=("postgresql.subtransactions",),
)

_SUMMARY = Say(
    "{sessions:count} transaction{sessions:|s} {sessions:holds|hold} more than 64 subtransactions, so"
    " others must look rows up in a slow cache.",
    "{sessions:count} 个事务的子事务超过 64 个，其他会话只能到慢速缓存中查询其可见性。",
)
_UNSEEN = Say(
    "Transactions with more than 64 subtransactions (savepoints) slow down the others.",
    "有事务的子事务（保存点）超过 64 个，拖慢了其他会话。",
)
_CACHE = Say(
    "The cache is asked {rate:number} times a second; {share:percent} of the active sessions wait for it.",
    "缓存每秒被查询 {rate:number} 次；{share:percent} 的活动会话在等待它。",
)
_FEWER = Say(
    "Use fewer savepoints in one transaction: no BEGIN ... EXCEPTION block in a long loop, no savepoint per statement",
    "减少单个事务的保存点：不要在长循环中使用 BEGIN ... EXCEPTION，不要每条语句一个保存点",
)
_VERIFY = Say("The counters of the subtransaction cache stand still.", "子事务缓存的计数不再增长。")
_COUNT = "SELECT name, blks_hit, blks_read FROM pg_catalog.pg_stat_slru WHERE lower(name) LIKE 'subtrans%'"


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:  # noqa: ARG001
    for finding in found.of("postgresql.subtransactions"):
        details = finding.details
        because: list[Message] = [_CACHE(rate=details["rate"], share=details["share"])]
        if details["statement"]:
            because.append(LAST_STATEMENT(statement=details["statement"]))
        waits = [each for each in found.of("postgresql.wait_events") if "ubtrans" in each.object]
        overflowed = details["overflowed"]
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind=finding.object_kind,
            severity=finding.severity,
            confidence=0.9 if overflowed and finding.severity.rank >= Severity.WARNING.rank else 0.7,
            summary=_SUMMARY(sessions=overflowed) if overflowed else _UNSEEN(),
            because=tuple(because),
            evidence=finding.evidence,
            remedies=(application_change(_FEWER(), _VERIFY(), _COUNT),),
            rests_on=(finding.fingerprint,),
            absorbs=fingerprints(waits),
            impact=min(1.0, details["share"]),
        )
