"""Signed GetConversations and GetMessages a second, their latency, and how both grow with what is stored.

`make bench-api`; `make bench-api ARGS="--messages 10000,100000"` chooses the sizes. Server, its embedded PostgreSQL and
this client share the machine's cores. A page holds the same at every size: accounts are added, not longer histories.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.api import policies, stored
from benchmarks.api.client import Key, run, signed
from benchmarks.chat.__main__ import free_port
from benchmarks.report import percentile, publish

REQUESTS = 1_000
WARM_UP = 200
ROW_SECONDS = 8.0
"""A row ends with its requests or after this time, so that the whole ends within some minutes on any machine."""
CONNECTIONS = (1, 4, 16)
CALLERS = 1_000
PAGE = "20"


class Server:
    """A server process with its keys and the conversations of its accounts."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self._process = process
        self.port = port
        self.dsn: str = self._line()["dsn"]
        self.accounts = 0
        self.keys: dict[int, Key] = {}
        self.conversations: dict[int, list[str]] = {}

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("The server ended; see its lines above.")
        return dict(json.loads(line))

    def grow(self, accounts: int) -> float:
        seconds = stored.grow(self.dsn, self.accounts, accounts)
        assert self._process.stdin is not None
        for account in range(self.accounts + 1, min(accounts, CALLERS) + 1):
            print(f"bench-user-{account}", file=self._process.stdin, flush=True)
            self.keys[account] = Key(**self._line())
            self.conversations[account] = stored.conversations_of(self.dsn, account)
        self.accounts = accounts
        return seconds

    def get_conversations(self) -> bytes:
        account = random.randint(1, len(self.keys))
        return signed(self.port, self.keys[account], "GetConversations", {"Limit": PAGE})

    def get_messages(self, mode: str = "") -> bytes:
        account = random.randint(1, len(self.keys))
        conversation = random.choice(self.conversations[account])
        parameters = {"ConversationId": conversation, "Limit": PAGE} | ({"EventMode": mode} if mode else {})
        return signed(self.port, self.keys[account], "GetMessages", parameters)


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="housecall-bench-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        command = [sys.executable, "-m", "benchmarks.api.server", str(port), folder]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield Server(process, port)
            finally:
                assert process.stdin is not None
                process.stdin.close()  # whoever reads it would keep the server from ending
                process.terminate()
                process.wait(60)


def measure(server: Server, messages: int, requests: int) -> Iterator[dict[str, Any]]:
    kinds: dict[str, Callable[[], bytes]] = {
        "GetConversations": server.get_conversations,
        "GetMessages": server.get_messages,
        "GetMessages separate": lambda: server.get_messages("separate"),
    }
    for name, make in kinds.items():
        asyncio.run(run(server.port, [make() for _ in range(WARM_UP)], 4, ROW_SECONDS))
        for connections in CONNECTIONS:
            times, seconds = asyncio.run(run(server.port, [make() for _ in range(requests)], connections, ROW_SECONDS))
            yield {
                "stored_messages": messages,
                "operation": name,
                "connections": connections,
                "requests": len(times),
                "requests_per_second": len(times) / seconds,
                "p50_ms": percentile(times, 0.5),
                "p99_ms": percentile(times, 0.99),
            }


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-api")
    parser.add_argument("--requests", type=int, default=REQUESTS, help="Requests of each row.")
    parser.add_argument("--messages", default="10000,100000,1000000", help="Numbers of stored messages, rising.")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    notes = [
        f"A page holds {PAGE}; every request is signed (V3) by one of up to {CALLERS} users, drawn at random.",
        f"Load average when it began: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.",
    ]
    with serving() as server:
        for messages in map(int, options.messages.split(",")):
            seconds = server.grow(max(1, messages // stored.MESSAGES_PER_ACCOUNT))
            notes.append(f"{messages:,} messages were stored {seconds:.0f} s after the size before.")
            for row in measure(server, messages, options.requests):
                print(" ".join(map(str, row.values())), flush=True)
                rows.append(row)
    publish("api", "Reading what is stored", rows, notes)
    publish("policies", "Deciding whether a request is allowed", policies.measure(), ["One core."])


if __name__ == "__main__":
    main()
