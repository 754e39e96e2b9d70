"""An application opens a new connection to MySQL or MariaDB for every few statements instead of keeping a pool."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._sessions import application_change, fingerprints, set_global
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="connection_churn",
    title=Say("Connection churn", "频繁新建连接"),
    checks=("mysql.connection_churn",),
)
_SUMMARY = Say(
    "Clients open {rate:number} new connections a second.",
    "客户端每秒新建 {rate:number} 个连接。",
)
_AVERAGE = Say(
    "The average since the server started is {average:number} a second.", "启动以来平均每秒 {average:number} 个。"
)
_THREADS = Say(
    "{share:percent} of all connections needed a new thread, since thread_cache_size is {cache:count}.",
    "{share:percent} 的连接需要新建线程，因为 thread_cache_size 为 {cache:count}。",
)
_POOL = Say(
    "Keep connections open: a pool in the application, or ProxySQL in front of the server",
    "保持连接：在应用内使用连接池，或在数据库前部署 ProxySQL",
)
_FEWER = Say("fewer than 2 new connections a second", "每秒新建连接少于 2 个")
_CACHE = Say("Keep threads for the next connections", "缓存线程供后续连接使用")
_CACHED = Say("Threads_created grows no more with Connections", "Threads_created 不再随 Connections 增长")
_COUNT = "SHOW GLOBAL STATUS WHERE Variable_name IN ('Connections', 'Threads_created', 'Uptime');"
DEFAULT_CACHE = 64
"""Between the defaults: 8 + max_connections / 100 on MySQL, 256 or max_connections on MariaDB (manuals)."""


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.connection_churn"):
        if finding.severity.rank >= Severity.NOTICE.rank:
            yield _cause(finding, found, now)


def _cause(finding: Finding, found: Found, now: Snapshot) -> Cause:
    details = finding.details
    threads = (_THREADS(share=details["share"], cache=details["cache"]),) if details["no_cache"] else ()
    return Cause(
        id=CAUSE.id,
        object="server",
        object_kind="server",
        severity=finding.severity,
        confidence=0.9 if details["measured"] else 0.6,
        summary=_SUMMARY(rate=details["rate"]),
        because=(_AVERAGE(average=details["average"]), *threads),
        evidence=finding.evidence,
        remedies=(*_cache(finding, now), application_change(_POOL(), _FEWER(), _COUNT)),
        rests_on=(finding.fingerprint,),
        absorbs=fingerprints(found.of("mysql.thread_cache")),
        past=details["measured"] and details["rate"] < 1.0,
    )


def _cache(finding: Finding, now: Snapshot) -> tuple[Remedy, ...]:
    """Only where the cache is what is small; the pool remains what is to be done."""
    size = finding.details["cache"]
    if not finding.details["no_cache"] or size is None or size >= DEFAULT_CACHE:
        return ()
    flavour = now.facts.version.flavour
    return (set_global(_CACHE(), "thread_cache_size", str(DEFAULT_CACHE), f"{size:.0f}", flavour, verify=_CACHED()),)
