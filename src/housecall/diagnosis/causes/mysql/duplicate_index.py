"""An index of MySQL or MariaDB that another index of the same table makes superfluous."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._changes import drop_index
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="duplicate_index",
    title=Say(en="A duplicate index", zh="重复索引"),
    checks=("mysql.duplicate_index",),
)
_TWIN = Say(
    en="Index {index} is the same as {other}: every write maintains both, queries need one.",
    zh="索引 {index} 与 {other} 完全相同：每次写入都要维护两个，查询只需要一个。",
)
_PREFIX = Say(
    en="Index {index} is superfluous: {other} begins with the same columns and serves the same searches.",
    zh="索引 {index} 是多余的：{other} 以相同的列开头，可以满足同样的查询。",
)
_SIZE = Say(en="It takes {size:bytes} on ({columns}).", zh="它占用 {size:bytes}，列为（{columns}）。")
_LONGER = Say(
    en="The longer index is read in its place; if it is much larger, compare the statement's time before and after.",
    zh="删除后由更长的索引代替；如果它大得多，请比较删除前后语句的耗时。",
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.duplicate_index"):
        details = finding.details
        caution = None if details["is_equal"] else _LONGER()
        hide, drop = drop_index(
            details["schema"], details["table"], details["index"], details["columns"], now.facts.version.flavour,
            is_unique=details["is_unique"], caution=caution,
        )  # fmt: skip
        other = finding.evidence[0].value
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind="index",
            severity=finding.severity,
            confidence=0.97 if details["is_equal"] else 0.85,
            summary=(_TWIN if details["is_equal"] else _PREFIX)(index=finding.object, other=other),
            because=(_SIZE(size=details["size_bytes"], columns=", ".join(details["columns"])),),
            evidence=finding.evidence,
            remedies=(drop,) if details["is_equal"] or details["is_hidden"] else (hide, drop),
            rests_on=(finding.fingerprint,),
            impact=0.02 if details["is_equal"] else 0.01,
        )
