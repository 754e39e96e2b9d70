"""MySQL was killed or crashed and has recovered; what did it may come again."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._settings import advice
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="unclean_shutdown",
    title=Say(en="The server was killed or crashed", zh="服务器异常终止"),
    checks=("mysql.unclean_stop",),
)
_LOST = Say(
    en="Every session was cut off, and transactions that were open are undone.",
    zh="所有会话被中断，未提交的事务已回滚。",
)
_LOOK = Say(
    en="Look outside for what ended it: the kernel's log (Out of memory), the service's log, the machine's own uptime",
    zh="到数据库之外查找原因：内核日志（Out of memory）、服务日志、机器自身的启动时间",
)
_VERIFY = Say(en="the log tells a stop before every start", zh="日志中每次启动之前都有正常停止的记录")
_STARTS = (
    "SELECT LOGGED, ERROR_CODE, DATA FROM performance_schema.error_log"
    " WHERE ERROR_CODE IN ('MY-010116', 'MY-010910') ORDER BY LOGGED DESC LIMIT 20;"
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.unclean_stop"):
        yield Cause(
            id=CAUSE.id,
            object="server",
            object_kind="server",
            severity=finding.severity,
            confidence=0.8,
            summary=finding.message,
            because=(_LOST(),),
            evidence=finding.evidence,
            remedies=(advice(_LOOK(), _VERIFY(), verify_statement=_STARTS, when="now"),),
            rests_on=(finding.fingerprint,),
            past=True,
        )
