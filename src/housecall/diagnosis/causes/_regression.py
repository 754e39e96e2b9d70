"""When the worse plan of a statement is a cause by itself, on every engine: only when nothing better explains it."""

from collections.abc import Iterable

from housecall.diagnosis.cause import Found
from housecall.diagnosis.finding import Finding, Severity
from housecall.wording import Say

BETTER_KNOWN = (
    "missing_index", "wrong_index_order", "function_on_column", "implicit_cast", "charset_mismatch_join",
    "correlated_columns", "generic_plan_skew", "partition_pruning", "leading_wildcard", "offset_pagination",
    "huge_in_list", "correlated_subquery",
)  # fmt: skip
"""Checks that say why a statement reads so much."""
GATHER = Say(
    "Gather statistics of the statement's tables, the cheapest thing that brings a plan back",
    "收集该语句所用表的统计信息，这是恢复执行计划代价最小的办法",
)
NO_UNDO = Say("new statistics need no undo", "收集统计信息无需回退")


def is_explained(
    finding: Finding, found: Found, switches: Iterable[Finding], stale_from: Severity = Severity.INFO
) -> bool:
    """Whether another finding says why this statement got worse: its access or its writing, statistics of one of its
    tables that are old by `stale_from` or more, or one of `switches`, optimizer settings against sense that touch it.
    """
    engine, details = finding.check.partition(".")[0], finding.details
    for other in found.of(*(f"{engine}.{name}" for name in BETTER_KNOWN)):
        statements = other.details.get("statements") or [other.details.get("identity")]
        if details["identity"] in statements and other.severity.rank >= Severity.NOTICE.rank:
            return True
    old = found.of(f"{engine}.stale_statistics")
    stale = {each.object for each in old if each.severity.rank >= stale_from.rank}
    return bool(stale.intersection(details["tables"])) or any(True for _ in switches)
