"""Not the database: other programs, or other machines on the same host, take the processors.

A notice only: whether anybody suffers is seen in the statements, and what is wrong in the database goes first.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._sessions import application_change
from housecall.diagnosis.finding import Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.rows.statements import RunningStatement
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="external_cpu_contention",
    title=Say("Not the database: other programs take the processors", "并非数据库：处理器被其他程序占用"),
    checks=("postgresql.external_load",),
)
_SUMMARY = Say(
    "Not the database: the machine's processors are {busy:percent} busy, and this server takes only {own:percent}"
    " of that.",
    "并非数据库的问题：机器处理器繁忙度 {busy:percent}，本数据库只占其中的 {own:percent}。",
)
_LOAD = Say(
    "The load of the last minute is {load:number} for {processors:count} processor{processors:|s}.",
    "最近一分钟负载为 {load:number}，处理器共 {processors:count} 个。",
)
_WAITING = Say(
    "{working:count} session{working:|s} of this server {working:wants|want} a processor at the moment.",
    "此刻本数据库有 {working:count} 个会话需要处理器。",
)
_FIND = Say(
    "Find the other program on the machine (top, pidstat, on a virtual machine the host's steal time) and move it,"
    " give it"
    " a lower priority or a limit (nice, cgroup); nothing on the database needs a change for this",
    "在机器上找出占用 CPU 的程序（top、pidstat；虚拟机还要看 steal），将其迁走、降低优先级或限制资源（nice、cgroup）；"
    "数据库本身无需为此修改",
)
_VERIFY = Say("the processors have idle time again", "处理器重新出现空闲时间")


def _has_work(working: int, now: Snapshot) -> bool:
    """Whether any statement ran while we looked; a busy machine slows nobody down who does nothing."""
    return working > 0 or any(sample.rows(RunningStatement) for sample in now.samples)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.external_load"):
        details = finding.details
        if finding.severity.rank < Severity.NOTICE.rank or not _has_work(details["working"], now):
            continue
        because: tuple[Message, ...] = (_LOAD(load=details["load"], processors=details["processors"]),)
        if details["working"]:
            because += (_WAITING(working=details["working"]),)
        yield Cause(
            id=CAUSE.id,
            object="machine",
            object_kind="server",
            severity=finding.severity,
            # behind any cause of the same severity in the database itself
            confidence=0.3,
            summary=_SUMMARY(busy=details["busy"], own=details["own"]),
            because=because,
            evidence=finding.evidence,
            remedies=(application_change(_FIND(), _VERIFY()),),
            rests_on=(finding.fingerprint,),
        )
