"""Sorts go through files on MySQL or MariaDB because sort_buffer_size is small for everybody."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._settings import Change, by_age, set_variables, share_of_time
from housecall.diagnosis.checks.mysql._counters import KB, MB
from housecall.diagnosis.checks.mysql.session_buffers import default_of
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="sort_spill",
    title=Say(en="Sorts on disk", zh="排序落盘"),
    checks=("mysql.sort_buffer", "mysql.statement_sorts", "mysql.offset_pagination"),
)
_SIZE = Say(
    en="sort_buffer_size is {size:bytes}; the default is {default:bytes}.",
    zh="sort_buffer_size 为 {size:bytes}，默认值为 {default:bytes}。",
)
_CAUTION = Say(
    en="Every sorting session takes that much; an index in the order of the sort takes nothing.",
    zh="每个排序的会话都会占用这么多内存；按排序顺序建立索引则不需要。",
)
MOST = 8 * MB


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.sort_buffer"):
        details = finding.details
        is_root = details["is_now"] and details["is_low"]  # far below the default, and felt now
        default = default_of(now, "sort_buffer_size")
        wanted = min(max(4 * int(details["size"]), default, 1024 * KB), MOST)
        changes = [Change("sort_buffer_size", str(wanted), str(int(details["size"])))]
        yield Cause(
            id=CAUSE.id,
            object="sort_buffer_size",
            object_kind="setting",
            severity=finding.severity,
            confidence=0.95 if is_root else by_age(0.85 if details["is_low"] else 0.5, details["age_seconds"]),
            summary=finding.message,
            because=(_SIZE(size=details["size"], default=default),),
            evidence=finding.evidence,
            remedies=(set_variables(now.facts.version, changes, caution=_CAUTION()),)
            if wanted > details["size"] else (),
            rests_on=(finding.fingerprint,),
            absorbs=_spilling(found) if is_root else (),
            impact=max(0.1, share_of_time(now, lambda row: row.sort_merge_passes > 0)) if is_root else 0.0,
            past=details["is_over"],
        )  # fmt: skip


def _spilling(found: Found) -> tuple[str, ...]:
    """What else was found of the statements that sort through files: one that sorts all rows for a page pays for the
    sort, and the offset comes after it."""
    sorts = found.of("mysql.statement_sorts")
    pages = [each for each in found.of("mysql.offset_pagination") if each.identity in {sort.identity for sort in sorts}]
    return tuple(each.fingerprint for each in (*sorts, *pages))
