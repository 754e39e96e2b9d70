"""The query cache, which one lock guards for all sessions (MariaDB).

Why it matters: every statement asks it and every write empties what belongs to its table, one session at a time; with
many sessions they wait for its lock and not for data.
How to fix: switch it off; cache in the application what must be cached.
Source: MariaDB documentation, "Query Cache" ("does not scale well in environments with high throughput on multi-core
machines, so it is disabled by default"); MySQL removed it with 8.0.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._counters import number, pace, settings
from housecall.diagnosis.checks.mysql._measured import measured, variable
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.sessions import Session
from housecall.wording import Say

CHECK = Check(
    id="mysql.query_cache",
    item="performance_metrics",
    severity=Severity.WARNING,
    title=Say(en="Query cache in use", zh="启用了查询缓存"),
    thresholds=[
        Threshold("warning_waiting", 2, "sightings of sessions that wait for its lock, in a handful of looks"),
        Threshold("useless_share", 0.2, "of hits to lookups: below it the cache costs more than it saves"),
        Threshold("least_inserts", 1000, "results put in; fewer tell nothing"),
        Threshold("warning_per_second", 100.0, "results put in now that are seldom asked for again"),
    ],
    needs_window=True,
)
_IN_USE = Say(
    en="The query cache ({size:bytes}) is on: {hits:count} hits for {inserts:count} results put in,"
    " {prunes:count} thrown"
    " out for room; {waiting:count} sighting{waiting:|s} of a session waiting for its lock.",
    zh="查询缓存（{size:bytes}）已启用：命中 {hits:count} 次，写入 {inserts:count} 次，因空间不足淘汰"
    " {prunes:count} 次；"
    "采样中看到 {waiting:count} 次会话在等它的锁。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    size, kind = number(now, "query_cache_size") or 0.0, (variable(now, "query_cache_type") or "OFF").upper()
    if not size or kind in ("OFF", "0"):
        return
    hits, inserts = pace(now, earlier, "Qcache_hits"), pace(now, earlier, "Qcache_inserts")
    prunes = pace(now, earlier, "Qcache_lowmem_prunes")
    looks = now.samples
    waiting = sum("query cache lock" in (row.state or "").lower() for look in looks for row in look.rows(Session))
    is_useless = inserts.total >= limits["least_inserts"] and (
        hits.total < limits["useless_share"] * (hits.total + inserts.total)
    )  # fmt: skip
    is_now = inserts.in_window is not None and inserts.current >= limits["warning_per_second"]
    hurts = waiting >= limits["warning_waiting"] or (is_useless and is_now)
    severity = Severity.WARNING if hurts else Severity.NOTICE if is_useless else Severity.INFO
    yield Finding(
        CHECK.id, CHECK.item, severity, "query_cache_type", "setting",
        _IN_USE(size=size, hits=hits.total, inserts=inserts.total, prunes=prunes.total, waiting=waiting),
        hits.evidence("cache_hits") + inserts.evidence("results_put_in") + prunes.evidence("thrown_out_for_room")
        + measured(Session, sightings_of_waiting=(waiting, "count"), looks=(len(looks), "count"))
        + settings(now, query_cache_type="text", query_cache_size="bytes"),
        details={"size": size, "type": kind, "waiting": waiting, "looks": len(looks), "hits": hits.total,
                 "inserts": inserts.total, "age_seconds": hits.seconds},
    )  # fmt: skip
