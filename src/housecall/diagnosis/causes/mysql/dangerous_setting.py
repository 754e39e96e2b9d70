"""A setting of MySQL or MariaDB under which committed data can be lost, damage goes unseen, or anybody may come in."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._settings import Change, set_variables
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="dangerous_setting",
    title=Say(en="A dangerous setting", zh="危险的参数设置"),
    checks=("mysql.dangerous_settings", "mysql.session_defaults"),
)
_VALUE = Say(en="The server runs with {name} = {value}.", zh="服务器当前以 {name} = {value} 运行。")
_SLOWER = Say(en="Commits become slower: they wait for the disk again.", zh="提交会变慢，因为要重新等待磁盘落盘。")
_FAILS = Say(
    en="Statements that now only get a warning will fail: try it with the application first.",
    zh="现在只给警告的语句会开始报错，请先在应用侧验证。",
)
_SESSIONS = Say(
    en="Sessions that are connected keep the old value until they connect anew.",
    zh="已连接的会话在重连之前仍使用旧值。",
)
_RESCUE = Say(
    en="First dump every table that can be read; the damage that it was set for may still be there.",
    zh="请先导出所有还能读取的表；当初设置它的损坏可能仍然存在。",
)
_IN_FILE = ("skip_grant_tables", "innodb_force_recovery", "innodb_flush_method", "secure_file_priv")
_CAUTIONS: dict[str, Say] = {
    "innodb_flush_log_at_trx_commit": _SLOWER, "sync_binlog": _SLOWER, "innodb_flush_method": _SLOWER,
    "innodb_doublewrite": _SLOWER, "sql_mode": _FAILS, "foreign_key_checks": _SESSIONS, "unique_checks": _SESSIONS,
    "autocommit": _SESSIONS, "transaction_isolation": _SESSIONS, "tx_isolation": _SESSIONS,
    "completion_type": _SESSIONS, "innodb_force_recovery": _RESCUE,
}  # fmt: skip


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    """What is there by default is told as a finding, and is nobody's fault."""
    for finding in found.of("mysql.dangerous_settings", "mysql.session_defaults"):
        if finding.severity == Severity.INFO:
            continue
        yield Cause(
            id=CAUSE.id,
            object=finding.object,
            object_kind="setting",
            severity=finding.severity,
            confidence=0.99,
            summary=finding.message,
            because=(_VALUE(name=finding.object, value=finding.details["value"] or "''"),),
            evidence=finding.evidence,
            remedies=(_remedy(now, finding),),
            rests_on=(finding.fingerprint,),
        )


def _remedy(now: Snapshot, finding: Finding) -> Remedy:
    details, name = finding.details, finding.object
    good = details["good"]
    if name == "sql_mode":
        good = "'" + ",".join([*filter(None, [details["value"]]), "STRICT_TRANS_TABLES"]) + "'"
    caution: Message | None = _CAUTIONS[name]() if name in _CAUTIONS else None
    return set_variables(
        now.facts.version, [Change(name, good, _literal(details["value"]))], in_file=name in _IN_FILE,
        needs_restart=details.get("needs_restart", False), when="later" if name == "sql_mode" else "now",
        caution=caution,
    )  # fmt: skip


def _literal(value: str) -> str:
    """A value as it stands in SET: numbers and switches bare, else in quotes."""
    return value if value.isdigit() or value.upper() in ("ON", "OFF") else f"'{value}'"
