"""Transactions under a strict isolation level are rolled back because they conflict with each other.

The server counts rollbacks, not their reasons: a strict level in use together with many rollbacks makes this likely,
not sure.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._sessions import application_change
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="serialization_failures",
    title=Say("Serialization failures", "串行化冲突"),
    checks=("postgresql.rollback_ratio",),
)

_SUMMARY = Say(
    "{share:percent} of the transactions in database {database} are rolled back, and transactions run under a strict"
    " isolation level: probably serialization failures.",
    "数据库 {database} 有 {share:percent} 的事务被回滚，且使用了严格的隔离级别：很可能是串行化冲突。",
)
_LEVEL = Say(
    "Strictest default isolation level set: {isolation}; predicate locks held now: {locks:count}.",
    "设置中最严格的默认隔离级别：{isolation}；当前谓词锁数量：{locks:count}。",
)
_RETRY = Say(
    "Retry transactions on SQLSTATE 40001, keep them short, and use READ COMMITTED with SELECT ... FOR UPDATE where"
    " that is enough",
    "遇到 SQLSTATE 40001 时重试事务，缩短事务；够用的地方改为 READ COMMITTED 加 SELECT ... FOR UPDATE",
)
_VERIFY = Say("The share of rollbacks falls below 10 %.", "回滚比例降到 10 % 以下。")
_COUNT = "SELECT xact_commit, xact_rollback FROM pg_catalog.pg_stat_database WHERE datname = current_database()"


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:  # noqa: ARG001
    for finding in found.of("postgresql.rollback_ratio"):
        details = finding.details
        if not details["serializable_locks"] and details["isolation"] == "read committed":
            continue
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind="database",
            severity=finding.severity,
            confidence=0.6,
            summary=_SUMMARY(share=details["share"], database=finding.object),
            because=(_LEVEL(isolation=details["isolation"], locks=details["serializable_locks"]),),
            evidence=finding.evidence,
            remedies=(application_change(_RETRY(), _VERIFY(), _COUNT),),
            rests_on=(finding.fingerprint,),
            impact=details["share"],
            past=not details["in_window"],
        )
