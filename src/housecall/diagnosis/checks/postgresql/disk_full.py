"""Writes that the server gave up because the disk had no room.

Why it matters: nothing that needs a new page can go on; when the WAL's disk is full, the whole server stops.
How to fix: find what takes the room (WAL kept for a slot or the archiver, temporary files, tables, other programs'
files), mend that, and let the volume grow. Never delete files of pg_wal by hand.
Cannot see: how much room is left: the server does not know; only what its log says when a write fails.
Source: PostgreSQL manual, "Disk Full Failure"; SQLSTATE 53100 of "PostgreSQL Error Codes".
"""

import re
from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._log import RECENT_SECONDS, Told, log_evidence, log_not_read, told_by_log
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.rows.memory import DatabaseCounters
from housecall.engines.postgresql.rows.replication import WalFiles
from housecall.wording import Say

CHECK = Check(
    id="postgresql.disk_full",
    item="resource_usage",
    severity=Severity.CRITICAL,
    title=Say("Disk full", "磁盘已满"),
    thresholds=[
        Threshold("told_seconds", 24 * 3600, "a disk that was full yesterday is likely to be full again"),
    ],
)
_FULL = Say(
    "The disk of {place} has no room left: {count:count} write{count:|s} failed, the last one {ago:duration} ago.",
    "{place} 所在的磁盘已没有空间：写入失败 {count:count} 次，最近一次在 {ago:duration} 前。",
)
_PATH = re.compile(r"\"(?P<path>(?:[^\"]*/)?(?:pg_wal|base|global|pg_tblspc|pg_xact|pg_stat_tmp|pg_logical)[^\"]*)\"")


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    yield from log_not_read(now, CHECK.id)
    told = [
        each
        for each in told_by_log(now, "disk_full")
        if each.last_seconds_ago is not None and each.last_seconds_ago <= limits["told_seconds"]
    ]
    by_place: dict[str, list[Told]] = {}
    for each in told:
        by_place.setdefault(place_of(each.message), []).append(each)
    for place, messages in by_place.items():
        yield _finding(place, messages, now)


def place_of(message: str) -> str:
    """Which disk a message is about, by the file in it."""
    found = _PATH.search(message)
    path = found["path"] if found else ""
    if "pgsql_tmp" in path:
        return "temporary files"
    if "pg_wal" in path:
        return "pg_wal"
    tablespace = re.search(r"pg_tblspc/(\d+)", path)
    return f"tablespace {tablespace[1]}" if tablespace else "data directory"


def _finding(place: str, told: list[Told], now: Snapshot) -> Finding:
    ago = min(each.last_seconds_ago or 0.0 for each in told)
    count = sum(each.occurrences for each in told)
    return Finding(
        CHECK.id, CHECK.item, Severity.CRITICAL if ago <= RECENT_SECONDS else Severity.WARNING, place, "server",
        _FULL(place=place, count=count, ago=ago),
        log_evidence(told) + _sizes(now),
        details={
            "place": place, "count": count, "ago": ago, "message": told[0].message, "statement": told[0].statement,
        },
    )  # fmt: skip


def _sizes(now: Snapshot) -> tuple[Evidence, ...]:
    """What the server can say of the room that it takes itself."""
    evidence: tuple[Evidence, ...] = ()
    counters, wal = now.get(DatabaseCounters), now.get(WalFiles)
    if not isinstance(counters, Unavailable) and counters:
        evidence += measured(
            DatabaseCounters, database_size=(counters[0].heap_bytes + counters[0].index_bytes, "bytes")
        )
    if not isinstance(wal, Unavailable) and wal:
        evidence += measured(WalFiles, wal_size=(wal[0].size_bytes, "bytes"))
    return evidence
