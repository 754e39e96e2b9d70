"""InnoDB writes dirty pages too slowly in the background, so sessions write them themselves, in bursts."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._settings import Change, by_age, set_variables
from housecall.diagnosis.checks.mysql._counters import number
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="checkpoint_storm",
    title=Say(en="Page flushing cannot keep up", zh="刷脏页跟不上写入"),
    checks=("mysql.page_flushing",),
)
_DIRTY = Say(
    en="{dirty:percent} of the buffer pool waits to be written; the background may write {capacity:count} pages"
    " a second.",
    zh="缓冲池中有 {dirty:percent} 的页等待写盘；后台每秒最多写 {capacity:count} 页。",
)
_CAUTION = Say(
    en="No more than the disk can do: what the background takes, reads lack.",
    zh="不要超过磁盘能力：后台写得越多，留给读的就越少。",
)
MOST = 20_000


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.page_flushing"):
        details = finding.details
        capacity = int(number(now, "innodb_io_capacity") or 200)
        highest = int(number(now, "innodb_io_capacity_max") or 2 * capacity)
        wanted = min(max(2 * capacity, 1000), MOST)
        changes = [Change("innodb_io_capacity", str(wanted), str(capacity))]
        if highest < 2 * wanted:
            changes.insert(0, Change("innodb_io_capacity_max", str(2 * wanted), str(highest)))
        yield Cause(
            id=CAUSE.id,
            object="innodb_io_capacity",
            object_kind="setting",
            severity=finding.severity,
            confidence=0.75 if details["is_now"] else by_age(0.5, details["age_seconds"]),
            summary=finding.message,
            because=(_DIRTY(dirty=details["dirty_share"], capacity=capacity),),
            evidence=finding.evidence,
            remedies=(set_variables(now.facts.version, changes, caution=_CAUTION()),) if wanted > capacity else (),
            rests_on=(finding.fingerprint,),
            impact=0.2 if details["is_now"] else 0.0,
            past=details["is_over"],
        )
