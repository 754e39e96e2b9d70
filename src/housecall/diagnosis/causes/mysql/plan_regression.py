"""The plan of a statement on MySQL or MariaDB got worse, and no other rule says why.

When the missing or hidden index, the old statistics, the switch or the way of writing is known, that is the cause and
this says nothing.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes._regression import GATHER, NO_UNDO, is_explained
from housecall.diagnosis.causes.mysql._changes import ANALYZE_LOCK, WAIT_SHORTLY, show_index
from housecall.diagnosis.causes.mysql._statement_causes import application_change, statement_cause
from housecall.diagnosis.causes.mysql.planner_switch_off import needs
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="plan_regression",
    title=Say("The plan of a statement got worse", "语句的执行计划变差"),
    checks=("mysql.plan_regression", "mysql.top_statements"),
)
_SUMMARY = Say(
    "A hot statement takes {now:duration} a call where it took {before:duration}: it looks at {times:number} times as"
    " many rows as before.",
    "热点语句每次耗时 {now:duration}，以往为 {before:duration}：查看的行数是以往的 {times:number} 倍。",
)
_SUMMARY_SCANS = Say(
    "A hot statement takes {now:duration} a call where it took {before:duration}: it joins by no index, or reads whole"
    " tables, where it used an index.",
    "热点语句每次耗时 {now:duration}，以往为 {before:duration}：原来使用索引，现在连接时不用索引或读取整张表。",
)
_SUMMARY_RUNNING = Say(
    "A statement that took {before:duration} a call by an index has been running for {now:duration}: its plan now reads"
    " a table from end to end.",
    "某语句以往通过索引每次耗时 {before:duration}，现已运行 {now:duration}：目前的执行计划从头到尾读取整张表。",
)
_ROWS = Say(
    "{now:number} rows a call in the window, {before:number} on average before, for no more rows returned.",
    "本次观察期内每次查看 {now:number} 行，以往平均 {before:number} 行，返回的行数并未增多。",
)
_SCANS = Say(
    "Its calls read whole tables or join by no index now, which those of before did not.",
    "现在的调用读取整张表或在连接时不用索引，以往的调用并非如此。",
)
_VALUES = Say(
    "Values that find more rows than usual would look alike, so compare its plan for both kinds of values first.",
    "若查询的值匹配的行比平时多，现象相同，请先分别比对两类取值的执行计划。",
)
_BY_INDEX = Say("The plan now reads {table} by the index {index}.", "目前的执行计划通过索引 {index} 读取 {table}。")
_WHOLE = Say("The plan now reads {table} from end to end.", "目前的执行计划从头到尾读取 {table}。")
_HIDDEN = Say(
    "The index {index} begins with a column that it searches by, and is hidden from the optimizer.",
    "索引 {index} 以该语句的查询列开头，但对优化器是隐藏的。",
)
_VERIFY = Say("the rows that a call looks at are back near what they were", "每次查看的行数回到以往水平")
_LOOK = Say(
    "Look at its plan (EXPLAIN) and at what changed since: an index that was dropped or made {hidden} (SHOW INDEX),"
    " optimizer_switch, a bulk load, a new version",
    "用 EXPLAIN 查看其执行计划，并排查近期变化：索引被删除或被设为 {hidden}（SHOW INDEX）、optimizer_switch、"
    "大批量导入、版本升级",
)
MOST_TABLES = 4


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.plan_regression"):
        switches = (each for each in found.of("mysql.planner_switches") if _weighs(each) and needs(finding, each))
        # statistics that InnoDB renews by itself are a notice, whose cause answers for no statement
        if not is_explained(finding, found, switches, Severity.WARNING):
            yield _cause(finding, found, now)


def _weighs(switch: Finding) -> bool:
    return switch.severity.rank >= Severity.WARNING.rank


def _cause(finding: Finding, found: Found, now: Snapshot) -> Cause:
    details = finding.details
    say = _SUMMARY if details["reads_more"] else _SUMMARY_RUNNING if details["is_running"] else _SUMMARY_SCANS
    summary = say(
        now=details["now_seconds"], before=details["before_seconds"],
        times=details["now_read"] / max(details["before_read"], 1.0),
    )  # fmt: skip
    confidence = 0.8 if details["hidden"] else (0.6 if details["is_sure"] else 0.4)
    return statement_cause(
        CAUSE.id, finding, found, summary, tuple(_remedies(finding, now)), confidence=confidence,
        because=tuple(_because(finding)),
    )  # fmt: skip


def _because(finding: Finding) -> Iterator[Message]:
    details = finding.details
    if details["reads_more"]:
        yield _ROWS(now=details["now_read"], before=details["before_read"])
    yield from (_HIDDEN(index=index) for _, _, index in details["hidden"])
    if details["scans_more"] and details["reads_more"]:
        yield _SCANS()
    if not details["is_sure"]:
        yield _VALUES()
    for access in details["access"][:MOST_TABLES]:
        if access["access"] == "ALL" or not access["index"]:
            yield _WHOLE(table=access["table"])
        else:
            yield _BY_INDEX(table=access["table"], index=access["index"])


def _remedies(finding: Finding, now: Snapshot) -> Iterator[Remedy]:
    flavour, tables = now.facts.version.flavour, finding.details["tables"][:MOST_TABLES]
    for schema, table, index in finding.details["hidden"]:
        yield show_index(schema, table, index, flavour)
    if tables:
        yield Remedy(
            title=GATHER(), statements=tuple(f"ANALYZE TABLE {table};" for table in tables), lock=ANALYZE_LOCK(),
            risk="low", when="now", rollback=(), rollback_note=NO_UNDO(), verify=_VERIFY(), caution=WAIT_SHORTLY(),
        )  # fmt: skip
    yield application_change(_LOOK(hidden="IGNORED" if flavour == "mariadb" else "INVISIBLE"))
