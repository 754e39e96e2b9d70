"""An index of MySQL or MariaDB has the column that a hot statement filters by, but behind another: the statement reads
most of the index, or the table."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._statement_causes import (
    STATEMENT,
    index_remedy,
    row_messages,
    share_message,
    top_statements,
)
from housecall.diagnosis.causes.mysql.missing_index import confidence
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="wrong_index_order",
    title=Say(en="Index columns in the wrong order", zh="索引列顺序不当"),
    checks=("mysql.wrong_index_order", "mysql.top_statements"),
)
_SUMMARY = Say(
    en="Index {index} ({columns}) does not begin with the column that a hot statement filters by; {target} needs one"
    " that does.",
    zh="索引 {index}（{columns}）不以热点语句的过滤列开头；需要在 {target} 上建立以该列开头的索引。",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.wrong_index_order"):
        details = finding.details
        rest = [name for name in details["index_columns"] if name not in details["keys"]]
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind="column",
            severity=finding.severity,
            confidence=confidence(finding),
            summary=_SUMMARY(
                index=details["index"], columns=", ".join(details["index_columns"]), target=finding.object
            ),
            because=(share_message(details), STATEMENT(statement=details["text"]), *row_messages(details)),
            evidence=finding.evidence,
            remedies=(index_remedy(finding, extra=rest[:2]),),
            rests_on=(finding.fingerprint,),
            absorbs=tuple(each.fingerprint for each in top_statements(found, details["statements"])),
            impact=details["share"],
            past=details["is_over"],
        )
