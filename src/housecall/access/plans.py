"""Plans: what an account may use. Counting against them is `admission.py`.

None means unlimited. Without a plan, or with an expired one, nobody of the account may ask.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from housecall.clock import Clock, utc_now
from housecall.errors import NotFound, RequestError
from housecall.store.database import Database
from housecall.store.tables import AccountRow, InstanceRow, PlanRow, RunRow

MAX_RUNS = 100_000
MAX_TOKENS = 10**15
MAX_INSTANCES = 1_000_000
DEFAULT_NAME = "custom"


@dataclass(frozen=True, slots=True)
class Plan:
    """The limits of an account. None: unlimited."""

    name: str
    max_concurrent_runs: int | None = None
    tokens_per_month: int | None = None
    max_instances: int | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What is used of a plan now. `tokens` are those of this month."""

    running: int
    tokens: int
    instances: int


class Plans:
    """Reads and sets plans."""

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self._database = database
        self._clock = clock

    async def get(self, account_id: str) -> Plan | None:
        async with self._database.begin("reading a plan") as connection:
            found = await connection.execute(select(PlanRow.__table__).where(PlanRow.account_id == account_id))
            row = found.one_or_none()
        return None if row is None else _plan(row)

    async def usage(self, account_id: str) -> Usage:
        month = month_begin(self._clock())
        live = select(func.count()).where(RunRow.account_id == account_id, RunRow.finished_at.is_(None))
        tokens = select(func.coalesce(func.sum(RunRow.input_tokens + RunRow.output_tokens), 0)).where(
            RunRow.account_id == account_id, RunRow.created_at >= month
        )
        instances = select(func.count()).where(InstanceRow.account_id == account_id)
        async with self._database.begin("measuring the use of a plan") as connection:
            row = (
                await connection.execute(
                    select(live.scalar_subquery(), tokens.scalar_subquery(), instances.scalar_subquery())
                )
            ).one()
        return Usage(int(row[0]), int(row[1]), int(row[2]))

    async def modify(self, account_id: str, **changes: Any) -> Plan:
        """Changes what is given, by the names of `Plan`, in one step; None lifts a limit. What is not given stays.

        An account without a plan gets one that is unlimited but for the changes. Running answers go on to their end.

        Raises RequestError (a limit below zero or too large), NotFound (EntityNotExist.Account).
        """
        _check(changes.get("max_concurrent_runs"), MAX_RUNS, "MaxConcurrentRuns")
        _check(changes.get("tokens_per_month"), MAX_TOKENS, "TokensPerMonth")
        _check(changes.get("max_instances"), MAX_INSTANCES, "MaxInstances")
        async with self._database.begin("setting a plan") as connection:
            there = await connection.execute(select(AccountRow.id).where(AccountRow.id == account_id))
            if there.one_or_none() is None:
                raise NotFound(f"There is no account {account_id[:80]!r}.", code="EntityNotExist.Account")
            row = await connection.execute(
                upsert(PlanRow)
                .values(**{"account_id": account_id, "name": DEFAULT_NAME} | changes)
                .on_conflict_do_update(index_elements=[PlanRow.account_id], set_={"account_id": account_id} | changes)
                .returning(*PlanRow.__table__.columns)
            )
            return _plan(row.one())

    async def remove(self, account_id: str) -> None:
        """From now on nobody of the account may ask; removing twice changes nothing."""
        async with self._database.begin("removing a plan") as connection:
            await connection.execute(delete(PlanRow).where(PlanRow.account_id == account_id))


def month_begin(now: datetime) -> datetime:
    """Months are those of UTC."""
    return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _check(value: int | None, most: int, name: str) -> None:
    if value is not None and not 0 <= value <= most:
        raise RequestError(f"The provided parameter is invalid. {name} must be from 0 to {most:,}, not {value}.")


def _plan(row: Any) -> Plan:
    return Plan(row.name, row.max_concurrent_runs, row.tokens_per_month, row.max_instances, row.expires_at)
