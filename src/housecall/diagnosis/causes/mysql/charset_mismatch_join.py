"""A hot statement on MySQL or MariaDB joins columns of two character sets, so that one side is converted row by row."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._collations import align
from housecall.diagnosis.causes.mysql._statement_causes import proposals_for, statement_cause
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="charset_mismatch_join",
    title=Say(en="Join across character sets", zh="跨字符集连接"),
    checks=("mysql.charset_mismatch_join", "mysql.top_statements", "mysql.missing_index", "mysql.wrong_index_order"),
)
_SUMMARY = Say(
    en="{column} ({one}) is joined with {other} ({wide}): the server converts it for every row, and no index on it can"
    " serve.",
    zh="{column}（{one}）与 {other}（{wide}）连接：服务器要逐行转换，其上的索引无法使用。",
)
_INDEX = Say(
    en="It has an index, which a join in one collation would use.", zh="该列有索引，排序规则一致时连接就能使用它。"
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.charset_mismatch_join"):
        details = finding.details
        because: tuple[Message, ...] = (_INDEX(),) if details["has_index"] else ()
        yield statement_cause(
            CAUSE.id, finding, found,
            _SUMMARY(
                column=details["target"], one=details["collation"], other=details["other"],
                wide=details["other_collation"],
            ),
            (align(details),), confidence=0.9 if details["has_index"] else 0.7, because=because,
            absorbs=proposals_for(found, finding), object_name=details["target"],
        )  # fmt: skip
