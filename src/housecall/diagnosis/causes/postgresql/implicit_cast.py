"""A comparison makes the server convert the column for every row, so its index is not used."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._statement_causes import application_change, statement_cause
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="implicit_cast",
    title=Say(en="Comparison converts the column", zh="隐式类型转换"),
    checks=("postgresql.implicit_cast", "postgresql.hot_sequential_scans", "postgresql.top_statements"),
)
_SUMMARY = Say(
    en="{column} is {type} but compared as {to}: the server converts every row and cannot use the column's index.",
    zh="{column} 的类型是 {type}，却按 {to} 比较：服务器要逐行转换，无法使用该列的索引。",
)
_FIX = Say(
    en="Pass the parameter as {type} (or write CAST($1 AS {type})), so that the column stays as it is",
    zh="以 {type} 类型传入参数（或写成 CAST（$1 AS {type}）），让列保持原样",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.implicit_cast"):
        details = finding.details
        column = f"{details['relation']}.{details['column']}"
        scans = [each for each in found.of("postgresql.hot_sequential_scans") if each.object in details["tables"]]
        table = next((each for each in details["tables"] if each.endswith(details["relation"])), details["relation"])
        yield statement_cause(
            CAUSE.id, finding, found,
            _SUMMARY(column=column, type=details["column_type"], to=details["converted_to"]),
            (application_change(_FIX(type=details["column_type"])),), confidence=0.9, absorbs=scans,
            object_name=f"{table}({details['column']})",
        )  # fmt: skip
