"""Streams a second, latency, events and memory of ChatMessages, beside a bare Starlette stream in the same run.

`make bench-chat`; `make bench-chat ARGS="--live 200,400"` chooses the numbers of live paced streams. Client and server
share the machine's cores, as they do in the bare run.
"""

import argparse
import asyncio
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from benchmarks.chat.client import Client, Told
from benchmarks.chat.scripted import DELTAS, DELTAS_PER_SECOND, LIVE_DELTAS
from benchmarks.report import percentile, publish
from housecall.cli.workers import default_workers

IDLE_REQUESTS = 100
FULL_SPEED_STREAMS = 200
FULL_SPEED_AT_ONCE = 20
WARM_UP = 5
SHORT_STREAMS = WARM_UP + IDLE_REQUESTS + FULL_SPEED_STREAMS
LIVE_SECONDS = (LIVE_DELTAS - 1) / DELTAS_PER_SECOND
STARTS_PER_SECOND = 20.0
BEHIND_SECONDS = 1.0
"""A live stream whose last text comes this much later than its first text and its pace say has fallen behind."""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(*command: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-m", *command], stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


class Usage:
    """What the processes of a server use: itself, its workers, and the PostgreSQL in its folder."""

    def __init__(self, pid: int, folder: str | None = None) -> None:
        self._server = psutil.Process(pid)
        self._folder = folder

    def _processes(self) -> tuple[list[psutil.Process], list[psutil.Process]]:
        children = [each for each in self._server.children(recursive=True) if each.name() != "postgres"]
        return [self._server, *children], list(self._postgres())

    def _postgres(self) -> Iterator[psutil.Process]:
        for each in psutil.process_iter() if self._folder else ():
            with suppress(psutil.Error):
                if each.name() == "postgres" and each.cwd().startswith(str(self._folder)):
                    yield each

    def cpu_seconds(self) -> tuple[float, float]:
        """Of the server's own processes, and of its PostgreSQL."""
        own, postgres = self._processes()
        return sum(map(cpu_of, own)), sum(map(cpu_of, postgres))

    def memory_bytes(self) -> int:
        return sum(each.memory_info().rss for each in self._processes()[0])


def cpu_of(process: psutil.Process) -> float:
    """Seconds in user and system mode; of a process that ends now, none."""
    with suppress(psutil.Error):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


@contextmanager
def housecall(workers: int = 1) -> Iterator[tuple[Client, Usage]]:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="housecall-bench-") as folder:
        Path(folder).chmod(0o711)
        with running("benchmarks.chat.housecall_server", str(port), folder, str(workers)) as process:
            assert process.stdout is not None
            key = json.loads(process.stdout.readline())
            headers = {
                "x-acs-bearer-token": key["token"],
                "x-acs-action": "ChatMessages",
                "x-acs-version": "2025-05-07",
            }
            client = Client(port, headers)
            until_all_serve(Path(folder), workers)
            yield client, Usage(process.pid, folder)


def until_all_serve(folder: Path, workers: int) -> None:
    """The first worker serves before the others are there; a server with all of them is measured."""
    deadline = time.monotonic() + 120
    while len(list(folder.glob("serving-*"))) < workers:
        if time.monotonic() > deadline:
            raise SystemExit(f"Not all of {workers} workers came up.")
        time.sleep(0.05)


@contextmanager
def bare() -> Iterator[tuple[Client, Usage]]:
    port = free_port()
    with running("benchmarks.chat.bare_server", str(port)) as process:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield Client(port), Usage(process.pid)


def failed(told: list[Told]) -> None:
    problems = [each.problem for each in told if each.problem]
    if problems:
        raise SystemExit(f"{len(problems)} of {len(told)} streams failed; the first: {problems[0][:800]}")


async def idle(client: Client) -> dict[str, Any]:
    question = f"full speed {DELTAS}"
    told = [await client.ask(question) for _ in range(WARM_UP)]
    told = [await client.ask(question) for _ in range(IDLE_REQUESTS)]
    failed(told)
    firsts = [each.first_event_seconds * 1000 for each in told]
    texts = [each.first_text_seconds * 1000 for each in told]
    return {
        "first_event_p50_ms": statistics.median(firsts),
        "first_event_p99_ms": percentile(firsts, 0.99),
        "first_text_p50_ms": statistics.median(texts),
    }


