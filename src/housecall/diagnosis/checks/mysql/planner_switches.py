"""Methods of the optimizer that are switched off, and limits that make it plan blindly.

Why it matters: without semijoin and materialization an IN subquery runs once for every row; without hash join or join
cache a join reads the inner table again and again; with optimizer_search_depth at 1 the join order is the first guess.
How to fix: set the switch or the limit back to its default.
Cannot see: what an application sets in its own sessions.
Source: MySQL manual, "Switchable Optimizations" and "Controlling Query Plan Evaluation"; MariaDB Knowledge Base,
"optimizer_switch". Only switches that are on by default on the server's flavour are judged.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._counters import number
from housecall.diagnosis.checks.mysql._measured import measured, variable
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Flavour
from housecall.engines.mysql.rows.server import Variable
from housecall.wording import Say

CHECK = Check(
    id="mysql.planner_switches",
    item="performance_metrics",
    severity=Severity.WARNING,
    title=Say(en="Optimizer switched off or misled by settings", zh="优化器开关或参数设置不当"),
    thresholds=[
        Threshold("min_search_depth", 4, "joins of more tables are then ordered by guess; the default is 62"),
        Threshold("min_dive_limit", 10, "lists of that many values are estimated without a look; the default is 200"),
        Threshold("min_seeks_for_key", 1_000, "indexes are preferred against sense; the default is without a limit"),
        Threshold("min_range_memory", 1024 * 1024, "an eighth of the default of 8 MB: range scans become table scans"),
    ],
)
SUBQUERIES = ("semijoin", "materialization", "subquery_materialization_cost_based", "firstmatch", "exists_to_in")
JOINS = ("hash_join", "block_nested_loop", "join_cache_hashed", "join_cache_incremental", "outer_join_with_cache")
_INDEXES = ("index_condition_pushdown", "use_index_extensions", "extended_keys", "index_merge", "derived_merge")
_BOTH = {"semijoin", "materialization", "firstmatch", "loosescan", "index_condition_pushdown", "index_merge",
         "index_merge_union", "index_merge_sort_union", "index_merge_intersection", "derived_merge",
         "condition_pushdown_for_derived"}  # fmt: skip
ON_BY_DEFAULT: Mapping[Flavour, frozenset[str]] = {
    "mysql": frozenset(
        {*_BOTH, "subquery_materialization_cost_based", "duplicateweedout", "use_index_extensions", "hash_join",
         "block_nested_loop", "condition_fanout_filter", "skip_scan", "derived_condition_pushdown"}
    ),
    "mariadb": frozenset(
        {*_BOTH, "exists_to_in", "extended_keys", "join_cache_hashed", "join_cache_incremental", "join_cache_bka",
         "outer_join_with_cache", "semijoin_with_cache", "partial_match_rowid_merge", "in_to_exists", "subquery_cache",
         "split_materialized", "rowid_filter", "condition_pushdown_from_having", "table_elimination"}
    ),
}  # fmt: skip
GRAVE = frozenset(
    {"semijoin", "materialization", "index_condition_pushdown", "hash_join", "block_nested_loop", "join_cache_hashed",
     "use_index_extensions", "extended_keys"}
)  # fmt: skip
_OFF = Say(
    en="optimizer_switch has {switches} off, which are on by default: the optimizer may not use these methods.",
    zh="optimizer_switch 关闭了默认开启的 {switches}：优化器不能使用这些方法。",
)
_LIMIT = Say(
    en="{name} is {value:count} (default {default}): the optimizer plans with less than it needs.",
    zh="{name} 为 {value:count}（默认 {default}）：优化器缺少规划所需的余地。",
)


class Bound(NamedTuple):
    """A limit of the optimizer: the threshold below which it is against sense, its default, whether 0 means without."""

    threshold: str
    default: str
    zero_is_none: bool


BOUNDS: Mapping[str, Bound] = {
    "optimizer_search_depth": Bound("min_search_depth", "62", zero_is_none=True),
    "eq_range_index_dive_limit": Bound("min_dive_limit", "200", zero_is_none=True),
    "max_seeks_for_key": Bound("min_seeks_for_key", "4294967295", zero_is_none=False),
    "range_optimizer_max_mem_size": Bound("min_range_memory", "8388608", zero_is_none=True),
}


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    now.rows(Variable)
    off = switched_off(variable(now, "optimizer_switch") or "", now.facts.version.flavour)
    if off:
        yield _switches(off)
    for name, bound in BOUNDS.items():
        value = number(now, name)
        if value is not None and value < limits[bound.threshold] and not (bound.zero_is_none and value == 0):
            yield _bound(name, value, bound.default)
    if now.facts.version.flavour == "mariadb" and number(now, "join_cache_level") == 0:
        yield _bound("join_cache_level", 0, "2")


def switched_off(text: str, flavour: Flavour) -> list[str]:
    """Switches that are off although they are on by default."""
    pairs = dict(part.strip().partition("=")[::2] for part in text.split(",") if "=" in part)
    return sorted(name for name in ON_BY_DEFAULT.get(flavour, ()) if pairs.get(name) == "off")


def _switches(off: list[str]) -> Finding:
    severity = Severity.WARNING if GRAVE.intersection(off) else Severity.NOTICE
    return Finding(
        CHECK.id, CHECK.item, severity, "optimizer_switch", "setting", _OFF(switches=", ".join(off)),
        measured(Variable, switched_off=(", ".join(off), "text")),
        details={"name": "optimizer_switch", "off": off, "value": ",".join(f"{each}=off" for each in off),
                 "default": ",".join(f"{each}=on" for each in off)},
    )  # fmt: skip


def _bound(name: str, value: float, default: str) -> Finding:
    return Finding(
        CHECK.id, CHECK.item, Severity.WARNING, name, "setting", _LIMIT(name=name, value=value, default=default),
        measured(Variable, value=(value, "number"), default=(default, "text")),
        details={"name": name, "off": [], "value": f"{value:.0f}", "default": default},
    )  # fmt: skip
