"""How near databases are to running out of transaction ids or multixacts.

Why it matters: some 3 million ids before the end the server refuses every write until the oldest rows are frozen.
How to fix: end whatever holds the oldest transaction id, then let vacuum freeze the oldest tables.
Cannot see: the rate at which ids are used up.
Source: PostgreSQL manual, "Preventing Transaction ID Wraparound Failures"; see also check_pgactivity and
postgres-mcp. Half of the range is eight times past the default at which autovacuum must freeze.
"""

from collections.abc import Iterator, Sequence

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.finding import Evidence, Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.connections import UpkeepSettings
from housecall.engines.postgresql.rows.vacuum import TransactionAge
from housecall.wording import Say

CHECK = Check(
    id="postgresql.transaction_id_age",
    item="storage_engine_analysis",
    severity=Severity.CRITICAL,
    title=Say("Age of transaction ids", "事务 ID 年龄"),
    thresholds=[
        Threshold("notice_times_freeze_max_age", 1.5, "autovacuum should have frozen at once times that age"),
        Threshold("warning_age", 2**30, "common practice: half of the range"),
        Threshold("critical_left", 100_000_000, "10 M is common practice: a busy server uses that up within the hour"),
    ],
)

LAST_USABLE_AGE = 2**31 - 3_000_000
"""The server stops giving out transaction ids three million before the end (PostgreSQL source, varsup.c)."""

_MESSAGE = Say(
    "The oldest row of database {database} is {age:count} {unit} old; {left:count} are left until writes stop.",
    "数据库 {database} 最老的行已有 {age:count} 个{unit}的年龄；距离停止写入还剩 {left:count} 个。",
)
_READING = "transaction_ages"


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding | NotEvaluated]:
    settings = now.row(UpkeepSettings)
    rows = now.rows(TransactionAge)
    tables = [row for row in rows if row.scope == "table"]
    for row in rows:
        if row.scope != "database":
            continue
        kinds = (
            ("transactions", row.xid_age, settings.autovacuum_freeze_max_age),
            ("multixacts", row.multixact_age, settings.autovacuum_multixact_freeze_max_age),
        )
        for unit, age, due in kinds:
            severity = _severity(age, due, limits)
            if severity:
                yield _finding(row, unit, age, due, severity, tables, now)


def _severity(age: int, due: int, limits: Limits) -> Severity | None:
    if age >= LAST_USABLE_AGE - limits["critical_left"]:
        return Severity.CRITICAL
    if age >= limits["warning_age"]:
        return Severity.WARNING
    return Severity.NOTICE if age >= limits["notice_times_freeze_max_age"] * due else None


def _finding(
    row: TransactionAge,
    unit: str,
    age: int,
    due: int,
    severity: Severity,
    tables: Sequence[TransactionAge],
    now: Snapshot,
) -> Finding:
    here = row.name == now.facts.database
    oldest = sorted(tables, key=lambda each: -(each.xid_age if unit == "transactions" else each.multixact_age))[:5]
    left = max(0, LAST_USABLE_AGE - age)
    return Finding(
        check=CHECK.id,
        item=CHECK.item,
        severity=severity,
        object=row.name,
        object_kind="database",
        message=_MESSAGE(database=row.name, age=age, unit=unit, left=left),
        evidence=(
            Evidence("age", age, unit, _READING),
            Evidence("left_until_writes_stop", left, unit, _READING),
            Evidence("autovacuum_must_freeze_at", due, unit, "upkeep_settings"),
            Evidence("oldest_tables", ", ".join(each.name for each in oldest) if here else None, "text", _READING),
        ),
        details={
            "unit": unit,
            "age": age,
            "left": left,
            "here": here,
            "connectable": row.connectable,
            "oldest": [(each.schema_name, each.table_name, each.xid_age) for each in oldest] if here else [],
        },
        identity=f"{row.name}|{unit}",
    )
