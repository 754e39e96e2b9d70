"""An index of MySQL or MariaDB that no statement has used since the server started."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._changes import drop_index
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="unused_index",
    title=Say(en="An index that nobody uses", zh="未使用的索引"),
    checks=("mysql.unused_index",),
)
_SUMMARY = Say(
    en="Index {index} ({size:bytes}) served no statement in {age:duration}; every write maintains it.",
    zh="索引 {index}（{size:bytes}）在 {age:duration} 内没有服务过任何语句，每次写入却都要维护它。",
)
_WRITES = Say(
    en="Its table took {writes:count} row change{writes:|s} in that time.", zh="在此期间其表变更了 {writes:count} 行。"
)
_YOUNG = Say(
    en="The server counts since {age:duration} only; a monthly report would not show yet.",
    zh="服务器只统计了 {age:duration}，每月的报表可能还未出现。",
)
_CAUTION = Say(
    en="Ask whether replicas or a monthly job use it: their reads are not counted here.",
    zh="请先确认从库或每月任务是否使用它：它们的读取不在此处统计。",
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.unused_index"):
        details = finding.details
        because = [_WRITES(writes=details["writes"])]
        if not details["is_sure"]:
            because.append(_YOUNG(age=details["age_seconds"]))
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind="index",
            severity=finding.severity,
            confidence=0.9 if details["is_sure"] else 0.4 if details["is_young"] else 0.6,
            summary=_SUMMARY(index=finding.object, size=details["size_bytes"], age=details["age_seconds"]),
            because=tuple(because),
            evidence=finding.evidence,
            remedies=drop_index(
                details["schema"], details["table"], details["index"], details["columns"],
                now.facts.version.flavour, is_unique=False, caution=_CAUTION(),
            ),
            rests_on=(finding.fingerprint,),
        )  # fmt: skip