async def full_speed(client: Client) -> dict[str, Any]:
    gate = asyncio.Semaphore(FULL_SPEED_AT_ONCE)

    async def one() -> Told:
        async with gate:
            return await client.ask(f"full speed {DELTAS}")

    started = time.perf_counter()
    told = await asyncio.gather(*(one() for _ in range(FULL_SPEED_STREAMS)))
    seconds = time.perf_counter() - started
    failed(told)
    return {"streams_per_second": len(told) / seconds, "deltas_per_second": len(told) * DELTAS / seconds}


async def live(client: Client, usage: Usage, streams: int) -> dict[str, Any]:
    """Streams that start one after the other and are then all under way at once."""
    memory_before, cpu_before = usage.memory_bytes(), usage.cpu_seconds()
    asking = []
    for _ in range(streams):
        asking.append(asyncio.create_task(client.ask(f"paced {LIVE_DELTAS}")))
        await asyncio.sleep(1 / STARTS_PER_SECOND)
    under_way, started = sum(usage.cpu_seconds()), time.perf_counter()
    await asyncio.sleep(min(5.0, LIVE_SECONDS - streams / STARTS_PER_SECOND))
    cores = (sum(usage.cpu_seconds()) - under_way) / (time.perf_counter() - started)
    memory = usage.memory_bytes() - memory_before
    told = await asyncio.gather(*asking)
    failed(told)
    own, postgres = ((after - before) / streams for after, before in zip(usage.cpu_seconds(), cpu_before, strict=True))
    late = [each.end_seconds - each.first_text_seconds - LIVE_SECONDS for each in told]
    return {
        "live_streams": streams,
        "first_event_p50_ms": statistics.median(each.first_event_seconds * 1000 for each in told),
        "first_event_p99_ms": percentile([each.first_event_seconds * 1000 for each in told], 0.99),
        "late_p50_seconds": statistics.median(late),
        "late_p99_seconds": percentile(late, 0.99),
        "kept_up": percentile(late, 0.99) < BEHIND_SECONDS,
        "cores_when_all_stream": cores,
        "cpu_ms_per_stream": own * 1000,
        "postgres_cpu_ms_per_stream": postgres * 1000,
        "memory_per_stream_kB": max(0, memory) / streams / 1024,
    }


async def measure(name: str, client: Client, usage: Usage, sizes: list[int]) -> list[dict[str, Any]]:
    before = sum(usage.cpu_seconds())
    unhurried = {"server": name, **await idle(client), **await full_speed(client)}
    unhurried["cpu_ms_per_stream"] = (sum(usage.cpu_seconds()) - before) / SHORT_STREAMS * 1000
    rows = []
    for streams in sizes:
        row = await live(client, usage, streams)
        rows.append({"server": name, **row})
        print(
            f"{name}: {streams} live streams, late by {row['late_p99_seconds']:.2f} s at p99,"
            f" first event {row['first_event_p50_ms']:.0f} ms, {row['cpu_ms_per_stream']:.0f} ms of CPU a stream",
            flush=True,
        )
        if not row["kept_up"]:
            break
    return [unhurried, *rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--live", default="50,200,300,400", help="numbers of live paced streams, rising")
    parser.add_argument("--workers", default=f"1,{default_workers()}", help="numbers of server processes to measure")
    options = parser.parse_args()
    sizes = [int(size) for size in options.live.split(",")]
    with bare() as (client, usage):
        rows = [asyncio.run(measure("bare Starlette", client, usage, sizes))]
    for workers in dict.fromkeys(int(each) for each in options.workers.split(",")):
        with housecall(workers) as (client, usage):
            rows.append(
                asyncio.run(measure(f"housecall, {workers} process{'es'[: 2 * (workers > 1)]}", client, usage, sizes))
            )
    idle_rows, paced_rows = [each[0] for each in rows], [row for each in rows for row in each[1:]]
    kept = max((row["live_streams"] for each in rows[1:] for row in each[1:] if row["kept_up"]), default=0)
    ratio = idle_rows[0]["deltas_per_second"] / max(row["deltas_per_second"] for row in idle_rows[1:])
    publish(
        "chat",
        "ChatMessages on an idle server, and 20 streams at once at full speed",
        idle_rows,
        [f"At full speed the bare stream is {ratio:.1f} times as fast; Housecall stores each event first."],
    )
    publish(
        "chat-live",
        f"Live streams of {DELTAS_PER_SECOND:g} deltas a second",
        paced_rows,
        [f"The limit: Housecall kept up with {kept} live streams (99 % of them less than {BEHIND_SECONDS:g} s late)."],
    )


if __name__ == "__main__":
    main()
