"""Data checksums are off, so that a disk may change data unseen.

Why it matters: without checksums a damaged page is found by a wrong answer, months later, when every backup has it.
How to fix: `pg_checksums --enable` while the server is stopped (it rewrites every page), or a new cluster.
Source: PostgreSQL manual, "Data Checksums"; on by default from version 18.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.checks.postgresql._settings import is_off, setting
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.settings import ServerSetting
from housecall.wording import Say

CHECK = Check(
    id="postgresql.checksums_off",
    item="instance_info",
    severity=Severity.INFO,
    title=Say("Data checksums off", "未开启数据校验和"),
)
_OFF = Say(
    "Data checksums are off: pages that the disk damaged are not noticed.",
    "未开启数据校验和：磁盘损坏的数据页不会被发现。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, _limits: Limits) -> Iterator[Finding]:
    row = setting(now, "data_checksums")
    if row is not None and is_off(row.value):
        yield Finding(
            CHECK.id, CHECK.item, Severity.INFO, "data_checksums", "setting", _OFF(),
            measured(ServerSetting, data_checksums=(row.value, "text")),
        )  # fmt: skip
