"""A method of the optimizer of MySQL or MariaDB is switched off, or a limit makes it plan blindly.

Weighs as much as the statements that need the method: those with subqueries for semijoin and materialization, those
with joins for the join methods. It explains what these statements seem to lack.
"""

from collections.abc import Iterator

from sqlglot import exp

from housecall.advisor.statement import parse_statement
from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._settings import Change, set_variables
from housecall.diagnosis.checks.mysql.planner_switches import JOINS, SUBQUERIES
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.explainable import plain_digest
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="planner_switch_off",
    title=Say(en="Optimizer methods switched off", zh="优化器开关被关闭"),
    checks=("mysql.planner_switches", "mysql.top_statements", "mysql.missing_index", "mysql.correlated_subquery"),
)
_SUMMARY = Say(
    en="{name} keeps the optimizer from plans that would be fast: {value} (default {default}).",
    zh="{name} 使优化器无法选择本来很快的执行计划：{value}（默认 {default}）。",
)
_SHARE = Say(
    en="Statements that could use it took {share:percent} of the time of all statements.",
    zh="可能用到它的语句占全部语句耗时的 {share:percent}。",
)
_NONE = Say(en="No costly statement was seen that needs it.", zh="没有看到需要它的高开销语句。")
_SESSIONS = Say(
    en="Sessions keep the value they began with; pooled connections take the new one when they are renewed.",
    zh="已有会话保持原值；连接池中的连接在重新建立后才使用新值。",
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.planner_switches"):
        details = finding.details
        suffer = [each for each in found.of("mysql.top_statements") if needs(each, finding)]
        share = min(1.0, sum(each.details["share"] for each in suffer))
        identities = {each.details["identity"] for each in suffer}
        explained = [
            each
            for each in found.of("mysql.missing_index", "mysql.correlated_subquery")
            if each.details["identity"] in identities and set(details["off"]).intersection(SUBQUERIES)
        ]
        message: Message = _SHARE(share=share) if share else _NONE()
        quote = "'" if details["name"] == "optimizer_switch" else ""
        change = Change(details["name"], f"{quote}{details['default']}{quote}", f"{quote}{details['value']}{quote}")
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind="setting",
            severity=finding.severity,
            confidence=0.9 if share else 0.7,
            summary=_SUMMARY(name=details["name"], value=details["value"], default=details["default"]),
            because=(message,),
            evidence=finding.evidence,
            remedies=(set_variables(now.facts.version, [change], caution=_SESSIONS()),),
            rests_on=(finding.fingerprint,),
            absorbs=tuple(each.fingerprint for each in (*suffer, *explained)),
            impact=share,
        )


def needs(statement: Finding, finding: Finding) -> bool:
    """Whether a costly statement is of the kind that the switched-off methods are for."""
    tree = parse_statement(plain_digest(statement.details["query"]), "mysql")
    if tree is None:
        return False
    off = set(finding.details["off"])
    if off.intersection(SUBQUERIES) and any(each.args.get("query") is not None for each in tree.find_all(exp.In)):
        return True
    if off.intersection(SUBQUERIES) and tree.find(exp.Exists) is not None:
        return True
    joins = finding.details["name"] in ("join_cache_level", "optimizer_search_depth") or off.intersection(JOINS)
    return bool(joins) and tree.find(exp.Join) is not None
