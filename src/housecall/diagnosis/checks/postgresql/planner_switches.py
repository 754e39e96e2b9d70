"""Planner methods that are switched off, and costs that forbid a method in effect.

Why it matters: with enable_indexscan off, or random_page_cost at 100, a primary-key lookup reads the whole table; where
parallel plans are forced, it starts worker processes.
How to fix: reset the setting where it is set: the server, the tablespace, the database or the role.
Cannot see: settings that an application sets in its own sessions.
Source: PostgreSQL manual, "Query Planning": the enable_ settings "are not intended to be permanently off"; "Developer
Options": force_parallel_mode (since 16 debug_parallel_query) is "for testing purposes"; ALTER TABLESPACE for its costs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.checks.postgresql._settings import is_off, setting_number, stored_for_roles
from housecall.diagnosis.checks.postgresql._statements import hot_statements, is_hot
from housecall.diagnosis.checks.postgresql.dangerous_settings import scope_of
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.rows.settings import RoleSetting, ServerSetting, TablespaceSetting
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
        Threshold("max_cost_ratio", 20, "of random_page_cost to a lowered seq_page_cost: five times the default of 4"),
        Threshold("max_index_tuple_cost", 0.1, "twenty times the default of 0.005"),
        Threshold("max_tuple_cost", 0.2, "twenty times the default of 0.01"),
        Threshold("max_operator_cost", 0.05, "twenty times the default of 0.0025"),
        Threshold("warning_share", 0.1, "of all statement time, by joins of three tables whose order is prescribed"),
        Threshold("warning_seconds", 0.005, "mean time of such a join; a faster one hurts nobody yet"),
    ],
)
OFF_BY_DEFAULT = {"enable_partitionwise_aggregate", "enable_partitionwise_join", "enable_group_by_reordering"}
"""Off by default on some version, or harmless when off."""
GRAVE = {"enable_indexscan", "enable_bitmapscan", "enable_hashjoin", "enable_nestloop", "enable_seqscan",
"enable_indexonlyscan",
         "enable_mergejoin", "enable_sort", "enable_hashagg", "enable_partition_pruning"}  # fmt: skip
FORCED = {"force_parallel_mode", "debug_parallel_query"}
"""The same switch, before PostgreSQL 16 and since."""
JOIN_ORDER = {"join_collapse_limit": "8", "from_collapse_limit": "8"}
"""With their defaults. At 1 the planner joins tables in the order in which they are written; some want just that."""
_OFF = Say(
    en="{name} is off for {scope}: the planner may not use that method.",
    zh="{name} 在 {scope} 范围被关闭：优化器不能使用这种执行方式。",
)
_COST = Say(
    en="{name} is {value} for {scope} (default {default}): the planner avoids plans that would be fast.",
    zh="{name} 在 {scope} 范围设为 {value}（默认 {default}）：优化器会回避本来很快的执行计划。",
)
_FORCED = Say(
    en="{name} is {value} for {scope}, which is made for tests: every statement starts a worker process.",
    zh="{name} 在 {scope} 范围设为 {value}，它只用于测试：每条语句都会启动并行工作进程。",
)
_ORDER = Say(
    en="{name} is {value} for {scope} (default {default}): tables are joined in the order in which they are written.",
    zh="{name} 在 {scope} 范围设为 {value}（默认 {default}）：表只能按书写顺序连接。",
)
_COSTS = {
    "random_page_cost": ("max_random_page_cost", "4"),
    "seq_page_cost": ("max_seq_page_cost", "1"),
    "cpu_index_tuple_cost": ("max_index_tuple_cost", "0.005"),
    "cpu_tuple_cost": ("max_tuple_cost", "0.01"),
    "cpu_operator_cost": ("max_operator_cost", "0.0025"),
}
_DEFAULTS = {name: default for name, (_, default) in _COSTS.items()} | JOIN_ORDER | dict.fromkeys(FORCED, "off")


@dataclass(frozen=True, slots=True)
class _Set:
    """One setting and where it is set. `costs` are all costs that are set in the same place."""

    name: str
    value: str
    kind: Literal["server", "stored", "tablespace"]
    scope: str
    costs: dict[str, float]
    stored: RoleSetting | None = None
    tablespace: str | None = None


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    joins_are_felt = _joins_are_felt(now, earlier, limits)
    for each in (*_of_server(now), *_of_roles(now), *_of_tablespaces(now)):
        if _is_against_sense(each, now, limits):
            yield _finding(each, _severity(each.name, joins_are_felt=joins_are_felt))


def _of_server(now: Snapshot) -> Iterator[_Set]:
    stored = stored_for_roles(now)
    rows = now.rows(ServerSetting)
    costs = {row.name: _number(row.value) for row in rows if row.name in _COSTS}
    for row in rows:
        explained = any(each.name == row.name and each.value == row.value for each in stored)
        if not explained and row.source != "default":
            yield _Set(row.name, row.value or "", "server", "the server", costs)


def _of_roles(now: Snapshot) -> Iterator[_Set]:
    rows = stored_for_roles(now)
    for row in rows:
        together = (each for each in rows if (each.database_name, each.role_name) == (row.database_name, row.role_name))
        costs = {each.name: _number(each.value) for each in together if each.name in _COSTS}
        yield _Set(row.name, row.value, "stored", scope_of(row), costs, stored=row)


def _of_tablespaces(now: Snapshot) -> Iterator[_Set]:
    rows = now.get(TablespaceSetting)
    here = () if isinstance(rows, Unavailable) else [row for row in rows if row.is_here]
    for row in here:
        costs = {each.name: _number(each.value) for each in here if each.tablespace_name == row.tablespace_name}
        scope = f"tablespace {row.tablespace_name}"
        yield _Set(row.name, row.value, "tablespace", scope, costs, tablespace=row.tablespace_name)


def _is_against_sense(each: _Set, now: Snapshot, limits: Limits) -> bool:
    name, value = each.name, each.value
    if name.startswith("enable_"):
        return name not in OFF_BY_DEFAULT and is_off(value)
    if name in FORCED:
        return not is_off(value)
    if name in JOIN_ORDER:
        return value.strip() == "1"
    if name in _COSTS:
        return _number(value) > limits[_COSTS[name][0]] or _is_too_low(each, now, limits)
    return False


def _is_too_low(each: _Set, now: Snapshot, limits: Limits) -> bool:
    """A lowered seq_page_cost with its random_page_cost left where it was: indexes are shunned just as well."""
    sequential = _number(each.value)
    random = each.costs.get("random_page_cost") or setting_number(now, "random_page_cost") or 0.0
    return each.name == "seq_page_cost" and sequential < 1 and random > limits["max_cost_ratio"] * sequential


def _joins_are_felt(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> bool:
    """Whether statements that join three tables or more take a noticeable share of the time."""
    return any(
        len(each.shape.tables) >= 3 and is_hot(each, limits["warning_share"], limits["warning_seconds"])
        for each in hot_statements(now, earlier)
    )


def _severity(name: str, *, joins_are_felt: bool) -> Severity:
    is_grave = joins_are_felt if name in JOIN_ORDER else name in GRAVE or name in _COSTS or name in FORCED
    return Severity.WARNING if is_grave else Severity.NOTICE


def _number(value: str | None) -> float:
    try:
        return float(value or 0)
    except ValueError:
        return 0.0


def _finding(each: _Set, severity: Severity) -> Finding:
    default = _DEFAULTS.get(each.name, "on")
    say = (
        _COST if each.name in _COSTS
        else _FORCED if each.name in FORCED
        else _ORDER if each.name in JOIN_ORDER
        else _OFF
    )  # fmt: skip
    reading = {"server": ServerSetting, "stored": RoleSetting, "tablespace": TablespaceSetting}[each.kind]
    stored = each.stored
    return Finding(
        CHECK.id, CHECK.item, severity, each.name, "setting",
        say(name=each.name, value=each.value, scope=each.scope, default=default),
        measured(reading, value=(each.value, "text"), default=(default, "text"), set_for=(each.scope, "text")),
        details={
            "name": each.name, "value": each.value, "default": default,
            "database": stored.database_name if stored else None, "role": stored.role_name if stored else None,
            "tablespace": each.tablespace, "scope": None if each.kind == "server" else each.scope,
        },
        identity=f"{each.name}|{each.scope}",
    )  # fmt: skip
