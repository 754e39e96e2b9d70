"""A redo log that the writes fill faster than pages can be flushed, and a log buffer that sessions wait for.

Why it matters: when the log is full up to its last checkpoint, every writing session waits until pages are flushed; the
server stops in bursts.
How to fix: a redo log that holds an hour of writes at its busiest; it can be resized while the server runs from MySQL
8.0.30 and MariaDB 10.9 on.
The old rule of a quarter of the buffer pool is not applied: since MySQL 8.0.30 and MariaDB 10.8 the log is one
capacity, and what counts is how fast it fills and how near the server is to its end.
Source: MySQL manual, "Redo Log" and innodb_redo_log_capacity; MariaDB documentation, "InnoDB Redo Log"; see also
MySQLTuner.
"""

from collections.abc import Iterator
from typing import Any

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._counters import MB, Pace, number, pace, settings
from housecall.diagnosis.checks.mysql._measured import counter, measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import StatusCounter
from housecall.wording import Say

CHECK = Check(
    id="mysql.redo_log",
    item="performance_metrics",
    severity=Severity.WARNING,
    title=Say(en="Redo log too small for the writes", zh="redo 日志容量不足"),
    thresholds=[
        Threshold("warning_fill_seconds", 120.0, "at the pace of the window; flushing in the background cannot follow"),
        Threshold(
            "warning_age_share", 0.5, "of the log that no checkpoint covers: from here InnoDB flushes ever harder"
        ),
        Threshold("notice_fill_seconds", 15 * 60.0, "on average; a quarter of the hour that the log should hold"),
        Threshold("turnovers", 3, "times that the log was filled: fewer are one bulk load"),
        Threshold("least_written", 16 * MB, "written in all: less says nothing about a load"),
        Threshold("warning_log_waits", 10, "waits for the log buffer in a window"),
        Threshold("notice_log_waits", 100, "waits for the log buffer in all; a few come from one large transaction"),
    ],
    needs_window=True,
)
_FILLS = Say(
    en="The redo log of {capacity:bytes} fills in {fill:duration} at {rate:bytes} a second; {age:percent} of it lies"
    " after the last checkpoint.",
    zh="redo 日志容量 {capacity:bytes}，按每秒写入 {rate:bytes} 计算 {fill:duration} 就会写满；当前 {age:percent}"
    " 尚未被检查点覆盖。",
)
_WAITS = Say(
    en="Sessions waited {waits:count} time{waits:|s} for room in the log buffer of {buffer:bytes}, {window:count} of"
    " them in the window.",
    zh="会话因日志缓冲区（{buffer:bytes}）没有空间等待了 {waits:count} 次，其中窗口内 {window:count} 次。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    name, capacity = redo_capacity(now)
    written = pace(now, earlier, "Innodb_os_log_written")
    if capacity and written.total >= max(limits["least_written"], limits["turnovers"] * capacity):
        yield from _fills(now, earlier, name, capacity, written, limits)
    yield from _waits(now, earlier, limits)


def redo_capacity(now: Snapshot) -> tuple[str, float | None]:
    """The setting that bounds the redo log on this server, and the bytes that hold now."""
    version = now.facts.version
    if version.flavour == "mysql" and version.number >= 80030:
        resized = counter(now, "Innodb_redo_log_capacity_resized")
        return "innodb_redo_log_capacity", resized or number(now, "innodb_redo_log_capacity")
    size, files = number(now, "innodb_log_file_size"), number(now, "innodb_log_files_in_group")
    return "innodb_log_file_size", size * (files or 1.0) if size else None


def checkpoint_age_share(now: Snapshot, capacity: float) -> float | None:
    """The part of the log that no checkpoint covers yet; at about 1 writing stops until pages are flushed."""
    age, most = counter(now, "Innodb_checkpoint_age"), counter(now, "Innodb_checkpoint_max_age")
    if age is not None:
        return min(1.0, age / (most or capacity))
    current, last = counter(now, "Innodb_redo_log_current_lsn"), counter(now, "Innodb_redo_log_checkpoint_lsn")
    return min(1.0, (current - last) / capacity) if current is not None and last is not None else None


def _fills(
    now: Snapshot, earlier: Snapshot | None, name: str, capacity: float, written: Pace, limits: Limits
) -> Iterator[Finding]:
    looks = [each for each in (now, earlier) if each is not None]
    age = max((checkpoint_age_share(each, capacity) or 0.0 for each in looks), default=0.0)
    fill = capacity / max(written.current, 1.0)
    is_now = written.in_window is not None and fill <= limits["warning_fill_seconds"] and (
        age >= limits["warning_age_share"]
    )  # fmt: skip
    average_fill = capacity / max(written.average, 1.0)
    if not is_now and average_fill > limits["notice_fill_seconds"]:
        return
    told = fill if is_now else average_fill
    details: dict[str, Any] = {
        "kind": "capacity", "name": name, "capacity": capacity, "rate": capacity / told, "fill_seconds": told,
        "age_share": age, "is_now": is_now, "is_over": written.is_over, "age_seconds": written.seconds,
    }  # fmt: skip
    yield Finding(
        CHECK.id, CHECK.item, Severity.WARNING if is_now else Severity.NOTICE, name, "setting",
        _FILLS(capacity=capacity, fill=told, rate=capacity / told, age=age),
        written.evidence("redo_written", "bytes")
        + measured(StatusCounter, redo_capacity=(capacity, "bytes"), seconds_to_fill=(round(told, 1), "seconds"),
                   share_after_checkpoint=(round(age, 3), "share"))
        + settings(now, **{name: "bytes"}),
        details=details,
    )  # fmt: skip


def _waits(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    waits, buffer = pace(now, earlier, "Innodb_log_waits"), number(now, "innodb_log_buffer_size")
    is_now = (waits.in_window or 0.0) >= limits["warning_log_waits"]
    if not is_now and waits.total < limits["notice_log_waits"]:
        return
    yield Finding(
        CHECK.id, CHECK.item, Severity.WARNING if is_now else Severity.NOTICE, "innodb_log_buffer_size", "setting",
        _WAITS(waits=waits.total, window=waits.in_window or 0.0, buffer=buffer),
        waits.evidence("log_waits") + settings(now, innodb_log_buffer_size="bytes"),
        details={"kind": "buffer", "name": "innodb_log_buffer_size", "buffer": buffer, "waits": waits.total,
                 "is_now": is_now, "is_over": waits.is_over, "age_seconds": waits.seconds},
    )  # fmt: skip
