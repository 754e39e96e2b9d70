"""What the causes about PostgreSQL sessions share: the exact statements that end or limit one, and what it explains."""

import math
from collections.abc import Mapping
from typing import Any

from housecall.diagnosis.cause import Found
from housecall.diagnosis.causes._sessions import CHANGES_APPLICATION as CHANGES_APPLICATION
from housecall.diagnosis.causes._sessions import LAST_STATEMENT as LAST_STATEMENT
from housecall.diagnosis.causes._sessions import LONGEST_WAIT as LONGEST_WAIT
from housecall.diagnosis.causes._sessions import ROLLED_BACK as ROLLED_BACK
from housecall.diagnosis.causes._sessions import application_change as application_change
from housecall.diagnosis.causes._sessions import fingerprints as fingerprints
from housecall.diagnosis.checks.postgresql._blocking import UNTRACKED
from housecall.diagnosis.finding import Evidence, Finding, Severity
from housecall.diagnosis.remedy import Remedy
from housecall.engines.postgresql.quoting import quote_identifier
from housecall.wording import Message, Say

BLOCKED = "postgresql.blocked_sessions"

UNTRACKED_WHY = Say(
    "track_activities is off for it, so the server keeps neither its statement nor how long it has been idle; it waits"
    " for its client and holds what the others want.",
    "它关闭了 track_activities，服务器不保存它的语句和空闲时长；它正在等待客户端，却持有其他会话所需的锁。",
)
UNTRACKED_WORKS = Say(
    "track_activities is off for it, so the server keeps neither its statement nor how long it has run.",
    "它关闭了 track_activities，服务器不保存它的语句和运行时长。",
)
HIDDEN = Say(
    "Its state and statement are hidden from this role; it needs pg_read_all_stats to see them.",
    "当前角色无权查看它的状态和语句，需要 pg_read_all_stats。",
)
NO_LOCK = Say("Takes no lock and blocks nobody.", "不加锁，不阻塞任何会话。")
FREES_LOCKS = Say("Takes no lock; it frees those the session holds.", "自身不加锁，并释放该会话持有的锁。")
_GONE = Say("Nobody waits for pid {pid} any more: the count is 0.", "不再有会话等待 pid {pid}：计数为 0。")
_END = Say("End session pid {pid}, and only it", "终止会话 pid {pid}（仅此一个）")
_END_CAUTION = Say(
    "Its uncommitted changes are lost; ask {user} ({application}) first when that matters.",
    "它未提交的修改会丢失；若有影响，请先与 {user}（{application}）确认。",
)
_CANCEL = Say("Cancel the running statement of pid {pid}", "取消 pid {pid} 正在执行的语句")
_CANCEL_CAUTION = Say(
    "The statement's work is lost and its transaction is rolled back.", "该语句已完成的工作会丢失，其事务会回滚。"
)
_LIMIT = Say("Let the server end this by itself next time: {setting} for role {role}",
             "让服务器下次自动处理：为角色 {role} 设置 {setting}")  # fmt: skip
_LIMIT_LOCK = Say(
    "Locks one row of the role catalogue for a moment; holds for new sessions.",
    "仅短暂锁定角色目录的一行，对新会话生效。",
)
_LIMIT_VERIFY = Say("The role's settings show {setting}.", "角色配置中可见 {setting}。")


def lasting_queues(found: Found) -> tuple[Finding, ...]:
    """Queues that people feel. A wait of less than a second, still so young at the second look, is how locks work."""
    return tuple(each for each in found.of(BLOCKED) if each.severity.rank >= Severity.NOTICE.rank)


def by_place(queue: Finding, table: Say, elsewhere: Say, nowhere: Say) -> Say:
    """The sentence for what is known of the place of a queue: its table, only its other database, or neither.

    The name of a table in another database cannot be looked up from this one.
    """
    details = queue.details
    return table if details["relation"] else elsewhere if details["elsewhere"] else nowhere


def waits_for_a_standby(queue: Finding) -> bool:
    """Whether the root of a queue hangs in its commit until a standby confirms it."""
    return (queue.details["root"] or {}).get("wait_event") == "SyncRep"


def end_session(
    session: Mapping[str, Any], *, verify: Message | None = None, verify_statement: str | None = None
) -> Remedy:
    """Terminate one session, if it is still in the transaction that we saw. Verified by its queue unless told how."""
    pid = session["pid"]
    idle = str(session.get("state") or "").startswith("idle in transaction")
    states = "state IN ('idle in transaction', 'idle in transaction (aborted)') AND " if idle else ""
    if session.get("state") == UNTRACKED and session.get("wait_event") == "ClientRead":
        states = "wait_event = 'ClientRead' AND "
    return Remedy(
        title=_END(pid=pid),
        statements=(
            (
                "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity"
                f" WHERE pid = {pid} AND {states}{_same_transaction(session)}"
            ),
        ),
        lock=FREES_LOCKS(),
        risk="medium",
        when="now",
        rollback=(),
        rollback_note=ROLLED_BACK(),
        verify=verify or _GONE(pid=pid),
        verify_statement=verify_statement or waiting_for(pid),
        caution=_END_CAUTION(user=session.get("user"), application=session.get("application") or "-"),
    )


