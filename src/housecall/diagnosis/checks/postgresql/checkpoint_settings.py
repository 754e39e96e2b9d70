"""Settings by which checkpoints write in bursts.

Why it matters: a low checkpoint_completion_target writes all at once, and every statement waits for the disk; tiny
wal_buffers make sessions wait for each other to write WAL.
How to fix: checkpoint_completion_target = 0.9, wal_buffers = -1 (the server chooses).
Source: PostgreSQL manual, "WAL Configuration"; see also postgresqltuner.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.checks.postgresql._settings import setting
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.settings import ServerSetting
from housecall.wording import Say

CHECK = Check(
    id="postgresql.checkpoint_settings",
    item="performance_metrics",
    severity=Severity.NOTICE,
    title=Say("Checkpoints write in bursts", "检查点集中写盘"),
    thresholds=[
        Threshold("low_target", 0.7, "the default is 0.9 from version 14 on"),
        Threshold("bad_target", 0.5, "the default before version 14"),
        Threshold(
            "small_buffers", 256 * 1024, "what the server chooses for the smallest shared_buffers of any use, 8 MB"
        ),
    ],
)
_BURST = Say(
    "checkpoint_completion_target is {value}: a checkpoint writes in the first part of its time and starves the rest.",
    "checkpoint_completion_target 为 {value}：检查点会集中在前一段时间写盘，影响其他读写。",
)
_SMALL = Say(
    "wal_buffers is {value:bytes}: sessions wait for each other to write WAL.",
    "wal_buffers 只有 {value:bytes}：会话写 WAL 时会互相等待。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    target, buffers = setting(now, "checkpoint_completion_target"), setting(now, "wal_buffers")
    if target is not None and target.number < limits["low_target"]:
        severity = Severity.NOTICE if target.number < limits["bad_target"] else Severity.INFO
        yield Finding(
            CHECK.id, CHECK.item, severity, target.name, "setting", _BURST(value=target.value),
            measured(ServerSetting, checkpoint_completion_target=(target.number, "number")),
        )  # fmt: skip
    if buffers is not None and 0 < buffers.number < limits["small_buffers"]:
        yield Finding(
            CHECK.id, CHECK.item, Severity.INFO, buffers.name, "setting", _SMALL(value=buffers.number),
            measured(ServerSetting, wal_buffers=(buffers.number, "bytes")),
        )  # fmt: skip
