"""A failed CREATE INDEX CONCURRENTLY or REINDEX left an index that no query can use."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._changes import MOMENT, drop_index, rebuild_index
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="invalid_index",
    title=Say(en="An invalid index", zh="无效索引"),
    checks=("postgresql.invalid_index",),
)
_SUMMARY = Say(
    en="Index {index} is invalid: its build failed, queries cannot use it, and it stays until somebody drops or"
    " rebuilds it.",
    zh="索引 {index} 无效：它的创建中途失败，查询无法使用，需要有人删除或重建。",
)
_UNIQUE = Say(
    en="It is unique: most likely the table holds duplicates, on which the build failed; find them before building"
    " it again.",
    zh="它是唯一索引：多半因为表中存在重复值而创建失败，重建之前先找出重复行。",
)
_READY = Say(
    en="Every write still maintains it ({size:bytes}).",
    zh="每次写入仍要维护它（{size:bytes}）。",
)
_NOT_READY = Say(
    en="Writes do not maintain it; it takes {size:bytes}.",
    zh="写入不维护它；它占用 {size:bytes}。",
)
_LEFTOVER = Say(
    en="Its name ends as REINDEX CONCURRENTLY names its temporary indexes: the original is still there.",
    zh="其名称是 REINDEX CONCURRENTLY 的临时索引，原索引仍在。",
)
_PARTITIONED = Say(
    en="Attach the missing index of each partition: ALTER INDEX {index} ATTACH PARTITION; it becomes valid with the"
    " last one",
    zh="为每个分区补齐索引并执行 ALTER INDEX {index} ATTACH PARTITION，全部附加后即变为有效",
)
_NONE = Say(en="none", zh="无")
_VALID = Say(en="the index is valid", zh="索引变为有效")
_CAUTION = Say(
    en="Remove the duplicates first, else the rebuild fails again.",
    zh="先清除重复数据，否则重建仍会失败。",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.invalid_index"):
        yield _cause(finding)


def is_leftover(name: str) -> bool:
    """Whether REINDEX CONCURRENTLY made this name; a second one gets a number behind it."""
    return name.rstrip("0123456789").endswith(("_ccnew", "_ccold"))


def _cause(finding: Finding) -> Cause:
    details = finding.details
    because: tuple[Message, ...] = ((_READY if details["is_ready"] else _NOT_READY)(size=details["size_bytes"]),)
    if is_leftover(details["index"]):
        because += (_LEFTOVER(),)
    elif details["is_unique"]:
        because += (_UNIQUE(),)
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="index",
        severity=finding.severity,
        confidence=0.97,
        summary=_SUMMARY(index=finding.object),
        because=because,
        evidence=finding.evidence,
        remedies=tuple(_remedies(finding)),
        rests_on=(finding.fingerprint,),
    )


def _remedies(finding: Finding) -> Iterator[Remedy]:
    details = finding.details
    if details["is_partitioned"]:
        yield Remedy(
            title=_PARTITIONED(index=finding.object), statements=(), lock=_NONE(), risk="low", when="later",
            rollback=(),
            rollback_note=_NONE(), verify=_VALID(), duration=MOMENT(),
        )  # fmt: skip
        return
    drop = drop_index(details["schema"], details["index"], details["definition"])
    if is_leftover(details["index"]) or details["is_unique"]:
        yield drop
    if not is_leftover(details["index"]):
        rebuild = rebuild_index(details["schema"], details["index"], details["table_bytes"])
        yield _with_caution(rebuild) if details["is_unique"] else rebuild
        if not details["is_unique"]:
            yield drop


def _with_caution(remedy: Remedy) -> Remedy:
    from dataclasses import replace

    return replace(remedy, caution=_CAUTION())
