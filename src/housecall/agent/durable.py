"""Steps of the durable workflow around a run: what finished once is not done again after a crash.

Outside a workflow (`housecall ask --dsn`) a step is a plain call, so the agent needs no store.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from dbos import DBOS


async def as_step(name: str, work: Callable[[], Coroutine[Any, Any, dict[str, Any]]]) -> dict[str, Any]:
    """The result of `work`, recorded under the next step number of the workflow. It must be plain JSON values."""
    if DBOS.workflow_id is None or DBOS.step_id is not None:
        return await work()
    return await DBOS.run_step_async({"name": name}, work)
