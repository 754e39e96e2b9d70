"""A cache of open tables or of their definitions is too small, so tables are opened again and again."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._settings import Change, by_age, set_variables
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="table_cache_small",
    title=Say(en="Table cache too small", zh="表缓存过小"),
    checks=("mysql.table_cache",),
)
_OPENED = Say(
    en="{total:count} tables were opened in {age:duration}, with room for {size:count}.",
    zh="{age:duration} 内打开了 {total:count} 次表，缓存只能容纳 {size:count} 张。",
)
_FILES = Say(
    en="Each open table takes a file or two; open_files_limit is {files:count}.",
    zh="每张打开的表占用一到两个文件；open_files_limit 为 {files:count}。",
)
USUAL, MOST = 2000, 20_000
"""MySQL's default of table_open_cache is 4,000 and MariaDB's 2,000."""


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    findings = found.of("mysql.table_cache")
    for finding in findings:
        details = finding.details
        others = tuple(each.fingerprint for each in findings if each is not finding)
        yield Cause(
            id=CAUSE.id,
            object=details["name"],
            object_kind="setting",
            severity=finding.severity,
            confidence=0.9 if details["is_now"] else by_age(0.7, details["age_seconds"]),
            summary=finding.message,
            because=(_OPENED(total=details["total"], age=details["age_seconds"], size=details["size"]),),
            evidence=finding.evidence,
            remedies=(_enlarge(now, finding),),
            rests_on=(finding.fingerprint,),
            absorbs=others if details["name"] == "table_open_cache" else (),
            impact=0.15 if details["is_now"] else 0.0,
            past=details["is_over"],
        )


def _enlarge(now: Snapshot, finding: Finding) -> Remedy:
    details = finding.details
    wanted = int(min(max(2 * details["size"], USUAL), max(MOST, details["size"])))
    change = Change(details["name"], str(wanted), str(int(details["size"])))
    return set_variables(now.facts.version, [change], caution=_FILES(files=details["files"]))
