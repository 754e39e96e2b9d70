"""InnoDB's own report, taken apart."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from housecall.engines.engine import Row

_SECTION = re.compile(r"^-{3,}\n([A-Z][A-Z /&]+)\n-{3,}\n", re.MULTILINE)
_HISTORY = re.compile(r"History list length (\d+)")
_DEADLOCK_TABLE = re.compile(r"index (?:`?([^`\s]+)`?) of table `([^`]+)`\.`([^`]+)`")
_LONG_SEMAPHORE = re.compile(r"has waited at .*? for ([\d.]+) seconds")
_MOMENT = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", re.MULTILINE)
_TRANSACTION = re.compile(r"^---TRANSACTION ", re.MULTILINE)
_THREAD = re.compile(r"thread id (\d+), ")
MAX_SECTION_CHARACTERS = 6000
MAX_LOCK_WAITS = 200


@dataclass(frozen=True, slots=True)
class InnodbStatus(Row, reading="innodb_status"):
    """Parts of SHOW ENGINE INNODB STATUS. Sections are cut at 6,000 characters and None when the report has none.

    `deadlock_tables` and `deadlock_indexes` are named in the latest deadlock, `schema.table` and index, in order.
    `lock_waits` holds `session<tab>schema<tab>table<tab>index` of each transaction that waits for a row.
    """

    history_list_length: int | None
    latest_deadlock: str | None
    deadlock_tables: list[str]
    deadlock_indexes: list[str]
    deadlock_seconds_ago: float | None
    lock_waits: list[str]
    latest_foreign_key_error: str | None
    longest_semaphore_wait_seconds: float
    pending_reads: int | None
    queued: int | None = None
    """Statements that wait for a place under innodb_thread_concurrency."""

    @classmethod
    def from_server(cls, found: Sequence[Mapping[str, Any]]) -> "list[InnodbStatus]":
        return [parse_innodb_status(str(row["status"])) for row in found]


_QUEUE = re.compile(r"\d+ queries inside InnoDB, (\d+) queries in queue")


def parse_innodb_status(text: str) -> InnodbStatus:
    """The report of any version since MySQL 8.0 and MariaDB 10.6."""
    whole = _whole_sections(text)
    sections = {name: body[:MAX_SECTION_CHARACTERS] for name, body in whole.items()}
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
        deadlock_seconds_ago=_seconds_between(deadlock, text),
        lock_waits=_lock_waits(whole.get("TRANSACTIONS", "")),
        latest_foreign_key_error=sections.get("LATEST FOREIGN KEY ERROR"),
        longest_semaphore_wait_seconds=max(waits, default=0.0),
        queued=int(queue[1]) if (queue := _QUEUE.search(text)) else None,
        pending_reads=int(pending[1] or pending[2]) if pending else None,
    )


def _whole_sections(text: str) -> dict[str, str]:
    parts = _SECTION.split(text)
    return {name.strip(): body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def _seconds_between(then: str | None, report: str) -> float | None:
    """From the moment that opens a section to that of the report: one clock wrote both."""
    earlier, later = _MOMENT.search(then or ""), _MOMENT.search(report)
    if not earlier or not later:
        return None
    return (datetime.fromisoformat(later[1]) - datetime.fromisoformat(earlier[1])).total_seconds()


def _lock_waits(transactions: str) -> list[str]:
    waits = []
    for block in _TRANSACTION.split(transactions)[1:]:
        _, waiting, wanted = block.partition("TRX HAS BEEN WAITING")
        thread, named = _THREAD.search(block), _DEADLOCK_TABLE.search(wanted)
        if waiting and thread and named:
            index, schema, table = named.groups()
            waits.append(f"{thread[1]}\t{schema}\t{table}\t{index}")
    return waits[:MAX_LOCK_WAITS]
