"""The buffer pool of InnoDB is too small for the hot part of the data, so statements wait for reads.

Only when no statement reads more than it needs: a missing index empties any cache.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._settings import Change, by_age, set_variables
from housecall.diagnosis.checks.mysql._counters import GB, MB, number
from housecall.diagnosis.checks.mysql._machine import memory_bytes
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="buffer_too_small",
    title=Say(en="Buffer pool too small", zh="缓冲池过小"),
    checks=("mysql.buffer_pool_reads", "mysql.buffer_pool_size", "mysql.missing_index"),
)
_SHARE = Say(
    en="It has been read {turnovers:number} times over; now {rate:number} pages a second come from disk.",
    zh="读入量已相当于缓冲池的 {turnovers:number} 倍；目前每秒从磁盘读 {rate:number} 页。",
)
_TABLES = Say(en="Tables and indexes take {tables:bytes}.", zh="表和索引共占 {tables:bytes}。")
_SCANS = Say(
    en="Statements without an index read whole tables; mend that first, it empties any cache.",
    zh="有语句因缺少索引而全表扫描；应先解决它，否则多大的缓存都会被冲刷。",
)
_CAUTION = Say(
    en="It is resized in chunks while the server runs, with short pauses. Look first whether the machine or"
    " container has"
    " the memory free.",
    zh="运行中按块调整，会有短暂停顿。请先确认机器或容器有足够的空闲内存。",
)
_KNOWN = Say(
    en="The machine has {memory:bytes} in all. It is resized in chunks while the server runs, with short pauses.",
    zh="机器总内存为 {memory:bytes}。运行中按块调整，会有短暂停顿。",
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    reads = next(iter(found.of("mysql.buffer_pool_reads")), None)
    small = next((each for each in found.of("mysql.buffer_pool_size") if each.details["kind"] == "small"), None)
    basis = reads or small
    if basis is None:
        return
    scans = [each for each in found.of("mysql.missing_index") if each.severity.rank >= Severity.WARNING.rank]
    yield Cause(
        id=CAUSE.id,
        object="innodb_buffer_pool_size",
        object_kind="setting",
        severity=Severity.NOTICE if scans else basis.severity,
        confidence=_confidence(reads, small, has_scans=bool(scans)),
        summary=basis.message,
        because=_because(reads, basis, has_scans=bool(scans)),
        evidence=tuple(each for finding in (reads, small) if finding for each in finding.evidence),
        remedies=(_enlarge(now, basis),),
        rests_on=tuple(each.fingerprint for each in (reads, small) if each),
        impact=0.0 if scans or reads is None else min(0.5, reads.details["share"]),
        past=bool(reads and reads.details["is_over"]),
    )


def _confidence(reads: Finding | None, small: Finding | None, *, has_scans: bool) -> float:
    if has_scans:
        return 0.3
    if reads is None:
        return 0.5
    sure = 0.9 if reads.details["is_now"] else 0.75 if small else 0.6
    return by_age(sure, 24 * 3600.0 if reads.details["is_now"] else reads.details["age_seconds"])


def _because(reads: Finding | None, basis: Finding, *, has_scans: bool) -> tuple[Message, ...]:
    told: list[Message] = []
    if reads:
        told.append(_SHARE(turnovers=reads.details["turnovers"], rate=reads.details["rate"]))
    if basis.details["tables"] is not None:
        told.append(_TABLES(tables=basis.details["tables"]))
    return (*told, _SCANS()) if has_scans else tuple(told)


def _enlarge(now: Snapshot, basis: Finding) -> Remedy:
    pool, memory = basis.details["pool"], memory_bytes(now)
    value = wanted_bytes(pool, basis.details["tables"], memory, number(now, "innodb_buffer_pool_size_max"))
    return set_variables(
        now.facts.version, [Change("innodb_buffer_pool_size", str(value), str(int(pool)))],
        caution=_KNOWN(memory=memory) if memory else _CAUTION(),
    )  # fmt: skip


def wanted_bytes(pool: float, tables: float | None, memory: float | None, most: float | None = None) -> int:
    """Room for the data and a quarter more. At most half of memory, where the manual's 50 to 75 percent begin; where
    memory is not known, at most four times what it is, or 1 GB."""
    limit = max(memory / 2, pool) if memory else max(4 * pool, 1 * GB)
    wanted = min(max(2 * pool, 1.25 * (tables or 4 * pool)), limit, most or float("inf"))
    step = 128 * MB if wanted > 128 * MB else 8 * MB
    return int(-(-wanted // step) * step)
