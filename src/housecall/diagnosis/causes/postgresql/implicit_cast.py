"""A comparison makes the server convert the column for every row, so its index is not used."""

from collections.abc import Iterator
from dataclasses import replace

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._statement_causes import (
    application_change,
    index_remedy,
    statement_cause,
)
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.quoting import quote_identifier
from housecall.wording import Say

CAUSE = CauseRule(
    id="implicit_cast",
    title=Say(en="Comparison converts the column", zh="隐式类型转换"),
    checks=(
        "postgresql.implicit_cast", "postgresql.hot_sequential_scans", "postgresql.top_statements",
        "postgresql.missing_index",
    ),
)  # fmt: skip
_SUMMARY = Say(
    en="{column} is {type} but compared as {to}: the server converts every row and cannot use the column's index.",
    zh="{column} 的类型是 {type}，却按 {to} 比较：服务器要逐行转换，无法使用该列的索引。",
)
_SUMMARY_BARE = Say(
    en="{column} is {type} but compared as {to}: the server converts every row, and an index on the column, which there"
    " is none yet, could not serve.",
    zh="{column} 的类型是 {type}，却按 {to} 比较：服务器要逐行转换；该列尚无索引，即使建了也无法使用。",
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
        bare = quote_identifier(details["relation"])
        table = next((each for each in details["tables"] if each == bare or each.endswith(f".{bare}")), bare)
        lacking = [each for each in found.of("postgresql.missing_index") if _is_of(each, finding)]
        say = _SUMMARY_BARE if lacking else _SUMMARY
        change = application_change(_FIX(type=details["column_type"]))
        afterwards = [replace(index_remedy(each), when="later") for each in lacking[:1]]
        yield statement_cause(
            CAUSE.id, finding, found,
            say(column=column, type=details["column_type"], to=details["converted_to"]),
            (change, *afterwards),
            confidence=0.9, absorbs=[*scans, *lacking], object_name=f"{table}({quote_identifier(details['column'])})",
        )  # fmt: skip


def _is_of(missing: Finding, finding: Finding) -> bool:
    """Whether the index that is missing is one on the converted column, for the same statement: it would not serve
    before the comparison is mended."""
    details = finding.details
    return bool(
        missing.details["table"] == details["relation"]
        and missing.details["keys"][:1] == [details["column"]]
        and missing.details["statements"] == [details["identity"]]
    )
