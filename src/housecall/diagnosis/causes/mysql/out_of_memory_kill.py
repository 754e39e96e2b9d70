"""The server ran out of memory: it was refused memory, or was killed with more promised to its sessions than there is.

A kill without a sign of memory is told as an unclean shutdown; the kernel's log outside decides.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._settings import advice
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="out_of_memory_kill",
    title=Say(en="Out of memory", zh="内存耗尽"),
    checks=("mysql.error_log", "mysql.unclean_stop", "mysql.memory_budget"),
)
_KERNEL = Say(
    en='The kernel\'s log tells for certain: look there for "Out of memory: Killed process".',
    zh="内核日志可以确认：请查找 “Out of memory: Killed process”。",
)
_LOWER = Say(
    en="Lower what is promised: per-session buffers to their defaults, a pool in front, then the buffer pool",
    zh="减少内存承诺：会话缓冲区恢复默认值，前端使用连接池，再考虑缩小缓冲池",
)
_VERIFY = Say(
    en="shared memory and the busiest hour's sessions fit into the machine with a tenth to spare",
    zh="共享内存加高峰会话内存能放入机器，并留有一成余量",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    refused = [each for each in found.of("mysql.error_log") if each.details["kind"] == "memory"]
    killed, promised = found.of("mysql.unclean_stop"), found.of("mysql.memory_budget")
    if refused:
        yield _cause(refused[0], (*refused, *killed), 0.85)
    elif killed and promised:
        yield _cause(killed[0], (*killed, *promised), 0.6)


def _cause(first: Finding, basis: tuple[Finding, ...], confidence: float) -> Cause:
    return Cause(
        id=CAUSE.id,
        object="server",
        object_kind="server",
        severity=max((each.severity for each in basis), key=lambda each: each.rank),
        confidence=confidence,
        summary=first.message,
        because=(_KERNEL(),),
        evidence=tuple(evidence for each in basis for evidence in each.evidence),
        remedies=(advice(_LOWER(), _VERIFY(), verify_statement="SHOW GLOBAL STATUS LIKE 'Max_used_connections%';"),),
        rests_on=tuple(each.fingerprint for each in basis),
        absorbs=tuple(each.fingerprint for each in basis),
        past=first.severity.rank < Severity.WARNING.rank,
    )
