"""The buffer cache is too small for the hot part of the data, so queries wait for reads.

Only when no statement reads more than it needs: a missing index empties any cache.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._changes import set_setting
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.rows.memory import MachineMemory
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="buffer_too_small",
    title=Say(en="Buffer cache too small", zh="共享缓冲区过小"),
    checks=("postgresql.cache_hit", "postgresql.memory_settings", "postgresql.hot_sequential_scans"),
)
_MB = 1024 * 1024
_LOW = Say(
    en="shared_buffers ({buffers:bytes}) is too small: only {share:percent} of block requests are served from it.",
    zh="共享缓冲区（{buffers:bytes}）过小：只有 {share:percent} 的数据块请求能命中。",
)
_TINY = Say(
    en="shared_buffers is only {buffers:bytes} for a database of {size:bytes}: the same blocks are read from outside it"
    " again and again.",
    zh="数据库有 {size:bytes}，共享缓冲区只有 {buffers:bytes}：同样的数据块被反复从外部读取。",
)
_DEFAULT = Say(
    en="shared_buffers is at its default of {buffers:bytes} for a database of {size:bytes}.",
    zh="数据库有 {size:bytes}，共享缓冲区仍是默认的 {buffers:bytes}。",
)
_READ = Say(
    en="{read:bytes} were read from outside it in {age:duration}.",
    zh="{age:duration} 内从缓冲区之外读取了 {read:bytes}。",
)
_SCANS = Say(
    en="Large tables are read from end to end; mend that first, it empties any cache.",
    zh="有大表被反复全表扫描；应先解决它，否则多大的缓存都会被冲刷。",
)
_SIZE = Say(en="The database has {size:bytes}.", zh="数据库大小为 {size:bytes}。")
_CAUTION = Say(
    en="Needs a restart. A quarter of the machine's memory is the usual start; check the memory of the machine or"
    " container first.",
    zh="需要重启。通常从机器内存的四分之一开始；请先确认机器或容器的内存。",
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    low = next(iter(found.of("postgresql.cache_hit")), None)
    small = next(
        (
            each
            for each in found.of("postgresql.memory_settings")
            if each.object == "shared_buffers" and _is_small(each)
        ),
        None,
    )
    if low or small:
        yield _cause(low, small, found, now)


def _is_small(finding: Finding) -> bool:
    return bool(finding.details["value"] <= 128 * _MB)


def _cause(low: Finding | None, small: Finding | None, found: Found, now: Snapshot) -> Cause:
    basis = [each for each in (low, small) if each]
    scans = found.of("postgresql.hot_sequential_scans")
    details = basis[0].details
    buffers = details.get("shared_buffers") or details.get("value") or 0.0
    size = details["database_bytes"]
    because: tuple[Message, ...] = (_SIZE(size=size),)
    if low:
        because += (_READ(read=low.details["blocks_read"] * 8192, age=low.details["age_seconds"]),)
    is_tiny = low is not None and low.details["is_tiny"]
    if scans:
        because += (_SCANS(),)
    target = wanted_bytes(now, buffers, size)
    return Cause(
        id=CAUSE.id,
        object="shared_buffers",
        object_kind="setting",
        severity=low.severity if low else Severity.NOTICE,
        confidence=0.8 if is_tiny else 0.3 if scans else 0.7 if low and small else 0.5,
        summary=_summary(low, is_tiny, buffers, size),
        because=because,
        evidence=tuple(evidence for finding in basis for evidence in finding.evidence),
        remedies=(
            set_setting(
                "shared_buffers", f"{target // _MB}MB", f"{int(buffers) // _MB}MB", restart=True, caution=_CAUTION()
            ),
        ),
        rests_on=tuple(each.fingerprint for each in basis),
    )


def _summary(low: Finding | None, is_tiny: bool, buffers: float, size: float) -> Message:
    if low is None:
        return _DEFAULT(buffers=buffers, size=size)
    return _TINY(buffers=buffers, size=size) if is_tiny else _LOW(buffers=buffers, share=low.details["share"])


def wanted_bytes(now: Snapshot, buffers: float, size: float) -> int:
    """A quarter of memory where that is known (the manual's start), else twice what it is; never more than the data."""
    rows = now.get(MachineMemory)
    memory = None if isinstance(rows, Unavailable) or not rows else rows[0].memory_bytes
    wanted = memory / 4 if memory else buffers * 2
    return int(max(min(wanted, max(size, buffers * 2)), 32 * _MB))
