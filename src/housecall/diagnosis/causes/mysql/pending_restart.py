"""A setting that SET PERSIST keeps waits for a restart of MySQL, which will change how the server runs."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._settings import NO_LOCK, advice
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.quoting import quote_literal
from housecall.wording import Say

CAUSE = CauseRule(
    id="pending_restart",
    title=Say(en="A setting waits for a restart", zh="参数等待重启生效"),
    checks=("mysql.pending_restart",),
)
_WHY = Say(
    en="The next restart, planned or not, brings the new value; if it cannot be satisfied, the server will not start.",
    zh="下次重启（无论是否计划内）都会启用新值；若新值无法满足，服务器将无法启动。",
)
_RESTART = Say(en="Restart in a maintenance window", zh="在维护窗口重启")
_RESTART_LOCK = Say(en="a restart ends every session", zh="重启会断开所有会话")
_VERIFY = Say(en="no kept setting differs from the running one", zh="持久化的参数与运行值一致")
_RESET = Say(en="Take the kept value of {name} back", zh="撤销 {name} 的持久化值")
_PENDING = (
    "SELECT p.VARIABLE_NAME, p.VARIABLE_VALUE AS kept, v.VARIABLE_VALUE AS running"
    " FROM performance_schema.persisted_variables AS p"
    " JOIN performance_schema.global_variables AS v ON v.VARIABLE_NAME = p.VARIABLE_NAME;"
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.pending_restart"):
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind="setting",
            severity=finding.severity,
            confidence=0.97,
            summary=finding.message,
            because=(_WHY(),),
            evidence=finding.evidence,
            remedies=(
                advice(_RESTART(), _VERIFY(), verify_statement=_PENDING, lock=_RESTART_LOCK()),
                _take_back(finding),
            ),
            rests_on=(finding.fingerprint,),
        )


def _take_back(finding: Finding) -> Remedy:
    name, kept = finding.object, finding.details["persisted"] or ""
    value = kept if kept.replace(".", "", 1).isdigit() or kept.upper() in ("ON", "OFF") else quote_literal(kept)
    return Remedy(
        title=_RESET(name=name), statements=(f"RESET PERSIST IF EXISTS {name};",), lock=NO_LOCK(), risk="low",
        when="now", rollback=(f"SET PERSIST_ONLY {name} = {value};",), verify=_VERIFY(), verify_statement=_PENDING,
    )  # fmt: skip
