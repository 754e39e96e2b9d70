"""How many errors the end of the server's log holds, by kind, and whether the server gave itself up.

Why it matters: a PANIC stops the whole server; hundreds of errors of one kind are one broken program.
How to fix: by kind: the first line of the message and its statement say where it comes from.
Cannot see: more than the last 256 kB of the log.
Source: PostgreSQL manual, "Message Severity Levels" and "PostgreSQL Error Codes".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._log import log_evidence, log_not_read, told_by_log
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.finding import Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.server_log import LogMessage
from housecall.wording import Say

CHECK = Check(
    id="postgresql.error_log",
    item="error_log_analysis",
    severity=Severity.CRITICAL,
    title=Say("Errors in the server's log", "服务器日志中的错误"),
    thresholds=[
        Threshold("notice_errors", 30, "of one kind within 15 minutes: two a minute is a program, not a person"),
        Threshold("told_seconds", 3600, "what stopped the server an hour ago is told by others by now"),
    ],
)
_MANY = Say(
    "{count:count} errors of one kind ({kind}) within 15 minutes; the last: {message}",
    "15 分钟内同类错误（{kind}）出现 {count:count} 次；最近一条：{message}",
)
_PANIC = Say(
    "The server stopped itself (PANIC) {ago:duration} ago: {message}",
    "服务器在 {ago:duration} 前因 PANIC 自行停止：{message}",
)
_CORRUPT = Say(
    "The server found damaged data {ago:duration} ago: {message}",
    "服务器在 {ago:duration} 前发现数据损坏：{message}",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    yield from log_not_read(now, CHECK.id)
    counts: dict[str, int] = {}
    for told in told_by_log(now):
        grave = _PANIC if told.severity == "PANIC" else _CORRUPT if told.kind == "corruption" else None
        if grave and told.last_seconds_ago is not None and told.last_seconds_ago <= limits["told_seconds"]:
            yield Finding(
                CHECK.id, CHECK.item, Severity.CRITICAL, "server", "server",
                grave(ago=told.last_seconds_ago, message=told.message[:200]), log_evidence([told]),
                details={"kind": told.kind, "message": told.message, "statement": told.statement},
                identity=f"{told.severity} {told.kind}",
            )  # fmt: skip
        elif told.severity in ("ERROR", "FATAL"):
            counts[told.kind] = counts.get(told.kind, 0) + told.recent
    for kind, count in sorted(counts.items(), key=lambda each: -each[1])[:3]:
        if count >= limits["notice_errors"]:
            messages = [each for each in told_by_log(now) if each.kind == kind and each.is_recent]
            yield Finding(
                CHECK.id, CHECK.item, Severity.NOTICE, kind, "server",
                _MANY(count=count, kind=kind.replace("_", " "), message=messages[0].message[:160]),
                measured(LogMessage, kind=(kind, "text")) + log_evidence(messages),
                details={"kind": kind, "count": count, "message": messages[0].message},
            )  # fmt: skip
