"""The time, as a value that tests can set.

Whoever needs the time takes a `Clock`; only `app.py` passes the real one.
"""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Now, with time zone UTC."""
    return datetime.now(UTC)
