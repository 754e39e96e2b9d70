"""A hot statement fetches whole rows with large values where few columns would do."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._statement_causes import application_change, statement_cause
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="wide_rows_fetched",
    title=Say("Wide rows fetched whole", "整行读取宽行"),
    checks=("postgresql.wide_rows", "postgresql.top_statements"),
)
_SUMMARY = Say(
    "A hot statement fetches whole rows of {table}, about {bytes:bytes} a call, large values included.",
    "热点语句整行读取 {table}，连同大字段每次约 {bytes:bytes}。",
)
_LARGE = Say(
    "{large:bytes} of large values lie beside {rows:bytes} of rows: {columns}.",
    "大字段占 {large:bytes}，行本身占 {rows:bytes}：{columns}。",
)
_NAME = Say(
    "Name only the columns that are needed in place of *, and fetch {columns} one document at a time when it is shown",
    "用需要的列名代替 *，仅在展示单条记录时再单独读取列 {columns}",
)
_SPLIT = Say(
    "Or keep the large columns ({columns}) in a table of their own under the same key",
    "或将大字段列（{columns}）拆到同主键的另一张表",
)
_CAUTION = Say(
    "Where the application needs all of it, fetch fewer rows a call instead.",
    "若确实需要全部内容，应减少每次读取的行数。",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.wide_rows"):
        details = finding.details
        columns = ", ".join(details["large_columns"][:4])
        yield statement_cause(
            CAUSE.id, finding, found, _SUMMARY(table=details["table"], bytes=details["call_bytes"]),
            (application_change(_NAME(columns=columns), _CAUTION()), application_change(_SPLIT(columns=columns))),
            confidence=0.75,
            because=(_LARGE(large=details["large_bytes"], rows=details["row_bytes"], columns=columns),),
            object_name=details["table"],
        )  # fmt: skip
