"""The processes on one database: who lives, and what happens to the runs of those who do not.

A process lives as long as its session holds its advisory lock. Whoever gets the lock of another process knows that
that one is dead, and by holding it is the only one who takes over.
"""

import logging
from collections.abc import Sequence

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from housecall.chat.durable import Durable, ended_workflows, workflow_states
from housecall.chat.session import LOCK_CLASS, PROCESSES
from housecall.store.database import Database
from housecall.store.tables import ProcessRow, RunRow

RECORD_SECONDS = 60 * 60.0  # far longer than a run that has ended can still be recovered
RECORD_BATCH = 500
_GOES_ON = frozenset({"PENDING", "ENQUEUED", "DELAYED"})

log = logging.getLogger(__name__)


class Peers:
    """The other processes, as this one knows them."""

    def __init__(self, database: Database, durable: Durable, process_id: str) -> None:
        self._database = database
        self._durable = durable
        self._process_id = process_id

    async def take_over_from_the_dead(self) -> list[str]:
        """Set the runs of dead processes going again. Returns the runs that cannot go on and must be closed.

        Raises StoreError.
        """
        async with self._database.begin("looking for other processes") as connection:
            others = (
                await connection.execute(
                    select(ProcessRow.id, ProcessRow.number).where(ProcessRow.id != self._process_id)
                )
            ).all()
        lost: list[str] = []
        for other in others:
            async with self._database.begin("taking over from a dead process") as connection:
                taken = await connection.execute(select(func.pg_try_advisory_xact_lock(LOCK_CLASS, other.number)))
                if not taken.scalar_one():
                    continue
                lost += await self._take_over(connection, other.id)
        return lost

    async def _take_over(self, connection: AsyncConnection, process_id: str) -> list[str]:
        """Under the dead process's lock: its workflows go back to the queue, its unstarted runs to whoever comes."""
        await self._durable.take_over(process_id)
        unfinished = list(
            (
                await connection.execute(
                    select(RunRow.id).where(RunRow.process_id == process_id, RunRow.finished_at.is_(None))
                )
            ).scalars()
        )
        states = await workflow_states(connection, unfinished)
        unstarted = [run_id for run_id in unfinished if run_id not in states]
        await release(connection, unstarted)
        await connection.execute(delete(ProcessRow).where(ProcessRow.id == process_id))
        await connection.execute(text("SELECT pg_notify(:channel, 'left')"), {"channel": PROCESSES})
        if unfinished:
            log.warning("process %s is gone; %d of its runs go on", process_id, len(unfinished))
        return [run_id for run_id in unfinished if states.get(run_id, "PENDING") not in _GOES_ON]

    async def claim_unstarted(self) -> list[str]:
        """Runs that nobody has started, claimed for this process; each goes to one claimer. Raises StoreError."""
        waiting = (
            select(RunRow.id)
            .where(RunRow.process_id.is_(None), RunRow.finished_at.is_(None))
            .with_for_update(skip_locked=True)
        )
        async with self._database.begin("looking for waiting runs") as connection:
            claimed = await connection.execute(
                update(RunRow).where(RunRow.id.in_(waiting)).values(process_id=self._process_id).returning(RunRow.id)
            )
            return list(claimed.scalars())

    async def forget_ended(self, older_than_seconds: float = RECORD_SECONDS) -> int:
        """Delete a batch of old workflow records, which hold what models and tools answered. Raises StoreError."""
        async with self._database.begin("looking for old workflow records") as connection:
            ended = await ended_workflows(connection, older_than_seconds, RECORD_BATCH)
        if ended:
            await self._durable.forget(ended)
        return len(ended)


async def release(connection: AsyncConnection, run_ids: Sequence[str]) -> None:
    """Leave runs to whoever claims them."""
    if run_ids:
        await connection.execute(update(RunRow).where(RunRow.id.in_(run_ids)).values(process_id=None))
