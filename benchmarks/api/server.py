"""Housecall as it is served: `python -m benchmarks.api.server PORT HOME`.

Prints one line of JSON with its database when it is ready. Each line that comes in names a user; the answer is a line
with a new key of that user.
"""

import asyncio
import json
import sys
from pathlib import Path

from housecall.api.server import serve
from housecall.app import App, open_app
from housecall.errors import ModelError
from housecall.events import EventSink
from housecall.settings import load_settings
from housecall.turn import Outcome, Stop, Turn


class Nobody:
    """Implements Answerer: this server is read from, never asked."""

    async def answer(self, turn: Turn, sink: EventSink, stop: Stop) -> Outcome:
        raise ModelError("Nobody answers here.")


async def make_keys(app: App) -> None:
    while line := await asyncio.to_thread(sys.stdin.readline):
        key = await app.keys.create(line.strip())
        print(json.dumps({"id": key.access_key_id, "secret": key.access_key_secret.get_secret_value()}), flush=True)


async def main(port: int, home: Path) -> None:
    settings = load_settings({}, home=home, port=port, log_level="error")
    async with open_app(settings, answerer=Nobody()) as app:
        making = asyncio.ensure_future(make_keys(app))

        def ready(*_address: object) -> None:
            print(json.dumps({"dsn": app.database.dsn}), flush=True)

        try:
            await serve(app, "127.0.0.1", port, ready)
        finally:
            making.cancel()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
