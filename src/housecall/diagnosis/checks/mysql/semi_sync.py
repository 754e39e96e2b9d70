"""Semi-synchronous replication without the replicas that should acknowledge each commit.

Why it matters: each commit waits for the timeout, or for ever; after the timeout the server goes on alone and nobody
notices that commits are no longer on two machines.
How to fix: bring the replica back with its side of the plugin on; only then think about going on without.
Source: MySQL manual, "Semisynchronous Replication"; MariaDB manual, the same.
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._measured import counter, in_window, is_on, measured, number
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import StatusCounter, Variable
from housecall.engines.mysql.rows.sessions import Session
from housecall.wording import Say

CHECK = Check(
    id="mysql.semi_sync",
    item="high_availability_disaster_recovery_analysis",
    severity=Severity.CRITICAL,
    title=Say("Semi-synchronous replicas are missing", "半同步从库缺失"),
    thresholds=[Threshold("critical_waiting", 1, "a commit that waits is an application that stands still")],
    needs_window=True,
)
_WAITS = Say(
    "Commits want the word of {wanted:count} semi-synchronous replica{wanted:|s}, and {present:count} {present:is|are}"
    " connected; {waiting:count} session{waiting:|s} {waiting:hangs|hang} in COMMIT.",
    "提交需要 {wanted:count} 个半同步从库确认，目前连接了 {present:count} 个；有 {waiting:count} 个会话卡在提交。",
)
_ALONE = Say(
    "Semi-synchronous replication is on but has given up: {present:count} of {wanted:count} replica{wanted:|s}"
    " connected, {alone:count} commit{alone:|s} went without a word of any.",
    "半同步已开启但已退化为异步：{wanted:count} 个从库只连接了 {present:count} 个，{alone:count} 次提交没有得到确认。",
)


def judge(now: Snapshot, earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    word = next((each for each in ("source", "master") if is_on(now, f"rpl_semi_sync_{each}_enabled")), None)
    if word is None:
        return
    prefix = f"Rpl_semi_sync_{word}"
    wanted = number(now, f"rpl_semi_sync_{word}_wait_for_{'replica' if word == 'source' else 'slave'}_count") or 1.0
    present = counter(now, f"{prefix}_clients") or 0.0
    if present >= wanted:
        return
    hanging = [each for each in now.rows(Session) if "semi-sync ACK" in (each.state or "")]
    waiting = max(float(len(hanging)), counter(now, f"{prefix}_wait_sessions") or 0.0)
    alone = counter(now, f"{prefix}_no_tx") or 0.0
    setting = f"rpl_semi_sync_{word}_enabled"
    severity = Severity.CRITICAL if waiting >= limits["critical_waiting"] else Severity.WARNING
    active = bool(counter(now, f"{prefix}_status"))
    yield Finding(
        CHECK.id, CHECK.item, severity, setting, "setting",
        _WAITS(wanted=wanted, present=present, waiting=waiting)
        if active
        else _ALONE(wanted=wanted, present=present, alone=alone),
        measured(
            StatusCounter,
            replicas_connected=(present, "count"),
            sessions_in_commit=(waiting, "count"),
            commits_without_a_word=(alone, "count"),
            in_the_window=(in_window(now, earlier, f"{prefix}_no_tx"), "count"),
        )
        + measured(
            Variable,
            replicas_wanted=(wanted, "count"),
            timeout=((number(now, f"rpl_semi_sync_{word}_timeout") or 0.0) / 1000, "seconds"),
        ),
        details={
            "setting": setting, "wanted": wanted, "present": present, "waiting": waiting, "alone": alone,
            "timeout": (number(now, f"rpl_semi_sync_{word}_timeout") or 0.0) / 1000, "active": active,
            "sessions": [each.id for each in hanging],
            "longest": max((each.seconds or 0.0 for each in hanging), default=0.0),
            "session_total": hanging[0].session_total if hanging else 0,
        },
    )  # fmt: skip
