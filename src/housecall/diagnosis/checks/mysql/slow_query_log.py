"""The slow query log: off, or with a limit that lets nothing into it.

Why it matters: without performance_schema it is the only record of which statements were slow yesterday.
How to fix: SET slow_query_log = ON with long_query_time = 1; on a busy server with a limit on the rate.
Source: MySQL manual, "The Slow Query Log"; MySQLTuner (long_query_time at most 10 s).
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._counters import number, settings, switch
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import Variable
from housecall.wording import Message, Say

CHECK = Check(
    id="mysql.slow_query_log",
    item="slow_query_analysis",
    severity=Severity.NOTICE,
    title=Say(en="Slow query log", zh="慢查询日志"),
    thresholds=[Threshold("max_seconds", 10.0, "above the default of both servers next to nothing is logged")],
)
_OFF = Say(
    en="The slow query log is off; performance_schema keeps the statements meanwhile.",
    zh="慢查询日志未开启；目前由 performance_schema 记录语句。",
)
_BLIND = Say(
    en="The slow query log and performance_schema are both off: nothing records which statements are slow.",
    zh="慢查询日志和 performance_schema 都未开启：没有任何地方记录哪些语句慢。",
)
_LONG = Say(
    en="long_query_time is {limit:duration}: slower statements are rare enough to be outages already.",
    zh="long_query_time 为 {limit:duration}：比这更慢的语句往往已经是故障。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    now.rows(Variable)
    limit = number(now, "long_query_time")
    if switch(now, "slow_query_log") is False:
        blind = switch(now, "performance_schema") is False
        yield _finding(
            now, "slow_query_log", Severity.NOTICE if blind else Severity.INFO, (_BLIND if blind else _OFF)()
        )
    elif limit is not None and limit > limits["max_seconds"]:
        yield _finding(now, "long_query_time", Severity.NOTICE, _LONG(limit=limit))


def _finding(now: Snapshot, name: str, severity: Severity, message: Message) -> Finding:
    evidence = settings(now, slow_query_log="text", long_query_time="seconds", performance_schema="text")
    return Finding(CHECK.id, CHECK.item, severity, name, "setting", message, evidence, details={"name": name})
