"""Caches of MyISAM and Aria indexes that answer too few requests.

Why it matters: only tables of those engines use them; MariaDB also keeps its internal temporary tables on disk in Aria.
How to fix: convert the tables to InnoDB; or key_buffer_size (MyISAM), aria_pagecache_buffer_size (needs a restart).
Source: MySQL manual, "The MyISAM Key Cache"; MariaDB documentation, aria_pagecache_buffer_size; see also MySQLTuner (95
%).
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._counters import pace, settings
from housecall.diagnosis.checks.mysql._measured import counter, measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import StatusCounter
from housecall.wording import Say

CHECK = Check(
    id="mysql.key_caches",
    item="performance_metrics",
    severity=Severity.NOTICE,
    title=Say(en="Index caches of MyISAM and Aria", zh="MyISAM 与 Aria 索引缓存"),
    thresholds=[
        Threshold("miss_share", 0.05, "common practice"),
        Threshold("least_reads", 10_000, "blocks read from disk: fewer filled a cold cache"),
    ],
    needs_window=True,
)
_MISSES = Say(
    en="{share:percent} of {requests:count} index block requests missed {name} and were read from disk.",
    zh="{requests:count} 次索引块请求中有 {share:percent} 未命中 {name}，需要从磁盘读取。",
)
_CACHES = (
    ("key_buffer_size", "Key_reads", "Key_read_requests", "Key_blocks_unused"),
    (
        "aria_pagecache_buffer_size",
        "Aria_pagecache_reads",
        "Aria_pagecache_read_requests",
        "Aria_pagecache_blocks_unused",
    ),
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    for name, reads_name, requests_name, unused_name in _CACHES:
        reads, requests = pace(now, earlier, reads_name), pace(now, earlier, requests_name)
        unused = counter(now, unused_name) or 0.0
        share = reads.total / max(requests.total, 1.0)
        if reads.total < limits["least_reads"] or share < limits["miss_share"] or unused > reads.total or reads.is_over:
            continue
        yield Finding(
            CHECK.id, CHECK.item, Severity.NOTICE, name, "setting",
            _MISSES(share=share, requests=requests.total, name=name),
            reads.evidence("blocks_read") + requests.evidence("block_requests")
            + measured(StatusCounter, unused_blocks=(unused, "count")) + settings(now, **{name: "bytes"}),
            details={"name": name, "share": share},
        )  # fmt: skip
