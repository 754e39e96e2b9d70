"""An index has the column that a hot statement filters by, but behind another: the statement reads most of the
index."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._statement_causes import (
    STATEMENT,
    index_remedy,
    scans_of_table,
    share_message,
    top_statements,
)
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="wrong_index_order",
    title=Say(en="Index columns in the wrong order", zh="索引列顺序不当"),
    checks=("postgresql.wrong_index_order", "postgresql.hot_sequential_scans", "postgresql.top_statements"),
)
_SUMMARY = Say(
    en="Index {index} ({columns}) does not begin with the column that a hot statement filters by; {target} needs one"
    " that does.",
    zh="索引 {index}（{columns}）不以热点语句的过滤列开头；需要在 {target} 上建立以该列开头的索引。",
)
_ROWS = Say(
    en="About {before:count} entries are read to find about {after:count}.",
    zh="为找到约 {after:count} 条要读取约 {before:count} 条索引项。",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.wrong_index_order"):
        details = finding.details
        rest = [name for name in details["index_columns"] if name not in details["keys"] and name.isidentifier()]
        explained = [*scans_of_table(found, finding), *top_statements(found, details["statements"])]
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind="column",
            severity=finding.severity,
            confidence=0.9 if details["seen_in_plan"] else 0.7,
            summary=_SUMMARY(
                index=details["index"], columns=", ".join(details["index_columns"]), target=finding.object
            ),
            because=(
                share_message(details),
                STATEMENT(statement=details["text"]),
                _ROWS(before=details["rows_without"], after=max(details["rows_with"], 1)),
            ),
            evidence=finding.evidence,
            remedies=(index_remedy(finding, extra=rest[:2]),),
            rests_on=(finding.fingerprint,),
            absorbs=tuple(each.fingerprint for each in explained),
            impact=details["share"],
            past=details["is_over"],
        )
