"""Settings of replication under which a replica drifts from its source or cannot keep up.

Why it matters: statements that are logged as text can change other rows on the replica; a replica that takes writes, or
that skips errors, is no copy; one applier cannot keep up with many writers.
How to fix: binlog_format = ROW, read_only (and super_read_only) = ON on replicas, no skipped errors, parallel appliers.
Source: MySQL manual, "Replication Formats", read_only, replica_parallel_workers; MariaDB manual, "Parallel
Replication".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.checks.mysql._measured import is_on, measured, variable
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.mysql.rows.replication import ReplicaStatus
from housecall.engines.mysql.rows.server import Variable
from housecall.wording import Say

CHECK = Check(
    id="mysql.replication_settings",
    item="high_availability_disaster_recovery_analysis",
    severity=Severity.NOTICE,
    title=Say("Settings of replication", "复制相关参数"),
)
_TEXT = Say(
    "{name} is {value}: some changes are logged as text and may do something else on a replica.",
    "{name} 为 {value}：部分变更以语句文本记录，在从库上可能产生不同结果。",
)
_WRITABLE = Say(
    "{name} is {value} on a replica: anybody may change its copy.", "从库上 {name} 为 {value}：副本可能被改写。"
)
_SKIPS = Say(
    "{name} is {value}: the replica passes over these errors, and its data differ from then on.",
    "{name} 为 {value}：从库会跳过这些错误，数据从此与主库不一致。",
)
_ONE = Say(
    "{name} is {value}: one applier for the writers of the whole source.", "{name} 为 {value}：只有一个应用线程。"
)
_NO_GTID = Say(
    "{name} is {value}: replicas are set up by file and position.", "{name} 为 {value}：从库需按文件和位点搭建。"
)
_GTID_LOOSE = Say(
    "{name} is {value}: statements that cannot be replicated safely with GTIDs are let through.",
    "{name} 为 {value}：允许执行无法用 GTID 安全复制的语句。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding]:
    statuses = now.get(ReplicaStatus)
    is_replica = not isinstance(statuses, Unavailable) and bool(statuses)
    on_mysql = now.facts.version.flavour != "mariadb"
    now.rows(Variable)
    if is_on(now, "log_bin"):
        if variable(now, "binlog_format") == "STATEMENT":
            yield _finding(now, "binlog_format", _TEXT, Severity.NOTICE)
        elif variable(now, "binlog_format") == "MIXED":
            yield _finding(now, "binlog_format", _TEXT, Severity.INFO)
        if on_mysql and variable(now, "gtid_mode") not in ("ON", None):
            yield _finding(now, "gtid_mode", _NO_GTID, Severity.INFO)
        elif on_mysql and variable(now, "enforce_gtid_consistency") not in ("ON", None):
            yield _finding(now, "enforce_gtid_consistency", _GTID_LOOSE, Severity.NOTICE)
    if is_replica:
        yield from _of_a_replica(now)


def _of_a_replica(now: Snapshot) -> Iterator[Finding]:
    if variable(now, "read_only") == "OFF":
        yield _finding(now, "read_only", _WRITABLE, Severity.NOTICE)
    skipped = "replica_skip_errors" if variable(now, "replica_skip_errors") is not None else "slave_skip_errors"
    if (variable(now, skipped) or "OFF").upper() not in ("OFF", ""):
        yield _finding(now, skipped, _SKIPS, Severity.NOTICE)
    for name in ("replica_parallel_workers", "slave_parallel_threads"):
        if variable(now, name) in ("0", "1"):
            yield _finding(now, name, _ONE, Severity.INFO)
            return


def _finding(now: Snapshot, name: str, say: Say, severity: Severity) -> Finding:
    value = variable(now, name)
    return Finding(
        CHECK.id, CHECK.item, severity, name, "setting", say(name=name, value=value),
        measured(Variable, value=(value, "text")), details={"name": name, "value": value},
    )  # fmt: skip
