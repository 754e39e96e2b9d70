"""One session's old transaction keeps vacuum from removing dead rows, everywhere in the database.

Slots, prepared transactions and standbys that do the same are causes of their own. Proved when tables were vacuumed
after the transaction began and kept their dead rows; else told by its age.
"""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._sessions import (
    LAST_STATEMENT,
    end_session,
    fingerprints,
    kept_by,
    limit_role,
    session_evidence,
)
from housecall.diagnosis.causes.postgresql._vacuum import vacuum_table
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="xmin_horizon_held",
    title=Say("An old transaction holds back vacuum", "老事务阻碍 vacuum"),
    checks=("postgresql.old_xmin_holders", "postgresql.dead_tuples"),
)

_SUMMARY = Say(
    "The transaction of session pid {pid} (user {user}, application {application}), open for {seconds:duration}, keeps"
    " vacuum from removing dead rows.",
    "会话 pid {pid}（用户 {user}，应用 {application}）的事务已打开 {seconds:duration}，使 vacuum 无法清理死元组。",
)
_HELD = Say(
    "Vacuum visited {tables} after it began and had to leave {rows:count} dead row{rows:|s}.",
    "它开始之后 vacuum 处理过 {tables}，仍有 {rows:count} 个死元组清不掉。",
)
_VERIFY = Say("Pid {pid} is no longer among the oldest snapshots.", "pid {pid} 不再出现在最老的快照中。")
_OLDEST = (
    "SELECT pid, pg_catalog.age(backend_xmin) AS xmin_age FROM pg_catalog.pg_stat_activity"
    " WHERE backend_xmin IS NOT NULL ORDER BY xmin_age DESC LIMIT 5"
)
_AGE = Say("Its snapshot is {age:count} transaction{age:|s} old.", "它的快照已落后 {age:count} 个事务。")


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:  # noqa: ARG001
    sessions = [each for each in found.of("postgresql.old_xmin_holders") if each.details["holder"] == "session"]
    if sessions:
        yield _cause(max(sessions, key=lambda each: each.details["xmin_age"]), found)


def _cause(finding: Finding, found: Found) -> Cause:
    details = finding.details
    because: list[Message] = [_AGE(age=details["xmin_age"])]
    if details["held_rows"]:
        because.insert(0, _HELD(tables=", ".join(details["held_tables"][:3]), rows=details["held_rows"]))
    if details["statement"]:
        because.append(LAST_STATEMENT(statement=details["statement"]))
    kept = [each for each in kept_by(found, finding) if each.check == "postgresql.dead_tuples"]
    idle = str(details["state"]).startswith("idle in transaction")
    same = [
        each
        for each in found.of(
            "postgresql.idle_in_transaction", "postgresql.long_transactions", "postgresql.long_queries"
        )
        if each.object == finding.object
    ]
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind="session",
        severity=finding.severity,
        confidence=0.95 if details["held_rows"] else 0.75,
        summary=_SUMMARY(
            pid=details["pid"],
            user=details["user"],
            application=details["application"] or "-",
            seconds=details["transaction_seconds"],
        ),
        because=tuple(because),
        evidence=(*finding.evidence, *session_evidence(details)),
        remedies=(
            end_session(details, verify=_VERIFY(pid=details["pid"]), verify_statement=_OLDEST),
            *(vacuum_table(each.details["schema"], each.details["table"]) for each in kept[:3]),
            *limit_role(details["user"], "idle_in_transaction_session_timeout", "60s" if idle else "10min"),
        ),
        rests_on=(finding.fingerprint,),
        absorbs=fingerprints([*same, *kept_by(found, finding)]),
    )
