"""What the checks of tables, indexes and statements share: evidence, names, and counters over a window."""

from collections.abc import Callable
from typing import TypeVar

from housecall.diagnosis.finding import Evidence
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Row, Unavailable
from housecall.engines.postgresql.quoting import qualified
from housecall.engines.postgresql.rows.memory import DatabaseCounters
from housecall.wording import Value

RowT = TypeVar("RowT", bound=Row)

BLOCK_BYTES = 8192
"""What PostgreSQL reads and writes at once, unless it was built otherwise."""


PROOF_OF_QUIET = 3.0
"""Events that the average since the reset lets one expect in a window before an empty window means "over": with three
expected, chance alone leaves a window empty once in twenty (Poisson, e^-3)."""


def measured(reading: type[Row], **values: tuple[Value, str]) -> tuple[Evidence, ...]:
    """Evidence from one reading: `measured(HotTable, rows=(500_000, "count"))`."""
    return tuple(Evidence(name, value, unit, reading.reading) for name, (value, unit) in values.items())


def table_name(schema_name: str, name: str) -> str:
    """The table as a person would write it."""
    return qualified(schema_name, name)


def statistics_seconds(now: Snapshot) -> float:
    """How long the counters of this database have run; 0 when that cannot be read, which proves nothing."""
    rows = now.get(DatabaseCounters)
    return 0.0 if isinstance(rows, Unavailable) or not rows else max(rows[0].statistics_seconds, 0.0)


def has_replica(now: Snapshot) -> bool:
    """Whether a replica is connected, whose queries this server's counters do not show."""
    rows = now.get(DatabaseCounters)
    return not isinstance(rows, Unavailable) and bool(rows) and rows[0].has_replica


def counterpart(row: RowT, earlier: Snapshot | None, key: Callable[[RowT], object]) -> RowT | None:
    """The same thing in the earlier snapshot, or None when there is none to compare with."""
    if earlier is None:
        return None
    rows = earlier.get(type(row))
    if isinstance(rows, Unavailable):
        return None
    return next((each for each in rows if key(each) == key(row)), None)


RECENT_SECONDS = 10 * 60.0
"""What counters younger than this tell happened just now: a pause of a second in it proves no end."""


def is_over(events_since_reset: float, events_in_window: float, age_seconds: float, window_seconds: float) -> bool:
    """Whether what the counters tell lies in the past: nothing in the window, though the average promised several."""
    if events_in_window > 0 or age_seconds < RECENT_SECONDS or window_seconds <= 0:
        return False
    return events_since_reset / age_seconds * window_seconds >= PROOF_OF_QUIET
