"""Who waits for whom on MySQL and MariaDB, as rows of the shape that the PostgreSQL question gives.

Row locks come from the lock tables of InnoDB, locks of whole tables from performance_schema or, on MariaDB, from the
plugin metadata_lock_info. A session that waits while nobody may be seen to hold is shown with no blocker known.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from housecall.engines.engine import Probe, Row, Rows, RowT, Unavailable
from housecall.engines.mysql import ENGINE
from housecall.engines.mysql.rows.sessions import HeldMetadataLock, LastStatement, LockWait, MetadataLock, Session

_QUESTIONS: tuple[type[Row], ...] = (Session, LockWait, MetadataLock, HeldMetadataLock, LastStatement)
_WAITS_FOR_TABLE = "metadata lock"
_OF_ROWS = {"SHARED", "SHARED_HIGH_PRIO", "SHARED_READ", "SHARED_WRITE", "SHARED_WRITE_LOW_PRIO", "INTENTION_EXCLUSIVE"}


async def waiting_and_blocking(probe: Probe) -> list[dict[str, Any]]:
    """Every session that waits for another one, and every session that is waited for, oldest transaction first."""
    version, names = probe.facts.version, {each.reading for each in _QUESTIONS}
    readings = [each for each in ENGINE.readings if each.name in names and each.serves(version)]
    together = getattr(probe, "read_together", None)
    found: dict[str, Rows | Unavailable] = (
        await together(readings) if together else {each.name: await probe.read(each) for each in readings}
    )
    return rows_of_waits(found)


def rows_of_waits(found: dict[str, Rows | Unavailable]) -> list[dict[str, Any]]:
    """Pure: from the readings to the rows."""
    sessions = {each.id: each for each in _rows(found, Session)}
    last = {each.session_id: each.statement for each in _rows(found, LastStatement)}
    blocked_by, waits_for = _edges(found, list(sessions.values()))
    involved = {*blocked_by, *(each for blockers in blocked_by.values() for each in blockers)}
    rows = [
        _row(each, sessions.get(each), last.get(each), blocked_by.get(each, ()), waits_for.get(each))
        for each in involved
    ]
    return sorted(rows, key=lambda row: (-(row["transaction_seconds"] or 0), row["pid"]))[:150]


def _edges(
    found: dict[str, Rows | Unavailable], sessions: Sequence[Session]
) -> tuple[dict[int, list[int]], dict[int, str]]:
    blocked_by: dict[int, list[int]] = defaultdict(list)
    waits_for: dict[int, str] = {}
    for wait in _rows(found, LockWait):
        blocked_by[wait.waiting_id].append(wait.blocking_id)
        waits_for[wait.waiting_id] = f"{wait.schema_name}.{wait.table_name} ({wait.lock_mode})"
    locks = _rows(found, MetadataLock)
    for wanted in locks:
        if wanted.is_granted:
            continue
        name = ".".join(filter(None, (wanted.schema_name, wanted.object_name))) or wanted.object_type.lower()
        waits_for[wanted.session_id] = f"{name} ({wanted.lock_type})"
        blocked_by[wanted.session_id].extend(
            held.session_id
            for held in locks
            if held.is_granted and held.session_id != wanted.session_id and _stands_in_the_way(held, wanted)
        )
    holders = sorted({each.session_id for each in _rows(found, HeldMetadataLock)})
    for session in sessions:
        if session.id in waits_for or not _waits(session):
            continue
        waits_for[session.id] = session.state or "row lock"
        blocked_by[session.id].extend(holders if _WAITS_FOR_TABLE in (session.state or "") else ())
    waiting = {session.id for session in sessions if _waits(session)}
    for pid, blockers in blocked_by.items():
        blocked_by[pid] = [each for each in blockers if each != pid and (each not in holders or each not in waiting)]
    return {each: sorted(set(blockers)) for each, blockers in blocked_by.items()}, waits_for


def _waits(session: Session) -> bool:
    return session.transaction_state == "LOCK WAIT" or (
        (session.state or "").startswith("Waiting for") and "lock" in (session.state or "")
    )


def _stands_in_the_way(held: MetadataLock, wanted: MetadataLock) -> bool:
    """Whether a held lock keeps out the wanted one: readers and writers of rows do not keep out each other.

    Who holds SHARED_UPGRADABLE is about to change the table and queues before readers and writers.
    """
    if (held.object_type, held.schema_name, held.object_name) != (
        wanted.object_type, wanted.schema_name, wanted.object_name,
    ):  # fmt: skip
        return False
    return not (wanted.lock_type in _OF_ROWS and held.lock_type in _OF_ROWS)


def _row(
    pid: int, session: Session | None, last: str | None, blocked_by: Sequence[int], waits_for: str | None
) -> dict[str, Any]:
    state = None
    if session is not None:
        state = "idle in transaction" if session.is_idle_in_transaction else session.command.lower()
    return {
        "pid": pid,
        "user_name": session.user_name if session else None,
        "application_name": None,
        "client_address": session.client if session else None,
        "state": state,
        "transaction_seconds": session.transaction_seconds if session else None,
        "state_seconds": (session.lock_wait_seconds or session.seconds) if session else None,
        "statement": (session.statement if session else None) or last,
        "blocked_by": list(blocked_by),
        "waits_for": waits_for,
    }


def _rows(found: dict[str, Rows | Unavailable], row_type: type[RowT]) -> tuple[RowT, ...]:
    rows = found.get(row_type.reading, ())
    return () if isinstance(rows, Unavailable) else rows  # type: ignore[return-value]
