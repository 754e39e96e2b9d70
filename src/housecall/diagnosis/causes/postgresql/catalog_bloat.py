"""System catalogues full of dead rows: every statement looks tables and columns up there.

Typical after creating and dropping very many (temporary) tables, or under a logical slot that nobody reads.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._sessions import application_change
from housecall.diagnosis.causes.postgresql._vacuum import NO_DEAD_ROWS, dead_rows_of, vacuum_table
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="catalog_bloat",
    title=Say("Bloat of system catalogues", "系统目录膨胀"),
    checks=("postgresql.dead_tuples",),
)

_SUMMARY = Say(
    "System catalogue {table} holds {dead:count} dead row{dead:|s} beside {live:count} live ones.",
    "系统目录 {table} 有 {dead:count} 个死元组，活元组 {live:count} 个。",
)
_WHY = Say(
    "Catalogues fill up when tables, above all temporary ones, are created and dropped all the time.",
    "频繁创建和删除表（尤其是临时表）会使系统目录膨胀。",
)
_KEEP = Say(
    "Keep temporary tables for the session (TRUNCATE instead of DROP), or use a query in place of them",
    "在会话内复用临时表（用 TRUNCATE 代替 DROP），或改用子查询",
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:  # noqa: ARG001
    for finding in found.of("postgresql.dead_tuples"):
        details = finding.details
        if not details["is_catalog"]:
            continue
        schema, table = details["schema"], details["table"]
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind="table",
            severity=finding.severity,
            confidence=0.75,
            summary=_SUMMARY(table=finding.object, dead=details["dead_rows"], live=details["live_rows"]),
            because=(_WHY(),),
            evidence=finding.evidence,
            remedies=(
                vacuum_table(schema, table),
                application_change(_KEEP(), NO_DEAD_ROWS(table=finding.object), dead_rows_of(schema, table)),
            ),
            rests_on=(finding.fingerprint,),
        )
