"""Pages that InnoDB has to read from disk because its full buffer pool no longer holds them.

Why it matters: a page in memory costs microseconds, one from disk a hundred times that, and every statement waits for
it.
How to fix: first the statements that read more than they need; then a larger innodb_buffer_pool_size.
A cold pool reads as much and is healthy: so the pool must be full, and have been read several times over. A ratio alone
proves nothing.
Cannot see: whether the file cache of the operating system answered the read.
Source: MySQL manual, "InnoDB Buffer Pool" and its status variables; see also MySQLTuner (90 % served from memory).
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._counters import age_seconds, number, pace
from housecall.diagnosis.checks.mysql._measured import counter, measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.mysql.rows.server import Database, StatusCounter, Variable
from housecall.wording import Say

CHECK = Check(
    id="mysql.buffer_pool_reads",
    item="performance_metrics",
    severity=Severity.WARNING,
    title=Say(en="Reads from disk with a full buffer pool", zh="缓冲池已满且频繁从磁盘读取"),
    thresholds=[
        Threshold("miss_share", 0.02, "one request in fifty from disk: there most of a statement's time goes to reads"),
        Threshold("free_share", 0.05, "a pool with more free pages than this is still filling and evicts nothing"),
        Threshold("turnovers", 3, "times that the whole pool was read: the first fills it, a scan may be the second"),
        Threshold("warning_per_second", 100, "reads a second now; a spinning disk does no more, and people feel it"),
        Threshold("least_in_window", 100, "reads in a window, so that its share means something"),
    ],
    needs_window=True,
)
_READS = Say(
    en="{share:percent} of page requests went to disk ({rate:number} reads a second) with a full buffer pool of"
    " {pool:bytes}, which has been read {turnovers:number} times over in {age:duration}; the tables take"
    " {tables:bytes}.",
    zh="缓冲池（{pool:bytes}）已满，{share:percent} 的页请求落到磁盘（每秒 {rate:number} 次读），{age:duration}"
    " 内读入量相当于"
    "把整个缓冲池换了 {turnovers:number} 遍；表和索引共 {tables:bytes}。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    pool = number(now, "innodb_buffer_pool_size")
    pages, free = counter(now, "Innodb_buffer_pool_pages_total"), counter(now, "Innodb_buffer_pool_pages_free")
    reads = pace(now, earlier, "Innodb_pages_read")  # those that were read ahead too, on both flavours
    requests = pace(now, earlier, "Innodb_buffer_pool_read_requests")
    if not pool or not pages or free is None or free > max(limits["free_share"] * pages, kept_free(now)):
        return
    turnovers = reads.total / pages
    if turnovers < limits["turnovers"]:
        return
    busy = reads.in_window is not None and reads.in_window >= limits["least_in_window"]
    share = (reads.in_window or 0.0) / max(requests.in_window or 0.0, 1.0) if busy else (
        reads.total / max(requests.total, 1.0)
    )  # fmt: skip
    if share < limits["miss_share"]:
        return
    tables = _tables(now)
    if tables is not None and tables < pool:
        return  # what was read did not come from want of room
    is_now = busy and reads.current >= limits["warning_per_second"]
    yield Finding(
        CHECK.id, CHECK.item, Severity.WARNING if is_now else Severity.NOTICE, "innodb_buffer_pool_size", "setting",
        _READS(share=min(share, 1.0), rate=reads.current, pool=pool, turnovers=turnovers, age=age_seconds(now),
               tables=tables),
        reads.evidence("reads_from_disk") + requests.evidence("page_requests")
        + measured(StatusCounter, miss_share=(round(min(share, 1.0), 4), "share"),
                   pool_read_over=(round(turnovers, 1), "times"), free_pages=(free, "count"), pages=(pages, "count"))
        + measured(Variable, innodb_buffer_pool_size=(pool, "bytes"))
        + measured(Database, tables_and_indexes=(tables, "bytes")),
        details={
            "share": min(share, 1.0), "rate": reads.current, "pool": pool, "turnovers": turnovers, "tables": tables,
            "is_now": is_now, "is_over": reads.is_over, "age_seconds": age_seconds(now),
        },
    )  # fmt: skip


def kept_free(now: Snapshot) -> float:
    """Pages that InnoDB frees ahead in a full pool, for the next reads: a small pool may then be nearly all free."""
    return (number(now, "innodb_lru_scan_depth") or 0.0) * (number(now, "innodb_buffer_pool_instances") or 1.0)


def _tables(now: Snapshot) -> int | None:
    """Bytes of all tables and indexes, or None where their sizes may not be seen."""
    rows = now.get(Database)
    return None if isinstance(rows, Unavailable) or not rows else sum(row.data_bytes + row.index_bytes for row in rows)
