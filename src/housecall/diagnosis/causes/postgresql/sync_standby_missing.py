"""Commits hang because a synchronous standby is not there.

Whoever waits for the locks of a session that hangs so is its victim as well.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._sessions import (
    BLOCKED,
    explained_by_queue,
    fingerprints,
    waits_for_a_standby,
)
from housecall.diagnosis.causes.postgresql._vacuum import SETTING_LOCK
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.quoting import quote_literal
from housecall.wording import Say

CAUSE = CauseRule(
    id="sync_standby_missing",
    title=Say("A synchronous standby is missing", "同步备库缺失"),
    checks=("postgresql.sync_standby_missing",),
)

_SUMMARY = Say(
    "Commits wait for {wanted:count} synchronous standby{wanted:|s} but {present:count} {present:is|are}"
    " connected; {waiting:count}"
    " session{waiting:|s} {waiting:hangs|hang}.",
    "提交需要等待 {wanted:count} 个同步备库，但只连接了 {present:count} 个；{waiting:count} 个会话被卡住。",
)
_NAMES = Say("synchronous_standby_names is '{names}'.", "synchronous_standby_names 为 '{names}'。")
_LONGEST = Say("The longest has been waiting for {longest:duration}.", "最长已等待 {longest:duration}。")
_RELEASE = Say(
    "If the standby cannot come back soon: let commits go on without it",
    "若备库短时间内无法恢复：暂时让提交不再等待它",
)
_CAUTION = Say(
    "First try to bring the standby back. Until the setting is restored, a failover may lose the newest commits; decide"
    " that knowingly.",
    "请先尝试恢复备库。在恢复该设置之前，故障切换可能丢失最新提交，需知情决策。",
)
_VERIFY = Say("No session waits in SyncRep: the count is 0.", "没有会话在等待 SyncRep：计数为 0。")
_WAITING = "SELECT count(*) AS waiting FROM pg_catalog.pg_stat_activity WHERE wait_event = 'SyncRep'"


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:  # noqa: ARG001
    for finding in found.of("postgresql.sync_standby_missing"):
        yield _cause(finding, found)


def _cause(finding: Finding, found: Found) -> Cause:
    details = finding.details
    waiting, total = details["waiting"], details["session_total"]
    explained = [each for each in found.of("postgresql.wait_events") if each.object == "IPC:SyncRep"]
    for queue in filter(waits_for_a_standby, found.of(BLOCKED)):
        explained += [queue, *explained_by_queue(found, queue.details["root"]["pid"], 0, 0)]
    if total and waiting >= total / 2:
        explained.extend(found.of("postgresql.connections_used"))
    because = [_NAMES(names=details["names"])]
    if waiting:
        because.append(_LONGEST(longest=details["longest_seconds"]))
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="setting",
        severity=finding.severity,
        confidence=0.95,
        summary=_SUMMARY(wanted=details["wanted"], present=details["present"], waiting=waiting),
        because=tuple(because),
        evidence=finding.evidence,
        remedies=(_release(details["names"]),),
        rests_on=(finding.fingerprint,),
        absorbs=fingerprints(explained),
        holds_up=min(1.0, waiting / total) if total else 0.0,
    )


def _release(names: str) -> Remedy:
    reload = "SELECT pg_catalog.pg_reload_conf()"
    return Remedy(
        title=_RELEASE(),
        statements=("ALTER SYSTEM SET synchronous_standby_names = ''", reload),
        lock=SETTING_LOCK(),
        risk="high",
        when="now",
        rollback=(f"ALTER SYSTEM SET synchronous_standby_names = {quote_literal(names)}", reload),
        verify=_VERIFY(),
        verify_statement=_WAITING,
        caution=_CAUTION(),
    )
