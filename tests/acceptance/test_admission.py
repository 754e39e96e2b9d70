"""Admission with real processes: a limit of 5 holds against 200 requests at once to four servers, and over crashes."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import text

from housecall.access.keys import Keys
from housecall.access.plans import Plans
from housecall.access.vault import open_vault
from housecall.settings import Settings
from housecall.store.database import Database
from housecall.store.embedded import FOR_TESTS, Cluster

pytestmark = [pytest.mark.anyio, pytest.mark.acceptance]

PROGRAM = Path(__file__).with_name("admission_process.py")
SERVERS, REQUESTS, LIMIT = 4, 200, 5
SECONDS = 120.0


@pytest.fixture
def home():
    folder = Path(tempfile.mkdtemp(prefix="housecall-admission-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def database_url(home):
    with Cluster(home / "state", settings={**FOR_TESTS, "max_connections": "200"}) as cluster:
        yield cluster.ensure_database("housecall")


@pytest.fixture
async def database(database_url):
    opened = Database(database_url)
    await opened.prepare()
    yield opened
    await opened.close()


@pytest.fixture
def serve(home, database_url):
    """Starts servers; those that still live at the end are killed."""
    started = []

    def start(mode):
        child = subprocess.Popen(
            [sys.executable, PROGRAM, mode],
            env={**os.environ, "HOUSECALL_HOME": str(home / "home"), "HOUSECALL_DATABASE_URL": database_url},
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


def url_of(child):
    line = child.stdout.readline()
    assert line, "the server ended before it listened"
    return json.loads(line)["url"]


async def bearer_of(home, database):
    keys = Keys(database, open_vault(Settings(home=home / "home")))
    await Plans(database).modify((await keys.root()).account_id, name="five", max_concurrent_runs=LIMIT)
    return (await keys.create_bearer()).token.get_secret_value()


async def ask(client, url, bearer):
    """The status of one question; of an accepted one only the beginning of its stream is awaited."""
    headers = {"x-acs-bearer-token": bearer, "x-acs-action": "ChatMessages"}
    async with client.stream("POST", f"{url}/?{urlencode({'Query': 'hello'})}", headers=headers) as answer:
        if answer.status_code == 200:
            return 200, ""
        return answer.status_code, json.loads(await answer.aread())["Code"]


async def live_runs(database):
    async with database.begin("counting") as connection:
        return (
            await connection.execute(text("SELECT count(*) FROM housecall.runs WHERE finished_at IS NULL"))
        ).scalar_one()


async def most_live_runs(database, done):
    """The largest number of live runs that was ever seen until `done`."""
    most = 0
    while not done.is_set():
        most = max(most, await live_runs(database))
        await asyncio.sleep(0.01)
    return most


async def until(holds):
    async with asyncio.timeout(SECONDS):
        while not await holds():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.05)


async def flood(urls, bearer):
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=SECONDS, limits=limits) as client:
        asks = (ask(client, urls[number % len(urls)], bearer) for number in range(REQUESTS))
        return await asyncio.gather(*asks)


async def test_five_of_two_hundred_run_and_crashes_give_the_places_back(home, database, serve):
    (home / "home").mkdir()
    bearer = await bearer_of(home, database)
    servers = [serve("hang") for _ in range(SERVERS)]
    urls = [url_of(server) for server in servers]
    done = asyncio.Event()
    watching = asyncio.create_task(most_live_runs(database, done))

    answers = await flood(urls, bearer)
    done.set()
    assert answers.count((200, "")) == LIMIT
    assert answers.count((429, "TooManyRequests")) == REQUESTS - LIMIT
    assert await watching == LIMIT

    for server in servers:  # kill -9 of all: the runs have nobody, and their places are not lost
        server.kill()
        server.wait()
    assert await live_runs(database) == LIMIT
    url = url_of(serve("finish"))

    async def none_runs():
        return await live_runs(database) == 0

    await until(none_runs)
    async with httpx.AsyncClient(timeout=SECONDS) as client:
        assert await ask(client, url, bearer) == (200, "")
