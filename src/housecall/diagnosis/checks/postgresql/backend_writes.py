"""Sessions that write changed blocks themselves, since nobody did it before them.

Why it matters: a statement that needs a buffer has to write somebody else's block first, and waits for it.
How to fix: more shared_buffers, or a busier background writer (bgwriter_lru_maxpages, bgwriter_delay).
Cannot see: bulk loads on versions before 17: they write through a ring of their own and count here.
Source: PostgreSQL manual, pg_stat_bgwriter and pg_stat_io; see also check_pgactivity.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.postgresql._measured import measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.memory import BufferWrites
from housecall.wording import Say

CHECK = Check(
    id="postgresql.backend_writes",
    item="performance_metrics",
    severity=Severity.NOTICE,
    title=Say("Sessions write dirty blocks", "会话自行写脏页"),
    thresholds=[
        Threshold("max_share", 0.3, "of all changed blocks; common practice"),
        Threshold("min_blocks", 500_000, "4 GB written: fewer tell of one bulk load"),
        Threshold("min_syncs", 10, "the manual expects none; a few come with the creation of databases"),
    ],
)
_SHARE = Say(
    "Sessions wrote {share:percent} of the {total:count} changed blocks themselves.",
    "{total:count} 个脏块中有 {share:percent} 由会话自行写出。",
)
_SYNCS = Say(
    "Sessions had to sync files themselves {syncs:count} times: the checkpointer's queue was full.",
    "会话自行执行了 {syncs:count} 次 fsync：检查点进程的队列已满。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for row in now.rows(BufferWrites):
        total = row.by_checkpoints + row.by_writer + row.by_sessions
        evidence = measured(
            BufferWrites,
            by_sessions=(row.by_sessions, "blocks"),
            by_checkpoints=(row.by_checkpoints, "blocks"),
            by_the_background_writer=(row.by_writer, "blocks"),
            syncs_by_sessions=(row.syncs_by_sessions, "count"),
        )
        if row.syncs_by_sessions >= limits["min_syncs"]:
            yield Finding(
                CHECK.id, CHECK.item, Severity.NOTICE, "fsync", "server", _SYNCS(syncs=row.syncs_by_sessions), evidence
            )
        if total >= limits["min_blocks"] and row.by_sessions >= limits["max_share"] * total:
            yield Finding(
                CHECK.id, CHECK.item, Severity.INFO, "background writer", "server",
                _SHARE(share=row.by_sessions / total, total=total), evidence,
            )  # fmt: skip
