"""A hot statement on MySQL or MariaDB runs a subquery once for every row of its outer query.

An index that only this statement asks for, on the table of the subquery, is its first remedy and no cause of its own.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._statement_causes import (
    application_change,
    index_remedy,
    proposals_for,
    statement_cause,
)
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="correlated_subquery",
    title=Say(en="Subquery that runs for every row", zh="逐行执行的相关子查询"),
    checks=("mysql.correlated_subquery", "mysql.top_statements", "mysql.missing_index", "mysql.wrong_index_order"),
)
_SUMMARY = Say(
    en="A subquery on {inner} runs once for each row of the outer query.",
    zh="对 {inner} 的子查询按外层查询的每一行各执行一次。",
)
_REWRITE = Say(
    en="Rewrite it as one pass: JOIN (SELECT key, aggregate FROM {inner} GROUP BY key), or a window function",
    zh="改写为一次性计算：JOIN（SELECT 键，聚合 FROM {inner} GROUP BY 键），或使用窗口函数",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.correlated_subquery"):
        details = finding.details
        wanted = [each for each in proposals_for(found, finding) if each.details["table"] in details["inner"]]
        inner = ", ".join(details["inner"])
        tables = [name for name in details["tables"] if name.rpartition(".")[2].strip("`") in details["inner"]]
        yield statement_cause(
            CAUSE.id, finding, found, _SUMMARY(inner=inner),
            (*(index_remedy(each) for each in wanted[:1]), application_change(_REWRITE(inner=inner))),
            confidence=0.9 if wanted else 0.75, absorbs=wanted, object_name=tables[0] if tables else None,
            object_kind="table",
        )  # fmt: skip
