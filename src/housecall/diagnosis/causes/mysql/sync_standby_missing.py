"""Commits of MySQL or MariaDB wait for semi-synchronous replicas that are not there, or go on alone unnoticed."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._sessions import BLOCKED, NO_LOCK, application_change, fingerprints
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="sync_standby_missing",
    title=Say("A semi-synchronous replica is missing", "半同步从库缺失"),
    checks=("mysql.semi_sync", BLOCKED),
)
_TIMEOUT = Say(
    "Each commit waits for up to {timeout:duration} before the server goes on alone.",
    "每次提交最多等待 {timeout:duration}，之后服务器退化为异步继续。",
)
_LONGEST = Say("The longest has been waiting for {longest:duration}.", "最长已等待 {longest:duration}。")
_BRING_BACK = Say(
    "Bring the replica back: look at SHOW REPLICA STATUS there, and that its side of the plugin is on"
    " (rpl_semi_sync_replica_enabled)",
    "恢复从库：在从库查看 SHOW REPLICA STATUS，并确认其半同步插件已开启（rpl_semi_sync_replica_enabled）",
)
_BACK = Say("as many clients are connected as are wanted", "已连接的半同步从库数量符合要求")
_RELEASE = Say(
    "If the replica cannot come back soon: let commits go on without it", "若从库短时间内无法恢复：暂时让提交不再等待它"
)
_CAUTION = Say(
    "First try to bring the replica back. Until the setting is restored a failover may lose the newest commits; decide"
    " that knowingly.",
    "请先尝试恢复从库。在恢复该设置之前，故障切换可能丢失最新提交，需知情决策。",
)
_NOBODY = Say("no session waits for a semi-sync ACK", "没有会话在等待半同步确认")
_STATUS = "SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync%';"


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.semi_sync"):
        yield _cause(finding, found)


def _cause(finding: Finding, found: Found) -> Cause:
    details = finding.details
    behind = [each for each in found.of(BLOCKED) if each.details["root_id"] in details["sessions"]]
    queries = [
        each for each in found.of("mysql.long_queries", "mysql.long_transactions")
        if each.details["id"] in details["sessions"]
    ]  # fmt: skip
    total = details["session_total"]
    full = found.of("mysql.connections_used") if total and details["waiting"] >= total / 2 else ()
    longest = (_LONGEST(longest=details["longest"]),) if details["longest"] else ()
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="setting",
        severity=finding.severity,
        confidence=0.95,
        summary=finding.message,
        because=(_TIMEOUT(timeout=details["timeout"]), *longest),
        evidence=finding.evidence,
        remedies=(application_change(_BRING_BACK(), _BACK(), _STATUS), _release(details["setting"])),
        rests_on=(finding.fingerprint,),
        absorbs=fingerprints([*behind, *queries, *full]),
        holds_up=min(1.0, details["waiting"] / total) if total else 0.0,
    )


def _release(setting: str) -> Remedy:
    return Remedy(
        title=_RELEASE(),
        statements=(f"SET GLOBAL {setting} = OFF;",),
        lock=NO_LOCK(),
        risk="high",
        when="now",
        rollback=(f"SET GLOBAL {setting} = ON;",),
        verify=_NOBODY(),
        verify_statement=_STATUS,
        caution=_CAUTION(),
    )
