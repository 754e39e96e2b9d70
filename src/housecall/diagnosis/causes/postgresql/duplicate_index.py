"""An index that another index of the same table makes superfluous: its twin, or a longer one that begins alike.

The object is the index to drop; which index does its work stands in the evidence.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._changes import LOCK_EXCLUSIVE, MOMENT, drop_index
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.quoting import qualified, quote_identifier, quote_literal
from housecall.wording import Say

CAUSE = CauseRule(
    id="duplicate_index",
    title=Say(en="A duplicate index", zh="重复索引"),
    checks=("postgresql.duplicate_index", "postgresql.redundant_index", "postgresql.unused_index"),
)
_TWIN = Say(
    en="Index {index} is the same as {other}: every write maintains both, queries need one.",
    zh="索引 {index} 与 {other} 完全相同：每次写入都要维护两个，查询只需要一个。",
)
_PREFIX = Say(
    en="Index {index} is superfluous: {other} begins with the same columns and serves the same searches.",
    zh="索引 {index} 是多余的：{other} 以相同的列开头，可以满足同样的查询。",
)
_SIZE = Say(
    en="It takes {size:bytes}; its table took {writes:count} row changes since the statistics began.",
    zh="它占用 {size:bytes}；自统计以来该表有 {writes:count} 次行变更。",
)
_SCANS = Say(
    en="Scans so far: {scans:count} of it, {other_scans:count} of the other; after the drop the other serves them all.",
    zh="目前扫描次数：该索引 {scans:count} 次，另一个 {other_scans:count} 次；删除后全部由另一个承担。",
)
_CAUTION_PREFIX = Say(
    en="The longer index is read in its place; if it is much larger, compare the statement's time before and after.",
    zh="删除后由更长的索引代替；如果它大得多，请比较删除前后语句的耗时。",
)
_DROP_CONSTRAINT = Say(
    en="Drop the constraint {name}, which owns the superfluous index",
    zh="删除拥有该多余索引的约束 {name}",
)
_CONSTRAINT_VERIFY = Say(en="only one of the two constraints is left", zh="两个约束中只剩一个")
_CONSTRAINT_CAUTION = Say(
    en="A foreign key that refers to this constraint forbids the drop; then drop the other twin instead.",
    zh="如果有外键引用这个约束，则不能删除；此时改为删除另一个。",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    unused = {each.object: each.fingerprint for each in found.of("postgresql.unused_index")}
    for finding in found.of("postgresql.duplicate_index", "postgresql.redundant_index"):
        yield _cause(finding, unused.get(finding.object))


def _cause(finding: Finding, unused: str | None) -> Cause:
    details = finding.details
    other = qualified(details["schema"], details["other"])
    say = _TWIN if details["is_equal"] else _PREFIX
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="index",
        severity=finding.severity,
        confidence=0.98 if details["is_equal"] else 0.85,
        summary=say(index=finding.object, other=other),
        because=(
            _SIZE(size=details["size_bytes"], writes=details["writes"]),
            _SCANS(scans=details["scans"], other_scans=details["other_scans"]),
        ),
        evidence=finding.evidence,
        remedies=(_remedy(finding),),
        rests_on=(finding.fingerprint,),
        absorbs=(unused,) if unused else (),
        impact=0.02 if details["is_equal"] else 0.01,
    )


def _remedy(finding: Finding) -> Remedy:
    details = finding.details
    if details["is_constraint"]:
        return _drop_constraint(finding)
    caution = None if details["is_equal"] else _CAUTION_PREFIX()
    return drop_index(details["schema"], details["index"], details["definition"], caution=caution)


def _drop_constraint(finding: Finding) -> Remedy:
    """A constraint's index cannot be dropped by itself."""
    details = finding.details
    table, name = qualified(details["schema"], details["table"]), quote_identifier(details["index"])
    return Remedy(
        title=_DROP_CONSTRAINT(name=name),
        statements=(f"ALTER TABLE {table} DROP CONSTRAINT {name};",),
        lock=LOCK_EXCLUSIVE(table=table),
        risk="medium",
        when="later",
        rollback=(
            f"{details['definition']};",
            f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {name};",
        ),
        verify=_CONSTRAINT_VERIFY(),
        verify_statement=f"SELECT conname FROM pg_constraint WHERE conrelid = {quote_literal(table)}::regclass;",
        duration=MOMENT(),
        caution=_CONSTRAINT_CAUTION(),
    )
