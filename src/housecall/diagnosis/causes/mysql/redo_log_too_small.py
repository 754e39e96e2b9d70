"""The redo log, or its buffer in memory, is too small for the writes, so writing sessions wait in bursts."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._settings import Change, by_age, set_variables
from housecall.diagnosis.checks.mysql._counters import GB, MB, number
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="redo_log_too_small",
    title=Say(en="Redo log too small", zh="redo 日志过小"),
    checks=("mysql.redo_log", "mysql.page_flushing"),
)
_HOUR = Say(
    en="It should hold about an hour of writes; at this pace it holds {fill:duration}.",
    zh="它应能容纳约一小时的写入；按当前速度只能容纳 {fill:duration}。",
)
_AGE = Say(
    en="{age:percent} of it lies after the last checkpoint: pages are flushed in haste to make room.",
    zh="其中 {age:percent} 在最近检查点之后：为腾出空间不得不急促刷脏页。",
)
_BUFFER = Say(
    en="Transactions write more redo at once than the buffer of {buffer:bytes} holds.",
    zh="事务一次产生的 redo 超过了缓冲区的 {buffer:bytes}。",
)
_CAUTION = Say(
    en="Needs that much disk, and recovery after a crash reads more of it.",
    zh="需要相应的磁盘空间，崩溃恢复时要读取更多日志。",
)
MOST = 8 * GB
"""Beyond it recovery after a crash takes long; more is for a person to decide."""


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    flushing = [each.fingerprint for each in found.of("mysql.page_flushing")]
    for finding in found.of("mysql.redo_log"):
        details = finding.details
        is_capacity = details["kind"] == "capacity"
        yield Cause(
            id=CAUSE.id,
            object=details["name"],
            object_kind="setting",
            severity=finding.severity,
            confidence=0.9 if details["is_now"] else by_age(0.7, details["age_seconds"]),
            summary=finding.message,
            because=_because(finding),
            evidence=finding.evidence,
            remedies=(_enlarge(now, finding) if is_capacity else _enlarge_buffer(now, finding),),
            rests_on=(finding.fingerprint,),
            absorbs=tuple(flushing) if is_capacity and details["is_now"] else (),
            impact=0.3 if details["is_now"] else 0.0,
            past=details["is_over"],
        )


def _because(finding: Finding) -> tuple[Message, ...]:
    details = finding.details
    if details["kind"] == "buffer":
        return (_BUFFER(buffer=details["buffer"]),)
    return _HOUR(fill=details["fill_seconds"]), _AGE(age=details["age_share"])


def wanted_bytes(capacity: float, rate: float) -> int:
    """An hour at the measured pace, at least four times what it is, at least 256 MB, at most 8 GB."""
    wanted = min(max(rate * 3600, 4 * capacity, 256 * MB), max(MOST, 2 * capacity))
    return int(-(-wanted // (64 * MB)) * 64 * MB)


def _enlarge(now: Snapshot, finding: Finding) -> Remedy:
    version, details = now.facts.version, finding.details
    wanted, name = wanted_bytes(details["capacity"], details["rate"]), details["name"]
    files = int(number(now, "innodb_log_files_in_group") or 1) if name == "innodb_log_file_size" else 1
    can_now = version.number >= (100_900 if version.flavour == "mariadb" else 80_030)
    change = Change(name, str(wanted // files), str(int(details["capacity"]) // files))
    return set_variables(version, [change], needs_restart=not can_now, caution=_CAUTION())


def _enlarge_buffer(now: Snapshot, finding: Finding) -> Remedy:
    version, buffer = now.facts.version, int(finding.details["buffer"] or 16 * MB)
    change = Change("innodb_log_buffer_size", str(max(64 * MB, 2 * buffer)), str(buffer))
    return set_variables(version, [change], needs_restart=version.flavour == "mariadb")
