"""A hot statement on MySQL or MariaDB sorts more than the sort buffer holds. Where the buffer itself is far too small
for everybody, that setting is the cause and not the statement."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._statement_causes import application_change, statement_cause
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="sort_spill",
    title=Say(en="A statement sorts on disk", zh="语句排序落盘"),
    checks=("mysql.statement_sorts", "mysql.top_statements", "mysql.sort_buffer"),
)
_SUMMARY = Say(
    en="A hot statement on {table} sorts {rows:count} rows on each call, more than the sort buffer holds.",
    zh="针对 {table} 的热点语句每次调用要排序 {rows:count} 行，超出了排序缓冲区。",
)
_SUMMARY_CUT = Say(
    en="A hot statement on {table} sorts more on each call than the sort buffer holds, to give out {rows:count} rows.",
    zh="针对 {table} 的热点语句每次调用的排序超出了排序缓冲区，最终只取 {rows:count} 行。",
)
_PASSES = Say(
    en="Each call makes {passes:number} merge passes through files.", zh="每次调用要做 {passes:number} 轮文件归并。"
)
_INDEX = Say(
    en="Give the order by an index on its columns, or sort fewer and narrower rows (LIMIT, no large columns)",
    zh="用排序列上的索引给出顺序，或减少参与排序的行和列（加 LIMIT，不取大列）",
)
_HINT = Say(
    en="Where neither can be, a larger buffer for this statement alone: SET SESSION sort_buffer_size before it (on"
    " MySQL the hint SET_VAR)",
    zh="如果都不可行，仅为该语句加大缓冲区：执行前 SET SESSION sort_buffer_size（MySQL 可用 SET_VAR 提示）",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    if any(each.details["is_low"] for each in found.of("mysql.sort_buffer")):
        return
    for finding in found.of("mysql.statement_sorts"):
        details = finding.details
        yield statement_cause(
            CAUSE.id, finding, found,
            (_SUMMARY_CUT if details["is_cut"] else _SUMMARY)(
                table=", ".join(details["tables"]) or "?", rows=details["sort_rows"]
            ),
            (application_change(_INDEX()), application_change(_HINT())), confidence=0.8,
            because=(_PASSES(passes=details["passes"]),), absorbs=found.of("mysql.sort_buffer"),
        )  # fmt: skip
