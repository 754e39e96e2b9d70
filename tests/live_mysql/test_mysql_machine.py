"""The machine of a real MySQL and MariaDB server as far as the server can tell: clean, broken, found, fixed, clean."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from housecall.diagnosis.examine import Diagnosis
from housecall.testing_mysql import PrivateMySQLDatabase

pytestmark = pytest.mark.anyio

WORK = "SELECT BENCHMARK(4000000000, SHA2('report', 256))"
ATTEMPTS = 20
"""Examinations until one meets the other programs: 15 ms of work may for once get the processor at once."""


@contextmanager
def busy_machine() -> Iterator[None]:
    """Four programs that compute for each processor, each of a session of its own: the kernel may share by sessions."""
    command = [sys.executable, "-S", "-c", "while True: pass"]
    programs = [subprocess.Popen(command, start_new_session=True) for _ in range(4 * (os.cpu_count() or 1))]
    try:
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


def causes(diagnosis: Diagnosis) -> set[str]:
    return {each.id for each in diagnosis.causes}


async def test_other_programs_that_take_the_processors_are_told_while_a_session_is_at_work(
    shop: PrivateMySQLDatabase,
) -> None:
    idle = await shop.examine(window_seconds=0)
    assert idle.snapshot.readings["processor_share"] == ()  # nobody works, so nothing is measured
    assert "external_cpu_contention" not in causes(idle)
    report = shop.connect()
    report.start(WORK)
    try:
        with busy_machine():
            for _ in range(ATTEMPTS):
                diagnosis = await shop.examine(window_seconds=0)
                if "external_cpu_contention" in causes(diagnosis):
                    break
        (cause,) = [each for each in diagnosis.causes if each.id == "external_cpu_contention"]
        assert cause.severity.value == "notice"
        (row,) = diagnosis.snapshot.readings["processor_share"]  # type: ignore[misc]
        assert row.processor_seconds < row.seconds / 4  # type: ignore[union-attr]
    finally:
        shop.execute(f"KILL {report.id}")
    assert "external_cpu_contention" not in causes(await shop.examine(window_seconds=0))
