"""Open files against the limit that the operating system gave the server.

Why it matters: at the limit the server can open no further table and refuses connections.
How to fix: LimitNOFILE of the service and open_files_limit, with a restart.
Source: MySQL manual, "File Not Found and Similar Errors"; see also MySQLTuner (85 %). InnoDB has a limit of its own,
innodb_open_files, and closes what is over it.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._counters import number, settings
from housecall.diagnosis.checks.mysql._measured import counter, measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import StatusCounter
from housecall.wording import Say

CHECK = Check(
    id="mysql.open_files",
    item="resource_usage",
    severity=Severity.WARNING,
    title=Say(en="Open files near the limit", zh="打开文件数接近上限"),
    thresholds=[
        Threshold("warning_share", 0.85, "common practice"),
        Threshold("least_limit", 1024, "a limit below this is too low for any server with a few hundred tables"),
        Threshold("least_connections", 100, "connections allowed from which a low limit is told"),
    ],
)
_NEAR = Say(
    en="{files:count} of {limit:count} files are open ({share:percent}).",
    zh="已打开 {files:count} 个文件，上限 {limit:count}（{share:percent}）。",
)
_LOW = Say(
    en="open_files_limit is {limit:count} for {connections:count} connections.",
    zh="open_files_limit 为 {limit:count}，而允许的连接数为 {connections:count}。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    limit, connections = number(now, "open_files_limit"), number(now, "max_connections") or 0.0
    files = (counter(now, "Open_files") or 0.0) + (counter(now, "Innodb_num_open_files") or 0.0)
    if not limit:
        return
    evidence = measured(StatusCounter, open_files=(files, "count")) + settings(
        now, open_files_limit="count", max_connections="count"
    )
    details = {"files": files, "limit": limit}
    if files >= limits["warning_share"] * limit:
        message = _NEAR(files=files, limit=limit, share=files / limit)
        severity = Severity.WARNING
    elif limit < limits["least_limit"] and connections >= limits["least_connections"]:
        message, severity = _LOW(limit=limit, connections=connections), Severity.NOTICE
    else:
        return
    yield Finding(CHECK.id, CHECK.item, severity, "open_files_limit", "setting", message, evidence, details)
