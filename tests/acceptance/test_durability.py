"""Durability with real processes: kill -9, restart, a second process, and limits that hold over all of them."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import aclosing
from pathlib import Path

import pytest
from sqlalchemy import text

from housecall.app import STATE_FOLDER, open_app
from housecall.chat.runs import NewQuestion
from housecall.errors import SetupError, StoreError
from housecall.events import Happening
from housecall.settings import Settings
from housecall.store.embedded import Cluster
from housecall.turn import Outcome

from .durable_process import TwoSteps

pytestmark = [pytest.mark.anyio, pytest.mark.acceptance]

PROGRAM = Path(__file__).with_name("durable_process.py")


@pytest.fixture
def home():
    folder = Path(tempfile.mkdtemp(prefix="housecall-tests-"))
    folder.chmod(0o711)
    yield folder / "home"
    Cluster(folder / "home" / STATE_FOLDER).stop()
    shutil.rmtree(folder)


@pytest.fixture
def settings(home):
    return Settings(home=home)


@pytest.fixture
def process(home):
    """Starts housecall processes; those that still live at the end are killed."""
    started = []

    def start(*arguments):
        child = subprocess.Popen(
            [sys.executable, PROGRAM, *arguments],
            env={**os.environ, "HOUSECALL_HOME": str(home)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(child)
        return child

    yield start
    for child in started:
        child.kill()
        child.communicate()


def told(child):
    line = child.stdout.readline()
    assert line, "the process ended before it told anything"
    return json.loads(line)


def kill(child):
    child.send_signal(signal.SIGKILL)
    child.wait()


def text_of(events):
    text = ""
    for event in events:
        if event.happening.name == "message":
            text += event.happening.answer
        elif event.happening.name == "message_replace":
            text = event.happening.answer
    return text


async def follow(app, run_id, until=None):
    """The run's events to its end, or until the text so far is this."""
    events = []
    async with aclosing(app.runs.subscribe(run_id)) as stream:
        async for event in stream:
            events.append(event)
            if until is not None and text_of(events) == until:
                break
    return events


@pytest.mark.parametrize(
    ("query", "half", "whole"),
    [("in steps", "First. Sec", "First. Second."), ("outside steps", "Half", "Half and whole.")],
)
async def test_a_killed_process_s_run_goes_on_after_a_restart_and_is_told_once(settings, process, query, half, whole):
    child = process("ask", query)
    run_id = told(child)["run_id"]
    await _wait_for_text(settings, run_id, half)
    kill(child)
    async with open_app(settings, answerer=TwoSteps(hangs=False)) as app:
        events = await asyncio.wait_for(follow(app, run_id), 30)
    assert text_of(events) == whole
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    names = [event.happening.name for event in events]
    assert names.count("workflow_finished") == 1
    assert events[-1].happening.fields["status"] == "succeeded"
    assert names.count("tool_call") in (0, 2), "what was told before the crash is not told again"


async def _wait_for_text(settings, run_id, wanted):
    """A follower that does not execute sees the text, and leaves."""
    from housecall.access.admission import Admission
    from housecall.chat.runs import Runs
    from housecall.store.database import Database

    cluster = Cluster(settings.home / STATE_FOLDER)
    cluster.start()
    database = Database(cluster.ensure_database("housecall"))
    runs = Runs(database, Admission())
    await runs.open(None)

    class Follower:
        pass

    follower = Follower()
    follower.runs = runs
    await asyncio.wait_for(follow(follower, run_id, until=wanted), 30)
    await runs.close()
    await database.close()
    cluster.stop()


async def test_a_living_process_takes_over_and_its_subscriber_sees_no_seam(settings, process):
    async with open_app(settings, answerer=TwoSteps(hangs=False)) as app:
        child = process("ask", "in steps")
        answer = told(child)
        following = asyncio.create_task(follow(app, answer["run_id"]))
        await asyncio.wait_for(follow(app, answer["run_id"], until="First. Sec"), 30)
        kill(child)
        events = await asyncio.wait_for(following, 30)
    assert text_of(events) == "First. Second."
    replaced = [event.happening.answer for event in events if event.happening.name == "message_replace"]
    assert replaced == ["First. "], "the finished step stands, the cut-off one is void"
    assert [event.number for event in events] == list(range(1, len(events) + 1))


async def test_another_process_can_stop_a_run(settings, process):
    async with open_app(settings, answerer=TwoSteps(hangs=False)) as app:
        run_id = told(process("ask", "in steps"))["run_id"]
        await asyncio.wait_for(follow(app, run_id, until="First. Sec"), 30)
        await app.runs.stop(app.root.account_id, run_id)
        assert await asyncio.wait_for(app.runs.wait(run_id), 5) == "stopped"


