"""A process of the server died by itself (a fault of the program or an extension); every session was lost."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._sessions import NO_LOCK
from housecall.diagnosis.causes.postgresql.out_of_memory_kill import KILLED_BY
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="server_crash",
    title=Say("A server process crashed", "服务器进程崩溃"),
    checks=("postgresql.crash_restarts", "postgresql.error_log"),
)
_SUMMARY = Say(
    "A server process crashed by signal {signal} {ago:duration} ago; every session was lost with it.",
    "{ago:duration} 前有服务器进程因信号 {signal} 崩溃；所有会话随之断开。",
)
_DETAIL = Say("{detail}", "{detail}")
_MEND = Say(
    "Install the newest minor version of server and extensions; keep the statement of the log's DETAIL and a core file,"
    " and run it on a copy without the extensions in turn",
    "升级服务器和扩展到最新小版本；保留日志 DETAIL 中的语句和 core 文件，并在副本上逐个停用扩展重现",
)
_VERIFY = Say("no further process dies (the log)", "日志中不再出现进程崩溃")
_UNDO = Say("an update is undone by installing the version before", "可通过重装旧版本回退")


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.crash_restarts"):
        details = finding.details
        if details["kind"] == "killed" and details["signal"] != KILLED_BY:
            yield Cause(
                id=CAUSE.id,
                object="server",
                object_kind="server",
                severity=finding.severity,
                confidence=0.85,
                summary=_SUMMARY(signal=details["signal"], ago=details["ago"]),
                because=(_DETAIL(detail=details["detail"][:300]),) if details["detail"] else (),
                evidence=finding.evidence,
                remedies=(
                    Remedy(
                        title=_MEND(), statements=(), lock=NO_LOCK(), risk="low", when="now", rollback=(),
                        rollback_note=_UNDO(), verify=_VERIFY(),
                    ),
                ),
                rests_on=(finding.fingerprint,),
                absorbs=tuple(each.fingerprint for each in found.of("postgresql.error_log") if each.object == "crash"),
            )  # fmt: skip
