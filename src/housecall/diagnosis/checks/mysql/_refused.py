"""Errors that statements or logins got, by number: from the server's counters (MySQL) and from the latest statements of
the sessions that are connected (both, with performance_schema)."""

from collections.abc import Collection
from dataclasses import dataclass

from housecall.diagnosis.checks.mysql._tables import rows_or_none
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.rows.server import FailedStatement, StatementError


@dataclass(frozen=True, slots=True)
class Refused:
    """`times` is what was counted since the start, or seen; `seconds_ago` None where only the latest statements tell.
    `messages` are the server's own words, where they were kept."""

    times: int
    seconds_ago: float | None
    messages: tuple[str, ...]

    def is_recent(self, seconds: float) -> bool:
        return self.seconds_ago is None or self.seconds_ago <= seconds


def refused(now: Snapshot, numbers: Collection[int]) -> Refused | None:
    """None when none of these errors is known."""
    counted = [row for row in rows_or_none(now, StatementError) if row.number in numbers]
    seen = [row for row in rows_or_none(now, FailedStatement) if row.number in numbers]
    if not counted and not seen:
        return None
    ages = [max(0.0, row.last_seconds_ago) for row in counted if row.last_seconds_ago is not None]
    return Refused(
        times=max(sum(row.raised for row in counted), sum(row.statements for row in seen)),
        seconds_ago=min(ages, default=None),
        messages=tuple(row.message for row in seen if row.message),
    )
