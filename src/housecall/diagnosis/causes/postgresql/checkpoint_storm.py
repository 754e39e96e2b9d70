"""Writing fills max_wal_size faster than checkpoint_timeout, so checkpoints chase each other."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._changes import set_setting
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="checkpoint_storm",
    title=Say(en="Checkpoints forced by WAL volume", zh="检查点风暴"),
    checks=("postgresql.checkpoint_pressure",),
)
_MB = 1024 * 1024
_SUMMARY = Say(
    en="max_wal_size ({limit:bytes}) is too small for the writing here: checkpoints are forced every"
    " {interval:duration}.",
    zh="max_wal_size（{limit:bytes}）对当前写入量来说太小：平均每 {interval:duration} 就被强制做一次检查点。",
)
_COUNTS = Say(
    en="{requested:count} forced checkpoints against {timed:count} by time, in {age:duration}.",
    zh="{age:duration} 内强制检查点 {requested:count} 次，定时检查点 {timed:count} 次。",
)
_NOW = Say(en="{count:count} of them in the last moments.", zh="其中 {count:count} 次就在刚才。")
_CAUTION = Say(
    en="Needs that much disk for pg_wal, and recovery after a crash reads more WAL.",
    zh="pg_wal 需要相应的磁盘空间，崩溃恢复时要读取更多 WAL。",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.checkpoint_pressure"):
        yield _cause(finding)


def wanted_bytes(limit: float, interval_seconds: float) -> int:
    """Room for a quarter of an hour at the measured pace, at least twice what it is, between 1 and 64 GB."""
    return int(min(max(limit * 15 * 60 / max(interval_seconds, 1.0), 2 * limit, 1024 * _MB), 64 * 1024 * _MB))


def _cause(finding: Finding) -> Cause:
    details = finding.details
    limit = details["max_wal_size"] or 1024 * _MB
    because: tuple[Message, ...] = (
        _COUNTS(requested=details["requested"], timed=details["timed"], age=details["age_seconds"]),
    )
    if details["in_window"]:
        because += (_NOW(count=details["in_window"]),)
    wanted = wanted_bytes(limit, details["interval_seconds"])
    wanted_gb = max(1, round(wanted / (1024 * _MB)))
    return Cause(
        id=CAUSE.id,
        object="max_wal_size",
        object_kind="setting",
        severity=finding.severity,
        confidence=0.9 if details["in_window"] or details["requested"] > details["timed"] else 0.7,
        summary=_SUMMARY(limit=limit, interval=details["interval_seconds"]),
        because=because,
        evidence=finding.evidence,
        remedies=(set_setting("max_wal_size", f"{wanted_gb}GB", f"{int(limit) // _MB}MB", caution=_CAUTION()),),
        rests_on=(finding.fingerprint,),
    )
