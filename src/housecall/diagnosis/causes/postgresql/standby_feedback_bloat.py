"""A standby's hot_standby_feedback keeps the primary's dead rows for a long query over there."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._sessions import application_change, fingerprints, held_back
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="standby_feedback_bloat",
    title=Say("A standby holds back vacuum", "备库阻碍主库 vacuum"),
    checks=("postgresql.old_xmin_holders", "postgresql.dead_tuples"),
)

_SUMMARY = Say(
    "A query on standby {standby} keeps this primary from removing rows of the last {age:count} transaction{age:|s}"
    " (hot_standby_feedback).",
    "备库 {standby} 上的查询（hot_standby_feedback）使主库无法清理最近 {age:count} 个事务的死元组。",
)
_HELD = Say(
    "{rows:count} dead row{rows:|s} in {tables} {rows:stays|stay} because of it.",
    "{tables} 中有 {rows:count} 个死元组因此无法清理。",
)
_FIND = Say(
    "End the oldest query on standby {standby}, or set hot_standby_feedback = off there and accept cancelled queries",
    "结束备库 {standby} 上最老的查询，或在备库关闭 hot_standby_feedback（查询可能被取消）",
)
_VERIFY = Say("The standby's backend_xmin is young again.", "该备库的 backend_xmin 恢复正常。")
_XMIN = "SELECT application_name, pg_catalog.age(backend_xmin) AS xmin_age FROM pg_catalog.pg_stat_replication"


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:  # noqa: ARG001
    for finding in found.of("postgresql.old_xmin_holders"):
        details = finding.details
        if details["holder"] != "standby":
            continue
        because: tuple[Message, ...] = ()
        if details["held_rows"]:
            because = (_HELD(rows=details["held_rows"], tables=", ".join(details["held_tables"][:3])),)
        kept = [each for each in held_back(found, holder=finding.object) if each is not finding]
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind="replica",
            severity=finding.severity,
            confidence=0.9 if details["held_rows"] else 0.7,
            summary=_SUMMARY(standby=finding.object, age=details["xmin_age"]),
            because=because,
            evidence=finding.evidence,
            remedies=(application_change(_FIND(standby=finding.object), _VERIFY(), _XMIN),),
            rests_on=(finding.fingerprint,),
            absorbs=fingerprints(kept),
        )
