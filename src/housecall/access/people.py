"""Accounts, users and groups: making, listing and removing them. Who may do so is decided before.

A user that is removed takes his memberships, sessions and attached policies along. His keys stay, so that who still
signs with them is told that the user does not exist; his conversations stay and nobody else's become his, since ids
are never used again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from housecall.access.accounts import Caller, new_id
from housecall.access.names import already_there, check_name, no_such
from housecall.errors import NotFound, RequestError
from housecall.store.database import Database
from housecall.store.tables import AccountRow, GroupMemberRow, GroupRow, PlanRow, PolicyAttachmentRow, UserRow

MAX_USERS = 1_000
MAX_GROUPS = 100


@dataclass(frozen=True, slots=True)
class Account:
    account_id: str
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class User:
    user_id: str
    account_id: str
    name: str
    is_root: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    description: str
    created_at: datetime


class People:
    """Accounts, and the users and groups of each. Names are unique within an account."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create_account(self, name: str, plan: str = "none") -> Caller:
        """A new account with its root user. `plan` names an unlimited plan; with "none" nobody of it may ask yet.

        Returns the root user. Raises RequestError.
        """
        check_name("account", name)
        caller = Caller(new_id(), new_id())
        async with self._database.begin("making an account") as connection:
            if (await connection.execute(select(AccountRow.id).where(AccountRow.name == name))).first():
                raise already_there("account", name)
            await connection.execute(insert(AccountRow).values(id=caller.account_id, name=name))
            await connection.execute(
                insert(UserRow).values(id=caller.user_id, account_id=caller.account_id, name="root", is_root=True)
            )
            if plan != "none":
                await connection.execute(insert(PlanRow).values(account_id=caller.account_id, name=plan))
        return caller

    async def list_accounts(self) -> Sequence[Account]:
        """Oldest first."""
        async with self._database.begin("listing accounts") as connection:
            rows = await connection.execute(select(AccountRow.__table__).order_by(AccountRow.created_at, AccountRow.id))
            return [Account(row.id, row.name, row.created_at) for row in rows]

    async def get_account(self, account: str) -> Account:
        """By id or name. Raises NotFound (EntityNotExist.Account)."""
        for each in await self.list_accounts():
            if account in (each.account_id, each.name):
                return each
        raise NotFound(f"There is no account {account[:80]!r}.", code="EntityNotExist.Account")

    async def create_user(self, account_id: str, name: str) -> User:
        """Raises RequestError: a bad name, one that exists (EntityAlreadyExists.User), too many."""
        check_name("user", name)
        async with self._database.begin("making a user") as connection:
            made = await connection.execute(
                upsert(UserRow)
                .values(id=new_id(), account_id=account_id, name=name, is_root=False)
                .on_conflict_do_nothing(index_elements=[UserRow.account_id, UserRow.name])
                .returning(UserRow.__table__)
            )
            row = made.one_or_none()
            if row is None:
                raise already_there("user", name)
            there = await connection.execute(select(UserRow.id).where(UserRow.account_id == account_id))
            _check_room(len(there.all()), MAX_USERS, "User")
        return _user(row)

    async def list_users(self, account_id: str) -> Sequence[User]:
        """By name."""
        async with self._database.begin("listing users") as connection:
            rows = await connection.execute(
                select(UserRow.__table__).where(UserRow.account_id == account_id).order_by(UserRow.name)
            )
            return [_user(row) for row in rows]

    async def get_user(self, account_id: str, name: str) -> User:
        """Raises NotFound (EntityNotExist.User)."""
        async with self._database.begin("finding a user") as connection:
            return _user(await _find_user(connection, account_id, name))

    async def delete_user(self, account_id: str, name: str) -> None:
        """Raises NotFound, and RequestError for the account's root."""
        async with self._database.begin("removing a user") as connection:
            row = await _find_user(connection, account_id, name)
            if row.is_root:
                raise RequestError(
                    "The root user stays as long as its account.", code="DeleteConflict.User.Root", status=409
                )
            await _drop_attachments(connection, account_id, "user", row.id)
            await connection.execute(delete(UserRow).where(UserRow.id == row.id))

    async def create_group(self, account_id: str, name: str, description: str = "") -> Group:
        """Raises RequestError as `create_user`."""
        check_name("group", name)
        async with self._database.begin("making a group") as connection:
            made = await connection.execute(
                upsert(GroupRow)
                .values(account_id=account_id, name=name, description=description)
                .on_conflict_do_nothing(index_elements=[GroupRow.account_id, GroupRow.name])
                .returning(GroupRow.__table__)
            )
            row = made.one_or_none()
            if row is None:
                raise already_there("group", name)
            there = await connection.execute(select(GroupRow.name).where(GroupRow.account_id == account_id))
            _check_room(len(there.all()), MAX_GROUPS, "Group")
        return Group(row.name, row.description, row.created_at)

    async def list_groups(self, account_id: str, user_id: str | None = None) -> Sequence[Group]:
        """By name; with `user_id` those that the user is in."""
        query = select(GroupRow.__table__).where(GroupRow.account_id == account_id)
        if user_id is not None:
            mine = and_(
                GroupMemberRow.account_id == GroupRow.account_id,
                GroupMemberRow.group_name == GroupRow.name,
                GroupMemberRow.user_id == user_id,
            )
            query = query.join(GroupMemberRow, mine)
        async with self._database.begin("listing groups") as connection:
            rows = await connection.execute(query.order_by(GroupRow.name))
            return [Group(row.name, row.description, row.created_at) for row in rows]

    async def delete_group(self, account_id: str, name: str) -> None:
        """With its memberships and attached policies. Raises NotFound (EntityNotExist.Group)."""
        async with self._database.begin("removing a group") as connection:
            gone = await connection.execute(
                delete(GroupRow).where(GroupRow.account_id == account_id, GroupRow.name == name)
            )
            if not gone.rowcount:
                raise no_such("group", name)
            await _drop_attachments(connection, account_id, "group", name)

    async def members(self, account_id: str, group: str) -> Sequence[User]:
        """By name. Raises NotFound (EntityNotExist.Group)."""
        async with self._database.begin("listing a group") as connection:
            await check_group(connection, account_id, group)
            rows = await connection.execute(
                select(UserRow.__table__)
                .join(GroupMemberRow, GroupMemberRow.user_id == UserRow.id)
                .where(GroupMemberRow.account_id == account_id, GroupMemberRow.group_name == group)
                .order_by(UserRow.name)
            )
            return [_user(row) for row in rows]

    async def add_member(self, account_id: str, group: str, user: str) -> None:
        """Adding twice changes nothing. Raises NotFound (EntityNotExist.Group, EntityNotExist.User)."""
        async with self._database.begin("adding to a group") as connection:
            await check_group(connection, account_id, group)
            row = await _find_user(connection, account_id, user)
            await connection.execute(
                upsert(GroupMemberRow)
                .values(account_id=account_id, group_name=group, user_id=row.id)
                .on_conflict_do_nothing()
            )

    async def remove_member(self, account_id: str, group: str, user: str) -> None:
        """Raises NotFound (EntityNotExist.Group, EntityNotExist.User)."""
        async with self._database.begin("removing from a group") as connection:
            await check_group(connection, account_id, group)
            row = await _find_user(connection, account_id, user)
            await connection.execute(
                delete(GroupMemberRow).where(
                    GroupMemberRow.account_id == account_id,
                    GroupMemberRow.group_name == group,
                    GroupMemberRow.user_id == row.id,
                )
            )


