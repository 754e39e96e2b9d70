"""Settings under which committed data can be lost, damage goes unseen, anybody may come in, or everybody queues.

Why it matters: without the doublewrite buffer or checksums a crash leaves damage that nobody sees; without flushing at
commit the transactions of the last second are gone; with skip_grant_tables there are no passwords.
How to fix: set them back; most can be changed while the server runs.
Cannot see: whether somebody switched them for a load of this hour; a file system that writes pages whole (ZFS), where
doublewrite may be off.
Source: MySQL manual, "InnoDB Startup Options and System Variables", "Server SQL Modes"; MariaDB documentation of the
same variables; pt-variable-advisor.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.checks.mysql._counters import switch
from housecall.diagnosis.checks.mysql._measured import measured, variable
from housecall.diagnosis.checks.mysql._tables import rows_or_none
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.innodb import InnodbStatus
from housecall.engines.mysql.rows.server import Variable
from housecall.wording import Say

CHECK = Check(
    id="mysql.dangerous_settings",
    item="security_configuration_analysis",
    severity=Severity.CRITICAL,
    title=Say(en="Settings that endanger data", zh="危及数据安全的参数"),
)
Judged = Callable[[str, Snapshot], Severity | None]


@dataclass(frozen=True, slots=True)
class Danger:
    """`judged` gives the severity of a value, or None when it is sound; `good` is a literal for SET."""

    judged: Judged
    good: str
    says: Say
    needs_restart: bool = False


def _is(severity: Severity, *wrong: str) -> Judged:
    return lambda value, _now: severity if value.upper() in wrong else None


def _flush(value: str, now: Snapshot) -> Severity | None:
    """A replica can fetch again what it lost, so it is told more softly there."""
    found = {"0": Severity.WARNING, "2": Severity.NOTICE, "3": Severity.NOTICE}.get(value)
    return Severity.INFO if found and now.facts.in_recovery else found


def _sync_binlog(value: str, now: Snapshot) -> Severity | None:
    """MariaDB's default is 0."""
    if value == "1" or not switch(now, "log_bin"):
        return None
    return Severity.INFO if now.facts.version.flavour == "mariadb" or now.facts.in_recovery else Severity.NOTICE


def _no_strict(value: str, _now: Snapshot) -> Severity | None:
    return None if "STRICT_" in value.upper() or "TRADITIONAL" in value.upper() else Severity.NOTICE


def _by_flavour(*wrong: str) -> Judged:
    """What MariaDB has by default, and MySQL has not."""

    def judged(value: str, now: Snapshot) -> Severity | None:
        if value.upper() not in wrong:
            return None
        return Severity.INFO if now.facts.version.flavour == "mariadb" else Severity.NOTICE

    return judged


def _above_zero(value: str, _now: Snapshot) -> Severity | None:
    return Severity.CRITICAL if value.isdigit() and int(value) > 0 else None


def _concurrency(value: str, now: Snapshot) -> Severity | None:
    """What stands in the queue counts: a limit that nobody meets costs nothing."""
    allowed = int(value) if value.isdigit() else 0
    queued = max((row.queued or 0 for row in rows_or_none(now, InnodbStatus)), default=0)
    if allowed == 0 or queued == 0:
        return None
    return Severity.WARNING if queued >= allowed else Severity.NOTICE


