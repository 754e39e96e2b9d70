"""Tables of MySQL or MariaDB are read from end to end at a high rate, and nothing that could be looked at says by whom.

Only where the rate was measured while we looked, statements are not counted, no session was seen at such work, and no
other finding accounts for it. What could merely not be looked at is told by the checks themselves.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._settings import NO_LOCK, Change, advice, joined, set_variables
from housecall.diagnosis.checks.mysql._measured import is_on, measured, number, variable
from housecall.diagnosis.finding import Finding, NotEvaluated, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.mysql.rows.replication import ReplicaStatus
from housecall.engines.mysql.rows.server import StatusCounter
from housecall.engines.mysql.rows.sessions import Session
from housecall.wording import Say

CAUSE = CauseRule(
    id="unknown",
    title=Say("Unknown for want of a look", "因无法查看而原因不明"),
    checks=("mysql.rows_scanned", "mysql.top_statements", "mysql.blocked_sessions"),
)
MIN_SHARE = 0.5
"""Of all rows read in the window: else reads by index are what the server is busy with."""
MIN_ROWS_A_SCAN = 1_000
"""Tables of a few pages are read whole all the time, and rightly."""
LOG_ROWS = 1_000
"""Statements that look at fewer rows are kept out of the log, which must not itself become the load."""
LOGGED_A_MINUTE = 60
"""Of statements without an index: enough to see which they are (MySQL counts the rest in one line)."""
_ACCOUNTS_FOR_IT = (
    "mysql.missing_index", "mysql.wrong_index_order", "mysql.function_on_column", "mysql.implicit_cast",
    "mysql.charset_mismatch_join", "mysql.leading_wildcard", "mysql.offset_pagination", "mysql.correlated_subquery",
    "mysql.partition_pruning", "mysql.huge_in_list", "mysql.collation_mismatch",
)  # fmt: skip
_MAY_MISLEAD = ("mysql.stale_statistics", "mysql.planner_switches")
_SUMMARY = Say(
    "{rate:count} rows a second are read by scanning tables, and which statements do it cannot be seen here.",
    "每秒有 {rate:count} 行通过全表扫描读取，但在这里无法看出是哪些语句。",
)
_SHARE = Say(
    "That was {share:percent} of all rows read while we looked, about {rows:count} row{rows:|s} a scan.",
    "占本次观察期内读取行数的 {share:percent}，平均每次扫描约 {rows:count} 行。",
)
_LOOKS = Say(
    "{looks:count} look{looks:|s} at the sessions caught no statement at it: they are too short to be seen running.",
    "{looks:count} 次查看会话都没有捕捉到这样的语句：它们太短，看不到正在运行。",
)
_WHY_NOT = Say("Statements are not counted:", "没有语句计数：")
_NO_SESSIONS = Say("The sessions could not be seen either:", "会话也无法查看：")
_LOG = Say(
    "Let the slow query log show the statements that use no index, for some minutes",
    "用慢查询日志记录几分钟内未使用索引的语句",
)
_LOGGED = Say("the log names the statements that read whole tables", "日志中列出读取整张表的语句")
_LOG_CAUTION = Say(
    "Statements of {rows:count} rows and more are written down with their values; undo it once it has told. Sessions"
    " that are connected may keep what they began with, so that a pool tells after it reconnects.",
    "不少于 {rows:count} 行的语句会连同参数值一起记录；看到结果后请回退。已连接的会话可能保持原设置，"
    "连接池重新连接后才会记录。",
)
_READ_LOG = Say(
    "The slow query log takes statements without an index already: read there which look at most rows",
    "慢查询日志已在记录未使用索引的语句：请在其中查看哪些语句读取的行数最多",
)
_LET = Say("Let Housecall look: {remedy:code}", "允许 Housecall 查看：{remedy:code}")
_NAMED = Say("the next examination names the statements", "下次检查即可指出具体语句")
_MEMORY = Say("It takes some 200 to 400 MB of memory.", "约占用 200 到 400 MB 内存。")
_READ = "SELECT start_time, db, rows_examined, sql_text FROM mysql.slow_log ORDER BY rows_examined DESC LIMIT 10;"


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    missing = found.not_looked("mysql.top_statements")
    for finding in found.of("mysql.rows_scanned"):
        if (
            missing is not None
            and finding.details["table"] is None
            and _is_felt(finding)
            and not _is_accounted_for(found, now)
        ):
            yield _cause(finding, missing, found.not_looked("mysql.blocked_sessions"), now)


def _is_felt(finding: Finding) -> bool:
    """Whether large tables were scanned at that rate while we looked, not only in the past."""
    details = finding.details
    share, rows = details["window_share"], details["rows_a_scan"]
    return bool(details["is_scanning"]) and (share or 0.0) >= MIN_SHARE and (rows or 0.0) >= MIN_ROWS_A_SCAN


def _is_accounted_for(found: Found, now: Snapshot) -> bool:
    """Whether something found says who scans: a finding about a statement, a session that was seen at work other than
    by an index, a misled optimizer, or a replica that looks for the rows of tables without a key."""
    seen = any(each.details["reads_whole"] is not False for each in found.of("mysql.top_statements"))
    misled = any(each.severity.rank >= Severity.WARNING.rank for each in found.of(*_MAY_MISLEAD))
    channels = now.get(ReplicaStatus)
    applies = not isinstance(channels, Unavailable) and bool(channels) and bool(found.of("mysql.no_primary_key"))
    return seen or misled or applies or bool(found.of(*_ACCOUNTS_FOR_IT))


def _cause(finding: Finding, missing: NotEvaluated, blind: NotEvaluated | None, now: Snapshot) -> Cause:
    details = finding.details
    unseen = blind if isinstance(now.get(Session), Unavailable) else None
    looks = len(now.samples)
    sessions = joined(_NO_SESSIONS(), unseen.reason) if unseen else _LOOKS(looks=looks)
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind=finding.object_kind,
        severity=Severity.NOTICE,
        confidence=0.3,
        summary=_SUMMARY(rate=details["rate"]),
        because=(
            _SHARE(share=details["window_share"], rows=details["rows_a_scan"]), sessions,
            joined(_WHY_NOT(), missing.reason),
        ),
        evidence=finding.evidence
        + measured(
            StatusCounter,
            rows_a_second=(round(details["rate"]), "number"),
            share_of_rows_read_in_window=(round(details["window_share"], 4), "share"),
            rows_a_scan_in_window=(round(details["rows_a_scan"]), "number"),
        )
        + measured(Session, looks=(looks, "count")),
        remedies=tuple(_remedies(missing, unseen, now)),
        rests_on=(finding.fingerprint,),
    )  # fmt: skip


def _remedies(missing: NotEvaluated, unseen: NotEvaluated | None, now: Snapshot) -> Iterator[Remedy]:
    is_off = (variable(now, "performance_schema") or "").upper() == "OFF"
    for each in (missing if not is_off else None, unseen):
        if each is not None and isinstance(each.remedy, str):
            yield advice(_LET(remedy=each.remedy), _NAMED(), when="now")
    if is_off:
        yield _log(now)
        yield set_variables(
            now.facts.version, [Change("performance_schema", "ON", "OFF")], in_file=True, caution=_MEMORY()
        )


def _log(now: Snapshot) -> Remedy:
    changes = [each for each in _log_changes(now) if (each.old or "").strip("'").upper() != each.value.strip("'")]
    if not changes or (is_on(now, "slow_query_log") and is_on(now, "log_queries_not_using_indexes")):
        return advice(_READ_LOG(), _LOGGED(), when="now")
    return Remedy(
        title=_LOG(), statements=tuple(f"SET GLOBAL {each.name} = {each.value};" for each in changes), lock=NO_LOCK(),
        risk="low", when="now",
        rollback=tuple(f"SET GLOBAL {each.name} = {each.old};" for each in reversed(changes)),
        verify=_LOGGED(), verify_statement=_READ, caution=_LOG_CAUTION(rows=LOG_ROWS),
    )  # fmt: skip


def _log_changes(now: Snapshot) -> Iterator[Change]:
    """What makes the log show statements without an index in a table that SQL reads, with the values of now. The log
    itself goes on last, and off first."""
    yield Change("log_output", "'TABLE'", f"'{variable(now, 'log_output') or 'FILE'}'")
    kept = number(now, "min_examined_row_limit")
    yield Change("min_examined_row_limit", str(LOG_ROWS), f"{kept or 0.0:.0f}")
    if (limit := number(now, "log_throttle_queries_not_using_indexes")) is not None:
        yield Change("log_throttle_queries_not_using_indexes", str(LOGGED_A_MINUTE), f"{limit:.0f}")
    for name in ("log_queries_not_using_indexes", "slow_query_log"):
        yield Change(name, "ON", "ON" if is_on(now, name) else "OFF")
