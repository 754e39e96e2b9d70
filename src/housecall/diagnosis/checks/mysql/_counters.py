"""Settings as numbers and switches, and counters over time: since the server started, and between two looks.

A counter of MySQL or MariaDB counts from the start of the server or from the last FLUSH STATUS. Only two looks tell the
past from the present.
"""

from dataclasses import dataclass

from housecall.diagnosis.checks.mysql._measured import counter, measured, variable
from housecall.diagnosis.finding import Evidence
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import StatusCounter, Variable

KB, MB, GB = 1024, 1024**2, 1024**3
PROOF_OF_QUIET = 3.0
"""Events that the average lets one expect in a window before an empty window means "over": with three expected, chance
alone leaves a window empty once in twenty (Poisson, e^-3)."""
QUIET_SHARE = 0.1
"""Of the average: what is left in a window when the cause is gone comes from other statements, our own among them."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast something is counted: `total` in `seconds`, and `in_window` in `window_seconds` when there were two
    looks (None: one look only)."""

    total: float
    seconds: float
    in_window: float | None
    window_seconds: float

    @property
    def average(self) -> float:
        """A second, since the counters began."""
        return self.total / max(self.seconds, 1.0)

    @property
    def current(self) -> float:
        """A second in the window, or on average when there was one look only."""
        return self.average if self.in_window is None else self.in_window / max(self.window_seconds, 0.001)

    @property
    def is_over(self) -> bool:
        """Whether the window shows next to nothing of what the average promised. Not nothing: to look counts too."""
        expected = self.average * self.window_seconds
        return self.in_window is not None and expected >= PROOF_OF_QUIET and self.in_window < QUIET_SHARE * expected

    def evidence(self, name: str, unit: str = "count") -> tuple[Evidence, ...]:
        found = {name: (round(self.total, 1), unit), "counted_for": (round(self.seconds), "seconds")}
        if self.in_window is not None:
            found[f"{name}_in_window"] = (round(self.in_window, 1), unit)
            found["window"] = (round(self.window_seconds, 1), "seconds")
        return measured(StatusCounter, **found)


def age_seconds(now: Snapshot) -> float:
    """How long the counters have run."""
    ages = [counter(now, name) for name in ("Uptime", "Uptime_since_flush_status")]
    return min((age for age in ages if age is not None), default=0.0)


def pace(now: Snapshot, earlier: Snapshot | None, *names: str) -> Pace:
    """The pace of the sum of these counters. One that this server has not counts as zero."""
    total = _sum(now, names)
    if earlier is None:
        return Pace(total, age_seconds(now), None, 0.0)
    return Pace(total, age_seconds(now), max(0.0, total - _sum(earlier, names)), max(now.seconds_since(earlier), 0.0))


def _sum(now: Snapshot, names: tuple[str, ...]) -> float:
    return sum(counter(now, name) or 0.0 for name in names)


def number(now: Snapshot, name: str) -> float | None:
    """A setting as a number, or None when there is none of that name or it is not one."""
    value = variable(now, name)
    try:
        return float(value) if value is not None else None
    except ValueError:
        return None


def switch(now: Snapshot, name: str) -> bool | None:
    """A setting that is on or off, or None when there is none of that name."""
    value = variable(now, name)
    return None if value is None else value.upper() in ("ON", "1", "YES", "TRUE")


def settings(now: Snapshot, **units: str) -> tuple[Evidence, ...]:
    """These settings as evidence, by name and unit; those that this server has not are left out."""
    found = {name: (number(now, name) if unit != "text" else variable(now, name), unit) for name, unit in units.items()}
    return measured(Variable, **{name: value for name, value in found.items() if value[0] is not None})
