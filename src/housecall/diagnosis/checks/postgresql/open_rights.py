"""Rights that everybody has, functions that can be tricked, and row-level security that does nothing.

Why it matters: who may create objects in a schema can put a function in front of the right one; a SECURITY DEFINER
function without a fixed search_path then runs it with its owner's rights. Policies on a table where row-level security
is not enabled filter nothing; enabled without a policy it hides every row.
How to fix: REVOKE CREATE ON SCHEMA ... FROM PUBLIC; ALTER FUNCTION ... SET search_path = pg_catalog, pg_temp; ALTER
TABLE ... ENABLE ROW LEVEL SECURITY, or write the policy.
Source: PostgreSQL manual, "Writing SECURITY DEFINER Functions Safely", "Usage Patterns" of schemas, "Row Security
Policies"; see also splinter.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.finding import Finding, ObjectKind, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.rights import OpenRight
from housecall.wording import Say

CHECK = Check(
    id="postgresql.open_rights",
    item="security_configuration_analysis",
    severity=Severity.NOTICE,
    title=Say("Rights too wide", "权限过宽"),
    thresholds=[
        Threshold("most", 5, "of one kind; the total is told with each"),
    ],
)
_SAYS = {
    "create_for_all": (
        Severity.INFO,
        Say("Everybody may create objects in schema {name}.", "任何用户都可以在模式 {name} 中创建对象。"),
    ),
    "definer_function": (
        Severity.INFO,
        Say(
            "Function {name} runs with its owner's rights (SECURITY DEFINER) and no fixed search_path.",
            "函数 {name} 以所有者权限运行（SECURITY DEFINER），但没有固定 search_path。",
        ),
    ),
    "policy_without_effect": (
        Severity.NOTICE,
        Say(
            "Table {name} has policies, but row-level security is not enabled: they filter nothing.",
            "表 {name} 定义了策略，但未启用行级安全：策略不起作用。",
        ),
    ),
    "no_policy": (
        Severity.INFO,
        Say(
            "Table {name} has row-level security without a policy: all but its owner see no row.",
            "表 {name} 启用了行级安全但没有任何策略：除所有者外都看不到行。",
        ),
    ),
}


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    told: dict[str, int] = {}
    for row in now.rows(OpenRight):
        severity, say = _SAYS[row.kind]
        told[row.kind] = told.get(row.kind, 0) + 1
        if told[row.kind] > limits["most"]:
            continue
        kind: ObjectKind = "table" if row.kind in ("policy_without_effect", "no_policy") else "database"
        shown = row.name if row.detail is None else f"{row.name}({row.detail})"
        yield Finding(
            CHECK.id, CHECK.item, severity, row.name, kind, say(name=shown),
            measured(OpenRight, kind=(row.kind, "text"), all_of_this_kind=(row.total, "count")),
            details={"kind": row.kind, "name": row.name, "total": row.total},
            identity=f"{row.kind} {row.name} {row.detail}",
        )  # fmt: skip
