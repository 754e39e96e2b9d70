"""Transactions of MySQL or MariaDB are ended again and again because others changed what they read."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._sessions import application_change, fingerprints
from housecall.diagnosis.causes.mysql._settings import Change, set_variables
from housecall.diagnosis.remedy import Remedy
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
_SNAPSHOT = Say(
    "innodb_snapshot_isolation is ON, as by default from MariaDB 11.6.2 on: in REPEATABLE READ a transaction may not"
    " change a row that another has changed since it began to read.",
    "innodb_snapshot_isolation 为 ON（MariaDB 11.6.2 起的默认值）：在 REPEATABLE READ 下，"
    "事务不能修改自其开始读取后已被其他事务改动的行。",
)
_LOST_UPDATES = Say(
    "Only when the application cannot retry: without it a transaction overwrites a change that it has not seen, as"
    " MariaDB before 11.6.2 did. Sessions that are connected keep their own value.",
    "仅当应用无法重试时采用：关闭后事务可能覆盖自己未看到的修改（与 11.6.2 之前的 MariaDB 一样）。"
    "已连接的会话保持原值。",
)
_TO_BE_SURE = Say(
    "performance_schema keeps no late statements here, so the number of the error is not seen. Keep them for a while to"
    " be sure: {statement:code}",
    "此处 performance_schema 未保留最近的语句，看不到错误编号。可临时开启以确认：{statement:code}",
)
_KEEP = (
    "UPDATE performance_schema.setup_consumers SET ENABLED = 'YES'"
    " WHERE NAME IN ('events_statements_current', 'events_statements_history');"
)
_ONE_NODE = Say("Send all changes of one table to one node of the cluster", "把同一张表的写入都发往集群中的同一个节点")
_FEWER = Say("fewer than ten conflicts an hour", "每小时冲突少于 10 次")
_COUNT = "SHOW GLOBAL STATUS WHERE Variable_name IN ('wsrep_local_cert_failures', 'wsrep_local_bf_aborts');"

_LATE = "SELECT COUNT(*) FROM performance_schema.events_statements_history WHERE MYSQL_ERRNO = 1020;"


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.serialization_failures"):
        details = finding.details
        serial = details["isolation"] == "SERIALIZABLE"
        window = (_WINDOW(window=details["window"]),) if details["window"] else ()
        one_node = (application_change(_ONE_NODE(), _FEWER(), _COUNT),) if details["cluster"] else ()
        count = _LATE if details["by_snapshot"] else _COUNT
        by_snapshot = (_SNAPSHOT(),) if details["by_snapshot"] else ()
        to_be_sure = (_TO_BE_SURE(statement=_KEEP),) if details["probable"] else ()
        as_before = (_without_snapshot_isolation(now),) if details["by_snapshot"] else ()
        settings = [each for each in found.of("mysql.session_defaults") if "isolation" in each.object]
        deadlocks = found.of("mysql.deadlocks") if serial else ()
        yield Cause(
            id=CAUSE.id,
            object="server",
            object_kind="server",
            severity=finding.severity,
            confidence=0.5 if details["probable"] else 0.85,
            summary=finding.message,
            because=(_ISOLATION(isolation=details["isolation"]), *by_snapshot, *to_be_sure, *window),
            evidence=finding.evidence,
            remedies=(application_change(_RETRY(), _FEWER(), count), *one_node, *as_before),
            rests_on=(finding.fingerprint,),
            absorbs=fingerprints([*settings, *deadlocks]),
        )


def _without_snapshot_isolation(now: Snapshot) -> Remedy:
    change = Change("innodb_snapshot_isolation", "OFF", "ON")
    return set_variables(now.facts.version, [change], when="later", caution=_LOST_UPDATES())
