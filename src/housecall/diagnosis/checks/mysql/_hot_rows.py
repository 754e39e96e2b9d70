"""Rows that many sessions want at once while their holders come and go, seen over the looks of one examination.

The servers keep their picture of transactions for a tenth of a second while it is asked for, so looks that follow each
other at once may be the same one; the second reading of the counters is a later look in any case.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from housecall.diagnosis.checks.mysql._blocking import optional, wait_kind
from housecall.diagnosis.checks.mysql._measured import table_name
from housecall.diagnosis.checks.mysql._statement_text import one_line, tables_of
from housecall.diagnosis.snapshot import Sample, Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.mysql.rows.sessions import LockWait, Session

MIN_WAITERS = 3.0
"""Waiters for one row, on average over the looks, from which the row itself is the problem (our proposal)."""
MAX_WAIT_SECONDS = 5.0
"""Whoever waits longer than this waits for one holder, which is to blame then (our proposal)."""


@dataclass(frozen=True, slots=True)
class HotRow:
    """A row, or rows of one table where the server does not tell the row (`row` and `holders` are None then)."""

    table: str
    row: str | None
    waiters: float
    most_waiters: int
    holders: int | None
    longest_seconds: float
    statement: str | None
    sessions: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Crowd:
    """In one look: those who wait for one row, and the session at the end of their queue (None: not told)."""

    table: str
    row: str | None
    holder: int | None
    waiting: frozenset[int]
    longest_seconds: float


def hot_rows(now: Snapshot) -> tuple[HotRow, ...]:
    looks = list(now.samples)
    if len(looks) < 2:
        return ()
    told = not isinstance(now.get(LockWait), Unavailable)
    crowds = [crowd for look in looks for crowd in (_crowds(look) if told else _blind_crowds(look))]
    by_row: dict[tuple[str, str | None], list[_Crowd]] = {}
    for crowd in crowds:
        by_row.setdefault((crowd.table, crowd.row), []).append(crowd)
    found = [_hot(together, len(looks), now) for together in by_row.values()]
    return tuple(sorted((row for row in found if row), key=lambda row: -row.waiters))


def _crowds(look: Sample) -> list[_Crowd]:
    by_row: dict[tuple[str, str | None], list[LockWait]] = {}
    for wait in look.rows(LockWait):
        if wait.schema_name and wait.table_name:
            by_row.setdefault((table_name(wait.schema_name, wait.table_name), wait.lock_row), []).append(wait)
    return [_crowd(table, row, waits) for (table, row), waits in by_row.items()]


def _crowd(table: str, row: str | None, waits: Sequence[LockWait]) -> _Crowd:
    waiting = frozenset(wait.waiting_id for wait in waits)
    holders = Counter(wait.blocking_id for wait in waits if wait.blocking_id not in waiting)
    holder = holders.most_common(1)[0][0] if holders else None
    return _Crowd(table, row, holder, waiting, max((wait.wait_seconds or 0.0) for wait in waits))


def _blind_crowds(look: Sample) -> list[_Crowd]:
    by_table: dict[str, list[Session]] = {}
    for session in look.rows(Session):
        if wait_kind(session) == "row":
            for table in tables_of(session.statement, session.database_name)[:1]:
                by_table.setdefault(table, []).append(session)
    return [
        _Crowd(
            table, None, None, frozenset(each.id for each in waiting),
            max((each.lock_wait_seconds or 0.0) for each in waiting),
        )
        for table, waiting in by_table.items()
    ]  # fmt: skip


def _hot(crowds: Sequence[_Crowd], looks: int, now: Snapshot) -> HotRow | None:
    average = sum(len(crowd.waiting) for crowd in crowds) / looks
    longest = max(crowd.longest_seconds for crowd in crowds)
    if average < MIN_WAITERS or longest >= MAX_WAIT_SECONDS:
        return None
    holders = {crowd.holder for crowd in crowds if crowd.holder is not None}
    told = crowds[0].row is not None
    if len(holders) < 2 if told else not _waiters_change(crowds, looks):
        return None
    sessions = frozenset(session for crowd in crowds for session in crowd.waiting) | (holders if told else set())
    return HotRow(
        table=crowds[0].table,
        row=crowds[0].row,
        waiters=average,
        most_waiters=max(len(crowd.waiting) for crowd in crowds),
        holders=len(holders) if told else None,
        longest_seconds=longest,
        statement=_statement(now, sessions),
        sessions=sessions,
    )


def _waiters_change(crowds: Sequence[_Crowd], looks: int) -> bool:
    """Whether the queue moved: somebody who waited got through, while others waited all the time."""
    appearances = Counter(session for crowd in crowds for session in crowd.waiting)
    return len(crowds) >= 2 and min(appearances.values()) < looks and crowds[0].waiting != crowds[-1].waiting


def _statement(now: Snapshot, sessions: frozenset[int]) -> str | None:
    known: Mapping[int, str] = {
        session.id: session.statement
        for look in [*now.samples]
        for session in look.rows(Session)
        if session.id in sessions and session.statement
    }
    known = known or {
        each.id: each.statement for each in optional(now, Session) if each.id in sessions and each.statement
    }
    return one_line(next(iter(known.values()), None))
