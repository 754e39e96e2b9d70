"""A housecall server for the admission test: serves the installation of HOUSECALL_HOME, and answers slowly or at once.

`python admission_process.py hang|finish`: prints its address, port and key as one JSON line, then serves until it is
killed or its standard input ends.
"""

import asyncio
import json
import sys

from housecall.api.server import serve
from housecall.app import open_app
from housecall.events import EventSink, Happening
from housecall.settings import load_settings
from housecall.turn import Outcome, Stop, Turn


class Holding:
    """Answers when it is told to stop, or at once."""

    def __init__(self, *, hangs: bool) -> None:
        self._hangs = hangs

    async def answer(self, turn: Turn, sink: EventSink, stop: Stop) -> Outcome:
        await sink.report(Happening("message", "here"))
        if self._hangs:
            await stop.stopped()
            return Outcome("stopped", None)
        return Outcome("succeeded", None)


async def main(mode: str) -> None:
    async with open_app(load_settings(), answerer=Holding(hangs=mode == "hang")) as app:

        def say(url: str) -> None:
            print(json.dumps({"url": url}), flush=True)

        serving = asyncio.ensure_future(serve(app, "127.0.0.1", 0, say))
        await asyncio.to_thread(sys.stdin.readline)
        serving.cancel()
        await asyncio.wait({serving})


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
