"""One plan for every value of a skewed column: rare values pay for the common one."""

from collections.abc import Iterator, Mapping
from typing import Any

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._changes import reset_stored, set_setting
from housecall.diagnosis.causes.postgresql._statement_causes import application_change, statement_cause
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.quoting import qualified, quote_identifier
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="generic_plan_skew",
    title=Say("Generic plan on skewed data", "倾斜数据使用通用计划"),
    checks=(
        "postgresql.generic_plan_skew", "postgresql.top_statements", "postgresql.hot_sequential_scans",
        "postgresql.missing_index", "postgresql.planner_switches",
    ),
)  # fmt: skip
_SUMMARY = Say(
    "A hot prepared statement reads all of {table} for rare values of {column} too: one generic plan serves every"
    " value.",
    "热点预备语句对 {column} 的罕见值也全表读取 {table}：所有取值共用一个通用计划。",
)
_SETTING = Say(
    "plan_cache_mode = force_generic_plan for {scope} keeps prepared statements from looking at their values.",
    "{scope} 的 plan_cache_mode = force_generic_plan 使预备语句在制定计划时不考虑取值。",
)
_SKEW = Say(
    "One value fills {share:percent} of {column}; the generic plan is made for an average one.",
    "{column} 中有 {share:percent} 的行是同一个值，而通用计划按平均值制定。",
)
_FORCED = Say(
    "plan_cache_mode is force_generic_plan for {scope}.", "{scope} 的 plan_cache_mode 为 force_generic_plan。"
)
_CUSTOM = Say(
    "Let the application's role plan such statements for each value: plan_cache_mode = force_custom_plan for its"
    " role, or"
    " write the constant into the statement, or turn server-side prepare off in the driver for it",
    "让该语句按取值制定计划：为应用角色设置 plan_cache_mode = force_custom_plan，或把常量直接写进语句，"
    "或在驱动中对它关闭服务端预备语句",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.generic_plan_skew"):
        yield _of_statement(finding, found) if finding.details["column"] else _of_setting(finding)


def _of_statement(finding: Finding, found: Found) -> Cause:
    details = finding.details
    table = qualified(details["schema"], details["table"])
    because: list[Message] = [_FORCED(scope=each["scope"]) for each in details["forced"][:1]]
    if details["top_share"] is not None:
        because.append(_SKEW(share=details["top_share"], column=details["column"]))
    explained = [
        each
        for each in found.of("postgresql.hot_sequential_scans", "postgresql.missing_index")
        if (each.details.get("schema"), each.details.get("table")) == (details["schema"], details["table"])
    ]
    remedies = tuple(_reset(each) for each in details["forced"]) or (application_change(_CUSTOM()),)
    return statement_cause(
        CAUSE.id, finding, found, _SUMMARY(table=table, column=details["column"]), remedies,
        confidence=0.9 if details["forced"] and details["top_share"] else 0.7, because=tuple(because),
        absorbs=explained, object_name=f"{table}({quote_identifier(details['column'])})",
    )  # fmt: skip


def _of_setting(finding: Finding) -> Cause:
    return Cause(
        id=CAUSE.id,
        object="plan_cache_mode",
        object_kind="setting",
        severity=finding.severity,
        confidence=0.6,
        summary=_SETTING(scope=finding.details["forced"][0]["scope"]),
        because=(),
        evidence=finding.evidence,
        remedies=tuple(_reset(each) for each in finding.details["forced"]),
        rests_on=(finding.fingerprint,),
    )


def _reset(forced: Mapping[str, Any]) -> Remedy:
    if forced["role"] is None and forced["database"] is None and forced["scope"] == "the server":
        return set_setting("plan_cache_mode", "auto", "force_generic_plan")
    return reset_stored(
        "plan_cache_mode", "force_generic_plan", forced["database"], forced["role"], str(forced["scope"])
    )
