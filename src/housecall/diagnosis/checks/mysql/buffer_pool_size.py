"""A buffer pool at its default size beside much more data, or one that takes nearly all of the machine's memory.

Why it matters: 128 MB is what the server starts with on any machine; beside gigabytes of tables nearly every cold
statement reads from disk. A pool that leaves no room for sessions ends with the operating system killing the server.
How to fix: half to three quarters of the memory of a machine that does nothing else; it can be changed while running.
Cannot see: the machine's memory, except on MySQL 9, which writes it to its error log at the start.
Source: MySQL manual, "Configuring InnoDB Buffer Pool Size" (50 to 75 percent of system memory).
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._counters import GB, MB, number
from housecall.diagnosis.checks.mysql._machine import memory_bytes
from housecall.diagnosis.checks.mysql._measured import measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import Database, ServerStart, Variable
from housecall.wording import Say

CHECK = Check(
    id="mysql.buffer_pool_size",
    item="resource_usage",
    severity=Severity.NOTICE,
    title=Say(en="Buffer pool far off for data or machine", zh="缓冲池大小与数据量或机器不匹配"),
    thresholds=[
        Threshold("default_bytes", 128 * MB, "the compiled default of both servers, whatever the machine"),
        Threshold("large_data_bytes", 1 * GB, "eight times the default: it cannot hold the hot part"),
        Threshold("most_of_memory", 0.9, "what is left must hold the sessions and the operating system"),
    ],
)
_DEFAULT = Say(
    en="innodb_buffer_pool_size is {pool:bytes} beside {tables:bytes} of tables and indexes.",
    zh="表和索引共 {tables:bytes}，而 innodb_buffer_pool_size 只有 {pool:bytes}。",
)
_TOO_LARGE = Say(
    en="innodb_buffer_pool_size is {pool:bytes}, {share:percent} of the machine's {memory:bytes}.",
    zh="innodb_buffer_pool_size 为 {pool:bytes}，占机器内存 {memory:bytes} 的 {share:percent}。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    pool, memory = number(now, "innodb_buffer_pool_size") or 0.0, memory_bytes(now)
    if memory and pool > limits["most_of_memory"] * memory:
        yield Finding(
            CHECK.id, CHECK.item, Severity.NOTICE, "innodb_buffer_pool_size", "setting",
            _TOO_LARGE(pool=pool, share=pool / memory, memory=memory),
            measured(Variable, innodb_buffer_pool_size=(pool, "bytes"))
            + measured(ServerStart, memory=(memory, "bytes")),
            details={"kind": "large", "pool": pool, "memory": memory},
        )  # fmt: skip
    tables = sum(row.data_bytes + row.index_bytes for row in now.rows(Database))
    if 0 < pool <= limits["default_bytes"] and tables >= limits["large_data_bytes"]:
        yield Finding(
            CHECK.id, CHECK.item, Severity.NOTICE, "innodb_buffer_pool_size", "setting",
            _DEFAULT(pool=pool, tables=tables),
            measured(Variable, innodb_buffer_pool_size=(pool, "bytes"))
            + measured(Database, tables_and_indexes=(tables, "bytes")),
            details={"kind": "small", "pool": pool, "tables": tables, "memory": memory},
        )  # fmt: skip
