"""A state database whose disk is really full: a tablespace on a file system of a few megabytes."""

import asyncio
import os
import subprocess
from contextlib import aclosing, suppress
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from housecall.app import open_app
from housecall.chat.runs import NewQuestion
from housecall.errors import StoreError
from housecall.events import Happening
from housecall.settings import Settings
from housecall.turn import Outcome

from .scripted import ScriptedAnswerer

pytestmark = pytest.mark.anyio
SIZE = "60m"


@pytest.fixture
def small_disk(open_folder):
    """A file system of its own, where this machine allows making one."""
    folder = open_folder / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        folder.rmdir()
        pytest.skip("needs the right to mount a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir()


@pytest.fixture
def settings(cluster, small_disk, tmp_path):
    """A database whose tables all lie on the small disk."""
    owner = Path(cluster.data_dir).stat()
    space = small_disk / "space"
    space.mkdir(mode=0o700)
    (small_disk / "ballast").write_bytes(bytes(12 * 1024 * 1024))
    os.chown(space, owner.st_uid, owner.st_gid)
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        connection.execute(f"CREATE TABLESPACE small LOCATION '{space}'")
        connection.execute("CREATE DATABASE on_small TABLESPACE small")
    yield Settings(home=tmp_path / "home", database_url=SecretStr(cluster.dsn("on_small")))
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        connection.execute("DROP DATABASE on_small WITH (FORCE)")
        connection.execute("DROP TABLESPACE small")


def fill(dsn):
    """Write until nothing fits any more, with ever smaller pieces."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE junk (x text)")
        connection.execute("ALTER TABLE junk ALTER x SET STORAGE PLAIN")
        for rows in (1000, 100, 10, 1):
            with suppress(psycopg.errors.DiskFull):
                while True:
                    connection.execute("INSERT INTO junk SELECT repeat('x', 7000) FROM generate_series(1, %s)", (rows,))


async def test_a_full_disk_is_told_and_what_was_accepted_is_finished_when_there_is_space_again(settings, small_disk):
    full, tell = asyncio.Event(), asyncio.Event()
    text = "x" * 60_000

    async def long_answer(turn, sink, stop):
        await sink.report(Happening("message", "begun "))
        await sink.flush()
        full.set()
        await tell.wait()
        for _ in range(20):
            await sink.report(Happening("message", text))
            await sink.report(Happening("doc", text))
        return Outcome("succeeded", None)

    dsn = settings.database_url.get_secret_value()
    async with open_app(settings, answerer=ScriptedAnswerer({"long": long_answer})) as app:
        question = NewQuestion(app.root.account_id, app.root.user_id, "long")
        started = await app.runs.start(question)
        await full.wait()
        await asyncio.to_thread(fill, dsn)
        tell.set()
        with pytest.raises(StoreError, match="disk is full; free some space"):
            for _ in range(50):
                await app.runs.start(NewQuestion(app.root.account_id, app.root.user_id, "y" * 500_000))
        health = await app.health()
        assert not health.ready
        assert any("its disk is full" in each for each in health.missing)
        (small_disk / "ballast").unlink()  # a full disk cannot even truncate a table
        async with aclosing(app.runs.subscribe(started.run_id)) as events:
            told = [event async for event in events]
        assert told[-1].happening.fields["status"] == "succeeded"
        assert [event.number for event in told] == list(range(1, len(told) + 1))
        answer = "".join(event.happening.answer for event in told if event.happening.name == "message")
        assert answer == "begun " + text * 20
        assert (await app.health()).ready


async def test_health_tells_of_a_full_disk_until_a_write_succeeds_again(settings, small_disk):
    async with open_app(settings, answerer=ScriptedAnswerer({})) as app:
        assert (await app.health()).ready
        await asyncio.to_thread(fill, settings.database_url.get_secret_value())
        assert (await app.health()).ready  # nothing was written, so nothing is known to be wrong
        with pytest.raises(StoreError, match="disk is full"):
            for _ in range(200):
                await app.runs.start(NewQuestion(app.root.account_id, app.root.user_id, "y" * 500_000))
        for _ in range(2):
            health = await app.health()
            assert not health.ready
            assert "its disk is full" in " ".join(health.missing)
        (small_disk / "ballast").unlink()
        assert (await app.health()).ready
        async with app.database.begin("looking for the trial") as connection:
            assert (await connection.execute(text("SELECT to_regclass('housecall.trial')"))).scalar_one() is None
