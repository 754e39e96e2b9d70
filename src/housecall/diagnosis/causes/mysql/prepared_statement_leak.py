"""Clients of MySQL or MariaDB prepare statements and never close them, until the server takes no more.

Raising the limit lets work go on for a while; the leak fills it again.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._sessions import application_change, set_global
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="prepared_statement_leak",
    title=Say("Prepared statements that are never closed", "预处理语句未关闭"),
    checks=("mysql.prepared_statements",),
)
_FAILED = Say("{failed:count} could not be prepared for that.", "已有 {failed:count} 条因此无法预处理。")
_EFFECT = Say(
    "At the limit PREPARE fails for every client with error 1461; what a session prepared goes when it disconnects.",
    "达到上限后，所有客户端的 PREPARE 都会报错 1461；会话断开后它预处理的语句才会释放。",
)
_CLOSE = Say(
    "Close prepared statements when they are done with, or bound the statement cache of the driver or pool (for example"
    " prepStmtCacheSize), and let the pool renew its connections now and then",
    "用完后关闭预处理语句，或限制驱动、连接池的语句缓存（例如 prepStmtCacheSize），并让连接池定期更换连接",
)
_ROOM = Say("Make room for {limit:count} until the application is mended", "在应用修复前先放宽到 {limit:count} 个")
_FALLS = Say("the count of open prepared statements falls, or grows no more", "打开的预处理语句数下降或不再增长")
_CAUTION = Say(
    "Each open statement takes memory of the server, often some tens of kilobytes.",
    "每个打开的预处理语句都占用服务器内存，通常为数十 KB。",
)
DEFAULT_LIMIT = 16_382
COUNT = "SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count';"


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.prepared_statements"):
        limit, failed = finding.details["limit"], finding.details["failed"]
        wanted = max(DEFAULT_LIMIT, int(2 * limit))
        room = set_global(
            _ROOM(limit=wanted), "max_prepared_stmt_count", str(wanted), f"{limit:.0f}", now.facts.version.flavour,
            verify=_FALLS(), caution=_CAUTION(),
        )  # fmt: skip
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind="setting",
            severity=finding.severity,
            confidence=0.9,
            summary=finding.message,
            because=(*((_FAILED(failed=failed),) if failed else ()), _EFFECT()),
            evidence=finding.evidence,
            remedies=(application_change(_CLOSE(), _FALLS(), COUNT), room),
            rests_on=(finding.fingerprint,),
            impact=min(1.0, finding.details["open"] / limit),
        )
