"""Caches of open tables and table definitions that are full and have to open tables again and again.

Why it matters: opening a table reads its definition and takes a lock that all sessions share.
How to fix: table_open_cache for the open ones (sessions times tables of a statement), table_definition_cache for the
definitions; both can be raised while the server runs, within open_files_limit.
Source: MySQL manual, "How MySQL Opens and Closes Tables"; see also MySQLTuner. A rate is used in place of MySQLTuner's
ratio, which any short-lived table spoils.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._counters import Pace, number, pace, settings
from housecall.diagnosis.checks.mysql._measured import counter, measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import StatusCounter
from housecall.wording import Say

CHECK = Check(
    id="mysql.table_cache",
    item="performance_metrics",
    severity=Severity.WARNING,
    title=Say(en="Table caches too small", zh="表缓存过小"),
    thresholds=[
        Threshold("full_share", 0.9, "of the cache in use: only a full cache throws tables out"),
        Threshold(
            "warning_per_second", 50.0, "opened now; each costs some tenths of a millisecond under a shared lock"
        ),
        Threshold("notice_per_second", 2.0, "opened on average"),
        Threshold("least_total", 500, "opened in all: filling the cache after the start is no fault"),
    ],
    needs_window=True,
)
_FULL = Say(
    en="{name} ({size:count}) is full and {rate:number} tables a second are opened anew; {total:count} in"
    " {age:duration}.",
    zh="{name}（{size:count}）已满，每秒要重新打开 {rate:number} 张表；{age:duration} 内共 {total:count} 次。",
)
_CACHES = (
    ("table_open_cache", "Open_tables", "Opened_tables"),
    ("table_definition_cache", "Open_table_definitions", "Opened_table_definitions"),
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for name, held, opened in _CACHES:
        size, used = number(now, name), counter(now, held)
        again = pace(now, earlier, opened)
        if not size or used is None or (used < limits["full_share"] * size and not _throws_out(now, name, again)):
            continue
        if again.total < max(limits["least_total"], 2 * size):
            continue
        is_now = again.in_window is not None and again.current >= limits["warning_per_second"]
        if not is_now and again.average < limits["notice_per_second"]:
            continue
        yield Finding(
            CHECK.id, CHECK.item, Severity.WARNING if is_now else Severity.NOTICE, name, "setting",
            _FULL(name=name, size=size, rate=again.current, total=again.total, age=again.seconds),
            again.evidence("tables_opened") + measured(StatusCounter, in_cache=(used, "count"))
            + settings(now, **{name: "count"}, open_files_limit="count"),
            details={"name": name, "size": size, "rate": again.current, "is_now": is_now, "is_over": again.is_over,
                     "total": again.total, "files": number(now, "open_files_limit"), "age_seconds": again.seconds},
        )  # fmt: skip


def _throws_out(now: Snapshot, name: str, opened: Pace) -> bool:
    """Whether most tables that were opened had to throw out another. The cache is in parts, so one part may be full
    while the whole is not; MySQL counts what that throws out."""
    return name == "table_open_cache" and (counter(now, "Table_open_cache_overflows") or 0.0) >= opened.total / 2
