"""Values of time settings as they are stored for roles and databases: `15ms`, `2 min`, `500` (milliseconds)."""

import re

_UNIT_SECONDS = {"us": 1e-6, "ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_VALUE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*")


def seconds_of(value: str) -> float | None:
    """Seconds of a timeout's stored value, whose bare number means milliseconds; None when it cannot be read."""
    found = _VALUE.fullmatch(value)
    if found is None or (found[2] and found[2] not in _UNIT_SECONDS):
        return None
    return float(found[1]) * _UNIT_SECONDS[found[2] or "ms"]
