"""The demo as `make demo` starts it: from nothing to an answer, command lines that work, and nothing left behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.acceptance

PATIENCE_SECONDS = 180.0
HOUSECALL = [sys.executable, "-m", "housecall.cli.main"]
SICK = (
    "public.inventory",  # a row held by a transaction that was left open
    "public.orders",  # no index for the hot statement
    "public.carts",  # autovacuum off
    "public.page_views(id)",  # the key runs out
    "public.order_items_by_product",  # the same index twice
    "public.shipments",  # stale statistics
)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="housecall-demo-test-"))
    made.chmod(0o711)  # an unprivileged user runs the servers when tests run as root
    yield made
    shutil.rmtree(made, ignore_errors=True)


def start(home: Path, *options: str) -> "subprocess.Popen[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOUSECALL_")}
    return subprocess.Popen(
        [*HOUSECALL, "demo", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**kept, "HOUSECALL_HOME": str(home)},
    )


def read_until(demo: "subprocess.Popen[str]", words: str) -> str:
    """What the demo prints until a line with these words; fails when it ends or takes too long."""
    assert demo.stdout is not None
    bound = threading.Timer(PATIENCE_SECONDS, demo.kill)
    bound.start()
    told = ""
    try:
        for line in demo.stdout:
            told += line
            if words in line:
                return told
    finally:
        bound.cancel()
    raise AssertionError(f"the demo ended before it said {words!r}:\n{told}")


def processes_of(home: Path) -> list[str]:
    """The command lines of processes that belong to this demo."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(home) in line]


def check_answer(told: str) -> None:
    assert "> Why is the shop slow?" in told
    assert "The first word came" in told
    answer = told.partition("> Why is the shop slow?")[2]
    assert [name for name in SICK if name not in answer] == [], told
    assert "CREATE INDEX CONCURRENTLY" in answer or "pg_terminate_backend" in answer, told  # of what comes first


def check_second_demo(home: Path) -> None:
    """A second demo on the same home says why it does not start."""
    second = start(home, "--once")
    told = second.communicate(timeout=PATIENCE_SECONDS)[0]
    assert second.returncode == 2
    assert "A demo runs already" in told


def test_it_answers_its_command_lines_work_and_ctrl_c_stops_all_of_it(home: Path) -> None:
    """One demo for all that can be seen of one that stays up: each start costs a minute of two cores."""
    demo = start(home)
    try:
        told = read_until(demo, "/v1/chat-messages")
        check_answer(told)
        check_second_demo(home)
        first, second, curl = (
            line.strip() for line in told.splitlines() if " ask --instance " in line or "curl " in line
        )
        for command in (first, second):
            asked = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
            assert asked.returncode == 0, asked.stderr
            assert asked.stdout.strip()
        if shutil.which("curl"):
            stream = subprocess.run(curl, shell=True, capture_output=True, text=True, timeout=PATIENCE_SECONDS).stdout
            last = json.loads(
                [line for line in stream.splitlines() if line.startswith("data: ")][-1].removeprefix("data: ")
            )
            assert (last["Event"], last["Status"]) == ("workflow_finished", "succeeded")
    finally:
        demo.send_signal(signal.SIGINT)
        rest = demo.communicate(timeout=60)[0]
    assert demo.returncode == 0, rest
    assert processes_of(home) == []


def test_a_demo_that_was_killed_does_not_stand_in_the_way_of_the_next(home: Path) -> None:
    killed = start(home)
    read_until(killed, "Opening Housecall")
    killed.kill()
    killed.communicate(timeout=60)
    demo = start(home, "--once", "--no-keep")
    told = demo.communicate(timeout=PATIENCE_SECONDS)[0]
    assert demo.returncode == 0, told
    check_answer(told)
    assert processes_of(home) == []
    assert not list((home / "demo").glob("patient-template-*"))
