"""A table option keeps autovacuum away from one table, and its dead rows pile up.

The table's old statistics and dead rows are consequences of the option, unless old statistics are all the harm that it
has done: then they are what people feel, and the option is why (see `stale_statistics`).
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._changes import same_table
from housecall.diagnosis.causes.postgresql._sessions import fingerprints
from housecall.diagnosis.causes.postgresql._vacuum import NO_DEAD_ROWS, VACUUM_LOCK, dead_rows_of
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.quoting import qualified
from housecall.wording import Say

CAUSE = CauseRule(
    id="autovacuum_off_for_table",
    title=Say("Autovacuum is off for a table", "表级 autovacuum 已关闭"),
    checks=("postgresql.autovacuum_off_for_table", "postgresql.dead_tuples"),
)

_SUMMARY = Say(
    "Autovacuum is switched off for {table}: {dead:count} dead row{dead:|s} {dead:has|have} piled up"
    " beside {live:count} live ones.",
    "{table} 关闭了 autovacuum：已积累 {dead:count} 个死元组，活元组仅 {live:count} 个。",
)
_HARMLESS_YET = Say(
    "Autovacuum is switched off for {table}; nothing cleans it or refreshes its statistics.",
    "{table} 关闭了 autovacuum，既不会被清理，也不会更新统计信息。",
)
_LARGE = Say(
    "Autovacuum is switched off for the large values (TOAST) of {table}: {dead:count} dead part{dead:|s} keep"
    " {size:bytes} from being used again.",
    "{table} 的大字段（TOAST）关闭了 autovacuum：{dead:count} 个死元组使其 {size:bytes} 的空间无法复用。",
)
_THRESHOLD = Say(
    "With autovacuum on, {threshold:count} dead row{threshold:|s} would be enough for it to come.",
    "若未关闭，死元组达到 {threshold:count} 个就会触发 autovacuum。",
)
_SIZE = Say("The table takes {size:bytes}.", "该表占用 {size:bytes}。")
_RESET = Say("Let autovacuum work on {table} again, and vacuum it now", "恢复 {table} 的 autovacuum 并立即执行 VACUUM")


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:  # noqa: ARG001
    for finding in found.of("postgresql.autovacuum_off_for_table"):
        if finding.severity.rank >= Severity.NOTICE.rank:
            yield _cause(finding, found)


def _cause(finding: Finding, found: Found) -> Cause:
    details, table = finding.details, finding.object
    if details["only_large"]:
        return _cause_of_large(finding)
    say = _SUMMARY if finding.severity.rank >= Severity.WARNING.rank else _HARMLESS_YET
    because = [_THRESHOLD(threshold=details["threshold_rows"])]
    if details["size_bytes"]:
        because.append(_SIZE(size=details["size_bytes"]))
    return Cause(
        id=CAUSE.id,
        object=table,
        object_kind="table",
        severity=finding.severity,
        confidence=0.95,
        summary=say(table=table, dead=details["dead_rows"], live=details["live_rows"]),
        because=tuple(because),
        evidence=finding.evidence,
        remedies=(_reset(finding),),
        rests_on=(finding.fingerprint,),
        absorbs=fingerprints(_consequences(finding, found)),
    )


def _cause_of_large(finding: Finding) -> Cause:
    details, table = finding.details, finding.object
    return Cause(
        id=CAUSE.id,
        object=table,
        object_kind="table",
        severity=finding.severity,
        confidence=0.95,
        summary=_LARGE(table=table, dead=details["dead_large_parts"], size=details["large_bytes"]),
        because=(),
        evidence=finding.evidence,
        remedies=(_reset(finding),),
        rests_on=(finding.fingerprint,),
    )


def _consequences(finding: Finding, found: Found) -> list[Finding]:
    """What an untended table shows: dead rows, bloat, and old statistics unless these mislead while little is dead."""
    dead = [
        each for each in found.of("postgresql.dead_tuples", "postgresql.table_bloat") if each.object == finding.object
    ]
    stale = [
        each
        for each in found.of("postgresql.stale_statistics")
        if same_table(each.details, finding.details)
        and (finding.severity is Severity.WARNING or each.severity.rank < Severity.WARNING.rank)
    ]
    return [*dead, *stale]


def _reset(finding: Finding) -> Remedy:
    details = finding.details
    schema, table = details["schema"], details["table"]
    name = qualified(schema, table)
    options = ([] if details["only_large"] else ["autovacuum_enabled"]) + (
        ["toast.autovacuum_enabled"] if details["large_off"] else []
    )
    return Remedy(
        title=_RESET(table=name),
        statements=(f"ALTER TABLE {name} RESET ({', '.join(options)})", f"VACUUM (ANALYZE) {name}"),
        lock=VACUUM_LOCK(),
        risk="low",
        when="now",
        rollback=(f"ALTER TABLE {name} SET ({', '.join(f'{each} = off' for each in options)})",),
        verify=NO_DEAD_ROWS(table=name),
        verify_statement=dead_rows_of(schema, table),
    )
