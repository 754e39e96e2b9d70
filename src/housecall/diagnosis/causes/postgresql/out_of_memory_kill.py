"""A server process was ended from outside (signal 9), as the kernel does when the machine has no memory left, or
sessions were refused memory. A crash by another signal is told as a crash of the server.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._sessions import NO_LOCK
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="out_of_memory_kill",
    title=Say("Out of memory", "内存耗尽"),
    checks=("postgresql.crash_restarts", "postgresql.memory_settings", "postgresql.error_log"),
)
KILLED_BY = 9
_KILLED = Say(
    "A server process was ended by signal 9 {ago:duration} ago, most likely by the kernel for want of memory; every"
    " session was lost with it.",
    "{ago:duration} 前有服务器进程被信号 9 终止，极可能是内核因内存不足所为；所有会话随之断开。",
)
_EXHAUSTED = Say(
    "Sessions ask for more memory than the system gives: {count:count} out-of-memory error{count:|s}.",
    "会话申请的内存超过系统所能提供：出现 {count:count} 次内存不足错误。",
)
_UNSEEN = Say(
    "One of the server's processes died {ago:duration} ago and every session was lost; the kernel ending it for want of"
    " memory is the usual reason, but the log, which names the signal, could not be read.",
    "{ago:duration} 前有服务器进程异常终止，所有会话断开；最常见的原因是内核因内存不足将其终止，"
    "但记录信号的日志无法读取。",
)
_SAYS = Say("The server's log: {message}", "服务器日志：{message}")
_RUNNING = Say("{detail}", "{detail}")
_LESS = Say(
    "Confirm it in the kernel's log (dmesg: 'Out of memory: Killed process'), then promise less: work_mem times the"
    " sessions that sort, shared_buffers, hash_mem_multiplier and maintenance_work_mem times autovacuum's workers must"
    " fit; a pooler keeps sessions few",
    "先在内核日志中确认（dmesg：Out of memory: Killed process），再减少内存承诺：work_mem × 会排序的会话数、"
    "shared_buffers、"
    "hash_mem_multiplier、maintenance_work_mem × autovacuum 进程数之和必须放得下；用连接池控制会话数",
)
_GUARD = Say(
    "Keep the kernel from choosing the server: vm.overcommit_memory = 2, oom_score_adj = -1000 for the main"
    " process, and"
    " no other memory-hungry program on the machine",
    "避免内核选中数据库：设置 vm.overcommit_memory = 2，将主进程的 oom_score_adj 设为 -1000，且不在同一机器上运行其他"
    "耗内存的程序",
)
_VERIFY = Say("no further process is ended (the log), and the server's processes keep their age",
              "日志中不再出现进程被终止，且服务器进程持续存活")  # fmt: skip
_UNDO = Say("settings go back by ALTER SYSTEM RESET", "参数可用 ALTER SYSTEM RESET 恢复")
_AGES = (
    "SELECT backend_type, clock_timestamp() - backend_start AS age FROM pg_stat_activity"
    " WHERE backend_type IN ('checkpointer', 'background writer');"
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.crash_restarts"):
        if finding.details["kind"] != "killed" or finding.details["signal"] == KILLED_BY:
            yield _cause(finding, found)


def _cause(finding: Finding, found: Found) -> Cause:
    details = finding.details
    because: list[Message] = []
    if details["message"]:
        because.append(_SAYS(message=details["message"][:300]))
    if details["detail"]:
        because.append(_RUNNING(detail=details["detail"][:300]))
    summaries = {
        "killed": _KILLED(ago=details["ago"]),
        "exhausted": _EXHAUSTED(count=details["count"]),
        "unseen": _UNSEEN(ago=details["ago"]),
    }
    kinds = ("crash", "out_of_memory", "connection_lost")
    return Cause(
        id=CAUSE.id,
        object="server",
        object_kind="server",
        severity=finding.severity,
        confidence={"killed": 0.85, "exhausted": 0.8, "unseen": 0.45}[details["kind"]],
        summary=summaries[details["kind"]],
        because=tuple(because),
        evidence=finding.evidence,
        remedies=(_remedy(_LESS()), _remedy(_GUARD())),
        rests_on=(finding.fingerprint,),
        absorbs=tuple(each.fingerprint for each in found.of("postgresql.error_log") if each.object in kinds),
    )


def _remedy(title: Message) -> Remedy:
    return Remedy(
        title=title, statements=(), lock=NO_LOCK(), risk="low", when="now", rollback=(), rollback_note=_UNDO(),
        verify=_VERIFY(), verify_statement=_AGES,
    )  # fmt: skip
