"""A replica that does not fetch, or does not apply, the changes of its source.

Why it matters: it grows older by the minute, reads from it are wrong, and it is of no use when the source fails.
How to fix: by the error. A row that is there already or is missing (1062, 1032) means that the data differ: find out
why before going on. A refused login is mended in the account, a purged log (1236) by building the replica anew.
Cannot see: why somebody stopped it without an error.
Source: MySQL manual, "Checking Replication Status"; MariaDB manual, "SHOW REPLICA STATUS".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.checks.mysql._channels import applier_error, name_of
from housecall.diagnosis.checks.mysql._measured import measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.replication import ReplicaStatus
from housecall.wording import Say

CHECK = Check(
    id="mysql.replica_stopped",
    item="high_availability_disaster_recovery_analysis",
    severity=Severity.CRITICAL,
    title=Say("Replication stands still", "复制中断"),
)
_APPLIER = Say(
    "{name} does not apply the changes of {source}: error {number}: {error}",
    "{name} 没有应用来自 {source} 的变更：错误 {number}：{error}",
)
_APPLIER_STOPPED = Say(
    "{name} does not apply the changes of {source}: the applier was stopped, without an error.",
    "{name} 没有应用来自 {source} 的变更：应用线程被停止，没有报错。",
)
_RECEIVER = Say(
    "{name} does not fetch the changes of {source}: error {number}: {error}",
    "{name} 没有接收来自 {source} 的变更：错误 {number}：{error}",
)
_RECEIVER_STOPPED = Say(
    "{name} does not fetch the changes of {source}: the receiver does not run ({state}).",
    "{name} 没有接收来自 {source} 的变更：接收线程未运行（{state}）。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding]:
    for status in now.rows(ReplicaStatus):
        if not status.sql_running:
            yield _finding(now, status, "applier")
        elif not status.io_running and (status.last_io_error_number or not _connecting(status)):
            yield _finding(now, status, "receiver")


def _connecting(status: ReplicaStatus) -> bool:
    """A receiver that has just been started, or whose source restarts: no error yet."""
    return "onnecting" in status.io_state


def _finding(now: Snapshot, status: ReplicaStatus, what: str) -> Finding:
    name, source = name_of(now, status.channel), f"{status.source_host}:{status.source_port}"
    number, error = applier_error(now, status)
    if what == "receiver" or (not number and not status.io_running and status.last_io_error_number):
        what, number, error = "receiver", status.last_io_error_number, status.last_io_error
    if what == "applier":
        say = _APPLIER if number else _APPLIER_STOPPED
    else:
        say = _RECEIVER if number else _RECEIVER_STOPPED
    return Finding(
        CHECK.id, CHECK.item, Severity.CRITICAL, name, "replica",
        say(name=name, source=source, number=number, error=error, state=status.io_state or "No"),
        measured(
            ReplicaStatus,
            source=(source, "name"),
            receiver_runs=(status.io_running, "flag"),
            applier_runs=(status.sql_running, "flag"),
            error_number=(number or None, "id"),
            error=(error or None, "text"),
            not_applied=(status.position_gap_bytes, "bytes"),
        ),
        details={
            "channel": status.channel, "source": source, "what": what, "number": number, "error": error,
            "both": not status.io_running and not status.sql_running, "gap": status.position_gap_bytes,
        },
    )  # fmt: skip
