"""Just-in-time compilation takes a large part of the time of statements that are too short for it."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._changes import reset_stored, set_setting
from housecall.diagnosis.causes.postgresql._statement_causes import statement_cause
from housecall.diagnosis.checks.postgresql._settings import setting, stored_for_roles
from housecall.diagnosis.checks.postgresql.dangerous_settings import scope_of
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="jit_overhead",
    title=Say(en="Compilation costs more than it saves", zh="JIT 编译开销过大"),
    checks=("postgresql.jit_overhead", "postgresql.top_statements"),
)
_SUMMARY = Say(
    en="{share:percent} of the time of a hot statement goes into just-in-time compilation.",
    zh="某热点语句 {share:percent} 的时间花在 JIT 编译上。",
)
DEFAULT_COST = 100_000
_CAUTION = Say(
    en="Long analytic queries may gain from it; ten times the present jit_above_cost keeps it for those.",
    zh="较长的分析查询可能受益于 JIT；把 jit_above_cost 提高十倍即可只为它们保留。",
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    current = setting(now, "jit_above_cost")
    old = current.value if current and current.value else str(DEFAULT_COST)
    lowered = [each for each in stored_for_roles(now) if each.name == "jit_above_cost" and _is_low(each.value)]
    stored = lowered[0] if lowered else None
    for finding in found.of("postgresql.jit_overhead"):
        raised = str(max(int(float(old)) * 10, 1_000_000))
        # What is stored for a database or a role wins over the server's value.
        remedy = (
            reset_stored("jit_above_cost", stored.value or "", stored.database_name, stored.role_name, scope_of(stored))
            if stored
            else set_setting("jit_above_cost", raised, old, caution=_CAUTION())
        )
        yield statement_cause(
            CAUSE.id, finding, found, _SUMMARY(share=finding.details["jit_share"]),
            (remedy,), confidence=0.9,
            object_name="jit_above_cost",
        )  # fmt: skip


def _is_low(value: str) -> bool:
    """Below the default of the server: a role or database with more, or with -1 for never, compiles the less for it."""
    return 0 <= float(value) < DEFAULT_COST
