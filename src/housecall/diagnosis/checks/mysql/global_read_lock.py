"""A lock on the whole server: FLUSH TABLES WITH READ LOCK, LOCK INSTANCE FOR BACKUP, BACKUP STAGE.

Why it matters: while it is held no statement of anybody changes anything, and a forgotten one stops the application.
How to fix: end the backup's session or UNLOCK TABLES in it; back up with --single-transaction (InnoDB), mariabackup or
xtrabackup, which need the lock for a moment or not at all.
Cannot see: on a server without performance_schema (MySQL) or metadata_lock_info (MariaDB) a lock that nobody waits for.
Source: MySQL manual, "FLUSH TABLES" and "LOCK INSTANCE FOR BACKUP"; MariaDB manual, "BACKUP STAGE".
"""

from collections.abc import Iterator

from housecall.diagnosis.check import Check, Limits, Threshold
from housecall.diagnosis.checks.mysql._blocking import global_holders, locks_of, session_details
from housecall.diagnosis.checks.mysql._measured import measured
from housecall.diagnosis.finding import Finding, Severity
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.sessions import Session
from housecall.wording import Say

CHECK = Check(
    id="mysql.global_read_lock",
    item="lock_wait_deadlock_analysis",
    severity=Severity.NOTICE,
    title=Say("Lock on the whole server", "全局读锁"),
    thresholds=[
        Threshold("notice_seconds", 10.0, "a backup tool needs it for a moment, to note the position of the log"),
    ],
)
_MESSAGE = Say(
    "Session {id} of {user} has kept a lock on the whole server for up to {seconds:duration}.",
    "用户 {user} 的会话 {id} 持有全局锁，已长达 {seconds:duration}。",
)


def judge(now: Snapshot, _earlier: Snapshot | None, limits: Limits) -> Iterator[Finding]:
    locks = locks_of(now)
    for holder in sorted(global_holders(locks)):
        session = locks.by_id.get(holder)
        if session is None or (session.seconds or 0.0) < limits["notice_seconds"]:
            continue
        details = session_details(locks, session)
        yield Finding(
            CHECK.id, CHECK.item, Severity.NOTICE, f"session {holder}", "session",
            _MESSAGE(id=holder, user=session.user_name, seconds=session.seconds),
            measured(
                Session,
                in_state=(session.seconds, "seconds"),
                client=(session.client, "text"),
                last_statement=(details["statement"], "text"),
            ),
            details=details,
            identity=f"{session.user_name}@{session.client}",
        )  # fmt: skip
