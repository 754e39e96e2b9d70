"""Not the database: other programs, other machines on the same host or a limit take the processors.

A notice only: whether anybody suffers is seen in the statements, and what is wrong in the database goes first.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._settings import advice
from housecall.diagnosis.finding import Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="external_cpu_contention",
    title=Say("Not the database: other programs take the processors", "并非数据库：处理器被其他程序占用"),
    checks=("mysql.external_load",),
)
_SUMMARY = Say(
    "Not the database: what this server computes has a processor for {share:percent} of the time; for the rest other"
    " programs have it.",
    "并非数据库的问题：本数据库的计算只有 {share:percent} 的时间得到处理器，其余时间处理器被其他程序占用。",
)
_OWN = Say(
    "At most {working:count} session{working:|s} of this server computed at once while we looked.",
    "观察期间本数据库最多同时有 {working:count} 个会话在计算。",
)
_FIND = Say(
    "Find the other program on the machine (top, pidstat; on a virtual machine the steal time; in a container its CPU"
    " limit) and move it, give it a lower priority or a limit (nice, cgroup); nothing in the database needs a change"
    " for this",
    "在机器上找出占用 CPU 的程序（top、pidstat；虚拟机看 steal；容器看 CPU 限额），"
    "将其迁走、降低优先级或限制资源（nice、cgroup）；"
    "数据库本身无需为此修改",
)
_VERIFY = Say("the processors have idle time again", "处理器重新出现空闲时间")


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.external_load"):
        yield Cause(
            id=CAUSE.id,
            object="machine",
            object_kind="server",
            severity=Severity.NOTICE,
            # behind any cause of the same severity in the database itself
            confidence=0.3,
            summary=_SUMMARY(share=finding.details["share"]),
            because=(finding.message, _OWN(working=finding.details["working"])),
            evidence=finding.evidence,
            remedies=(advice(_FIND(), _VERIFY()),),
            rests_on=(finding.fingerprint,),
        )
