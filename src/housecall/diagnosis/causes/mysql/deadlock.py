"""Transactions of MySQL or MariaDB take the same locks in different orders, until the server ends one of them.

The server counts deadlocks and keeps the latest: its tables and statements are told. Past ones are told as past.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._sessions import application_change, set_global
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="deadlock",
    title=Say("Deadlocks", "死锁"),
    checks=("mysql.deadlocks",),
)
HOUR_SECONDS = 3600.0
"""Counted for less, a rate an hour would be made up."""
RECENT_SECONDS = 24 * 3600.0
"""A deadlock of the last day goes on as far as anybody knows; an older one is told as past (our proposal)."""

_SUMMARY = Say(
    "Transactions on {table} deadlock: {deadlocks:count} within {seconds:duration}.",
    "{table} 上的事务发生死锁：{seconds:duration} 内 {deadlocks:count} 次。",
)
_RATE = Say(
    "That is {rate:number} an hour; the latest was {ago:duration} ago.",
    "即每小时 {rate:number} 次；最近一次在 {ago:duration} 前。",
)
_LATEST = Say("The latest was {ago:duration} ago.", "最近一次在 {ago:duration} 前。")
_WINDOW = Say("{count:count} of them happened while we looked.", "其中 {count:count} 次发生在本次检查期间。")
_SIDES = Say("The latest was between: {statements}.", "最近一次发生在以下语句之间：{statements}。")
_ORDER = Say(
    "Lock rows in one order everywhere (for example SELECT … ORDER BY the key FOR UPDATE before several are changed),"
    " and retry the transaction on error 1213",
    "所有代码按同一顺序加锁（例如修改多行前先按主键排序 SELECT … FOR UPDATE），遇到错误 1213 时重试事务",
)
_GAP = Say(
    "Both sides wait to insert where the other keeps the gap locked: a FOR UPDATE, UPDATE or DELETE that finds no row"
    " locks the gap between its neighbours, and two can hold it at once.",
    "双方都在等待插入对方锁住的间隙：FOR UPDATE、UPDATE 或 DELETE 找不到行时会锁住相邻行之间的间隙，"
    "而两个事务可以同时持有它。",
)
_INSERT_FIRST = Say(
    "Insert first and let the key decide (INSERT … ON DUPLICATE KEY UPDATE, INSERT IGNORE) in place of looking FOR"
    " UPDATE whether the row is there; or run these transactions at READ COMMITTED, which locks no gaps; and retry on"
    " error 1213",
    "先插入、由唯一键判断（INSERT … ON DUPLICATE KEY UPDATE、INSERT IGNORE），不要先用 FOR UPDATE 检查行是否存在；"
    "或让这些事务使用不加间隙锁的 READ COMMITTED；遇到错误 1213 时重试",
)
_NO_MORE = Say("the count of deadlocks grows no more", "死锁计数不再增长")
_LOG_ALL = Say(
    "Write every deadlock to the error log, not only keep the latest", "把每次死锁都写入错误日志，而不只保留最近一次"
)
_LOGGED = Say("the setting is ON; the next deadlocks are in the error log", "设置为 ON，之后的死锁会出现在错误日志中")


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.deadlocks"):
        if finding.severity.rank >= Severity.NOTICE.rank:
            yield _cause(finding, now)


def _cause(finding: Finding, now: Snapshot) -> Cause:
    details = finding.details
    because = [(_RATE if details["seconds"] >= HOUR_SECONDS else _LATEST)(rate=details["rate"], ago=details["ago"])]
    if details["in_window"] > 0:
        because.append(_WINDOW(count=details["in_window"]))
    if details["statements"]:
        because.append(_SIDES(statements=" | ".join(f"`{each}`" for each in details["statements"])))
    if details["in_gap"]:
        because.append(_GAP())
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind=finding.object_kind,
        severity=finding.severity,
        confidence=0.9,
        summary=_SUMMARY(table=finding.object, deadlocks=details["deadlocks"], seconds=details["seconds"]),
        because=tuple(because),
        evidence=finding.evidence,
        remedies=_remedies(finding, now),
        rests_on=(finding.fingerprint,),
        past=not details["in_window"] and details["ago"] is not None and details["ago"] > RECENT_SECONDS,
    )


def _remedies(finding: Finding, now: Snapshot) -> tuple[Remedy, ...]:
    flavour = now.facts.version.flavour
    counted = (
        "SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks';"
        if flavour == "mariadb"
        else "SELECT COUNT FROM information_schema.INNODB_METRICS WHERE NAME = 'lock_deadlocks';"
    )
    order = application_change((_INSERT_FIRST if finding.details["in_gap"] else _ORDER)(), _NO_MORE(), counted)
    if finding.details["prints_all"]:
        return (order,)
    log = set_global(_LOG_ALL(), "innodb_print_all_deadlocks", "ON", "OFF", flavour, verify=_LOGGED())
    return (order, log)
