"""Random requests at a running server: `make fuzz`, or `make fuzz ARGS="--requests 5000 --seed 7"`.

Each request is drawn from four kinds: bytes that are hardly HTTP, odd requests without a credential, requests of a
known caller with odd parameters, and signed requests of which something was changed after signing. The answer must be
one of ours: never a status of 500 or more, never another shape, and never silence where an answer is due.
"""

import argparse
import asyncio
import collections
import json
import logging
import random
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from benchmarks.api.client import Key, signed
from benchmarks.api.server import Nobody
from benchmarks.chat.__main__ import free_port
from housecall.api.operation import all_operations
from housecall.api.server import serve
from housecall.app import open_app
from housecall.settings import load_settings

AT_ONCE = 16
ANSWER_SECONDS = 60.0
PATIENCE_SECONDS = 2.0
SHAPE = frozenset({"RequestId", "HostId", "Code", "Message", "Recommend"})
ODD = (
    *("", " ", "0", "-1", "101", "true", "null", "[]", "{}", "[[[[", '{"a":1,"a":2}', "NaN", "9" * 40, "\x00", "'; --"),
    *("00000000-0000-4000-8000-000000000000", "数据库", "\ud800", "../../etc/passwd", "%00", "a" * 5000, "\r\nX: y"),
    *('{"Timezone":"../x"}', '["a",1,null]', "{" * 500, "1e9", "+5", "True", "2026-01-01T00:00:00Z", "1.5"),
)
METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "X" * 50)
HEADERS = (
    *("authorization", "x-acs-action", "x-acs-date", "x-acs-version", "x-acs-signature-nonce", "x-acs-bearer-token"),
    *("content-length", "transfer-encoding", "content-type", "expect", "last-event-id", "accept", "host", "x-y"),
)
HEADER_VALUES = (
    *("", "0", "5", "-5", "1, 1", "chunked", "identity", "application/json", "multipart/form-data; boundary=x"),
    *("application/x-www-form-urlencoded", "100-continue", "GetMessages", "Bearer x", "\xff\xfe", "a" * 9000, "x\x00y"),
    *("ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=0", "2025-05-07", "text/event-stream", "1-2"),
)
NOT_ASKED = frozenset({"ChatMessages", "CreateAccessKey", "CreateAccount", "AssumeRole"})
"""Left out for a known caller: they start runs or fill the store with what nobody looks at."""


@dataclass
class Told:
    """What came back: how often each status, and the requests whose answer was not one of ours."""

    statuses: collections.Counter[str] = field(default_factory=collections.Counter)
    faults: list[str] = field(default_factory=list)


class Drawer:
    """Draws requests from one seed."""

    def __init__(self, seed: int, port: int, token: str, key: Key) -> None:
        self._random = random.Random(seed)
        self._port, self._token, self._key = port, token, key
        self._operations = [each for each in all_operations() if each.name not in NOT_ASKED]

    def draw(self) -> bytes:
        return self._random.choice((self._bytes, self._stranger, self._known, self._known, self._changed))()

    def _bytes(self) -> bytes:
        draw = self._random
        start = draw.choice(
            (b"", b"GET / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nHost: a\r\n", b"GET http://a/ HTTP/1.0\r\n")
        )
        return start + draw.randbytes(draw.randint(1, 200)) + b"\r\n\r\n"

    def _stranger(self) -> bytes:
        draw = self._random
        path = draw.choice(
            ("/", "//", "/rpc/GetMessages", "/v1/../", "/%2e%2e", "/health", "/samples/x", "*", "http://b/")
        )
        lines = [
            f"{draw.choice(METHODS)} {path}?{self._query()} HTTP/1.{draw.choice('01')}",
            "host: h",
            "connection: close",
        ]
        lines += [f"{draw.choice(HEADERS)}: {draw.choice(HEADER_VALUES)}" for _ in range(draw.randint(0, 4))]
        return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + draw.randbytes(draw.randint(0, 20))

    def _query(self) -> str:
        draw = self._random
        names = [
            field.alias or "X"
            for each in draw.sample(self._operations, 2)
            for field in each.request.model_fields.values()
        ]
        chosen = draw.choices([*names, "Action", "Inputs.a.b", "A.1"], k=draw.randint(0, 4))
        return "&".join(f"{quote(name)}={self._text()}" for name in chosen)

    def _text(self) -> str:
        draw = self._random
        odd = draw.choice((*ODD, "".join(chr(draw.randrange(1, 0x2FFF)) for _ in range(draw.randint(0, 12)))))
        return quote(odd.encode("utf-8", "surrogatepass"))

    def _known(self) -> bytes:
        draw = self._random
        operation = draw.choice(self._operations)
        given = dict(operation.example or {})
        for item in operation.request.model_fields.values():
            if draw.random() < 0.4:
                given[item.alias or ""] = draw.choice(ODD)
        head = f"host: h\r\nx-acs-bearer-token: {self._token}\r\nconnection: close\r\n"
        if draw.random() < 0.4:
            body = json.dumps(given).encode()
            head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
            return f"POST /rpc/{operation.name} HTTP/1.1\r\n{head}\r\n".encode() + body
        texts = {name: each if isinstance(each, str) else json.dumps(each) for name, each in given.items()}
        query = "&".join(f"{name}={quote(text.encode('utf-8', 'surrogatepass'))}" for name, text in texts.items())
        return f"POST /rpc/{operation.name}?{query} HTTP/1.1\r\n{head}content-length: 0\r\n\r\n".encode()

    def _changed(self) -> bytes:
        """A signed request with a byte removed, exchanged or doubled, or sent as it is."""
        draw = self._random
        whole = signed(self._port, self._key, "GetConversations", {"Limit": "1"})
        whole = whole.replace(b"content-length: 0\r\n", b"content-length: 0\r\nconnection: close\r\n")
        place = draw.randrange(len(whole) - 4)
        kinds = (whole[:place] + whole[place + 1 :], whole[:place] + draw.randbytes(1) + whole[place + 1 :], whole)
        return draw.choice((*kinds, whole[:place] + whole[place : place + 1] * 2 + whole[place + 1 :]))


