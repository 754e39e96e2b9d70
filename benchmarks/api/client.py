"""A client that costs little: requests are signed before the clock runs, answers are read and not parsed."""

import asyncio
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import SecretStr

from housecall.api.operation import API_VERSION
from housecall.api.signing import AccessKey, SignedRequest, canonical_query, sign_v3


@dataclass(frozen=True, slots=True)
class Key:
    id: str
    secret: str


def signed(port: int, key: Key, action: str, parameters: dict[str, str]) -> bytes:
    """A whole request, signed now."""
    host = f"127.0.0.1:{port}"
    query = tuple(parameters.items())
    headers = sign_v3(
        SignedRequest("POST", "/", query, (("host", host),)),
        AccessKey(key.id, SecretStr(key.secret)),
        action=action,
        version=API_VERSION,
        at=datetime.now(UTC),
        nonce=secrets.token_hex(16),
    )
    lines = [f"POST /?{canonical_query(query)} HTTP/1.1", "content-length: 0"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def run(port: int, requests: list[bytes], at_once: int, most_seconds: float) -> tuple[list[float], float]:
    """Send requests over `at_once` connections, each one at a time, until all are sent or the time is over.

    Returns the milliseconds of each, and the seconds of all.
    """
    waiting = iter(requests)
    times: list[float] = []

    async def work() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=8 * 1024 * 1024)
        try:
            for request in waiting:
                started = time.perf_counter()
                if started >= end:
                    return
                writer.write(request)
                await _read(reader)
                times.append((time.perf_counter() - started) * 1000)
        finally:
            writer.close()

    started = time.perf_counter()
    end = started + most_seconds
    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())
    return times, time.perf_counter() - started


async def _read(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    size = next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:"))
    body = await reader.readexactly(size)
    if b" 200 " not in lines[0]:
        raise RuntimeError((head + body[:500]).decode(errors="replace"))
