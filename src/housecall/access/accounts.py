"""Who calls, and the account and root user that the first start makes.

The first account is the installation's own: whoever is root there may make accounts, plans and control policies.
"""

import secrets
from dataclasses import dataclass, field

from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from housecall.store.database import MIGRATION_LOCK, Database
from housecall.store.tables import AccountRow, PlanRow, UserRow


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a user, or a role that a user has assumed.

    `user_id` is whose conversations these are. Of an assumed role it is `<role id>:<session name>:<id of the user who
    assumed it>`, so that nobody reaches another's by choosing the same session name; `session_id` is then the id of
    the temporary key, else empty. `access_key_id` is empty for bearer tokens and the command line.
    """

    account_id: str
    user_id: str
    access_key_id: str = field(default="", compare=False)
    session_id: str = ""


def new_id() -> str:
    """Sixteen digits, as account and user ids of the cloud look."""
    return str(secrets.randbelow(9 * 10**15) + 10**15)


async def ensure_root(database: Database) -> Caller:
    """The first account's root user, made with an unlimited plan when there is no account yet.

    Processes that start together agree on one. Raises StoreError.
    """
    async with database.begin("looking for the first account") as connection:
        root = await _root(connection)
        if root is None:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            root = await _root(connection) or await _make_root(connection)
        return root


async def _root(connection: AsyncConnection) -> Caller | None:
    found = await connection.execute(
        select(UserRow.account_id, UserRow.id).where(UserRow.is_root).order_by(UserRow.created_at, UserRow.id).limit(1)
    )
    row = found.one_or_none()
    return None if row is None else Caller(row.account_id, row.id)


async def _make_root(connection: AsyncConnection) -> Caller:
    caller = Caller(new_id(), new_id())
    await connection.execute(insert(AccountRow).values(id=caller.account_id, name="default"))
    await connection.execute(
        insert(UserRow).values(id=caller.user_id, account_id=caller.account_id, name="root", is_root=True)
    )
    await connection.execute(insert(PlanRow).values(account_id=caller.account_id, name="unlimited"))
    return caller