async def ask(port: int, request: bytes) -> bytes:
    """All bytes of the answer. A server that waits for more of the request is told that no more comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        reading = asyncio.ensure_future(reader.read())
        done, _ = await asyncio.wait({reading}, timeout=PATIENCE_SECONDS)
        if not done:
            writer.write_eof()
        async with asyncio.timeout(ANSWER_SECONDS):
            return await reading
    except ConnectionError:
        return b""
    finally:
        writer.close()


def judge(request: bytes, answer: bytes, told: Told) -> None:
    """Count the first answer and keep what is not as it should be."""
    if not answer:
        told.statuses["no answer"] += 1  # a request that broke off, or a body that never came
        return
    head, _, rest = answer.partition(b"\r\n\r\n")
    status = head.split(b" ")[1].decode() if head.startswith(b"HTTP/1.1 ") else "?"
    told.statuses[status] += 1
    if not status.isdigit() or int(status) >= 500:
        told.faults.append(f"{request[:300]!r} -> {answer[:600]!r}")
    elif int(status) >= 400 and rest and not request.startswith(b"HEAD"):
        try:
            whole = SHAPE.issubset(json.JSONDecoder().raw_decode(rest.decode())[0])
        except ValueError:
            whole = False
        if not whole:
            told.faults.append(f"{request[:300]!r} -> {answer[:600]!r}")


async def fuzz(port: int, drawer: Drawer, requests: int) -> Told:
    """Send so many random requests, a few at once."""
    told, left = Told(), iter(range(requests))

    async def work() -> None:
        for _ in left:
            request = drawer.draw()
            try:
                judge(request, await ask(port, request), told)
            except TimeoutError:
                told.faults.append(f"{request[:300]!r} -> silence")

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(work())
    return told


async def main(requests: int, seed: int) -> int:
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # it warns of each request that is no HTTP
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="housecall-fuzz-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)  # noqa: ASYNC240 - before anything is served
        settings = load_settings({}, home=Path(folder), port=port, log_level="error")
        async with open_app(settings, answerer=Nobody()) as app:
            listens = asyncio.Event()
            serving = asyncio.ensure_future(serve(app, "127.0.0.1", port, lambda _: listens.set()))
            await listens.wait()
            made, token = await app.keys.create(), (await app.keys.create_bearer()).token
            key = Key(made.access_key_id, made.access_key_secret.get_secret_value())
            started = time.perf_counter()
            told = await fuzz(port, Drawer(seed, port, token.get_secret_value(), key), requests)
            seconds = time.perf_counter() - started
            serving.cancel()
            await asyncio.wait({serving})
    print(f"{requests} requests in {seconds:.0f} s, seed {seed}: {dict(sorted(told.statuses.items()))}")
    for fault in told.faults[:20]:
        print(fault)
    print(f"{len(told.faults)} answers were not as they should be.")
    return bool(told.faults)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="make fuzz")
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=20261123)
    options = parser.parse_args()
    raise SystemExit(asyncio.run(main(options.requests, options.seed)))
