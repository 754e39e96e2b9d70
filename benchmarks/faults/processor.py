"""Processor time of a server's session, as the kernel of this machine counts it."""

from pathlib import Path


def seconds_on_processor(task: str | None) -> float | None:
    """How long this task (`<pid>` or `<pid>/task/<tid>`) has run, or None where that is not known.

    The first number of `schedstat` is the time on a processor in nanoseconds (Linux, Documentation/scheduler).
    """
    if task is None:
        return None
    try:
        return int(Path("/proc", task, "schedstat").read_text().split()[0]) / 1e9
    except (OSError, ValueError, IndexError):
        return None
