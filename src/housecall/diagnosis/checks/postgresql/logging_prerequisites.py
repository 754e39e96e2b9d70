"""Log settings without which the next incident leaves no trace.

Why it matters: without log_lock_waits, log_temp_files and a slow-statement limit nobody can tell afterwards who
waited for whom.
How to fix: the values named; all take effect with a reload.
Source: PostgreSQL manual, "Error Reporting and Logging".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.checks.postgresql._settings import is_off
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.settings import ServerSetting
from housecall.wording import Say

CHECK = Check(
    id="postgresql.logging_prerequisites",
    item="error_log_analysis",
    severity=Severity.INFO,
    title=Say(en="Logging too sparse for a later look", zh="日志过少，事后无法追查"),
)
_SPARSE = Say(
    en="Not logged: {missing}; the next incident will leave no trace of it.",
    zh="未开启的日志：{missing}；下次故障将无迹可查。",
)
WANTED = {
    "log_lock_waits": "on",
    "log_temp_files": "10MB",
    "log_checkpoints": "on",
    "log_min_duration_statement": "1s",
    "log_autovacuum_min_duration": "10min",
}


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding]:
    rows = {row.name: row for row in now.rows(ServerSetting)}
    missing = [name for name in WANTED if name in rows and _is_silent(rows[name])]
    if missing:
        yield Finding(
            CHECK.id, CHECK.item, Severity.INFO, "logging", "setting", _SPARSE(missing=", ".join(missing)),
            measured(ServerSetting, **{name: (rows[name].value, "text") for name in missing}),
            details={"missing": missing, "wanted": WANTED},
        )  # fmt: skip


def _is_silent(row: ServerSetting) -> bool:
    return is_off(row.value) if row.value_type == "bool" else row.value == "-1"
