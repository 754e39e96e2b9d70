"""Replication stands still: a standby without its primary, a paused replay, a subscription without worker."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._sessions import NO_LOCK, application_change, fingerprints
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.quoting import quote_identifier
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="replica_stopped",
    title=Say("Replication stands still", "复制中断"),
    checks=("postgresql.standby_disconnected", "postgresql.subscriptions_down"),
)

_AGE = Say("Its newest transaction is {seconds:duration} old.", "其最新事务距今 {seconds:duration}。")
_RESUME = Say("Resume the replay", "恢复重放")
_RESUME_CAUTION = Say(
    "Someone paused it, perhaps to look at data as it was: ask first.", "可能有人为查看历史数据而有意暂停，请先确认。"
)
_RUNNING = Say("Replay is not paused.", "重放未暂停。")
_CONNECT = Say(
    "Mend the connection to the primary (primary_conninfo, password, pg_hba.conf, slot); the log names the error",
    "修复与主库的连接（primary_conninfo、密码、pg_hba.conf、复制槽），备库日志中有具体错误",
)
_CONNECTED = Say("pg_stat_wal_receiver shows a row.", "pg_stat_wal_receiver 有一行记录。")
_SUBSCRIBER = Say(
    "Read the error of subscription '{name}' in this server's log and mend it (mostly a row that exists already)",
    "在本服务器日志中查看订阅 '{name}' 的错误并修复（多为行已存在的冲突）",
)
_ENABLE = Say("Enable subscription '{name}' again", "重新启用订阅 '{name}'")
_ENABLE_CAUTION = Say(
    "It may have been disabled on purpose or after an error: see the log first.",
    "可能是有意禁用，或因错误被禁用，请先查看日志。",
)
_WORKER = Say("A worker runs for subscription '{name}'.", "订阅 '{name}' 有 worker 在运行。")
_WORKERS = "SELECT subname, pid, latest_end_time FROM pg_catalog.pg_stat_subscription"
_RECEIVER = "SELECT status, latest_end_lsn FROM pg_catalog.pg_stat_wal_receiver"


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:  # noqa: ARG001
    lag = fingerprints(each for each in found.of("postgresql.replica_lag") if each.details["where"] == "standby")
    for finding in found.of("postgresql.standby_disconnected"):
        paused = finding.details["what"] == "paused"
        remedy = _resume() if paused else application_change(_CONNECT(), _CONNECTED(), _RECEIVER)
        yield _cause(finding, (_AGE(seconds=finding.details["seconds"]),), remedy, lag)
    for finding in found.of("postgresql.subscriptions_down"):
        name = finding.object
        remedy = (
            application_change(_SUBSCRIBER(name=name), _WORKER(name=name), _WORKERS)
            if finding.details["enabled"]
            else _enable(name)
        )
        yield _cause(finding, (), remedy, ())


def _cause(finding: Finding, because: tuple[Message, ...], remedy: Remedy, absorbs: tuple[str, ...]) -> Cause:
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="replica",
        severity=finding.severity,
        confidence=0.95,
        summary=finding.message,
        because=because,
        evidence=finding.evidence,
        remedies=(remedy,),
        rests_on=(finding.fingerprint,),
        absorbs=absorbs,
    )


def _resume() -> Remedy:
    return Remedy(
        title=_RESUME(),
        statements=("SELECT pg_catalog.pg_wal_replay_resume()",),
        lock=NO_LOCK(),
        risk="medium",
        when="now",
        rollback=("SELECT pg_catalog.pg_wal_replay_pause()",),
        verify=_RUNNING(),
        verify_statement="SELECT pg_catalog.pg_is_wal_replay_paused() AS paused",
        caution=_RESUME_CAUTION(),
    )


def _enable(name: str) -> Remedy:
    subscription = quote_identifier(name)
    return Remedy(
        title=_ENABLE(name=name),
        statements=(f"ALTER SUBSCRIPTION {subscription} ENABLE",),
        lock=NO_LOCK(),
        risk="medium",
        when="now",
        rollback=(f"ALTER SUBSCRIPTION {subscription} DISABLE",),
        verify=_WORKER(name=name),
        verify_statement=_WORKERS,
        caution=_ENABLE_CAUTION(),
    )
