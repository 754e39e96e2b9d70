"""Durable execution: a run is a DBOS workflow whose id is the run's id, on the same PostgreSQL (schema `dbos`).

DBOS allows one instance a process, so this module is the one place that holds it. A process that did not get it (a
second open installation in the same process) stores questions and leaves them to those who execute.

The version of the application is pinned: an upgraded Housecall goes on with the runs of the old one.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from dbos import DBOS, DBOSConfig, SetWorkflowID
from dbos._error import DBOSException
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from housecall.store.failures import FAILURES

APPLICATION = "housecall"
APPLICATION_VERSION = "housecall-1"
WORKFLOW = "housecall.run"
POOL_SIZE = 10
DBOS_SCHEMA = "dbos"

START_FAILURES = (DBOSException, *FAILURES, RuntimeError)
"""What starting a workflow may raise while the database is away or its threads are few; anything else is a bug."""

Execute = Callable[[str], Awaitable[None]]

_execute: Execute | None = None


@DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)
async def _run_workflow(run_id: str) -> None:
    """One execution of a run. It may be the second one: what must not happen twice is a step inside."""
    if _execute is None:
        raise asyncio.CancelledError  # this process is closing; the workflow stays pending for the next one
    await _execute(run_id)


class Durable:
    """The hold on DBOS of this process."""

    def __init__(self, dsn: str, process_id: str) -> None:
        self._dsn = dsn
        self._process_id = process_id
        self.active = False

    def launch(self, execute: Execute) -> bool:
        """Begin to execute. To be called on the loop's thread: workflows run on the loop that is running now.

        False when another installation of this process executes already.
        """
        global _execute
        if _execute is not None:
            return False
        _execute = execute
        config = DBOSConfig(
            name=APPLICATION,
            system_database_url=self._dsn,
            dbos_system_schema=DBOS_SCHEMA,
            sys_db_pool_size=POOL_SIZE,
            application_version=APPLICATION_VERSION,
            executor_id=self._process_id,
            enable_otlp=False,
            log_level="ERROR",
        )
        with contextlib.ExitStack() as undo:
            undo.callback(self._destroy)
            DBOS(config=config)
            DBOS.launch()
            undo.pop_all()
        self.active = True
        return True

    async def start(self, run_id: str) -> None:
        """Start the workflow of a run. Starting it twice starts it once."""
        with SetWorkflowID(run_id):
            await DBOS.start_workflow_async(_run_workflow, run_id)

    async def take_over(self, process_id: str) -> None:
        """Put the workflows of a dead process back into the queue, from which one living process takes each."""
        await asyncio.to_thread(DBOS._recover_pending_workflows, [process_id])  # noqa: SLF001 - its only door

    async def forget(self, run_ids: list[str]) -> None:
        """Delete the records of workflows that have ended; the runs and their events stay."""
        await DBOS.delete_workflows_async(run_ids)

    async def close(self) -> None:
        if self.active:
            self.active = False
            # DBOS made its own threads the loop's; they end with it, and the loop goes on.
            threads = ThreadPoolExecutor(thread_name_prefix="housecall")
            asyncio.get_running_loop().set_default_executor(threads)
            await asyncio.get_running_loop().run_in_executor(threads, self._destroy)

    @staticmethod
    def _destroy() -> None:
        global _execute
        DBOS.destroy()
        _execute = None


def current_step() -> int | None:
    """The number of the durable step that runs now, or None."""
    return DBOS.step_id


async def recorded_steps(connection: AsyncConnection, run_id: str) -> frozenset[int]:
    """The steps of a run whose results are stored: they will not run again.

    Read from DBOS's table and not through its API, which would itself count as a step of the workflow.
    """
    rows = await connection.execute(
        text(f"SELECT function_id FROM {DBOS_SCHEMA}.operation_outputs WHERE workflow_uuid = :run_id"),
        {"run_id": run_id},
    )
    return frozenset(rows.scalars())


async def workflow_states(connection: AsyncConnection, run_ids: list[str]) -> dict[str, str]:
    """The state of each run's workflow (PENDING, ENQUEUED, SUCCESS, …); a run without workflow is missing."""
    rows = await connection.execute(
        text(f"SELECT workflow_uuid, status FROM {DBOS_SCHEMA}.workflow_status WHERE workflow_uuid = ANY(:ids)"),
        {"ids": run_ids},
    )
    return {row.workflow_uuid: row.status for row in rows}


async def ended_workflows(connection: AsyncConnection, older_than_seconds: float, limit: int) -> list[str]:
    """Workflows that ended so long ago that nobody asks for them any more."""
    rows = await connection.execute(
        text(
            f"SELECT workflow_uuid FROM {DBOS_SCHEMA}.workflow_status"
            " WHERE status IN ('SUCCESS', 'ERROR', 'CANCELLED') AND name = :name"
            " AND updated_at < (extract(epoch FROM now()) - :age) * 1000 LIMIT :limit"
        ),
        {"name": WORKFLOW, "age": older_than_seconds, "limit": limit},
    )
    return list(rows.scalars())
