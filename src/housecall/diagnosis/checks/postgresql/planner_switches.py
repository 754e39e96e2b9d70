"""Planner methods that are switched off, and costs that forbid a method in effect.

Why it matters: with enable_indexscan off, or random_page_cost at 100, a primary-key lookup reads the whole table.
How to fix: reset the setting where it is set: the server, the database or the role.
Cannot see: settings that an application sets in its own sessions.
Source: PostgreSQL manual, "Query Planning": the enable_ settings "are not intended to be permanently off".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.checks.postgresql._settings import is_off, stored_for_roles
from housecall.diagnosis.checks.postgresql.dangerous_settings import scope_of
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.settings import RoleSetting, ServerSetting
from housecall.wording import Say

CHECK = Check(
    id="postgresql.planner_switches",
    item="performance_metrics",
    severity=Severity.WARNING,
    title=Say(en="Planner switched off or misled by settings", zh="优化器开关或代价参数设置不当"),
    thresholds=[
        Threshold(
            "max_random_page_cost", 10, "above 2.5 times the default of 4, made for spinning disks, indexes are shunned"
        ),
        Threshold("max_seq_page_cost", 10, "ten times the default; sequential scans are shunned where they are right"),
        Threshold("max_index_tuple_cost", 0.1, "twenty times the default of 0.005"),
    ],
)
OFF_BY_DEFAULT = {"enable_partitionwise_aggregate", "enable_partitionwise_join", "enable_group_by_reordering"}
"""Off by default on some version, or harmless when off."""
GRAVE = {"enable_indexscan", "enable_bitmapscan", "enable_hashjoin", "enable_nestloop", "enable_seqscan",
"enable_indexonlyscan",
         "enable_mergejoin", "enable_sort", "enable_hashagg"}  # fmt: skip
_OFF = Say(
    en="{name} is off for {scope}: the planner may not use that method.",
    zh="{name} 在 {scope} 范围被关闭：优化器不能使用这种执行方式。",
)
_COST = Say(
    en="{name} is {value} for {scope} (default {default}): the planner avoids plans that would be fast.",
    zh="{name} 在 {scope} 范围设为 {value}（默认 {default}）：优化器会回避本来很快的执行计划。",
)
_COSTS = {
    "random_page_cost": ("max_random_page_cost", "4"),
    "seq_page_cost": ("max_seq_page_cost", "1"),
    "cpu_index_tuple_cost": ("max_index_tuple_cost", "0.005"),
}


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    stored = stored_for_roles(now)
    for row in now.rows(ServerSetting):
        explained = any(each.name == row.name and each.value == row.value for each in stored)
        if not explained and row.source not in ("default",) and is_against_sense(row.name, row.value, limits):
            yield _finding(row.name, row.value or "", None)
    for each in stored:
        if is_against_sense(each.name, each.value, limits):
            yield _finding(each.name, each.value, each)


def is_against_sense(name: str, value: str | None, limits: Limits) -> bool:
    if name.startswith("enable_"):
        return name not in OFF_BY_DEFAULT and is_off(value)
    if name in _COSTS:
        threshold, _default = _COSTS[name]
        return _number(value) > limits[threshold]
    return False


def _number(value: str | None) -> float:
    try:
        return float(value or 0)
    except ValueError:
        return 0.0


def _finding(name: str, value: str, stored: RoleSetting | None) -> Finding:
    scope = scope_of(stored) if stored else "the server"
    default = _COSTS[name][1] if name in _COSTS else "on"
    is_grave = name in GRAVE or name in _COSTS
    message = (
        _COST(name=name, value=value, scope=scope, default=default) if name in _COSTS else _OFF(name=name, scope=scope)
    )
    reading: type[ServerSetting] | type[RoleSetting] = RoleSetting if stored else ServerSetting
    return Finding(
        CHECK.id, CHECK.item, Severity.WARNING if is_grave else Severity.NOTICE, name, "setting", message,
        measured(reading, value=(value, "text"), default=(default, "text"), set_for=(scope, "text")),
        details={
            "name": name, "value": value, "default": default, "database": stored.database_name if stored else None,
            "role": stored.role_name if stored else None, "scope": scope if stored else None,
        },
        identity=f"{name}|{scope}",
    )  # fmt: skip