def cancel_statement(session: Mapping[str, Any]) -> Remedy:
    """Cancel what a session runs, if it is still in the transaction that we saw."""
    pid = session["pid"]
    return Remedy(
        title=_CANCEL(pid=pid),
        statements=(
            (
                "SELECT pg_catalog.pg_cancel_backend(pid) FROM pg_catalog.pg_stat_activity"
                f" WHERE pid = {pid} AND {_same_transaction(session)}"
            ),
        ),
        lock=FREES_LOCKS(),
        risk="low",
        when="now",
        rollback=(),
        rollback_note=ROLLED_BACK(),
        verify=_GONE(pid=pid),
        verify_statement=waiting_for(pid),
        caution=_CANCEL_CAUTION(),
    )


def limit_role(role: str | None, setting: str, value: str) -> tuple[Remedy, ...]:
    """Give a role a timeout. Nothing for an unknown role."""
    if not role:
        return ()
    name = quote_identifier(role)
    return (
        Remedy(
            title=_LIMIT(setting=f"{setting} = '{value}'", role=role),
            statements=(f"ALTER ROLE {name} SET {setting} = '{value}'",),
            lock=_LIMIT_LOCK(),
            risk="low",
            when="later",
            rollback=(f"ALTER ROLE {name} RESET {setting}",),
            verify=_LIMIT_VERIFY(setting=f"{setting}={value}"),
            verify_statement="SELECT r.rolname, s.setconfig FROM pg_catalog.pg_db_role_setting AS s"
            " JOIN pg_catalog.pg_roles AS r ON r.oid = s.setrole",
        ),
    )


def waiting_for(pid: int) -> str:
    return (
        "SELECT count(*) AS waiting FROM pg_catalog.pg_stat_activity"
        f" WHERE {pid} = ANY (pg_catalog.pg_blocking_pids(pid))"
    )


def session_evidence(session: Mapping[str, Any], reading: str = "sessions") -> tuple[Evidence, ...]:
    return (
        Evidence("pid", session["pid"], "pid", reading),
        Evidence("user", session.get("user"), "text", reading),
        Evidence("application", session.get("application"), "text", reading),
        Evidence("client", session.get("client"), "text", reading),
        Evidence("state", session.get("state"), "text", reading),
        Evidence("transaction_open", _rounded(session.get("transaction_seconds")), "seconds", reading),
        Evidence("last_statement", session.get("statement"), "text", reading),
    )


def explained_by_queue(found: Found, pid: int, waiting: int, session_total: int) -> tuple[Finding, ...]:
    """Findings that a queue behind one session accounts for.

    The session by other names, what it keeps from vacuum, lock waits, and a pool that is full because most of it waits.
    """
    explained = [
        *_of_session(found, pid),
        *held_back(found, holder_pid=pid),
        *(each for each in found.of("postgresql.wait_events") if each.object.startswith("Lock:")),
        *(each for each in found.of("postgresql.ddl_lock_queue") if each.details.get("root_pid") == pid),
    ]
    if session_total and waiting + 1 >= session_total / 2:
        explained.extend(found.of("postgresql.connections_used", "postgresql.connection_leak"))
    return tuple(explained)


def held_back(found: Found, *, holder_pid: int | None = None, holder: str | None = None) -> tuple[Finding, ...]:
    """The finding that this holder keeps old rows, and the findings of what vacuum cannot remove because of it."""
    held: list[Finding] = []
    for finding in found.of("postgresql.old_xmin_holders"):
        same = finding.details.get("pid") == holder_pid if holder_pid is not None else finding.object == holder
        if same:
            held.append(finding)
            held.extend(kept_by(found, finding))
    return tuple(held)


def kept_by(found: Found, holder: Finding) -> tuple[Finding, ...]:
    """Dead rows, and old transaction ids, that the holder of this finding accounts for."""
    tables = set(holder.details.get("held_tables", ()))
    kept = [each for each in found.of("postgresql.dead_tuples") if each.object in tables]
    kept.extend(each for each in found.of("postgresql.table_bloat") if each.object in tables)
    kept.extend(
        each for each in found.of("postgresql.autovacuum_starved") if set(each.details.get("tables", ())) <= tables
    )
    if holder.details.get("holds_ages"):
        kept.extend(found.of("postgresql.transaction_id_age"))
    return tuple(kept)


def _of_session(found: Found, pid: int) -> list[Finding]:
    checks = (
        "postgresql.idle_in_transaction", "postgresql.long_transactions", "postgresql.long_queries",
        "postgresql.advisory_locks",
    )  # fmt: skip
    return [each for each in found.of(*checks) if each.object == f"pid {pid}"]


def _same_transaction(session: Mapping[str, Any]) -> str:
    """True only for the transaction that was seen, so that a later one under the same process id is left alone."""
    seconds = session.get("transaction_seconds")
    if seconds is None:
        connected = math.floor(session.get("session_seconds") or 0)
        return f"backend_start <= clock_timestamp() - interval '{connected} seconds'"
    return f"xact_start <= clock_timestamp() - interval '{math.floor(seconds)} seconds'"


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
