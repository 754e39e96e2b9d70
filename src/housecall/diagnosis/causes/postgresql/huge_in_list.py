"""IN lists of hundreds of values are parsed and planned anew for each call."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._statement_causes import application_change, statement_cause
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="huge_in_list",
    title=Say(en="Huge IN list", zh="IN 列表过长"),
    checks=("postgresql.huge_in_list", "postgresql.top_statements"),
)
_SUMMARY = Say(
    en="A hot statement on {table} carries an IN list of {elements:count} values or more.",
    zh="涉及 {table} 的热点语句带有 {elements:count} 个以上值的 IN 列表。",
)
_FIX = Say(
    en="Pass the values as one array parameter (= ANY ($1)); for thousands, join with unnest($1) or a temporary table",
    zh="将这些值作为一个数组参数传入（= ANY($1)）；上千个值时与 unnest($1) 或临时表连接",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.huge_in_list"):
        details = finding.details
        yield statement_cause(
            CAUSE.id, finding, found,
            _SUMMARY(table=", ".join(details["tables"]) or "?", elements=details["elements"]),
            (application_change(_FIX()),), confidence=0.85,
        )  # fmt: skip
