"""MariaDB's query cache is on, and its single lock costs the sessions more than the cache saves them."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._settings import Change, set_variables
from housecall.diagnosis.finding import Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="query_cache_contention",
    title=Say(en="Contention on the query cache", zh="查询缓存争用"),
    checks=("mysql.query_cache",),
)
_WAITING = Say(
    en="Sessions were seen waiting for its lock {waiting:count} time{waiting:|s} in {looks:count} look{looks:|s}.",
    zh="{looks:count} 次采样中看到 {waiting:count} 次会话在等它的锁。",
)
_USELESS = Say(
    en="{inserts:count} results were put in and {hits:count} were asked for again.",
    zh="写入 {inserts:count} 个结果，被再次命中 {hits:count} 次。",
)
_CAUTION = Say(
    en="Statements that were answered from it run again: watch the CPU for an hour. What is emptied fills by itself.",
    zh="原先由缓存应答的语句会重新执行，请观察一小时 CPU。清空的内容会自行填充。",
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.query_cache"):
        if finding.severity == Severity.INFO:
            continue
        details = finding.details
        off = [
            Change("query_cache_type", "OFF", f"'{details['type']}'"),
            Change("query_cache_size", "0", str(int(details["size"]))),
        ]
        yield Cause(
            id=CAUSE.id,
            object="query_cache_type",
            object_kind="setting",
            severity=finding.severity,
            confidence=0.9 if details["waiting"] else 0.7,
            summary=finding.message,
            because=(
                _WAITING(waiting=details["waiting"], looks=details["looks"]),
                _USELESS(inserts=details["inserts"], hits=details["hits"]),
            ),
            evidence=finding.evidence,
            remedies=(set_variables(now.facts.version, off, caution=_CAUTION()),),
            rests_on=(finding.fingerprint,),
            impact=min(0.9, details["waiting"] / max(1, 2 * details["looks"])),
        )
