"""Who keeps vacuum from removing dead rows: old snapshots of sessions, standbys, slots, prepared transactions.

Why it matters: a dead row can go only when no snapshot may still see it; one forgotten snapshot makes every table
grow and every transaction id stay.
How to fix: end the holder; vacuum then removes what it kept, by itself.
Cannot see: which dead rows exactly; a table counts as held back when it was vacuumed after the holder began and still
has more dead rows than autovacuum's threshold.
Source: PostgreSQL manual, "Routine Vacuuming"; see also check_pgactivity and pganalyze (10 million transactions); the
effect is our own proof.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._blocking import session_details
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, ObjectKind, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import RowT, Unavailable
from housecall.engines.postgresql.quoting import qualified
from housecall.engines.postgresql.rows.connections import UpkeepSettings
from housecall.engines.postgresql.rows.replication import ReplicationSlot, Standby
from housecall.engines.postgresql.rows.sessions import Session
from housecall.engines.postgresql.rows.transactions import PreparedTransaction
from housecall.engines.postgresql.rows.vacuum import TransactionAge, VacuumTable
from housecall.wording import Say

CHECK = Check(
    id="postgresql.old_xmin_holders",
    item="storage_engine_analysis",
    severity=Severity.CRITICAL,
    title=Say("What holds back vacuum", "阻碍 vacuum 的持有者"),
    thresholds=[
        Threshold("notice_age", 1_000_000, "a tenth of the warning: worth a line"),
        Threshold("warning_age", 10_000_000, "common practice"),
        Threshold("critical_age", 1_600_000_000, "the emergency vacuum of version 14 starts there and cannot help"),
        Threshold("notice_seconds", 3600.0, "an hour without vacuum is noticed on busy tables"),
        Threshold("held_rows", 10_000, "dead rows that vacuum visited and had to leave: the effect, whatever the age"),
        Threshold("max_holders", 5, "the oldest decide"),
    ],
)

_MESSAGE = Say(
    "{holder} keeps rows that died during the last {age:count} transaction{age:|s}.",
    "{holder} 使最近 {age:count} 个事务产生的死元组无法清理。",
)
_HELD = Say(
    "{holder} keeps {rows:count} dead row{rows:|s} in {tables:count} table{tables:|s} that vacuum has"
    " visited and could not clean.",
    "{holder} 使 {tables:count} 张表中的 {rows:count} 个死元组无法清理，vacuum 已执行过但清不掉。",
)


OLD_WITHOUT_A_CLOCK = 100_000
"""Transactions: more than a server uses up while a statement of a hidden session or a standby runs (our proposal)."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Something with an old xmin. `seconds` and `began` (by the server's clock, as `read_epoch`) are None when its age
    in time is not known; `catalog_only` marks one that keeps old rows of system catalogues alone."""

    kind: str
    name: str
    object_kind: ObjectKind
    xmin_age: int
    seconds: float | None
    began: float | None
    reading: str
    details: dict[str, Any]
    catalog_only: bool = False


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    holders = sorted([*_sessions(now), *_standbys(now), *_slots(now), *_prepared(now)], key=lambda each: -each.xmin_age)
    vacuum_tables = _optional(now, VacuumTable)
    for holder in holders[: int(limits["max_holders"])]:
        tables = _held_tables(holder, holders, vacuum_tables)
        finding = _finding(holder, tables, now, limits)
        if finding:
            yield finding


def _finding(holder: Holder, tables: Sequence[VacuumTable], now: Snapshot, limits: Limits) -> Finding | None:
    held_rows = sum(table.dead_rows for table in tables)
    holds_ages = _holds_ages(holder, now)
    severity = _severity(holder, held_rows, holds_ages, limits)
    if severity is None:
        return None
    names = [qualified(table.schema_name, table.table_name) for table in tables]
    message = (
        _HELD(holder=holder.name, rows=held_rows, tables=len(tables))
        if held_rows >= limits["held_rows"]
        else _MESSAGE(holder=holder.name, age=holder.xmin_age)
    )
    return Finding(
        check=CHECK.id,
        item=CHECK.item,
        severity=severity,
        object=holder.name,
        object_kind=holder.object_kind,
        message=message,
        evidence=(
            Evidence("xmin_age", holder.xmin_age, "transactions", holder.reading),
            Evidence("held_for", round(holder.seconds) if holder.seconds else None, "seconds", holder.reading),
            Evidence("dead_rows_kept", held_rows, "rows", "vacuum_tables"),
            Evidence("tables_held_back", ", ".join(names[:5]) or None, "text", "vacuum_tables"),
        ),
        details={
            **holder.details,
            "holder": holder.kind,
            "xmin_age": holder.xmin_age,
            "seconds": holder.seconds,
            "held_rows": held_rows,
            "held_tables": names,
            "holds_ages": holds_ages,
            "catalog_only": holder.catalog_only,
        },
        identity=_identity(holder),
    )


def _identity(holder: Holder) -> str:
    if holder.kind == "session":
        return f"session|{holder.details['user']}|{holder.details['application']}|{holder.details['statement']}"
    return f"{holder.kind}|{holder.name}"


def _severity(holder: Holder, held_rows: int, holds_ages: bool, limits: Limits) -> Severity | None:
    if holds_ages and holder.xmin_age >= limits["critical_age"]:
        return Severity.CRITICAL
    if holds_ages or holder.xmin_age >= limits["warning_age"] or held_rows >= limits["held_rows"]:
        return Severity.WARNING
    long_held = (holder.seconds or 0.0) >= limits["notice_seconds"]
    return Severity.NOTICE if long_held or holder.xmin_age >= limits["notice_age"] else None


def _holds_ages(holder: Holder, now: Snapshot) -> bool:
    """Whether the oldest transaction id of the server cannot be frozen because of this holder."""
    ages = [row for row in _optional(now, TransactionAge) if row.scope == "database"]
    settings = now.get(UpkeepSettings)
    if isinstance(settings, Unavailable) or not ages:
        return False
    oldest = max(row.xid_age for row in ages)
    return oldest > settings[0].autovacuum_freeze_max_age and holder.xmin_age >= 0.9 * oldest


def _held_tables(holder: Holder, holders: Sequence[Holder], tables: Sequence[VacuumTable]) -> tuple[VacuumTable, ...]:
    """Tables vacuumed after the holder began that kept their dead rows. Only the oldest holder is proved so."""
    if holder is not holders[0] and holder.xmin_age < 0.9 * holders[0].xmin_age:
        return ()
    held = []
    for table in tables:
        vacuums = [each for each in (table.last_vacuum_seconds, table.last_autovacuum_seconds) if each is not None]
        visited = bool(vacuums) and _began_before(holder, table.read_epoch - min(vacuums))
        in_scope = table.schema_name == "pg_catalog" if holder.catalog_only else True
        if visited and in_scope and table.dead_rows > table.threshold_rows:
            held.append(table)
    return tuple(held)


def _began_before(holder: Holder, epoch: float) -> bool:
    """Whether the holder is older than that. One of unknown age must be unused, or old by its transactions."""
    if holder.began is not None:
        return holder.began < epoch
    return holder.details.get("active") is False or holder.xmin_age >= OLD_WITHOUT_A_CLOCK


def _began(read_epoch: float, seconds: float | None) -> float | None:
    return None if seconds is None else read_epoch - seconds


def _sessions(now: Snapshot) -> list[Holder]:
    """Sessions of other databases hold back shared catalogues only; they are not to blame for tables here. Nor is one
    that waits for another's lock: it ends when it is let go, and whoever blocks it is told as the root."""
    return [
        Holder(
            kind="session",
            name=f"pid {row.pid}",
            object_kind="session",
            xmin_age=max(row.xmin_age or 0, row.xid_age or 0),
            seconds=row.transaction_seconds,
            began=_began(row.read_epoch, row.transaction_seconds),
            reading="sessions",
            details=dict(session_details(row)),
        )
        for row in now.rows(Session)
        if (row.xmin_age is not None or row.xid_age is not None)
        and row.backend_type == "client backend"
        and row.database == now.facts.database
        and not row.blocked_by
    ]


