"""Internal temporary tables go to disk because the server keeps only small ones in memory."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._settings import by_age, share_of_time
from housecall.diagnosis.causes.mysql.temporary_tables_on_disk import is_by_the_limit, larger_tables
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="temporary_tables_on_disk",
    title=Say(en="Temporary tables on disk", zh="临时表落盘"),
    checks=("mysql.temporary_table_size", "mysql.statement_temporary_tables"),
)
_LOW = Say(en="{name} is {size:bytes}, below its default of 16 MB.", zh="{name} 为 {size:bytes}，低于默认值 16 MB。")
_SIZE = Say(
    en="Tables of up to {size:bytes} stay in memory; if the statements build larger ones, mend the statements.",
    zh="不超过 {size:bytes} 的临时表留在内存；若语句产生更大的临时表，应先改写语句。",
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.temporary_table_size"):
        details = finding.details
        is_root = details["is_now"] and details["is_low"]  # far below the default, and felt now
        remedy = larger_tables(now, details["size"])
        suffering = [each for each in found.of("mysql.statement_temporary_tables") if is_by_the_limit(each, found, now)]
        share = sum(each.details["share"] for each in suffering)
        yield Cause(
            id=CAUSE.id,
            object=details["name"],
            object_kind="setting",
            severity=max((finding.severity, *[each.severity for each in suffering]), key=lambda each: each.rank),
            confidence=0.95 if is_root else by_age(0.85 if details["is_low"] else 0.5, details["age_seconds"]),
            summary=finding.message,
            because=((_LOW(name=details["name"], size=details["size"]) if details["is_low"]
                      else _SIZE(size=details["size"])),),
            evidence=finding.evidence,
            remedies=(remedy,) if remedy else (),
            rests_on=(finding.fingerprint,),
            absorbs=tuple(each.fingerprint for each in suffering),
            impact=max(0.1, share_of_time(now, lambda row: row.tmp_disk_tables > 0)) if is_root else min(share, 1.0),
            past=details["is_over"],
        )  # fmt: skip
