"""Settings under which committed data can be lost, damage goes unseen, or an application cannot write.

Why it matters: without fsync or full_page_writes a crash can leave the whole cluster unusable; zero_damaged_pages and
ignore_checksum_failure throw damaged rows away silently.
An application's role or database that was left read-only fails at every change.
How to fix: set them back; most take effect with a reload.
Cannot see: whether somebody switched them for a bulk load of this hour.
Source: PostgreSQL manual, "Write Ahead Log" settings and "Developer Options".
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._failing import failing
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.checks.postgresql._settings import is_off, stored_for_roles
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.settings import RoleSetting, ServerSetting
from housecall.engines.postgresql.rows.transactions import TransactionCounters
from housecall.wording import Say

CHECK = Check(
    id="postgresql.dangerous_settings",
    item="security_configuration_analysis",
    severity=Severity.CRITICAL,
    title=Say(en="Settings that endanger data", zh="危及数据安全的参数"),
    thresholds=[
        Threshold("min_rollbacks", 50, "of an application that may not write: fewer failed transactions tell nothing"),
        Threshold("min_share", 0.2, "of all transactions; applications roll back a few by themselves"),
    ],
    needs_window=True,
)


@dataclass(frozen=True, slots=True)
class Danger:
    """A value that must not be, and what it risks."""

    severity: Severity
    says: Say
    wrong: str = "off"
    good: str = "on"


DANGERS = {
    "fsync": Danger(
        Severity.CRITICAL,
        Say(
            en="fsync is off: after a crash of the machine the whole cluster may be unusable.",
            zh="fsync 已关闭：机器宕机后整个实例的数据可能损坏到无法使用。",
        ),
    ),
    "full_page_writes": Danger(
        Severity.CRITICAL,
        Say(
            en="full_page_writes is off: a crash in the middle of a page write leaves a page that recovery cannot"
            " mend.",
            zh="full_page_writes 已关闭：写页中途宕机会留下恢复程序无法修复的数据页。",
        ),
    ),
    "zero_damaged_pages": Danger(
        Severity.CRITICAL,
        Say(
            en="zero_damaged_pages is on: a damaged page is emptied without a word, and its rows are gone.",
            zh="zero_damaged_pages 已打开：遇到损坏的页会被直接清零，其中的行随之丢失。",
        ),
        "on", "off",
    ),
    "ignore_checksum_failure": Danger(
        Severity.CRITICAL,
        Say(
            en="ignore_checksum_failure is on: damaged pages are read and written on as if they were sound.",
            zh="ignore_checksum_failure 已打开：校验失败的页仍被当作正常页读写，损坏会扩散。",
        ),
        "on", "off",
    ),
    "ignore_invalid_pages": Danger(
        Severity.CRITICAL,
        Say(
            en="ignore_invalid_pages is on: recovery skips missing pages and goes on with lost data.",
            zh="ignore_invalid_pages 已打开：恢复时会跳过缺失的页，数据可能丢失。",
        ),
        "on", "off",
    ),
    "ignore_system_indexes": Danger(
        Severity.WARNING,
        Say(
            en="ignore_system_indexes is on: every look into the catalogue reads it from end to end.",
            zh="ignore_system_indexes 已打开：每次访问系统表都要全表扫描。",
        ),
        "on", "off",
    ),
    "allow_system_table_mods": Danger(
        Severity.WARNING,
        Say(
            en="allow_system_table_mods is on: a slip can destroy the catalogue.",
            zh="allow_system_table_mods 已打开：一次误操作就可能破坏系统表。",
        ),
        "on", "off",
    ),
    "synchronous_commit": Danger(
        Severity.NOTICE,
        Say(
            en="synchronous_commit is off: a crash loses the transactions that were confirmed in the last moments"
            " (three times"
            " wal_writer_delay).",
            zh="synchronous_commit 已关闭：宕机会丢失最后片刻（约三倍 wal_writer_delay）内已确认提交的事务。",
        ),
    ),
    "track_activities": Danger(
        Severity.NOTICE,
        Say(
            en="track_activities is off: nobody can see what sessions run, nor how long they have been idle.",
            zh="track_activities 已关闭：看不到会话正在执行什么，也看不到空闲了多久。",
        ),
    ),
    "track_counts": Danger(
        Severity.WARNING,
        Say(
            en="track_counts is off: autovacuum is blind and does not run.",
            zh="track_counts 已关闭：autovacuum 失去依据，不会运行。",
        ),
    ),
}  # fmt: skip


READ_ONLY = "default_transaction_read_only"
_READ_ONLY = Danger(
    Severity.WARNING,
    Say(
        en="default_transaction_read_only is on: every change fails, and many transactions do.",
        zh="default_transaction_read_only 已打开：所有写操作都会失败，且确有大量事务失败。",
    ),
    "on", "off",
)  # fmt: skip


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    yield from _read_only(now, earlier, limits)
    for row in now.rows(ServerSetting):
        danger = DANGERS.get(row.name)
        stored_here = any(each.name == row.name for each in stored_for_roles(now)) and row.source in (
            "database",
            "user",
        )
        if danger and not stored_here and is_wrong(danger, row.value):
            yield _finding(row.name, danger, row.value, row.default_value, row.context, None)
    for stored in stored_for_roles(now):
        danger = DANGERS.get(stored.name)
        if danger and is_wrong(danger, stored.value):
            yield _finding(stored.name, danger, stored.value, danger.good, "user", stored)


def _read_only(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    """Where the owner of tables, or everybody in the database, may not write and many transactions fail. A role that
    only looks is meant to be so."""
    counted = failing(now, earlier)
    if counted is None or counted.rollbacks < limits["min_rollbacks"] or counted.share < limits["min_share"]:
        return
    for stored in stored_for_roles(now):
        writes = stored.owns_tables or stored.role_name is None
        if stored.name == READ_ONLY and writes and is_wrong(_READ_ONLY, stored.value):
            finding = _finding(stored.name, _READ_ONLY, stored.value, _READ_ONLY.good, "user", stored)
            evidence = measured(
                TransactionCounters,
                rollbacks=(counted.rollbacks, "transactions"),
                rollback_share=(round(counted.share, 3), "share"),
            )
            yield replace(finding, evidence=finding.evidence + evidence)


def is_wrong(danger: Danger, value: str | None) -> bool:
    return is_off(value) if danger.wrong == "off" else not is_off(value)


def scope_of(stored: RoleSetting) -> str:
    """`database shop`, `role app`, `role app in database shop`."""
    parts = [f"role {stored.role_name}"] if stored.role_name else []
    parts += [f"database {stored.database_name}"] if stored.database_name else []
    return " in ".join(parts) or "all roles"


def _finding(
    name: str, danger: Danger, value: str | None, default: str | None, context: str, stored: RoleSetting | None
) -> Finding:
    reading: type[ServerSetting] | type[RoleSetting] = RoleSetting if stored else ServerSetting
    return Finding(
        CHECK.id, CHECK.item, danger.severity, name, "setting", danger.says(),
        measured(reading, value=(value, "text"), safe_value=(danger.good, "text"),
                 set_for=(scope_of(stored) if stored else "the server", "text")),
        details={
            "name": name, "value": value, "good": danger.good, "default": default, "context": context,
            "database": stored.database_name if stored else None, "role": stored.role_name if stored else None,
            "scope": scope_of(stored) if stored else None,
        },
        identity=f"{name}|{scope_of(stored) if stored else ''}",
    )  # fmt: skip
