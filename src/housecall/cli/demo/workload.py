"""The shop's traffic, in a process of its own: what makes the patient suffer.

    python -m housecall.cli.demo.workload <dsn>

It ends when its standard input closes, so it cannot outlive the demo however that ends. Each actor does one thing at
the pace of a small shop, together about one core. An actor whose connection is ended comes back, as a real service
would; only the forgotten transaction stays away, so ending its session is a cure.
"""

import asyncio
import contextlib
import random
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg

Connection = psycopg.AsyncConnection[Any]
Act = Callable[[Connection], Awaitable[None]]

HOT_PRODUCT = 17
CUSTOMERS, CARTS, PRODUCTS = 40_000, 30_000, 2_000

_chance = random.Random()  # noqa: S311 - which customer comes next is no secret


async def check_out(connection: Connection) -> None:
    """The victims: they want the row that the forgotten transaction holds."""
    await connection.execute("UPDATE inventory SET stock = stock - 1 WHERE product_id = %s", (HOT_PRODUCT,))
    await asyncio.sleep(0.5)


async def show_orders(connection: Connection) -> None:
    """Fault: the hot statement without an index."""
    await connection.execute(
        "SELECT id, status, total, created_at FROM orders WHERE customer_id = %s ORDER BY created_at DESC LIMIT 10",
        (_chance.randint(1, CUSTOMERS),),
    )
    await asyncio.sleep(0.02)


async def list_shipments(connection: Connection) -> None:
    """Fault: planned for one row, since the statistics know no shipment underway."""
    await connection.execute(
        "SELECT o.customer_id, count(*) FROM shipments AS s JOIN orders AS o ON o.id = s.order_id"
        " WHERE s.state = 'underway' GROUP BY o.customer_id ORDER BY count(*) DESC LIMIT 5"
    )
    await asyncio.sleep(2.0)


async def touch_carts(connection: Connection) -> None:
    """Fault: dead rows pile up where autovacuum is off."""
    first = _chance.randint(1, CARTS)
    await connection.execute("UPDATE carts SET touched_at = now() WHERE id BETWEEN %s AND %s", (first, first + 20))
    await asyncio.sleep(0.5)


async def browse(connection: Connection) -> None:
    """Ordinary traffic: page views that use up the short key, and a product page."""
    product = _chance.randint(1, PRODUCTS)
    await connection.execute("INSERT INTO page_views (path) VALUES (%s)", (f"/products/{product}",))
    await connection.execute("SELECT sum(quantity) FROM order_items WHERE product_id = %s", (product,))
    await asyncio.sleep(0.05)


ACTORS: tuple[tuple[str, Act], ...] = (
    ("checkout", check_out),
    ("checkout", check_out),
    ("checkout", check_out),
    ("storefront", show_orders),
    ("storefront", show_orders),
    ("shipping-report", list_shipments),
    ("cart-service", touch_carts),
    ("storefront", browse),
)


async def forgotten_payment(dsn: str, holds: asyncio.Event) -> None:
    """Fault: a payment that takes a row and never ends its transaction. Sets `holds` when the row is taken.

    Once only: it does not come back when its session is ended.
    """
    with contextlib.suppress(psycopg.Error):
        async with await connect(dsn, "payment-webhook") as connection:
            await connection.execute("BEGIN")
            await connection.execute(
                "UPDATE inventory SET reserved = reserved + 1 WHERE product_id = %s", (HOT_PRODUCT,)
            )
            holds.set()
            async for _ in connection.notifies():  # none ever comes: this waits until the session is ended
                pass
    holds.set()


async def keep_going(dsn: str, name: str, act: Act) -> None:
    """One actor: again and again, on a new connection when the old one is gone."""
    while True:
        with contextlib.suppress(psycopg.Error):
            async with await connect(dsn, name) as connection:
                while True:
                    await act(connection)
        await asyncio.sleep(1.0)


async def connect(dsn: str, name: str) -> Connection:
    return await psycopg.AsyncConnection.connect(dsn, autocommit=True, application_name=name)


async def suffer(dsn: str) -> None:
    """Run every actor until cancelled."""
    holds = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(forgotten_payment(dsn, holds))
        await holds.wait()
        for name, act in ACTORS:
            tasks.create_task(keep_going(dsn, name, act))


async def standard_input_closed() -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


async def until_input_closes(dsn: str) -> None:
    work = asyncio.create_task(suffer(dsn))
    closed = asyncio.create_task(standard_input_closed())
    await asyncio.wait({work, closed}, return_when=asyncio.FIRST_COMPLETED)
    work.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await work


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(until_input_closes(sys.argv[1]))
