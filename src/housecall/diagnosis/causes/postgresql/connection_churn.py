"""The application opens a new connection for every few statements instead of keeping a pool."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._sessions import application_change
from housecall.diagnosis.finding import Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="connection_churn",
    title=Say("Connection churn", "频繁新建连接"),
    checks=("postgresql.connection_churn",),
)

_SUMMARY = Say(
    "Clients of database {database} open {rate:number} new connections a second and keep each for {length:duration}"
    " on average.",
    "数据库 {database} 的客户端每秒新建 {rate:number} 个连接，平均每个只保留 {length:duration}。",
)
_AVERAGE = Say(
    "The average since the statistics were reset is {average:number} a second.",
    "统计重置以来平均每秒 {average:number} 个。",
)
_POOL = Say(
    "Keep connections open: a pool in the application, or PgBouncer in front of the server",
    "保持连接：在应用内使用连接池，或在数据库前部署 PgBouncer",
)
_VERIFY = Say("Fewer than 2 new connections a second.", "每秒新建连接少于 2 个。")
_COUNT = "SELECT sessions FROM pg_catalog.pg_stat_database WHERE datname = current_database()"


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:  # noqa: ARG001
    for finding in found.of("postgresql.connection_churn"):
        details = finding.details
        if finding.severity.rank < Severity.NOTICE.rank:
            continue
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind="database",
            severity=finding.severity,
            confidence=0.9 if details["measured"] else 0.6,
            summary=_SUMMARY(database=finding.object, rate=details["rate"], length=details["session_seconds"]),
            because=(_AVERAGE(average=details["average"]),),
            evidence=finding.evidence,
            remedies=(application_change(_POOL(), _VERIFY(), _COUNT),),
            rests_on=(finding.fingerprint,),
        )
