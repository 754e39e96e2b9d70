"""Transactions of MySQL or MariaDB are ended again and again because others changed what they read."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._sessions import application_change, fingerprints
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="serialization_failures",
    title=Say("Serialization failures", "事务冲突回滚"),
    checks=("mysql.serialization_failures",),
)
_ISOLATION = Say("The default isolation level is {isolation}.", "默认隔离级别为 {isolation}。")
_WINDOW = Say("{window:count} of them happened while we looked.", "其中 {window:count} 个发生在检查期间。")
_RETRY = Say(
    "Retry the transaction on errors 1213, 1020 and 3101, keep it short, and lock the rows to be changed first (SELECT"
    " … FOR UPDATE)",
    "遇到错误 1213、1020、3101 时重试事务，缩短事务，并先用 SELECT … FOR UPDATE 锁定要修改的行",
)
_ONE_NODE = Say("Send all changes of one table to one node of the cluster", "把同一张表的写入都发往集群中的同一个节点")
_FEWER = Say("fewer than ten conflicts an hour", "每小时冲突少于 10 次")
_COUNT = "SHOW GLOBAL STATUS WHERE Variable_name IN ('wsrep_local_cert_failures', 'wsrep_local_bf_aborts');"


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.serialization_failures"):
        details = finding.details
        serial = details["isolation"] == "SERIALIZABLE"
        window = (_WINDOW(window=details["window"]),) if details["window"] else ()
        one_node = (application_change(_ONE_NODE(), _FEWER(), _COUNT),) if details["cluster"] else ()
        settings = [each for each in found.of("mysql.session_defaults") if "isolation" in each.object]
        deadlocks = found.of("mysql.deadlocks") if serial else ()
        yield Cause(
            id=CAUSE.id,
            object="server",
            object_kind="server",
            severity=finding.severity,
            confidence=0.85,
            summary=finding.message,
            because=(_ISOLATION(isolation=details["isolation"]), *window),
            evidence=finding.evidence,
            remedies=(application_change(_RETRY(), _FEWER(), _COUNT), *one_node),
            rests_on=(finding.fingerprint,),
            absorbs=fingerprints([*settings, *deadlocks]),
        )
