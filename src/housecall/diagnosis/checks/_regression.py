"""What tells that a statement got worse, on every engine: time and reading of a call in the window against before.

Time alone lies on a busy machine, so what a call reads is compared too: blocks on PostgreSQL, rows on MySQL and
MariaDB. What a call returns must not have grown alike, since more work is no worse plan.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from housecall.diagnosis.check import Limits, Threshold
from housecall.diagnosis.finding import Evidence

KeyT = TypeVar("KeyT", bound=Hashable)
THRESHOLDS = (
    Threshold("min_times", 2.5, "the mean of before; common practice takes 2, a window is shorter than a day"),
    Threshold("min_more_seconds", 0.005, "of mean time; common practice"),
    Threshold("min_times_read", 5, "blocks or rows that a call read before: another plan, not a busy machine"),
    Threshold("min_calls_before", 50, "so that the mean of before means something"),
    Threshold("min_calls_now", 5, "in the window: a few calls with values that find much are chance"),
    Threshold("min_share_now", 0.1, "of all statement time of the window: a tenth of the work is worth acting on"),
)
"""For both engines' checks; MOST_RETURNED stands beside them."""
MOST_RETURNED = 2.0
"""Times the rows of before that a call may return: more, and it reads more because it is asked for more."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The counters of one statement since they began: `read` are blocks or rows looked at, `returned` rows returned or
    changed."""

    calls: int
    seconds: float
    read: float
    returned: float


@dataclass(frozen=True, slots=True)
class Change:
    """One statement in the window and before, a call each; `share` of the time of all statements in the window."""

    calls: int
    calls_before: int
    seconds: float
    seconds_before: float
    read: float
    read_before: float
    returned: float
    returned_before: float
    share: float

    def is_worse(self, limits: Limits) -> bool:
        return self.is_slower(limits, limits["min_calls_now"]) and self.reads_more(limits)

    def is_slower(self, limits: Limits, least_calls: float) -> bool:
        """Whether a call takes far longer for no more rows, often enough to matter and to mean something."""
        return (
            self.calls >= least_calls
            and self.calls_before >= limits["min_calls_before"]
            and self.seconds >= limits["min_times"] * self.seconds_before
            and self.seconds - self.seconds_before >= limits["min_more_seconds"]
            and self.returned <= MOST_RETURNED * max(self.returned_before, 1.0)
            and self.share >= limits["min_share_now"]
        )

    def reads_more(self, limits: Limits) -> bool:
        return self.read >= limits["min_times_read"] * max(self.read_before, 1.0)

    @property
    def details(self) -> dict[str, float]:
        """What causes tell of it."""
        return {
            "now_seconds": self.seconds, "before_seconds": self.seconds_before,
            "now_read": self.read, "before_read": self.read_before, "share_now": self.share,
        }  # fmt: skip

    def evidence(self, reading: str, unit: str) -> tuple[Evidence, ...]:
        values = {
            "mean_time_in_window": (self.seconds, "seconds"),
            "mean_time_before": (self.seconds_before, "seconds"),
            f"{unit}_a_call_in_window": (round(self.read, 1), unit),
            f"{unit}_a_call_before": (round(self.read_before, 1), unit),
            "calls_in_window": (self.calls, "count"),
        }
        return tuple(Evidence(name, value, kind, reading) for name, (value, kind) in values.items())


def changes(now: Mapping[KeyT, Cost], before: Mapping[KeyT, Cost], spent: float | None = None) -> dict[KeyT, Change]:
    """Statements that were called both before and in the window. `spent` is the time of all statements in the window;
    None: the sum over these."""
    pairs = {key: (cost, before[key]) for key, cost in now.items() if key in before}
    total = sum(cost.seconds - old.seconds for cost, old in pairs.values()) if spent is None else spent
    return {
        key: _change(cost, old, total)
        for key, (cost, old) in pairs.items()
        if cost.calls > old.calls and old.calls > 0 and total > 0
    }


def _change(now: Cost, before: Cost, spent: float) -> Change:
    calls = now.calls - before.calls
    return Change(
        calls, before.calls,
        (now.seconds - before.seconds) / calls, before.seconds / before.calls,
        (now.read - before.read) / calls, before.read / before.calls,
        (now.returned - before.returned) / calls, before.returned / before.calls,
        (now.seconds - before.seconds) / spent,
    )  # fmt: skip
