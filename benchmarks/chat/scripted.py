"""What both servers of the benchmark stream: deltas of 20 characters, at full speed or at 25 a second.

A question says how many and how: `full speed 100`, `paced 500`.
"""

import asyncio
from collections.abc import AsyncIterator

DELTAS = 100
LIVE_DELTAS = 500
"""A live stream lasts 20 s, so that all of them are under way at once although they start one after the other."""

DELTA = "twenty characters.. "
DELTAS_PER_SECOND = 25.0


async def deltas(question: str) -> AsyncIterator[str]:
    """Paced by the clock and not by pauses, so that a late delta does not delay those behind it."""
    paced, count = question.startswith("paced"), int(question.rsplit(" ", 1)[1])
    loop = asyncio.get_running_loop()
    started = loop.time()
    for number in range(count):
        if paced:
            await asyncio.sleep(max(0.0, started + number / DELTAS_PER_SECOND - loop.time()))
        else:
            await asyncio.sleep(0)
        yield DELTA