async def test_a_question_whose_process_died_before_it_began_is_answered(settings):
    async with open_app(settings, answerer=TwoSteps(hangs=False)) as app:
        async with app.database.begin("storing what a crash leaves") as connection:
            await connection.execute(text("INSERT INTO housecall.processes (id, host, pid) VALUES ('dead', 'here', 1)"))
            await connection.execute(
                text(
                    "WITH c AS (INSERT INTO housecall.conversations (id, account_id, user_id, name, approval_mode)"
                    " VALUES (gen_random_uuid(), :account, :user, 'q', 'read_only') RETURNING id),"
                    " m AS (INSERT INTO housecall.messages (id, conversation_id, account_id, user_id, query, status)"
                    " SELECT gen_random_uuid(), id, :account, :user, 'in steps', 'queued' FROM c"
                    " RETURNING id, conversation_id)"
                    " INSERT INTO housecall.runs (id, message_id, conversation_id, account_id, user_id, status, turn,"
                    " process_id) SELECT gen_random_uuid(), id, conversation_id, :account, :user, 'queued',"
                    " '{\"approval_mode\": \"read_only\"}', 'dead' FROM m"
                ),
                {"account": app.root.account_id, "user": app.root.user_id},
            )
            run_id = (await connection.execute(text("SELECT id::text FROM housecall.runs"))).scalar_one()
        assert await asyncio.wait_for(app.runs.wait(run_id), 30) == "succeeded"


async def test_concurrency_is_exact_over_processes(settings, process):
    async with open_app(settings, answerer=TwoSteps(hangs=True)) as app:
        async with app.database.begin("limiting the plan") as connection:
            await connection.execute(text("UPDATE housecall.plans SET max_concurrent_runs = 5"))
        racers = [process("race", "4") for _ in range(3)]
        for racer in racers:
            assert told(racer)["ready"]
        for racer in racers:
            racer.stdin.write("go\n")
            racer.stdin.flush()
        counts = [told(racer) for racer in racers]
        assert sum(count["accepted"] for count in counts) == 5
        assert sum(count["refused"] for count in counts) == 7


def test_processes_share_the_embedded_server_and_the_last_one_ends_it(home):
    home.mkdir()
    home.chmod(0o711)
    first, second = Cluster(home / STATE_FOLDER), Cluster(home / STATE_FOLDER)
    first.start()
    second.start()
    pid = first.pid
    assert pid is not None
    assert second.pid == pid
    first.stop()
    assert second.pid == pid
    second.stop()
    assert second.pid is None


async def test_a_killed_process_leaves_the_server_to_the_next_one(home, process):
    child = process("ask", "in steps")
    told(child)
    cluster = Cluster(home / STATE_FOLDER)
    pid = cluster.pid
    kill(child)
    assert pid is not None
    assert cluster.pid == pid
    cluster.start()
    assert cluster.pid == pid
    cluster.stop()
    assert cluster.pid is None


async def test_a_killed_embedded_server_is_started_again_and_the_run_goes_on(settings):
    class Killer:
        async def answer(self, turn, sink, stop):
            await sink.report(Happening("message", "before "))
            await sink.flush()
            os.kill(Cluster(settings.home / STATE_FOLDER).pid, signal.SIGKILL)
            await sink.report(Happening("message", "after"))
            return Outcome("succeeded", None)

    async with open_app(settings, answerer=Killer()) as app:
        started = await app.runs.start(NewQuestion(app.root.account_id, app.root.user_id, "hello"))
        async with asyncio.timeout(60):
            while True:
                try:
                    events = await follow(app, started.run_id)
                except StoreError:
                    continue  # a follower who needs the store meanwhile is told, and comes back
                break
        assert text_of(events) == "before after"
        assert events[-1].happening.fields["status"] == "succeeded"
        async with asyncio.timeout(60):
            while not (await app.health()).ready:
                pass  # until the server is back


def test_a_stale_process_number_does_not_keep_the_server_from_starting(home):
    home.mkdir()
    home.chmod(0o711)
    cluster = Cluster(home / STATE_FOLDER)
    cluster.start()
    server = cluster.pid
    assert server is not None
    os.kill(server, signal.SIGKILL)
    while cluster.pid is not None:
        os.sched_yield()
    stale = home / STATE_FOLDER / "postmaster.pid"
    lines = stale.read_text().splitlines()
    stale.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")  # the number went to another program
    again = Cluster(home / STATE_FOLDER)
    again.start()
    assert again.pid not in (None, server, os.getpid())
    cluster.stop()
    again.stop()


def test_a_folder_of_another_major_version_is_refused(home):
    (home / STATE_FOLDER).mkdir(parents=True)
    home.chmod(0o711)
    cluster = Cluster(home / STATE_FOLDER)
    (home / STATE_FOLDER / "PG_VERSION").write_text("12\n")
    with pytest.raises(SetupError, match="made by PostgreSQL 12"):
        cluster.start()
