"""A replica of MySQL or MariaDB is behind its source. A delay that was set is told as what it is.

Otherwise what the applier does at the moment decides: it waits for a lock, it is alone, or it has one large change.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._sessions import NO_LOCK, application_change, fingerprints
from housecall.diagnosis.causes.mysql.replica_stopped import replica_command
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Flavour
from housecall.engines.mysql.quoting import quote_literal
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="replica_lag",
    title=Say("Replica lag", "复制延迟"),
    checks=("mysql.replica_lag",),
)
_STATE = Say("The applier's state: {state}.", "应用线程的状态：{state}。")
_GAP = Say("{gap:bytes} have been fetched and not applied.", "已接收但未应用的日志有 {gap:bytes}。")
_ONE = Say("Changes are applied one after the other: {appliers:count} parallel applier{appliers:|s}.",
           "变更是串行应用的：并行应用线程数为 {appliers:count}。")  # fmt: skip
_NO_KEY = Say(
    "{table} has no primary key: each changed row of it is searched for in the whole table.",
    "表 {table} 没有主键：其每一行变更都要扫描整张表。",
)
_LOCK = Say("The applier waits for a lock of a session on this replica.", "应用线程正在等待本从库上某个会话持有的锁。")
_NO_DELAY = Say("Let the replica apply at once (the delay is SOURCE_DELAY, MASTER_DELAY on MariaDB)",
                "取消延迟，让从库立即应用（即 SOURCE_DELAY，MariaDB 为 MASTER_DELAY）")  # fmt: skip
_DELAY_CAUTION = Say(
    "The delay may be there on purpose, as a guard against mistakes: ask first.",
    "延迟可能是有意设置的（防误操作），请先确认。",
)
_PARALLEL = Say(
    "Apply in parallel: 4 appliers or more (replica_parallel_workers; slave_parallel_threads on MariaDB), which needs"
    " the applier to be stopped and started",
    "并行应用：设为 4 个或更多（replica_parallel_workers；MariaDB 为 slave_parallel_threads），需停止并重启应用线程",
)
_SMALLER = Say(
    "Split large changes on the source into transactions of some thousand rows, and give every table a primary key",
    "在主库上把大的变更拆成每次几千行的事务，并为每张表建立主键",
)
_FREE = Say(
    "End what the applier waits for: look for the session that has locked the table (LOCK TABLES, a long transaction, a"
    " backup)",
    "结束阻挡应用线程的会话：查找锁表的会话（LOCK TABLES、长事务、备份）",
)
_FALLS = Say("the lag falls", "延迟下降")
_STATUS = "SHOW REPLICA STATUS;"


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.replica_lag"):
        if finding.severity.rank >= Severity.NOTICE.rank:
            yield _cause(finding, found, now)


def _cause(finding: Finding, found: Found, now: Snapshot) -> Cause:
    details = finding.details
    because: list[Message] = []
    if details["state"]:
        because.append(_STATE(state=details["state"]))
    if details["gap"]:
        because.append(_GAP(gap=details["gap"]))
    delayed = details["delay"] and details["lag"] < details["delay"]
    absorbed = [each for each in found.of("mysql.replication_settings") if "parallel" in each.object]
    if not delayed:
        because.extend(_why(finding, found))
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="replica",
        severity=finding.severity,
        confidence=0.95 if delayed else 0.8,
        summary=finding.message,
        because=tuple(because[:3]),
        evidence=finding.evidence,
        remedies=(_no_delay(finding, now.facts.version.flavour),) if delayed else _remedies(finding),
        rests_on=(finding.fingerprint,),
        absorbs=fingerprints(absorbed),
    )


def _why(finding: Finding, found: Found) -> Iterator[Message]:
    details = finding.details
    if _is_blocked(details["state"]):
        yield _LOCK()
    keyless = found.of("mysql.no_primary_key")
    if keyless:
        yield _NO_KEY(table=keyless[0].object)
    if details["appliers"] is not None and details["appliers"] <= 1:
        yield _ONE(appliers=details["appliers"])


def _is_blocked(state: str) -> bool:
    return "lock" in state and state.startswith("Waiting for")


def _remedies(finding: Finding) -> tuple[Remedy, ...]:
    details = finding.details
    first = [application_change(_FREE(), _FALLS(), _STATUS)] if _is_blocked(details["state"]) else []
    if details["appliers"] is not None and details["appliers"] <= 1:
        first.append(application_change(_PARALLEL(), _FALLS(), _STATUS))
    return (*first, application_change(_SMALLER(), _FALLS(), _STATUS))


def _no_delay(finding: Finding, flavour: Flavour) -> Remedy:
    channel, delay = finding.details["channel"], finding.details["delay"]
    threads = "" if flavour == "mariadb" else " SQL_THREAD"  # MariaDB changes it with both threads stopped only
    stop, start = (replica_command(verb, threads, channel, flavour) for verb in ("STOP", "START"))
    return Remedy(
        title=_NO_DELAY(),
        statements=(stop, _set_delay(0, channel, flavour), start),
        lock=NO_LOCK(),
        risk="medium",
        when="now",
        rollback=(stop, _set_delay(delay, channel, flavour), start),
        verify=_FALLS(),
        verify_statement=_STATUS,
        caution=_DELAY_CAUTION(),
    )


def _set_delay(seconds: int, channel: str, flavour: Flavour) -> str:
    if flavour == "mariadb":
        named = f" {quote_literal(channel)}" if channel else ""
        return f"CHANGE MASTER{named} TO MASTER_DELAY = {seconds};"
    named = f" FOR CHANNEL {quote_literal(channel)}" if channel else ""
    return f"CHANGE REPLICATION SOURCE TO SOURCE_DELAY = {seconds}{named};"
