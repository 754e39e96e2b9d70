"""What the server's error log and the failed statements say of disk, memory, damaged files and crashes.

Why it matters: these lines come before the outage, or explain it.
How to fix: by kind; the causes built on this check say it.
Cannot see: MariaDB's error log, which is a file on its machine; there the latest failed statements are all there is.
Source: MySQL manual, "Server Error Message Reference" and "The error_log Table"; see also MySQLTuner.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import measured
from housecall.diagnosis.finding import Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.diagnosis.unavailable import not_evaluated
from housecall.engines.engine import Row, RowT, Unavailable
from housecall.engines.mysql.rows.server import FailedStatement, LoggedError, StatementError
from housecall.wording import Say

CHECK = Check(
    id="mysql.error_log",
    item="error_log_analysis",
    severity=Severity.CRITICAL,
    title=Say(en="Serious entries of the error log", zh="错误日志中的严重错误"),
    thresholds=[
        Threshold("recent_seconds", 24 * 3600.0, "what is older is history; the log itself keeps it"),
        Threshold("present_seconds", 15 * 60.0, "still going on: a retry of the application comes within minutes"),
    ],
)


@dataclass(frozen=True, slots=True)
class Kind:
    """Errors of one sort: by their numbers as statements get them, and by words of the log."""

    severity: Severity
    numbers: frozenset[int]
    words: re.Pattern[str]
    says: Say


KINDS: Mapping[str, Kind] = {
    "disk_full": Kind(
        Severity.CRITICAL, frozenset({1021, 1878, 3019}),
        re.compile(r"disk is full|disk full|no space left|out of disk space|errno: 28\b|error number"
                   r" 28\b|errcode: 28\b",
                   re.I),
        Say(en="The disk is full: {times:count} error{times:|s}, the latest {ago:duration} ago: {text}",
            zh="磁盘已满：{times:count} 次报错，最近一次在 {ago:duration} 前：{text}"),
    ),
    "memory": Kind(
        # Not 1037, which MySQL raises in JSON_ARRAYAGG when a part of the query waits too long for a metadata lock.
        Severity.CRITICAL, frozenset({1041}),
        re.compile(r"out of memory|cannot allocate (?:\d+ bytes|memory)|can't allocate memory|bad_alloc", re.I),
        Say(en="The server got no memory: {times:count} error{times:|s}, the latest {ago:duration} ago: {text}",
            zh="服务器申请内存失败：{times:count} 次报错，最近一次在 {ago:duration} 前：{text}"),
    ),
    "damage": Kind(
        Severity.CRITICAL, frozenset({1712, 1034, 1035, 126, 1194}),
        re.compile(r"corrupt|page checksum|crashed and should be repaired|tablespace .* missing|assertion failure",
                   re.I),
        Say(en="A table or its file is damaged: {times:count} error{times:|s}, the latest {ago:duration} ago: {text}",
            zh="表或其文件已损坏：{times:count} 次报错，最近一次在 {ago:duration} 前：{text}"),
    ),
    "files": Kind(
        Severity.WARNING, frozenset({23, 24}),
        re.compile(r"too many open files|errno: 24\b|errcode: 24\b", re.I),
        Say(en="The server can open no more files: {times:count} error{times:|s}, the latest {ago:duration}"
               " ago: {text}",
            zh="服务器无法再打开文件：{times:count} 次报错，最近一次在 {ago:duration} 前：{text}"),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Heard:
    """Errors of one kind from one reading."""

    reading: type[Row]
    times: int
    seconds_ago: float
    text: str


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    logged = now.get(LoggedError)
    if isinstance(logged, Unavailable) and logged.kind not in ("version", "not_applicable"):
        yield not_evaluated(CHECK.id, logged, now)
    for name, kind in KINDS.items():
        heard = [each for each in _heard(now, kind) if each.seconds_ago <= limits["recent_seconds"]]
        if not heard:
            continue
        latest = min(heard, key=lambda each: each.seconds_ago)
        times = max(each.times for each in heard)
        is_now = latest.seconds_ago <= limits["present_seconds"]
        yield Finding(
            CHECK.id, CHECK.item, kind.severity if is_now else Severity.NOTICE, name, "server",
            kind.says(times=times, ago=latest.seconds_ago, text=latest.text),
            measured(latest.reading, errors=(times, "count"), latest=(round(latest.seconds_ago), "seconds ago"),
                     message=(latest.text, "text")),
            details={"kind": name, "times": times, "seconds_ago": latest.seconds_ago, "text": latest.text,
                     "is_now": is_now},
        )  # fmt: skip


def _heard(now: Snapshot, kind: Kind) -> Iterator[Heard]:
    for line in _rows(now, LoggedError):
        if kind.words.search(line.latest):
            yield Heard(LoggedError, line.entries, max(0.0, line.last_seconds_ago), line.latest)
    for error in _rows(now, StatementError):
        if error.number in kind.numbers:
            yield Heard(StatementError, error.raised, max(0.0, error.last_seconds_ago or 0.0), error.name or "?")
    for failed in _rows(now, FailedStatement):
        if failed.number in kind.numbers or kind.words.search(failed.message or ""):
            yield Heard(FailedStatement, failed.statements, 0.0, failed.message or str(failed.number))


def _rows(now: Snapshot, row_type: type[RowT]) -> Iterable[RowT]:
    found = now.get(row_type)
    return () if isinstance(found, Unavailable) else found