DANGERS: Mapping[str, Danger] = {
    "skip_grant_tables": Danger(
        _is(Severity.CRITICAL, "ON", "1"), "OFF",
        Say(en="The server runs with skip_grant_tables: everybody may do everything, without a password.",
            zh="服务器以 skip_grant_tables 运行：任何人无需密码即可执行任何操作。"),
        needs_restart=True,
    ),
    "innodb_force_recovery": Danger(
        _above_zero, "0",
        Say(en="innodb_force_recovery is {value}: the server is in rescue mode; from 4 on it can damage data for good.",
            zh="innodb_force_recovery 为 {value}：服务器处于抢救模式；4 及以上可能永久损坏数据。"),
        needs_restart=True,
    ),
    "innodb_flush_method": Danger(
        _is(Severity.CRITICAL, "NOSYNC", "LITTLESYNC"), "fsync",
        Say(en="innodb_flush_method is {value}, made for tests: after a crash of the machine the tables may be"
               " unusable.",
            zh="innodb_flush_method 为 {value}，仅供测试：机器宕机后表可能损坏到无法使用。"),
        needs_restart=True,
    ),
    "innodb_doublewrite": Danger(
        _is(Severity.WARNING, "OFF", "0", "DETECT_ONLY"), "ON",
        Say(en="innodb_doublewrite is {value}: a crash in the middle of a page write leaves a page that recovery cannot"
            " mend.",
            zh="innodb_doublewrite 为 {value}：写页中途宕机会留下恢复程序无法修复的数据页。"),
        needs_restart=True,
    ),
    "innodb_checksum_algorithm": Danger(
        _is(Severity.WARNING, "NONE", "STRICT_NONE"), "crc32",
        Say(en="innodb_checksum_algorithm is {value}: damaged pages are read and written on as if they were sound.",
            zh="innodb_checksum_algorithm 为 {value}：损坏的页会被当作正常页继续读写。"),
    ),
    "innodb_log_checksums": Danger(
        _is(Severity.WARNING, "OFF", "0"), "ON",
        Say(en="innodb_log_checksums is off: recovery after a crash may apply damaged changes.",
            zh="innodb_log_checksums 已关闭：崩溃恢复时可能应用已损坏的修改。"),
    ),
    "innodb_flush_log_at_trx_commit": Danger(
        _flush, "1",
        Say(en="innodb_flush_log_at_trx_commit is {value}: a crash loses the transactions that were confirmed"
               " in the last"
            " second.",
            zh="innodb_flush_log_at_trx_commit 为 {value}：宕机会丢失最近约一秒内已确认提交的事务。"),
    ),
    "sync_binlog": Danger(
        _sync_binlog, "1",
        Say(en="sync_binlog is {value}: after a crash of the machine the binary log may lack confirmed"
               " transactions, and"
            " replicas differ.",
            zh="sync_binlog 为 {value}：机器宕机后 binlog 可能缺少已确认的事务，从库数据会不一致。"),
    ),
    "foreign_key_checks": Danger(
        _is(Severity.WARNING, "OFF", "0"), "ON",
        Say(en="foreign_key_checks is off for every new session: rows without their parent are let in unseen.",
            zh="foreign_key_checks 对所有新会话关闭：没有父行的数据会悄悄写入。"),
    ),
    "unique_checks": Danger(
        _is(Severity.WARNING, "OFF", "0"), "ON",
        Say(en="unique_checks is off for every new session: InnoDB may let duplicates into unique indexes.",
            zh="unique_checks 对所有新会话关闭：InnoDB 可能让重复值进入唯一索引。"),
    ),
    "sql_mode": Danger(
        _no_strict, "CONCAT(@@GLOBAL.sql_mode, ',STRICT_TRANS_TABLES')",
        Say(en="sql_mode is not strict: values that do not fit are cut or changed to zero with only a warning.",
            zh="sql_mode 未启用严格模式：放不下的值会被截断或变成 0，只给出警告。"),
    ),
    "innodb_thread_concurrency": Danger(
        _concurrency, "0",
        Say(en="innodb_thread_concurrency is {value}: no more than that work inside InnoDB at once, and statements"
               " stand in a queue in front of it.",
            zh="innodb_thread_concurrency 为 {value}：InnoDB 内同时工作的线程不得超过该数，语句在其前排队等待。"),
    ),
    "innodb_fast_shutdown": Danger(
        _is(Severity.NOTICE, "2", "3"), "1",
        Say(en="innodb_fast_shutdown is {value}: every stop is a crash that the next start has to recover from.",
            zh="innodb_fast_shutdown 为 {value}：每次停机都相当于崩溃，下次启动需要恢复。"),
    ),
    "local_infile": Danger(
        _by_flavour("ON", "1"), "OFF",
        Say(en="local_infile is on: a client that is led astray can be made to send files of its machine.",
            zh="local_infile 已打开：被诱骗的客户端可能把本机文件发送出去。"),
    ),
    "secure_file_priv": Danger(
        _by_flavour(""), "NULL",
        Say(en="secure_file_priv is empty: an account with FILE may read and write files anywhere on the server.",
            zh="secure_file_priv 为空：拥有 FILE 权限的账号可以读写服务器上任意位置的文件。"),
        needs_restart=True,
    ),
}  # fmt: skip


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding]:
    now.rows(Variable)
    for name, danger in DANGERS.items():
        value = variable(now, name)
        if name == "skip_grant_tables" and now.facts.user in ("skip-grants user", ""):
            value = "ON"  # MySQL has no such variable, and answers CURRENT_USER() so
        severity = None if value is None else danger.judged(value, now)
        if value is not None and severity is not None:
            yield Finding(
                CHECK.id, CHECK.item, severity, name, "setting", danger.says(value=value or "''"),
                measured(Variable, value=(value, "text"), safe_value=(danger.good, "text")),
                details={"name": name, "value": value, "good": danger.good, "needs_restart": danger.needs_restart},
            )  # fmt: skip
