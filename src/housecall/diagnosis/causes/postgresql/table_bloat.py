"""A large table is mostly empty space that deleted and updated rows left behind.

Only when dead rows do not explain it: while there are many, removing them comes first. VACUUM FULL is not proposed:
it locks the table for as long as the rewrite takes.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._vacuum import NOTHING_TO_UNDO, vacuum_table
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.quoting import quote_literal
from housecall.wording import Say

CAUSE = CauseRule(
    id="table_bloat",
    title=Say("Table bloat", "表膨胀"),
    checks=("postgresql.table_bloat",),
)

MAX_DEAD_SHARE = 0.2
"""Above it the dead rows themselves are what must go first."""

_SUMMARY = Say(
    "{table} takes {size:bytes} although its rows need about {needed:bytes}.",
    "{table} 占用 {size:bytes}，而行数据只需约 {needed:bytes}。",
)
_SHARE = Say("About {share:percent} of it is empty space (an estimate).", "约 {share:percent} 是空闲空间（估算）。")
_AT_MOST = Say(
    "{table} takes {size:bytes} although its rows need {needed:bytes} at most.",
    "{table} 占用 {size:bytes}，而行数据最多只需 {needed:bytes}。",
)
_SHARE_AT_LEAST = Say(
    "At least {share:percent} of it is empty space, even if every row took 2 kB; how wide they are could not be seen.",
    "即使每行占 2 kB，也至少有 {share:percent} 是空闲空间；实际列宽无法查看。",
)
_REPACK = Say(
    "At a quiet time, rewrite {table} with pg_repack (pg_repack -t {table}); otherwise new rows reuse the space",
    "在低峰期用 pg_repack 重写 {table}（命令：pg_repack -t {table}）；若不处理，新写入的行也会重用这些空间",
)
_LOCK = Say(
    "pg_repack takes an exclusive lock twice, for a moment each; it needs free disk space of the table's size.",
    "pg_repack 会短暂加两次排他锁，并需要与表同等大小的磁盘空间。",
)
_VERIFY = Say("The table takes about {needed:bytes}.", "表大小降到约 {needed:bytes}。")


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:  # noqa: ARG001
    for finding in found.of("postgresql.table_bloat"):
        if finding.details["dead_share"] <= MAX_DEAD_SHARE:
            yield _cause(finding)


def _cause(finding: Finding) -> Cause:
    details = finding.details
    size, needed = details["size_bytes"], details["needed_bytes"]
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="table",
        severity=finding.severity,
        confidence=0.7,
        summary=(_SUMMARY if details["is_known"] else _AT_MOST)(table=finding.object, size=size, needed=needed),
        because=((_SHARE if details["is_known"] else _SHARE_AT_LEAST)(share=details["share"]),),
        evidence=finding.evidence,
        remedies=(_repack(finding), vacuum_table(details["schema"], details["table"], size)),
        rests_on=(finding.fingerprint,),
    )


def _repack(finding: Finding) -> Remedy:
    return Remedy(
        title=_REPACK(table=finding.object),
        statements=(),
        lock=_LOCK(),
        risk="medium",
        when="later",
        rollback=(),
        rollback_note=NOTHING_TO_UNDO(),
        verify=_VERIFY(needed=finding.details["needed_bytes"]),
        verify_statement=f"SELECT pg_catalog.pg_relation_size({quote_literal(finding.object)})",
    )