async def check_group(connection: AsyncConnection, account_id: str, name: str) -> None:
    """Raises NotFound; the group stays until the transaction ends."""
    found = await connection.execute(
        select(GroupRow.name).where(GroupRow.account_id == account_id, GroupRow.name == name).with_for_update(read=True)
    )
    if found.one_or_none() is None:
        raise no_such("group", name)


async def _find_user(connection: AsyncConnection, account_id: str, name: str) -> Any:
    found = await connection.execute(
        select(UserRow.__table__).where(UserRow.account_id == account_id, UserRow.name == name)
    )
    row = found.one_or_none()
    if row is None:
        raise no_such("user", name)
    return row


async def _drop_attachments(connection: AsyncConnection, account_id: str, kind: str, target: str) -> None:
    await connection.execute(
        delete(PolicyAttachmentRow).where(
            PolicyAttachmentRow.account_id == account_id,
            PolicyAttachmentRow.target_kind == kind,
            PolicyAttachmentRow.target == target,
        )
    )


def _check_room(count: int, limit: int, kind: str) -> None:
    """Inside the transaction that made one more, which the error takes back."""
    if count > limit:
        raise RequestError(f"An account has at most {limit} {kind.lower()}s.", code=f"LimitExceeded.{kind}", status=409)


def _user(row: Any) -> User:
    return User(row.id, row.account_id, row.name, row.is_root, row.created_at)
