"""A large index has much more room than its entries need; a rebuild makes it small again."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._changes import rebuild_index
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="index_bloat",
    title=Say(en="A bloated index", zh="索引膨胀"),
    checks=("postgresql.index_bloat",),
)
_SUMMARY = Say(
    en="Index {index} takes {size:bytes} where its entries need about {needed:bytes}.",
    zh="索引 {index} 占 {size:bytes}，其条目估计只需 {needed:bytes}。",
)
_ESTIMATE = Say(
    en="This is an estimate from key widths; pgstattuple's pgstatindex() measures it.",
    zh="这是按键宽度的估算；pgstattuple 的 pgstatindex() 可以精确测量。",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.index_bloat"):
        details = finding.details
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind="index",
            severity=finding.severity,
            confidence=0.7,
            summary=_SUMMARY(index=finding.object, size=details["size_bytes"], needed=details["needed_bytes"]),
            because=(_ESTIMATE(),),
            evidence=finding.evidence,
            remedies=(rebuild_index(details["schema"], details["index"], details["size_bytes"]),),
            rests_on=(finding.fingerprint,),
        )
