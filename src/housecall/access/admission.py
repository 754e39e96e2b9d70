"""Admission: whether an account's plan has room for one more run.

A place is a run that has not ended, so nothing has to be given back: a run that ends frees its place in the transaction
that ends it, and the run of a crashed process keeps its place because it goes on. The plan's row is locked while
counting, so the count is exact over all processes. Who comes when there is no place is refused without the lock: a
crowd that is turned away does not queue behind those who are let in.
"""

from typing import Any

from sqlalchemy import Row, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from housecall.clock import Clock, utc_now
from housecall.errors import LimitReached, RequestError
from housecall.store.tables import InstanceRow, PlanRow, RunRow

NO_PLAN = "No valid order found or permission denied."
_PLAN = select(PlanRow.__table__).where(PlanRow.account_id == bindparam("account"))
_LOCKED_PLAN = _PLAN.with_for_update()


class Admission:
    """Counts against plans, inside the caller's transaction."""

    def __init__(self, clock: Clock = utc_now) -> None:
        self._clock = clock

    async def admit_run(self, connection: AsyncConnection, account_id: str) -> None:
        """Take a place for a run that the same transaction stores.

        Raises:
            RequestError: PermissionDenied, no plan or an expired one.
            LimitReached: TooManyRequests (concurrency) or MoQuotaExceeded (tokens of the month).
        """
        plan = await self._plan(connection, account_id)
        if plan.max_concurrent_runs is not None:
            await self._check_place(connection, account_id, plan)
            plan = await self._plan(connection, account_id, lock=True)
            await self._check_place(connection, account_id, plan)
        if plan.tokens_per_month is not None:
            month = self._clock().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            used = select(func.coalesce(func.sum(RunRow.input_tokens + RunRow.output_tokens), 0)).where(
                RunRow.account_id == account_id, RunRow.created_at >= month
            )
            if (await connection.execute(used)).scalar_one() >= plan.tokens_per_month:
                raise LimitReached(
                    f"The plan {plan.name!r} allows {plan.tokens_per_month:,} tokens a month, and they are used up. "
                    "Wait for the next month, or raise the plan's limit.",
                    code="MoQuotaExceeded",
                )

    async def _check_place(self, connection: AsyncConnection, account_id: str, plan: Row[Any]) -> None:
        if plan.max_concurrent_runs is None:
            return
        live = select(func.count()).where(RunRow.account_id == account_id, RunRow.finished_at.is_(None))
        if (await connection.execute(live)).scalar_one() >= plan.max_concurrent_runs:
            raise LimitReached(
                "The current maximum concurrent requests have exceeded the threshold. "
                f"The plan {plan.name!r} allows {plan.max_concurrent_runs} at a time: wait for one to end, "
                "or raise the plan's limit."
            )

    async def admit_instance(self, connection: AsyncConnection, account_id: str) -> None:
        """Raises RequestError (PermissionDenied): no plan, an expired one, or no room in it for one more instance."""
        plan = await self._plan(connection, account_id, lock=True)
        if plan.max_instances is None:
            return
        there = select(func.count()).where(InstanceRow.account_id == account_id)
        if (await connection.execute(there)).scalar_one() >= plan.max_instances:
            # Not TooManyRequests, which passes by itself: the cloud's word for what an order does not cover.
            raise RequestError(
                f"{NO_PLAN} The plan {plan.name!r} allows {plan.max_instances} instances: remove one, or raise the"
                " plan's limit.",
                code="PermissionDenied",
            )

    async def _plan(self, connection: AsyncConnection, account_id: str, *, lock: bool = False) -> Row[Any]:
        """The account's plan; locked, until the transaction ends nobody else counts against it."""
        found = await connection.execute(_LOCKED_PLAN if lock else _PLAN, {"account": account_id})
        plan = found.one_or_none()
        if plan is None or (plan.expires_at is not None and plan.expires_at <= self._clock()):
            raise RequestError(NO_PLAN, code="PermissionDenied")
        return plan
