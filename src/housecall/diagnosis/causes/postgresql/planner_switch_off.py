"""A planner method is switched off, or a cost is set so that it is never chosen; good indexes lie idle."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._changes import reset_stored, reset_tablespace, set_setting
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="planner_switch_off",
    title=Say(en="A planner method is switched off", zh="优化器开关被关闭或代价参数不合理"),
    checks=(
        "postgresql.planner_switches",
        "postgresql.hot_sequential_scans",
        "postgresql.top_statements",
        "postgresql.missing_index",
        "postgresql.partition_pruning",
    ),
)
INDEX_METHODS = {
    "enable_indexscan",
    "enable_bitmapscan",
    "enable_indexonlyscan",
    "random_page_cost",
    "seq_page_cost",
    "cpu_index_tuple_cost",
    "cpu_operator_cost",
}
"""Off, or too dear (a low seq_page_cost makes them so): indexes are shunned."""
PRUNING = "enable_partition_pruning"
_SUMMARY = Say(
    en="{name} is {value} for {scope}: the planner is kept from plans that would be fast.",
    zh="{name} 在 {scope} 范围设为 {value}：优化器无法选择本来很快的执行计划。",
)
_ALSO = Say(en="Also set there: {names}.", zh="同一范围还设置了：{names}。")
_DEFAULT = Say(en="The default is {default}.", zh="默认值为 {default}。")
_SCANS = Say(
    en="Tables read from end to end meanwhile: {tables}.",
    zh="与此同时被反复全表扫描的表：{tables}。",
)
_ALL = Say(en="Take {names} back for {scope}", zh="撤销 {scope} 的 {names} 设置")
_ALL_VERIFY = Say(en="a new session shows the default of each", zh="新会话中各参数均显示默认值")
_SERVER = Say(en="the server", zh="整个服务器")


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    by_scope: dict[str | None, list[Finding]] = {}
    for finding in found.of("postgresql.planner_switches"):
        by_scope.setdefault(finding.details["scope"], []).append(finding)
    for findings in by_scope.values():
        findings.sort(key=lambda each: (-each.severity.rank, each.object not in INDEX_METHODS, each.object))
        yield _cause(findings, found, now)


def _cause(findings: list[Finding], found: Found, now: Snapshot) -> Cause:
    first = findings[0]
    is_grave = first.severity.rank >= Severity.WARNING.rank
    forbids_indexes = any(each.object in INDEX_METHODS for each in findings)
    scans = found.of("postgresql.hot_sequential_scans") if forbids_indexes else ()
    explained = (*scans, *found.of("postgresql.missing_index")) if forbids_indexes else ()
    explained += found.of("postgresql.top_statements") if forbids_indexes or is_grave else ()
    explained += found.of("postgresql.partition_pruning") if any(each.object == PRUNING for each in findings) else ()
    because: tuple[Message, ...] = (_DEFAULT(default=first.details["default"]),)
    if len(findings) > 1:
        because += (_ALSO(names=", ".join(f"{each.object} = {each.details['value']}" for each in findings[1:])),)
    if scans:
        because += (_SCANS(tables=", ".join(each.object for each in scans[:5])),)
    scope = first.details["scope"] or _SERVER().render()
    return Cause(
        id=CAUSE.id,
        object=first.object,
        object_kind="setting",
        severity=first.severity,
        confidence=0.95,
        summary=_SUMMARY(name=first.object, value=first.details["value"], scope=scope),
        because=because,
        evidence=tuple(evidence for finding in findings for evidence in finding.evidence),
        remedies=_remedies(findings[:6], now),
        rests_on=tuple(each.fingerprint for each in findings),
        absorbs=tuple(each.fingerprint for each in explained),
        impact=min(sum(each.details["share"] for each in scans), 1.0) if scans else 0.1,
    )


def _remedies(findings: list[Finding], now: Snapshot) -> tuple[Remedy, ...]:
    """What is as bad as the first goes with it: the planner needs all of them back."""
    first, *others = [_remedy(each, now) for each in findings]
    together = [
        each for each, finding in zip(others, findings[1:], strict=True) if finding.severity is findings[0].severity
    ]
    if not together:
        return (first, *others)
    every = (first, *together)
    names = ", ".join(each.object for each in findings if each.severity is findings[0].severity)
    return (
        replace(
            first,
            title=_ALL(names=names, scope=findings[0].details["scope"] or _SERVER().render()),
            statements=_once(each.statements for each in every),
            rollback=_once(each.rollback for each in every),
            verify=_ALL_VERIFY(),
        ),
        *[each for each in others if each not in together],
    )


def _once(lists: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """All statements in their order, those that repeat (a reload) once, at the end."""
    every = [statement for each in lists for statement in each]
    return tuple(dict.fromkeys(sorted(every, key=lambda each: every.count(each) > 1)))


def _remedy(finding: Finding, _now: Snapshot) -> Remedy:
    details = finding.details
    if details["tablespace"]:
        return reset_tablespace(details["name"], details["value"], details["tablespace"])
    if details["scope"]:
        return reset_stored(details["name"], details["value"], details["database"], details["role"], details["scope"])
    return set_setting(details["name"], details["default"], details["value"])
