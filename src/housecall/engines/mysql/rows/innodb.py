"""InnoDB's own report, taken apart."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from housecall.engines.engine import Row

_SECTION = re.compile(r"^-{3,}\n([A-Z][A-Z /&]+)\n-{3,}\n", re.MULTILINE)
_HISTORY = re.compile(r"History list length (\d+)")
_DEADLOCK_TABLE = re.compile(r"index (?:`?([^`\s]+)`?) of table `([^`]+)`\.`([^`]+)`")
_LONG_SEMAPHORE = re.compile(r"has waited at .*? for ([\d.]+) seconds")
MAX_SECTION_CHARACTERS = 6000


@dataclass(frozen=True, slots=True)
class InnodbStatus(Row, reading="innodb_status"):
    """Parts of SHOW ENGINE INNODB STATUS. Sections are cut at 6,000 characters and None when the report has none.

    `deadlock_tables` and `deadlock_indexes` are named in the latest deadlock, `schema.table` and index, in order.
    """

    history_list_length: int | None
    latest_deadlock: str | None
    deadlock_tables: list[str]
    deadlock_indexes: list[str]
    latest_foreign_key_error: str | None
    longest_semaphore_wait_seconds: float
    pending_reads: int | None

    @classmethod
    def from_server(cls, found: Sequence[Mapping[str, Any]]) -> "list[InnodbStatus]":
        return [parse_innodb_status(str(row["status"])) for row in found]


def parse_innodb_status(text: str) -> InnodbStatus:
    """The report of any version since MySQL 8.0 and MariaDB 10.6."""
    sections = _sections(text)
    deadlock = sections.get("LATEST DETECTED DEADLOCK")
    named = _DEADLOCK_TABLE.findall(deadlock or "")
    history = _HISTORY.search(text)
    waits = [float(seconds) for seconds in _LONG_SEMAPHORE.findall(sections.get("SEMAPHORES", ""))]
    pending = re.search(r"(\d+) (?:pending reads|queries inside InnoDB)|Pending reads\s+(\d+)", text)
    return InnodbStatus(
        history_list_length=int(history[1]) if history else None,
        latest_deadlock=deadlock,
        deadlock_tables=list(dict.fromkeys(f"{schema}.{table}" for _, schema, table in named)),
        deadlock_indexes=list(dict.fromkeys(index for index, _, _ in named)),
        latest_foreign_key_error=sections.get("LATEST FOREIGN KEY ERROR"),
        longest_semaphore_wait_seconds=max(waits, default=0.0),
        pending_reads=int(pending[1] or pending[2]) if pending else None,
    )


def _sections(text: str) -> dict[str, str]:
    parts = _SECTION.split(text)
    return {
        name.strip(): body.strip()[:MAX_SECTION_CHARACTERS] for name, body in zip(parts[1::2], parts[2::2], strict=True)
    }
