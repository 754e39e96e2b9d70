"""An old transaction of MySQL or MariaDB keeps purge from removing old row versions, or purge cannot keep up."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._sessions import (
    BLOCKED,
    OPEN_TRANSACTIONS,
    application_change,
    cancel_statement,
    end_session,
    fingerprints,
    of_session,
    session_evidence,
    told,
)
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="history_list_growth",
    title=Say("Old row versions pile up", "旧版本堆积（历史列表增长）"),
    checks=("mysql.history_list",),
)
_HELD = Say(
    "Session {id} (user {user} from {client}) has had a transaction open for {age:duration}; {length:count} changes"
    " made since cannot be purged.",
    "会话 {id}（用户 {user}，来自 {client}）的事务已打开 {age:duration}；此后的 {length:count} 个变更无法清理。",
)
_ALONE = Say(
    "Purge does not keep up with the writes: {length:count} committed changes wait for it.",
    "清理跟不上写入：有 {length:count} 个已提交的变更等待清理。",
)
_GROWN = Say("The list grew by {grown:count} while we looked.", "检查期间列表增长了 {grown:count}。")
_ISOLATION = Say("Its isolation level is {isolation}.", "它的隔离级别是 {isolation}。")
_SHORT = Say(
    "Keep read views short: split reports and dumps, commit between their steps, or run them on a replica",
    "缩短读视图：拆分报表与导出、分步提交，或放到从库执行",
)
_THREADS = Say(
    "Write in smaller transactions, and set innodb_purge_threads (now {threads:number}) to 4 or more in the"
    " configuration; it takes effect at the next planned restart",
    "减小写事务，并在配置中把 innodb_purge_threads（当前 {threads:number}）设为 4 或更大，下次计划重启时生效",
)
_FALLS = Say("the history list length falls", "历史列表长度下降")
_LENGTH = "SELECT NAME, COUNT FROM information_schema.INNODB_METRICS WHERE NAME = 'trx_rseg_history_len';"


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.history_list"):
        yield _cause(finding, found)


def _cause(finding: Finding, found: Found) -> Cause:
    details, root = finding.details, finding.details["root"]
    grown = (_GROWN(grown=details["grown"]),) if details["grown"] else ()
    blames = [each for each in found.of(BLOCKED) if root and each.details["root_id"] == root["id"]]
    if root is None:
        return Cause(
            id=CAUSE.id, object="server", object_kind="server", severity=finding.severity, confidence=0.6,
            summary=_ALONE(length=details["length"]), because=grown, evidence=finding.evidence,
            remedies=(application_change(_THREADS(threads=details["purge_threads"]), _FALLS(), _LENGTH),),
            rests_on=(finding.fingerprint,),
        )  # fmt: skip
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="session",
        severity=finding.severity,
        confidence=0.85 if details["isolation"] != "READ COMMITTED" else 0.6,
        summary=_HELD(
            id=root["id"], user=root["user"], client=root["client"], age=root["transaction_seconds"],
            length=details["length"],
        ),
        because=(*grown, _ISOLATION(isolation=details["isolation"]), *told(root, seen=True)),
        evidence=(*finding.evidence, *session_evidence(root)),
        remedies=_remedies(root),
        rests_on=(finding.fingerprint,),
        absorbs=() if blames else fingerprints(each for each in of_session(found, root["id"]) if each is not finding),
    )  # fmt: skip


def _remedies(root: dict[str, str]) -> tuple[Remedy, ...]:
    if root["command"] == "Sleep":
        first = end_session(root, verify=_FALLS(), statement=_LENGTH)
    else:
        first = cancel_statement(root, statement=OPEN_TRANSACTIONS)
    return (first, application_change(_SHORT(), _FALLS(), _LENGTH))
