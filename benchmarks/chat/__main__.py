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
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from benchmarks.chat.client import Client, Told
from benchmarks.chat.scripted import DELTAS, DELTAS_PER_SECOND, LIVE_DELTAS
from benchmarks.report import percentile, publish

IDLE_REQUESTS = 100
FULL_SPEED_STREAMS = 200
FULL_SPEED_AT_ONCE = 20
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


@contextmanager
def housecall() -> Iterator[tuple[Client, psutil.Process]]:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="housecall-bench-") as folder:
        Path(folder).chmod(0o711)
        with running("benchmarks.chat.housecall_server", str(port), folder) as process:
            assert process.stdout is not None
            key = json.loads(process.stdout.readline())
            headers = {
                "x-acs-bearer-token": key["token"],
                "x-acs-action": "ChatMessages",
                "x-acs-version": "2025-05-07",
            }
            yield Client(port, headers), psutil.Process(process.pid)


@contextmanager
def bare() -> Iterator[tuple[Client, psutil.Process]]:
    port = free_port()
    with running("benchmarks.chat.bare_server", str(port)) as process:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield Client(port), psutil.Process(process.pid)


def failed(told: list[Told]) -> None:
    problems = [each.problem for each in told if each.problem]
    if problems:
        raise SystemExit(f"{len(problems)} of {len(told)} streams failed; the first: {problems[0][:800]}")


async def idle(client: Client) -> dict[str, Any]:
    question = f"full speed {DELTAS}"
    told = [await client.ask(question) for _ in range(5)]
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


async def live(client: Client, process: psutil.Process, streams: int) -> dict[str, Any]:
    """Streams that start one after the other and are then all under way at once."""
    before = process.memory_info().rss
    asking = []
    for _ in range(streams):
        asking.append(asyncio.create_task(client.ask(f"paced {LIVE_DELTAS}")))
        await asyncio.sleep(1 / STARTS_PER_SECOND)
    cpu_before, started = process.cpu_times(), time.perf_counter()
    await asyncio.sleep(min(5.0, LIVE_SECONDS - streams / STARTS_PER_SECOND))
    cpu, seconds = process.cpu_times(), time.perf_counter() - started
    memory = process.memory_info().rss - before
    told = await asyncio.gather(*asking)
    failed(told)
    late = [each.end_seconds - each.first_text_seconds - LIVE_SECONDS for each in told]
    return {
        "live_streams": streams,
        "first_event_p50_ms": statistics.median(each.first_event_seconds * 1000 for each in told),
        "first_event_p99_ms": percentile([each.first_event_seconds * 1000 for each in told], 0.99),
        "late_p50_seconds": statistics.median(late),
        "late_p99_seconds": percentile(late, 0.99),
        "kept_up": percentile(late, 0.99) < BEHIND_SECONDS,
        "server_cores": (cpu.user + cpu.system - cpu_before.user - cpu_before.system) / seconds,
        "memory_per_stream_kB": max(0, memory) / streams / 1024,
    }


async def measure(name: str, client: Client, process: psutil.Process, sizes: list[int]) -> list[dict[str, Any]]:
    unhurried = {"server": name, **await idle(client), **await full_speed(client)}
    rows = []
    for streams in sizes:
        row = await live(client, process, streams)
        rows.append({"server": name, **row})
        print(f"{name}: {streams} live streams, late by {row['late_p99_seconds']:.2f} s at p99", flush=True)
        if not row["kept_up"]:
            break
    return [unhurried, *rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--live", default="50,200,300,400", help="numbers of live paced streams, rising")
    sizes = [int(size) for size in parser.parse_args().live.split(",")]
    with bare() as (client, process):
        bare_rows = asyncio.run(measure("bare Starlette", client, process, sizes))
    with housecall() as (client, process):
        own_rows = asyncio.run(measure("housecall", client, process, sizes))
    idle_rows, paced_rows = [bare_rows[0], own_rows[0]], bare_rows[1:] + own_rows[1:]
    kept = max((row["live_streams"] for row in own_rows[1:] if row["kept_up"]), default=0)
    ratio = bare_rows[0]["deltas_per_second"] / own_rows[0]["deltas_per_second"]
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
