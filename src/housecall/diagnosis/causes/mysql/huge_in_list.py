"""Statements on MySQL or MariaDB carry IN lists of hundreds of values."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._statement_causes import application_change, statement_cause
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="huge_in_list",
    title=Say(en="Huge IN list", zh="IN 列表过长"),
    checks=("mysql.huge_in_list", "mysql.top_statements"),
)
_SUMMARY = Say(
    en="A hot statement on {table} carries {elements:count} values or more in an IN list, each of which is parsed and"
    " looked up on every call.",
    zh="针对 {table} 的热点语句在 IN 列表中带有至少 {elements:count} 个值，每次调用都要逐个解析和查找。",
)
_FIX = Say(
    en="Send the values in batches of about a hundred, or join with a temporary table or JSON_TABLE",
    zh="按每批约一百个值分批发送，或与临时表、JSON_TABLE 连接",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.huge_in_list"):
        details = finding.details
        yield statement_cause(
            CAUSE.id, finding, found,
            _SUMMARY(table=", ".join(details["tables"]) or "?", elements=details["elements"]),
            (application_change(_FIX()),), confidence=0.75,
        )  # fmt: skip
