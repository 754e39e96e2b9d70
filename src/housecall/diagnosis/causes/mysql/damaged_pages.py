"""A table or its file is damaged on MySQL or MariaDB."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._settings import advice
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="damaged_pages",
    title=Say(en="Damaged data", zh="数据损坏"),
    checks=("mysql.error_log",),
)
_TEXT = Say(en="The server said: {text}", zh="服务器报告：{text}")
_RESTORE = Say(
    en="Copy what can still be read, look at disk and memory of the machine, then restore the table from a backup",
    zh="先导出还能读取的数据，检查机器的磁盘和内存，再从备份恢复该表",
)
_CAUTION = Say(
    en="Do not restart before a copy is made: a damaged page can keep the server from starting.",
    zh="完成备份之前不要重启：损坏的页可能导致服务器无法启动。",
)
_VERIFY = Say(en="CHECK TABLE says OK, and the log tells no new error", zh="CHECK TABLE 返回 OK，日志不再有新的报错")


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.error_log"):
        if finding.details["kind"] == "damage":
            yield Cause(
                id=CAUSE.id,
                object="server",
                object_kind="server",
                severity=finding.severity,
                confidence=0.8,
                summary=finding.message,
                because=(_TEXT(text=finding.details["text"]),),
                evidence=finding.evidence,
                remedies=(advice(_RESTORE(), _VERIFY(), when="now", caution=_CAUTION()),),
                rests_on=(finding.fingerprint,),
            )
