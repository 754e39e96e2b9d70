"""Locks between processes of one machine, on files. They end with the process, however it ends."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from housecall.errors import SetupError

RETRY_SECONDS = 0.02


class FileLock:
    """A lock on one file: shared or exclusive. Held by this object alone, also against others of the same process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def _open(self) -> int:
        if self._descriptor is None:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return self._descriptor

    def try_lock(self, *, exclusive: bool) -> bool:
        """Take the lock, or change its kind, without waiting. False when somebody else's lock stands against it."""
        kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
        try:
            fcntl.flock(self._open(), kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def lock(self, *, exclusive: bool, timeout_seconds: float) -> None:
        """Take the lock. Raises SetupError when it is not free in time, naming the file."""
        deadline = time.monotonic() + timeout_seconds
        while not self.try_lock(exclusive=exclusive):
            if time.monotonic() > deadline:
                self.release()
                raise SetupError(
                    f"Another process has held {self.path} for {timeout_seconds:.0f} s; end it (`fuser -v {self.path}`"
                    " shows it) and start again."
                )
            time.sleep(RETRY_SECONDS)

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> "FileLock":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


@contextlib.contextmanager
def exclusively(path: Path, timeout_seconds: float) -> Iterator[None]:
    """Only one holder of this file's lock at a time, over all processes."""
    with FileLock(path) as lock:
        lock.lock(exclusive=True, timeout_seconds=timeout_seconds)
        yield
