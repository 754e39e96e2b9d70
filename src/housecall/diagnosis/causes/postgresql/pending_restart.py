"""A changed setting waits for a restart: the server does not run as its files say."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._changes import MOMENT, RELOAD
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Say

CAUSE = CauseRule(
    id="pending_restart",
    title=Say(en="A setting waits for a restart", zh="参数等待重启生效"),
    checks=("postgresql.pending_restart",),
)
_SUMMARY = Say(
    en="{name} was changed and waits for a restart; the server still runs with {value}.",
    zh="参数 {name} 已被修改但尚未重启，服务器仍以 {value} 运行。",
)
_WHY = Say(
    en="The next restart, planned or not, brings the new value; if it cannot be satisfied, the server will not start.",
    zh="下次重启（无论是否计划内）都会启用新值；若新值无法满足，服务器将无法启动。",
)
_RESTART = Say(en="Restart in a maintenance window", zh="在维护窗口重启")
_RESTART_LOCK = Say(en="a restart ends every session", zh="重启会断开所有会话")
_RESTART_VERIFY = Say(en="no setting is pending", zh="没有等待重启的参数")
_NOTE = Say(en="a restart cannot be undone", zh="重启无法撤销")
_RESET = Say(
    en="Take the change of {name} back, if it came through ALTER SYSTEM",
    zh="如果是通过 ALTER SYSTEM 修改的，撤销 {name} 的修改",
)
_RESET_LOCK = Say(en="none; the files are read again", zh="无锁；只是重新读取配置文件")
_RESET_NOTE = Say(en="set the new value again with ALTER SYSTEM SET", zh="需要时再次执行 ALTER SYSTEM SET 设置新值")


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.pending_restart"):
        yield _cause(finding)


def _cause(finding: Finding) -> Cause:
    details = finding.details
    value = f"{details['value']} {details['unit']}" if details["unit"] else details["value"]
    verify = "SELECT name, setting FROM pg_settings WHERE pending_restart;"
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="setting",
        severity=finding.severity,
        confidence=0.99,
        summary=_SUMMARY(name=finding.object, value=value),
        because=(_WHY(),),
        evidence=finding.evidence,
        remedies=(
            Remedy(
                title=_RESTART(), statements=(), lock=_RESTART_LOCK(), risk="medium", when="later", rollback=(),
                verify=_RESTART_VERIFY(), verify_statement=verify, rollback_note=_NOTE(),
            ),
            Remedy(
                title=_RESET(name=finding.object), statements=(f"ALTER SYSTEM RESET {finding.object};", RELOAD),
                lock=_RESET_LOCK(), risk="low", when="now", rollback=(), verify=_RESTART_VERIFY(),
                verify_statement=verify, rollback_note=_RESET_NOTE(), duration=MOMENT(),
            ),
        ),
        rests_on=(finding.fingerprint,),
    )  # fmt: skip
