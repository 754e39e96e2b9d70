"""The traffic of the MySQL and MariaDB shop, in a process of its own: what makes the patient suffer.

    python -m housecall.cli.demo.mysql_workload <socket> <user> <database>    (the password in HOUSECALL_DEMO_PASSWORD)

It ends when its standard input closes, so it cannot outlive the demo however that ends. An actor whose connection is
ended comes back, as a real service would; only the forgotten transaction stays away, so ending its session is a cure.
"""

import asyncio
import contextlib
import os
import random
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import asyncmy
from asyncmy.errors import MySQLError

from housecall.cli.demo.workload import CUSTOMERS, HOT_PRODUCT, PRODUCTS, standard_input_closed

Run = Callable[..., Awaitable[None]]
Act = Callable[[Run], Awaitable[None]]

_chance = random.Random()  # noqa: S311 - which customer comes next is no secret


@dataclass(frozen=True, slots=True)
class Door:
    """How the traffic connects."""

    socket: str
    user: str
    database: str
    password: str

    async def connect(self) -> Any:
        return await asyncmy.connect(
            unix_socket=self.socket, user=self.user, password=self.password, database=self.database, autocommit=True
        )


async def check_out(run: Run) -> None:
    """The victims: they want the row that the forgotten transaction holds."""
    await run("UPDATE inventory SET stock = stock - 1 WHERE product_id = %s", HOT_PRODUCT)
    await asyncio.sleep(0.5)


async def show_orders(run: Run) -> None:
    """Fault: the hot statement without an index."""
    await run(
        "SELECT id, status, total, created_at FROM orders WHERE customer_id = %s ORDER BY created_at DESC LIMIT 10",
        _chance.randint(1, CUSTOMERS),
    )
    await asyncio.sleep(0.02)


async def touch_carts(run: Run) -> None:
    """Each change locks the whole table of the old engine."""
    await run("UPDATE carts SET touched_at = NOW() WHERE id = %s", _chance.randint(1, 30_000))
    await asyncio.sleep(0.2)


async def browse(run: Run) -> None:
    """Ordinary traffic: page views that use up the short key, a product page, a line of the audit log."""
    product = _chance.randint(1, PRODUCTS)
    await run("INSERT INTO page_views (path) VALUES (%s)", f"/products/{product}")
    await run("SELECT SUM(quantity) FROM order_items WHERE product_id = %s", product)
    await run("INSERT INTO audit_log VALUES (NOW(), 'view')")
    await asyncio.sleep(0.1)


ACTORS: tuple[Act, ...] = (check_out, check_out, check_out, show_orders, show_orders, touch_carts, browse)


async def forgotten_payment(door: Door, holds: asyncio.Event) -> None:
    """Fault: a payment that takes a row and never ends its transaction. It does not come back when it is ended."""
    with contextlib.suppress(MySQLError, OSError):
        connection = await door.connect()
        async with connection.cursor() as cursor:
            await cursor.execute("BEGIN")
            await cursor.execute("UPDATE inventory SET reserved = reserved + 1 WHERE product_id = %s", (HOT_PRODUCT,))
            holds.set()
            await asyncio.Event().wait()
    holds.set()


async def keep_going(door: Door, act: Act) -> None:
    """One actor: again and again, on a new connection when the old one is gone."""
    while True:
        with contextlib.suppress(MySQLError, OSError):
            connection = await door.connect()
            async with connection.cursor() as cursor:

                async def run(statement: str, *values: Any, on: Any = cursor) -> None:
                    await on.execute(statement, values or None)
                    await on.fetchall()

                while True:
                    await act(run)
        await asyncio.sleep(1.0)


async def suffer(door: Door) -> None:
    """Run every actor until cancelled."""
    holds = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(forgotten_payment(door, holds))
        await holds.wait()
        for act in ACTORS:
            tasks.create_task(keep_going(door, act))


async def until_input_closes(door: Door) -> None:
    work = asyncio.create_task(suffer(door))
    closed = asyncio.create_task(standard_input_closed())
    await asyncio.wait({work, closed}, return_when=asyncio.FIRST_COMPLETED)
    work.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await work


def _door() -> Door:
    socket, user, database = sys.argv[1:4]
    return Door(socket, user, database, os.environ.get("HOUSECALL_DEMO_PASSWORD", ""))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(until_input_closes(_door()))
