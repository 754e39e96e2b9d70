"""Checkpoints that come because WAL reached max_wal_size, not because it was time.

Why it matters: each checkpoint writes every dirty page, and the first change of each page afterwards goes to WAL in
full; when
they chase each other, writing costs several times more.
How to fix: raise max_wal_size (and checkpoint_timeout) so that checkpoints come by time.
Cannot see: checkpoints asked for by a command or a base backup count as requested too; a few are normal.
Source: PostgreSQL manual, "WAL Configuration"; pg_stat_bgwriter, from version 17 on pg_stat_checkpointer.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import counterpart, measured
from housecall.diagnosis.checks.postgresql._settings import setting_number
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.memory import Checkpoints
from housecall.engines.postgresql.rows.settings import ServerSetting
from housecall.wording import Say

CHECK = Check(
    id="postgresql.checkpoint_pressure",
    item="performance_metrics",
    severity=Severity.WARNING,
    title=Say(en="Checkpoints forced by WAL volume", zh="检查点被 WAL 写入量频繁触发"),
    thresholds=[
        Threshold("min_requested", 5, "a few come from commands, backups and restarts"),
        Threshold("min_share", 0.2, "of all checkpoints; below that the timer still sets the pace"),
        Threshold("warning_interval_seconds", 5 * 60.0, "on average more often than the default checkpoint_timeout"),
        Threshold(
            "min_wal_share",
            0.3,
            "WAL for each forced checkpoint against max_wal_size: one begins at about half of it, so with less WAL than"
            " this the checkpoints came from commands such as CREATE DATABASE",
        ),
        Threshold("many", 20, "forced checkpoints that are a habit whatever max_wal_size is"),
        Threshold("small_wal_bytes", 512 * 1024 * 1024, "half the default max_wal_size: reached by one bulk load"),
    ],
    needs_window=True,
)
_FORCED = Say(
    en="{requested:count} of {all:count} checkpoints in {age:duration} were forced: max_wal_size is {limit:bytes}.",
    zh="{age:duration} 内的 {all:count} 次检查点中有 {requested:count} 次是被强制触发的：max_wal_size 为 "
    "{limit:bytes}。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    row = now.row(Checkpoints)
    total = row.timed + row.requested
    if row.in_recovery or row.requested < limits["min_requested"] or row.requested < limits["min_share"] * total:
        return
    age = max(row.reset_seconds_ago or 0.0, 1.0)
    before = counterpart(row, earlier, lambda _row: None)
    in_window = row.requested - before.requested if before else 0
    limit = setting_number(now, "max_wal_size")
    if limit is not None and (row.wal_position_bytes or 0.0) < row.requested * limit * limits["min_wal_share"]:
        return  # all WAL since the cluster was made is too little for so many
    interval = age / row.requested
    is_small = limit is not None and limit < limits["small_wal_bytes"]
    is_pressing = is_small or in_window > 0 or row.requested >= limits["many"]
    is_often = interval < limits["warning_interval_seconds"]
    yield Finding(
        CHECK.id, CHECK.item, Severity.WARNING if is_often and is_pressing else Severity.NOTICE,
        "max_wal_size", "setting",
        _FORCED(requested=row.requested, all=total, age=age, limit=limit),
        measured(
            Checkpoints,
            forced_checkpoints=(row.requested, "count"),
            timed_checkpoints=(row.timed, "count"),
            forced_in_window=(in_window, "count"),
            seconds_between_forced=(round(interval, 1), "seconds"),
            write_time=(round(row.write_seconds, 1), "seconds"),
            statistics_age=(round(age), "seconds"),
        )
        + measured(ServerSetting, max_wal_size=(limit, "bytes")),
        details={
            "requested": row.requested, "timed": row.timed, "interval_seconds": interval, "max_wal_size": limit,
            "in_window": in_window, "age_seconds": age, "wal_bytes": row.wal_position_bytes,
        },
    )  # fmt: skip
