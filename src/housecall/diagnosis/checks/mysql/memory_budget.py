"""Memory that the server has promised: shared caches, and buffers of each session times the sessions allowed.

Why it matters: when sessions take what they were promised, the operating system kills the server, the largest process
of the machine.
How to fix: per-session buffers back to their defaults, fewer max_connections with a pool in front, then the buffer
pool.
Cannot see: the machine's memory, except on MySQL 9, which writes it to its error log at the start; elsewhere the
sessions' part is compared with the buffer pool.
Source: MySQL manual, "How MySQL Uses Memory"; see also MySQLTuner (85 % of memory). A session seldom takes all of its
buffers, so what is possible is a notice, and what the most sessions so far could take is a warning.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._counters import GB, number, settings
from housecall.diagnosis.checks.mysql._machine import memory_bytes
from housecall.diagnosis.checks.mysql._measured import counter, measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import ServerStart, StatusCounter, Variable
from housecall.wording import Message, Say

CHECK = Check(
    id="mysql.memory_budget",
    item="resource_usage",
    severity=Severity.WARNING,
    title=Say(en="More memory promised than there is", zh="内存承诺超出可用量"),
    thresholds=[
        Threshold("most_of_memory", 1.0, "of the machine's memory promised; MySQLTuner says 0.85, which defaults pass"),
        Threshold("times_the_pool", 4, "sessions' part against the shared part, where memory is not known"),
        Threshold("least_bytes", 8 * GB, "sessions' part, where memory is not known: less fits most machines"),
        Threshold("large_session_bytes", 16 * 1024 * 1024, "buffers of one session; the defaults add up to 1 to 3 MB"),
    ],
)
SHARED = ("innodb_buffer_pool_size", "key_buffer_size", "query_cache_size", "aria_pagecache_buffer_size",
          "innodb_log_buffer_size")  # fmt: skip
PER_SESSION = ("sort_buffer_size", "join_buffer_size", "read_buffer_size", "read_rnd_buffer_size", "thread_stack",
               "binlog_cache_size", "net_buffer_length")  # fmt: skip
_OF_MEMORY = Say(
    en="{shared:bytes} shared and {session:bytes} for each of {connections:count} sessions are {sum:bytes}, on"
    " a machine"
    " of {memory:bytes}.",
    zh="共享内存 {shared:bytes}，加上 {connections:count} 个会话每个 {session:bytes}，共 {sum:bytes}，而机器内存只有"
    " {memory:bytes}。",
)
_ALONE = Say(
    en="{connections:count} sessions of {session:bytes} each may take {sum:bytes}, beside {shared:bytes} of shared"
    " memory.",
    zh="{connections:count} 个会话每个 {session:bytes}，合计可达 {sum:bytes}，另有共享内存 {shared:bytes}。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    shared = sum(number(now, name) or 0.0 for name in SHARED)
    session = sum(number(now, name) or 0.0 for name in PER_SESSION)
    allowed, reached = number(now, "max_connections") or 0.0, counter(now, "Max_used_connections") or 0.0
    memory = memory_bytes(now)
    possible, most_so_far = session * allowed, session * reached
    severity, message = Severity.NOTICE, None
    if memory:
        if shared + most_so_far > limits["most_of_memory"] * memory:
            severity, message = Severity.WARNING, _told(shared, session, reached, memory)
        elif shared + possible > limits["most_of_memory"] * memory and session > limits["large_session_bytes"]:
            message = _told(shared, session, allowed, memory)
    elif possible > max(limits["least_bytes"], limits["times_the_pool"] * shared):
        message = _ALONE(shared=shared, session=session, connections=allowed, sum=possible)
    if message is None:
        return
    yield Finding(
        CHECK.id, CHECK.item, severity, "max_connections", "setting", message,
        measured(Variable, shared=(shared, "bytes"), each_session=(session, "bytes"), possible=(possible, "bytes"))
        + measured(StatusCounter, most_sessions_so_far=(reached, "count"))
        + measured(ServerStart, memory=(memory, "bytes"))
        + settings(now, max_connections="count", **dict.fromkeys(PER_SESSION[:4], "bytes")),
        details={"shared": shared, "session": session, "allowed": allowed, "reached": reached, "memory": memory,
                 "sizes": {name: number(now, name) for name in (*SHARED, *PER_SESSION)}},
    )  # fmt: skip


def _told(shared: float, session: float, connections: float, memory: int) -> Message:
    total = shared + session * connections
    return _OF_MEMORY(shared=shared, session=session, connections=connections, sum=total, memory=memory)
