"""The server started its processes anew because one of them died.

Why it matters: when one process dies, PostgreSQL ends every session and recovers from its log: everybody is thrown
out, and again each time. Signal 9 nearly always comes from the kernel, which ends the largest process when the
machine has no memory left.
How to fix: less memory per session or fewer sessions, or more memory; protect the main process
(vm.overcommit_memory = 2). For signals 6 and 11, update and look for the failing extension or statement.
Cannot see: the signal without the log; then only that the processes are younger than the server. The kernel's own
words are in its log (dmesg), which no database can read.
Source: PostgreSQL manual, "Linux Memory Overcommit".
"""

import re
from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._log import Told, log_evidence, log_not_read, told_by_log
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.finding import Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.rows.server_log import ServerProcess
from housecall.wording import Say

CHECK = Check(
    id="postgresql.crash_restarts",
    item="error_log_analysis",
    severity=Severity.CRITICAL,
    title=Say("The server restarted itself after a crash", "服务器进程崩溃后自行重启"),
    thresholds=[
        Threshold("told_seconds", 3600, "after an hour it is history, and its trace leaves the end of a busy log"),
        Threshold("min_younger_seconds", 15, "a large server may take some seconds to start its own processes"),
        Threshold(
            "old_younger_seconds",
            600,
            "before version 15 these processes start after a start's own recovery, which lasts",
        ),
        Threshold("critical_count", 2, "once may be chance; twice within an hour goes on"),
    ],
)
_KILLED = Say(
    "A server process was ended by signal {signal} {ago:duration} ago; the server then ended every session and"
    " recovered"
    " ({count:count} time{count:|s}).",
    "{ago:duration} 前有服务器进程被信号 {signal} 终止；随后服务器断开所有会话并进行恢复（共 {count:count} 次）。",
)
_EXHAUSTED = Say(
    "Sessions asked for memory that the system did not give: {count:count} error{count:|s}, the last"
    " {ago:duration} ago.",
    "会话申请内存被系统拒绝：共报错 {count:count} 次，最近一次在 {ago:duration} 前。",
)
_YOUNGER = Say(
    "The {process} started {ago:duration} ago, though the server has run for {server:duration}: it recovered from the"
    " death of one of its processes.",
    "服务器已运行 {server:duration}，但 {process} 在 {ago:duration} 前才启动：说明有进程异常终止，服务器做过一次恢复。",
)
_SIGNAL = re.compile(r"\((?:PID|进程|pid)[^)]*\).*?signal (\d+)|was terminated by signal (\d+)")


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    yield from log_not_read(now, CHECK.id)
    died = [each for each in _lately(told_by_log(now, "crash"), limits) if signal_of(each.message)]
    exhausted = _lately(told_by_log(now, "out_of_memory"), limits)
    if died:
        yield _died(died, limits)
    if exhausted:
        yield _exhausted(exhausted)
    if not died:
        yield from _by_age(now, limits)


def signal_of(message: str) -> int | None:
    found = _SIGNAL.search(message)
    return int(found[1] or found[2]) if found else None


def _lately(told: tuple[Told, ...], limits: Limits) -> list[Told]:
    return [
        each for each in told if each.last_seconds_ago is not None and each.last_seconds_ago <= limits["told_seconds"]
    ]


def _ago(told: list[Told]) -> float:
    return min(each.last_seconds_ago or 0.0 for each in told)


def _died(told: list[Told], limits: Limits) -> Finding:
    newest = min(told, key=lambda each: each.last_seconds_ago or 0.0)
    signal, count = signal_of(newest.message), sum(each.occurrences for each in told)
    return Finding(
        CHECK.id, CHECK.item,
        Severity.CRITICAL if count >= limits["critical_count"] else Severity.WARNING,
        "server", "server", _KILLED(signal=signal, ago=_ago(told), count=count), log_evidence([newest]),
        details={
            "signal": signal, "count": count, "ago": _ago(told), "detail": newest.detail, "kind": "killed",
            "message": newest.message,
        },
        identity="killed",
    )  # fmt: skip


def _exhausted(told: list[Told]) -> Finding:
    count = sum(each.occurrences for each in told)
    return Finding(
        CHECK.id, CHECK.item, Severity.WARNING, "server", "server", _EXHAUSTED(count=count, ago=_ago(told)),
        log_evidence(told),
        details={
            "signal": None, "count": count, "ago": _ago(told), "detail": told[0].detail, "kind": "exhausted",
            "message": told[0].message, "statement": told[0].statement,
        },
        identity="exhausted",
    )  # fmt: skip


def _by_age(now: Snapshot, limits: Limits) -> Iterator[Finding]:
    rows = now.get(ServerProcess)
    row = None if isinstance(rows, Unavailable) or not rows else rows[0]
    if row is None or row.youngest_seconds is None or row.youngest_seconds > limits["told_seconds"]:
        return
    least = limits["min_younger_seconds" if now.facts.version.major >= 15 else "old_younger_seconds"]
    if row.server_seconds - row.youngest_seconds < least:
        return
    yield Finding(
        CHECK.id, CHECK.item, Severity.WARNING, "server", "server",
        _YOUNGER(process=row.youngest_name, ago=row.youngest_seconds, server=row.server_seconds),
        measured(
            ServerProcess,
            process=(row.youngest_name, "text"),
            process_started=(round(row.youngest_seconds, 1), "seconds"),
            server_started=(round(row.server_seconds, 1), "seconds"),
        ),
        details={
            "signal": None, "count": 1, "ago": row.youngest_seconds, "detail": None, "kind": "unseen", "message": None,
        },
        identity="killed",
    )  # fmt: skip