def _standbys(now: Snapshot) -> list[Holder]:
    return [
        Holder(
            kind="standby",
            name=row.application or f"pid {row.pid}",
            object_kind="replica",
            xmin_age=row.xmin_age,
            seconds=None,
            began=None,
            reading="standbys",
            details={"standby_pid": row.pid, "user": row.user_name, "application": row.application},
        )
        for row in _optional(now, Standby)
        if row.xmin_age is not None and not row.is_logical
    ]


def _slots(now: Snapshot) -> list[Holder]:
    """A logical slot keeps old rows of the system catalogues only."""
    return [
        Holder(
            kind="slot",
            name=row.slot_name,
            object_kind="slot",
            xmin_age=max(row.xmin_age or 0, row.catalog_xmin_age or 0),
            seconds=row.inactive_seconds,
            began=_began(row.read_epoch, row.inactive_seconds),
            reading="replication_slots",
            details={"slot": row.slot_name, "active": row.active, "slot_type": row.slot_type, "plugin": row.plugin},
            catalog_only=row.xmin_age is None,
        )
        for row in _optional(now, ReplicationSlot)
        if row.xmin_age is not None or row.catalog_xmin_age is not None
    ]


def _prepared(now: Snapshot) -> list[Holder]:
    return [
        Holder(
            kind="prepared",
            name=row.gid,
            object_kind="prepared_transaction",
            xmin_age=row.xid_age,
            seconds=row.age_seconds,
            began=row.read_epoch - row.age_seconds,
            reading="prepared_transactions",
            details={"gid": row.gid, "owner": row.owner, "database": row.database},
        )
        for row in _optional(now, PreparedTransaction)
        if row.database == now.facts.database or row.xid_age > 1_000_000
    ]


def _optional(now: Snapshot, row_type: type[RowT]) -> tuple[RowT, ...]:
    rows = now.get(row_type)
    return () if isinstance(rows, Unavailable) else rows
