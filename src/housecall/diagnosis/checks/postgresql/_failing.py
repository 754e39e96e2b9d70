"""How many transactions of this database fail, beyond those that a deadlock accounts for."""

from dataclasses import dataclass

from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.postgresql.rows.transactions import TransactionCounters

MIN_WINDOW_TRANSACTIONS = 100
"""In a window with fewer transactions the counters since the reset are judged."""


@dataclass(frozen=True, slots=True)
class Failing:
    """Rolled back transactions and their share of all, in the window when that was busy, else since the reset."""

    rollbacks: int
    share: float
    seconds: float


def failing(now: Snapshot, earlier: Snapshot | None) -> Failing | None:
    """None when the counters could not be read."""
    row = _here(now)
    if row is None:
        return None
    before = _here(earlier) if earlier else None
    if before and earlier:
        commits, rollbacks = row.commits - before.commits, row.rollbacks - before.rollbacks
        if commits + rollbacks >= MIN_WINDOW_TRANSACTIONS:
            return _failing(commits, rollbacks - (row.deadlocks - before.deadlocks), now.seconds_since(earlier))
    return _failing(row.commits, row.rollbacks - row.deadlocks, row.statistics_seconds)


def _failing(commits: int, rollbacks: int, seconds: float) -> Failing:
    rollbacks = max(0, rollbacks)
    return Failing(rollbacks, rollbacks / max(1, commits + rollbacks), seconds)


def _here(snapshot: Snapshot) -> TransactionCounters | None:
    rows = snapshot.get(TransactionCounters)
    return None if isinstance(rows, Unavailable) else next((row for row in rows if row.is_current), None)
