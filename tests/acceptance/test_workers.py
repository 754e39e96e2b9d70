"""`serve` with several processes: one port, one store; one that dies is replaced, and none outlives the command."""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from tests.acceptance.test_cli import CommandLine, processes_of

from housecall.cli.workers import default_workers

pytestmark = pytest.mark.acceptance

PATIENCE_SECONDS = 60.0


@pytest.fixture
def cli() -> Iterator[CommandLine]:
    with tempfile.TemporaryDirectory(prefix="housecall-workers-") as folder:
        Path(folder).chmod(0o711)
        yield CommandLine(Path(folder))


@pytest.fixture
def serving(cli: CommandLine) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A server of two workers, and its URL; one that a test did not end is killed with all it started."""
    process = cli.start("serve", "--port", "0", "--workers", "2")
    started = psutil.Process(process.pid)
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert " with 2 processes " in line
        yield process, line.split()[3]
    finally:
        everybody = [started, *started.children(recursive=True)] if started.is_running() else []
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=PATIENCE_SECONDS)
        for each in everybody:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it did not become true"
        time.sleep(0.05)


def workers_of(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    found = []
    for each in psutil.Process(process.pid).children():
        with contextlib.suppress(psutil.Error):  # it ends just now
            if "worker" in each.cmdline():
                found.append(each)
    return found


def is_ready(url: str) -> bool:
    with urllib.request.urlopen(f"{url}/health", timeout=PATIENCE_SECONDS) as response:
        return json.load(response)["Status"] == "ready"


def test_a_killed_worker_is_replaced_and_the_port_answers_meanwhile(
    serving: tuple["subprocess.Popen[str]", str], cli: CommandLine
) -> None:
    process, url = serving
    eventually(lambda: len(workers_of(process)) == 2)
    killed, other = workers_of(process)
    killed.kill()
    eventually(lambda: killed.pid not in {each.pid for each in workers_of(process)})
    assert is_ready(url)
    eventually(lambda: len(workers_of(process)) == 2)
    assert other.pid in {each.pid for each in workers_of(process)}

    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0
    assert f"(process {killed.pid}) was ended by SIGKILL" in told
    assert "Traceback" not in told
    assert not processes_of(cli.home)


def test_workers_end_when_their_supervisor_is_killed(
    serving: tuple["subprocess.Popen[str]", str], cli: CommandLine
) -> None:
    process, url = serving
    eventually(lambda: len(workers_of(process)) == 2)
    left = workers_of(process)
    assert is_ready(url)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    gone, alive = psutil.wait_procs(left, timeout=PATIENCE_SECONDS)
    assert (len(gone), alive) == (2, [])
    assert not processes_of(cli.home)


def test_a_server_that_cannot_serve_says_so_once_and_ends(cli: CommandLine) -> None:
    told = cli.failure("serve", "--port", "0", "--workers", "2", HOUSECALL_DATABASE_URL="postgresql://x@127.0.0.1:9/x")
    assert "No connection to Housecall's database" in told


def test_there_is_a_process_for_each_core_up_to_four() -> None:
    assert 1 <= default_workers() <= min(4, os.cpu_count() or 1)
