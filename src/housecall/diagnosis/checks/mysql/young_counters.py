"""A server that has not run for long: what its counters tell is about that time alone.

Why it matters: averages, unused indexes and hit ratios of a young server say little; every verdict that rests on
counters is less sure.
How to fix: look again after a day of ordinary work.
Source: MySQLTuner, which asks for 24 hours.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._counters import age_seconds
from housecall.diagnosis.checks.mysql._measured import counter, measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import StatusCounter
from housecall.wording import Say

CHECK = Check(
    id="mysql.young_counters",
    item="instance_info",
    severity=Severity.INFO,
    title=Say(en="Counters of less than a day", zh="计数器不足一天"),
    thresholds=[Threshold("least_seconds", 24 * 3600.0, "a day has the quiet and the busy hours")],
)
_YOUNG = Say(
    en="The counters have run for {age:duration} only: verdicts that rest on them are less sure.",
    zh="计数器只运行了 {age:duration}，基于它们的结论可信度较低。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    now.rows(StatusCounter)
    if counter(now, "Uptime") is None:
        return
    age = age_seconds(now)
    if age < limits["least_seconds"]:  # none at all in the first second of a server
        yield Finding(
            CHECK.id, CHECK.item, Severity.INFO, "server", "server", _YOUNG(age=age),
            measured(StatusCounter, counters_run_for=(age, "seconds")), details={"age_seconds": age},
        )  # fmt: skip
