"""What both servers of the benchmark stream: 100 deltas of 20 characters, at full speed or at 25 a second."""

import asyncio
from collections.abc import AsyncIterator

DELTAS = 100
DELTA = "twenty characters.. "
DELTAS_PER_SECOND = 25.0


async def deltas(paced: bool) -> AsyncIterator[str]:
    """Paced by the clock and not by pauses, so that a late delta does not delay those behind it."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    for number in range(DELTAS):
        if paced:
            await asyncio.sleep(max(0.0, started + number / DELTAS_PER_SECOND - loop.time()))
        else:
            await asyncio.sleep(0)
        yield DELTA
