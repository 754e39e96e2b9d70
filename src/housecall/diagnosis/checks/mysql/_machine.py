"""What the server itself tells of its machine: MySQL 9 writes memory and processors to the error log at each start."""

import re

from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.mysql.rows.server import ServerStart

_MEMORY = re.compile(r"access to (\d+) bytes of physical memory")
_CPUS = re.compile(r"access to (\d+) logical CPUs")


def memory_bytes(now: Snapshot) -> int | None:
    """Memory that the server may use, or None where it does not tell."""
    return _latest(now, _MEMORY)


def cpus(now: Snapshot) -> int | None:
    """Processors that the server may use, or None where it does not tell."""
    return _latest(now, _CPUS)


def _latest(now: Snapshot, pattern: re.Pattern[str]) -> int | None:
    rows = now.get(ServerStart)
    if isinstance(rows, Unavailable):
        return None
    found = [(row.seconds_ago, match[1]) for row in rows if (match := pattern.search(row.message))]
    return int(min(found, key=lambda each: each[0])[1]) if found else None
