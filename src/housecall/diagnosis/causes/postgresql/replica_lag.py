"""A standby is behind its primary. Where it is stuck decides what to do.

Seen from the standby, a delay set on purpose, a paused replay, or neither; seen from the primary, sending or
replaying.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._sessions import application_change, fingerprints
from housecall.diagnosis.causes.postgresql._vacuum import SETTING_LOCK
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="replica_lag",
    title=Say("Replica lag", "复制延迟"),
    checks=("postgresql.replica_lag", "postgresql.inactive_slots"),
)

_BEHIND = Say("Standby {standby} is {lag:bytes} of WAL behind.", "备库 {standby} 落后 {lag:bytes} WAL。")
_DELAYED = Say(
    "Standby {standby} is {lag:bytes} behind because it is told to wait: recovery_min_apply_delay is {delay:duration}.",
    "备库 {standby} 落后 {lag:bytes}，原因是设置了延迟重放：recovery_min_apply_delay 为 {delay:duration}。",
)
_NOT_SENT = Say("{bytes:bytes} were not even sent: the network or the standby's receiver is slow.",
                "其中 {bytes:bytes} 尚未发送：网络或备库接收过慢。")  # fmt: skip
_NOT_REPLAYED = Say(
    "{bytes:bytes} arrived but were not replayed: look on the standby for a delay, a pause, or a query in the way.",
    "其中 {bytes:bytes} 已到达但未重放：请在备库检查是否设置了延迟、暂停了重放，或有查询阻挡。",
)
_AGE = Say("Its newest transaction is {seconds:duration} old.", "其最新事务距今 {seconds:duration}。")
_NO_DELAY = Say("Let the standby replay at once (run it on the standby)", "让备库立即重放（在备库执行）")
_DELAY_CAUTION = Say(
    "The delay may be there on purpose, as a guard against mistakes: ask first.",
    "延迟可能是有意设置的（防误操作），请先确认。",
)
_LOOK = Say(
    "Examine the standby itself: it tells delay, pause, and the queries that stop its replay",
    "直接检查备库：可看到延迟、暂停以及阻挡重放的查询",
)
_VERIFY = Say("The standby's lag falls below 16 MB.", "备库延迟降到 16 MB 以下。")
_PRIMARY_LAG = (
    "SELECT application_name, state, pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), replay_lsn)"
    " AS behind_bytes FROM pg_catalog.pg_stat_replication"
)
_STANDBY_LAG = (
    "SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn())"
    " AS unreplayed_bytes"
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:  # noqa: ARG001
    for finding in found.of("postgresql.replica_lag"):
        yield _here(finding) if finding.details["where"] == "standby" else _from_primary(finding, found)


def _from_primary(finding: Finding, found: Found) -> Cause:
    details = finding.details
    unreplayed = details["lag_bytes"] - details["unsent_bytes"]
    sending = details["unsent_bytes"] > unreplayed
    because = _NOT_SENT(bytes=details["unsent_bytes"]) if sending else _NOT_REPLAYED(bytes=unreplayed)
    slots = [each for each in found.of("postgresql.inactive_slots") if each.details["active"]]
    return _cause(
        finding,
        _BEHIND(standby=finding.object, lag=details["lag_bytes"]),
        (because,),
        (application_change(_LOOK(), _VERIFY(), _PRIMARY_LAG),),
        fingerprints(slots),
    )


def _here(finding: Finding) -> Cause:
    details = finding.details
    delay = details["apply_delay_seconds"]
    lag = details["lag_bytes"]
    if delay > 0:
        summary = _DELAYED(standby=finding.object, lag=lag, delay=delay)
        remedies: tuple[Remedy, ...] = (_no_delay(delay),)
    else:
        summary = _BEHIND(standby=finding.object, lag=lag)
        remedies = (application_change(_LOOK(), _VERIFY(), _STANDBY_LAG),)
    return _cause(finding, summary, (_AGE(seconds=details["seconds"]),), remedies, ())


def _cause(
    finding: Finding,
    summary: Message,
    because: tuple[Message, ...],
    remedies: tuple[Remedy, ...],
    absorbs: tuple[str, ...],
) -> Cause:
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="replica",
        severity=finding.severity,
        confidence=0.85,
        summary=summary,
        because=because,
        evidence=finding.evidence,
        remedies=remedies,
        rests_on=(finding.fingerprint,),
        absorbs=absorbs,
    )


def _no_delay(delay_seconds: float) -> Remedy:
    reload = "SELECT pg_catalog.pg_reload_conf()"
    return Remedy(
        title=_NO_DELAY(),
        statements=("ALTER SYSTEM SET recovery_min_apply_delay = 0", reload),
        lock=SETTING_LOCK(),
        risk="medium",
        when="now",
        rollback=(f"ALTER SYSTEM SET recovery_min_apply_delay = '{round(delay_seconds * 1000)}ms'", reload),
        verify=_VERIFY(),
        verify_statement=_STANDBY_LAG,
        caution=_DELAY_CAUTION(),
    )
