"""A client that costs little: raw sockets, frames counted and not parsed."""

import asyncio
import time
from dataclasses import dataclass, field
from urllib.parse import quote

END = b"event: workflow_finished"
FRAME = b"\nevent: "


@dataclass
class Told:
    """One stream as the client saw it. Seconds since the request was sent."""

    first_event_seconds: float = 0.0
    first_text_seconds: float = 0.0
    end_seconds: float = 0.0
    events: int = 0
    text_characters: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Client:
    """How to reach one server."""

    port: int
    headers: dict[str, str] = field(default_factory=dict)

    async def ask(self, question: str) -> Told:
        """One question over a connection of its own, read to its end."""
        told = Told()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1024 * 1024)
        try:
            writer.write(self._request(question))
            started = time.perf_counter()
            await self._read(reader, told, started)
        finally:
            writer.close()
        return told

    def _request(self, question: str) -> bytes:
        lines = [
            f"POST /?Query={quote(question)}&EventMode=separate HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            "Content-Length: 0",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    async def _read(self, reader: asyncio.StreamReader, told: Told, started: float) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            told.problem = (head + await reader.read(500)).decode(errors="replace")
            return
        tail = b""
        while piece := await reader.read(65536):
            seen = tail + piece
            now = time.perf_counter() - started
            frames = seen.count(FRAME)
            if frames and not told.events:
                told.first_event_seconds = now
            if b"event: message\n" in seen and not told.first_text_seconds:
                told.first_text_seconds = now
            told.events += frames
            if END in seen:
                told.end_seconds = now
                return
            tail = seen[-(len(END) - 1) :] if FRAME not in seen[-(len(END) - 1) :] else seen[-7:]
        told.problem = "the stream ended without workflow_finished"
