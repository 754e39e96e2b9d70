"""Autovacuum is on but does not keep up with the changes.

The reason decides the remedy: more workers share one cost limit, so the limit is raised with them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._sessions import fingerprints
from housecall.diagnosis.causes.postgresql._vacuum import SETTING_LOCK, VACUUM_LOCK, vacuum_table
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.quoting import qualified
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="autovacuum_starved",
    title=Say("Autovacuum does not keep up", "autovacuum 跟不上"),
    checks=("postgresql.autovacuum_starved", "postgresql.dead_tuples"),
)

_SUMMARY = Say(
    "Autovacuum does not keep up: {tables:count} table{tables:|s} with {dead:count} dead row{dead:|s}"
    " {tables:is|are} late, worst {worst}.",
    "autovacuum 跟不上：{tables:count} 张表共 {dead:count} 个死元组未及时清理，最严重的是 {worst}。",
)
_REASONS: Mapping[str, Say] = {
    "workers_busy": Say("All {max_workers:count} workers are busy.", "全部 {max_workers:count} 个 worker 都在忙。"),
    "too_slow": Say(
        "Its cost settings let it write at most {speed:bytes} a second.", "成本设置使其每秒最多写入 {speed:bytes}。"
    ),
    "too_seldom": Say(
        "It wakes up only every {naptime:duration} (autovacuum_naptime).",
        "每 {naptime:duration} 才唤醒一次（autovacuum_naptime）。",
    ),
    "threshold_too_high": Say(
        "{worst} would be vacuumed only at {threshold:count} dead row{threshold:|s}: the threshold is set too high.",
        "{worst} 要积累到 {threshold:count} 个死元组才会触发：阈值设得太高。",
    ),
    "not_reached": Say(
        "The tables have been late for long although workers are free: vacuums are probably cancelled by lock requests"
        " (see 'canceling autovacuum task' in the log).",
        "worker 空闲但这些表长期未被处理：可能因锁请求被取消（见日志 “canceling autovacuum task”）。",
    ),
}
_SPEED = Say(
    "Its cost settings let it write at most {speed:bytes} a second, shared by all workers.",
    "成本设置使所有 worker 合计每秒最多写入 {speed:bytes}。",
)
_FASTER = Say(
    "Let autovacuum work faster: cost limit {limit:count}, delay 2 ms",
    "提高 autovacuum 速度：cost limit {limit:count}，delay 2 ms",
)
_OFTENER = Say("Let autovacuum look every minute", "让 autovacuum 每分钟检查一次")
_EARLIER = Say("Let autovacuum come to {table} earlier", "让 autovacuum 更早处理 {table}")
_ALL_EARLIER = Say("Put autovacuum's thresholds back to their defaults", "把 autovacuum 阈值恢复为默认值")
_VERIFY = Say("The tables past their threshold become fewer.", "超过阈值的表逐渐减少。")
_LATE = (
    "SELECT schemaname, relname, n_live_tup, n_dead_tup, last_autovacuum FROM pg_catalog.pg_stat_all_tables"
    " ORDER BY n_dead_tup DESC LIMIT 10"
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:  # noqa: ARG001
    for finding in found.of("postgresql.autovacuum_starved"):
        tables = set(finding.details["tables"])
        dead = [each for each in found.of("postgresql.dead_tuples", "postgresql.table_bloat") if each.object in tables]
        yield _cause(finding, [*dead, *_not_analysed(found, finding)])


def _not_analysed(found: Found, finding: Finding) -> list[Finding]:
    """The same workers refresh the statistics of the late tables; old ones that weigh more stand for themselves."""
    tables = {tuple(each) for each in finding.details["qualified"]}
    return [
        each
        for each in found.of("postgresql.stale_statistics")
        if (each.details["schema"], each.details["table"]) in tables and each.severity.rank <= finding.severity.rank
    ]


def _cause(finding: Finding, dead: list[Finding]) -> Cause:
    details = finding.details
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind=finding.object_kind,
        severity=finding.severity,
        confidence=0.6 if details["reason"] == "not_reached" else 0.85,
        summary=_SUMMARY(tables=len(details["tables"]), dead=details["dead_rows"], worst=details["tables"][0]),
        because=_because(details),
        evidence=finding.evidence,
        remedies=(
            *(vacuum_table(schema, table) for schema, table in details["qualified"][:1]),
            *_remedies(details),
        ),
        rests_on=(finding.fingerprint,),
        absorbs=fingerprints(dead),
        impact=0.2,
    )


def _because(details: Mapping[str, Any]) -> tuple[Message, ...]:
    speed = details["write_bytes_per_second"]
    because = [
        _REASONS[details["reason"]](
            max_workers=details["max_workers"],
            speed=speed,
            naptime=details["naptime_seconds"],
            worst=details["tables"][0],
            threshold=details["threshold_rows"],
        )
    ]
    if details["reason"] == "workers_busy" and speed is not None:
        because.append(_SPEED(speed=speed))
    return tuple(because)


def _remedies(details: Mapping[str, Any]) -> tuple[Remedy, ...]:
    reason = details["reason"]
    if reason == "too_seldom":
        return (_settings(_OFTENER(), ("autovacuum_naptime = '1min'",)),)
    if reason == "threshold_too_high" and details["by_table"]:
        return (_reset_options(details),)
    if reason == "threshold_too_high":
        names = ("autovacuum_vacuum_threshold", "autovacuum_vacuum_scale_factor")
        return (_settings(_ALL_EARLIER(), tuple(f"{name} = DEFAULT" for name in names)),)
    if reason == "not_reached":
        return ()
    limit = max(2000, 2 * details["cost_limit"])
    return (
        _settings(
            _FASTER(limit=limit),
            (f"autovacuum_vacuum_cost_limit = {limit}", "autovacuum_vacuum_cost_delay = '2ms'"),
        ),
    )


def _settings(title: Message, assignments: tuple[str, ...]) -> Remedy:
    reload = "SELECT pg_catalog.pg_reload_conf()"
    names = [assignment.partition(" ")[0] for assignment in assignments]
    return Remedy(
        title=title,
        statements=(*(f"ALTER SYSTEM SET {each}" for each in assignments), reload),
        lock=SETTING_LOCK(),
        risk="low",
        when="now",
        rollback=(*(f"ALTER SYSTEM RESET {name}" for name in names), reload),
        verify=_VERIFY(),
        verify_statement=_LATE,
    )


def _reset_options(details: Mapping[str, Any]) -> Remedy:
    schema, table = details["qualified"][0]
    name = qualified(schema, table)
    options = [each.partition("=") for each in details["options"] if each.startswith("autovacuum_vacuum_")]
    return Remedy(
        title=_EARLIER(table=name),
        statements=(f"ALTER TABLE {name} RESET ({', '.join(option for option, _, _ in options)})",),
        lock=VACUUM_LOCK(),
        risk="low",
        when="now",
        rollback=(f"ALTER TABLE {name} SET ({', '.join(f'{option} = {value}' for option, _, value in options)})",),
        verify=_VERIFY(),
        verify_statement=_LATE,
    )
