"""Settings that were changed while the server runs, and that the next restart takes back.

Why it matters: a remedy of months ago is gone after a restart, and nobody remembers it.
How to fix: write it to the configuration file, on MySQL with SET PERSIST.
Cannot see: whether the file has been changed in the meantime.
Source: MySQL manual, performance_schema.variables_info; MariaDB documentation, information_schema.SYSTEM_VARIABLES.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import ChangedVariable
from housecall.wording import Say

CHECK = Check(
    id="mysql.configuration_drift",
    item="instance_info",
    severity=Severity.INFO,
    title=Say(en="Settings changed only in the running server", zh="仅在运行时修改、未落盘的参数"),
    thresholds=[Threshold("named", 8, "names told in the sentence; the evidence has them all")],
)
_DRIFT = Say(
    en="{count:count} setting{count:|s} {count:is|are} changed only in the running server: {names}.",
    zh="有 {count:count} 项参数只在运行时修改过：{names}。",
)
OF_SESSIONS = frozenset({
    "autocommit", "explain_json_format_version", "foreign_key_checks", "group_concat_max_len",
    "information_schema_stats_expiry", "innodb_lock_wait_timeout", "lock_wait_timeout", "max_execution_time",
    "max_statement_time", "net_buffer_length", "net_read_timeout", "net_write_timeout", "pseudo_thread_id",
    "read_only", "sql_big_selects", "sql_mode", "sql_select_limit", "super_read_only", "time_zone", "timestamp",
    "transaction_isolation", "transaction_read_only", "unique_checks",
})  # fmt: skip
"""What MySQL shows as changed though only a session changed it, our own among them; and what failover tools switch."""


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    changed = [row for row in now.rows(ChangedVariable) if is_drift(row)]
    if not changed:
        return
    names = ", ".join(f"{row.name} = {row.value}" for row in changed[: int(limits["named"])])
    more = ", …" if len(changed) > limits["named"] else ""
    yield Finding(
        CHECK.id, CHECK.item, Severity.INFO, "server", "server",
        _DRIFT(count=len(changed), names=names + more),
        measured(ChangedVariable, **{row.name: (row.value, "text") for row in changed}),
        details={"names": [row.name for row in changed]},
    )  # fmt: skip


def is_drift(row: ChangedVariable) -> bool:
    if row.name in OF_SESSIONS or row.name.startswith(("character_set_", "collation_", "gtid_", "rpl_semi_sync")):
        return False
    return row.source in ("DYNAMIC", "SQL")
