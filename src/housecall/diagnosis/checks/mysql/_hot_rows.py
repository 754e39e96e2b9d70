"""Rows that many sessions want at once while their holders come and go, seen over the looks of one examination.

The servers keep their picture of transactions for a tenth of a second while it is asked for, so looks that follow each
other at once may be the same one and count once; the second reading of the counters is a later look in any case. A row
is hot when its queue moves: another session holds it later on, or the same one in a transaction of its own that began
in between. A holder that keeps its transaction is to blame itself, however short its waiters' own limits are.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from housecall.diagnosis.checks.mysql._blocking import optional, wait_kind
from housecall.diagnosis.checks.mysql._measured import in_window, table_name
from housecall.diagnosis.checks.mysql._statement_text import one_line, tables_of
from housecall.diagnosis.snapshot import Sample, Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.mysql.rows.sessions import LockWait, Session

MIN_WAITERS = 3.0
"""Waiters for one row, on average over the looks, from which the row itself is the problem (our proposal)."""
MAX_WAIT_SECONDS = 5.0
"""Whoever waits longer than this waits for one holder, which is to blame then (our proposal)."""


CLOCK_SECONDS = 1.0
"""Ages of transactions come in whole seconds, cut off or rounded."""
SHORTEST_LOCK_TIMEOUT_SECONDS = 1.0
"""The least that innodb_lock_wait_timeout can be: who gives up and tries again begins no more than a wait a second."""


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
    at_seconds: float = 0.0
    holder_began_seconds: float | None = None
    """When the holder's transaction began, on the clock of the looks and a second late at most; None: not told."""


def hot_rows(now: Snapshot, earlier: Snapshot | None = None) -> tuple[HotRow, ...]:
    looks = list(now.samples)
    if len(looks) < 2:
        return ()
    told = not isinstance(now.get(LockWait), Unavailable)
    crowds = [crowd for look in looks for crowd in (_crowds(look) if told else _blind_crowds(look))]
    by_row: dict[tuple[str, str | None], list[_Crowd]] = {}
    for crowd in crowds:
        by_row.setdefault((crowd.table, _row_of(crowd, crowds)), []).append(crowd)
    pictures = len({_picture(look) for look in looks}) if told else len(looks)
    waits = in_window(now, earlier, "Innodb_row_lock_waits") or 0.0
    found = [_hot(together, pictures, now, waits) for together in by_row.values()]
    return tuple(sorted((row for row in found if row), key=lambda row: -row.waiters))


def _picture(look: Sample) -> frozenset[tuple[int, int, str | None]]:
    """What one look shows of row locks: who waits for whom and for which row."""
    return frozenset((wait.waiting_id, wait.blocking_id, wait.lock_row) for wait in look.rows(LockWait))


def _row_of(crowd: _Crowd, crowds: Sequence[_Crowd]) -> str | None:
    """The row, also where a look could not tell it since its page was in use: the only one known of the table then."""
    if crowd.row is not None:
        return crowd.row
    known = {other.row for other in crowds if other.table == crowd.table and other.row is not None}
    return next(iter(known)) if len(known) == 1 else None


def _crowds(look: Sample) -> list[_Crowd]:
    by_row: dict[tuple[str, str | None], list[LockWait]] = {}
    for wait in look.rows(LockWait):
        if wait.schema_name and wait.table_name:
            by_row.setdefault((table_name(wait.schema_name, wait.table_name), wait.lock_row), []).append(wait)
    return [_crowd(table, row, waits, look) for (table, row), waits in by_row.items()]


def _crowd(table: str, row: str | None, waits: Sequence[LockWait], look: Sample) -> _Crowd:
    waiting = frozenset(wait.waiting_id for wait in waits)
    holders = Counter(wait.blocking_id for wait in waits if wait.blocking_id not in waiting)
    holder = holders.most_common(1)[0][0] if holders else None
    ages = {each.id: each.transaction_seconds for each in look.rows(Session) if each.id == holder}
    age = ages.get(holder) if holder is not None else None
    return _Crowd(
        table, row, holder, waiting, max((wait.wait_seconds or 0.0) for wait in waits), look.at_seconds,
        None if age is None else look.at_seconds - age - CLOCK_SECONDS,
    )  # fmt: skip


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


def _hot(seen: Sequence[_Crowd], looks: int, now: Snapshot, waits: float) -> HotRow | None:
    told = any(crowd.row is not None for crowd in seen)
    crowds = list({(each.holder, each.waiting): each for each in seen}.values()) if told else seen
    average = sum(len(crowd.waiting) for crowd in crowds) / looks
    longest = max(crowd.longest_seconds for crowd in crowds)
    if average < MIN_WAITERS or longest >= MAX_WAIT_SECONDS:
        return None
    holders = {crowd.holder for crowd in crowds if crowd.holder is not None}
    moves = len(holders) >= 2 or _begins_anew(seen, waits) if told else _waiters_change(crowds, looks)
    if not moves:
        return None
    sessions = frozenset(session for crowd in crowds for session in crowd.waiting) | (holders if told else set())
    return HotRow(
        table=crowds[0].table,
        row=next((crowd.row for crowd in crowds if crowd.row is not None), None),
        waiters=average,
        most_waiters=max(len(crowd.waiting) for crowd in crowds),
        holders=len(holders) if told else None,
        longest_seconds=longest,
        statement=_statement(now, sessions),
        sessions=sessions,
    )


def _begins_anew(crowds: Sequence[_Crowd], waits: float) -> bool:
    """Whether a session that held the row in one look holds it later in a transaction that began after that look: by
    its age, or where whole seconds leave that open by more waits in between than waiters that give up could make."""
    for first in crowds:
        for later in crowds:
            if first.holder is None or first.holder != later.holder or later.holder_began_seconds is None:
                continue
            if later.holder_began_seconds > first.at_seconds:
                return True
            seconds = later.at_seconds - first.at_seconds
            could_be = seconds > 0 and later.holder_began_seconds + 2 * CLOCK_SECONDS > first.at_seconds
            if could_be and waits > len(later.waiting) * (seconds / SHORTEST_LOCK_TIMEOUT_SECONDS + 1):
                return True
    return False


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
