"""A hot statement on MySQL or MariaDB sorts more than the sort buffer holds. Where the buffer itself is far too small
for everybody, that setting is the cause and not the statement."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._settings import Change, set_variables
from housecall.diagnosis.causes.mysql._statement_causes import application_change, statement_cause
from housecall.diagnosis.checks.mysql._counters import KB, MB, number
from housecall.diagnosis.remedy import Remedy
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
_RAISED = Say(
    en="A larger buffer for all new sessions makes fewer and larger runs to merge. Each session that sorts may take"
    " that much memory; an index takes none.",
    zh="为所有新会话加大缓冲区，可减少归并的轮数。每个排序的会话都可能占用这么多内存；索引则不需要。",
)
WANTED_BYTES = 8 * MB
"""Up to here a larger buffer pays; beyond, filling it costs more than the merge that it saves (MySQL manual,
sort_buffer_size)."""


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    if any(each.details["is_low"] for each in found.of("mysql.sort_buffer")):
        return
    for finding in found.of("mysql.statement_sorts"):
        details = finding.details
        yield statement_cause(
            CAUSE.id, finding, found,
            (_SUMMARY_CUT if details["is_cut"] else _SUMMARY)(
                table=", ".join(details["tables"]) or "?", rows=details["sort_rows"]
            ),
            (application_change(_INDEX()), *_raise(now), application_change(_HINT())), confidence=0.8,
            because=(_PASSES(passes=details["passes"]),), absorbs=found.of("mysql.sort_buffer"),
        )  # fmt: skip


def _raise(now: Snapshot) -> tuple[Remedy, ...]:
    """The setting for everybody, where it is still far from what pays."""
    size = number(now, "sort_buffer_size")
    if size is None or size > WANTED_BYTES / 2:
        return ()
    wanted = int(min(max(8 * size, 1024 * KB), WANTED_BYTES))
    change = Change("sort_buffer_size", str(wanted), str(int(size)))
    return (set_variables(now.facts.version, [change], when="later", caution=_RAISED()),)
