"""A table of MySQL or MariaDB carries many indexes that nobody reads, and every write maintains them.

Explains the single unused indexes of the table.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._changes import drop_index
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="over_indexing",
    title=Say(en="Too many indexes", zh="索引过多"),
    checks=("mysql.over_indexing", "mysql.unused_index"),
)
_SUMMARY = Say(
    en="{table} carries {idle} index{idle:|es} that no statement used in {age:duration} ({size:bytes}); every write"
    " maintains them.",
    zh="表 {table} 有 {idle} 个索引在 {age:duration} 内未被任何语句使用（共 {size:bytes}），每次写入却都要维护。",
)
_WRITES = Say(
    en="{writes:count} row change{writes:|s} were written to each of them: {indexes}.",
    zh="其中每个索引都随 {writes:count} 次行变更被写入：{indexes}。",
)
_CAUTION = Say(
    en="One after the other, each hidden first; ask whether replicas or a monthly job use it.",
    zh="逐个处理，先隐藏再删除；请确认从库或每月任务是否使用它。",
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.over_indexing"):
        if finding.details["is_seen"]:
            yield _cause(finding, found, now)


def _cause(finding: Finding, found: Found, now: Snapshot) -> Cause:
    details = finding.details
    single = [
        each
        for each in found.of("mysql.unused_index")
        if (each.details["schema"], each.details["table"]) == (details["schema"], details["table"])
    ]
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="table",
        severity=finding.severity,
        confidence=0.8 if details["age_seconds"] >= 24 * 3600 else 0.6,
        summary=_SUMMARY(
            table=finding.object, idle=len(details["idle"]), age=details["age_seconds"], size=details["idle_bytes"]
        ),
        because=(_WRITES(writes=details["writes"], indexes=", ".join(details["idle"][:12])),),
        evidence=finding.evidence,
        remedies=tuple(_remedies(finding, now)),
        rests_on=(finding.fingerprint,),
        absorbs=tuple(each.fingerprint for each in single),
        impact=0.02,
    )


def _remedies(finding: Finding, now: Snapshot) -> Iterator[Remedy]:
    """For the largest ones; the reading gives them by size."""
    details = finding.details
    for index, columns in list(zip(details["idle"], details["columns"], strict=True))[:3]:
        yield from drop_index(
            details["schema"], details["table"], index, columns, now.facts.version.flavour, is_unique=False,
            caution=_CAUTION(),
        )  # fmt: skip
