"""The policies of an account, and whom they are attached to.

A policy is checked when it is written, so whatever is stored can be evaluated. One that is attached cannot be removed:
a Deny must not disappear as a side effect.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import and_, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from housecall.access.builtin_policies import builtin_description, builtin_policies
from housecall.access.names import already_there, check_name, no_such
from housecall.access.policy import Policy, dump_policy, parse_policy
from housecall.errors import RequestError
from housecall.store.database import Database
from housecall.store.tables import GroupRow, PolicyAttachmentRow, PolicyRow, RoleRow, UserRow

TargetKind = Literal["user", "group", "role", "account"]
PolicyKind = Literal["System", "Custom"]
MAX_POLICIES = 500
MAX_ATTACHED = 20
"""For one user, group, role or account: a request evaluates every policy of its caller."""


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """A policy with what is kept beside it. `System` ones come with Housecall; their times are None."""

    name: str
    kind: PolicyKind
    description: str
    policy: Policy
    created_at: datetime | None = None
    updated_at: datetime | None = None
    attachments: int = 0

    @property
    def document(self) -> dict[str, Any]:
        return dump_policy(self.policy)


@dataclass(frozen=True, slots=True)
class Attachment:
    """Where a policy applies. `target` is the name of the user, group or role, or the id of the account."""

    target_kind: TargetKind
    target: str
    policy_name: str
    policy_kind: PolicyKind
    attached_at: datetime


class Policies:
    """Makes, changes and attaches policies. `account_id` is whose policies these are."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def parse(self, document: object, name: str) -> Policy:
        """What a document would be, without keeping it. Raises RequestError (MalformedPolicyDocument)."""
        return parse_policy(document, name)

    async def create(self, account_id: str, name: str, document: object, description: str = "") -> StoredPolicy:
        """Raises RequestError: MalformedPolicyDocument, EntityAlreadyExists.Policy, LimitExceeded.Policy."""
        policy = parse_policy(document, check_name("policy", name))
        if name in builtin_policies():
            raise already_there("policy", name)
        async with self._database.begin("making a policy") as connection:
            made = await connection.execute(
                upsert(PolicyRow)
                .values(account_id=account_id, name=name, description=description, document=dump_policy(policy))
                .on_conflict_do_nothing(index_elements=[PolicyRow.account_id, PolicyRow.name])
                .returning(PolicyRow.__table__)
            )
            row = made.one_or_none()
            if row is None:
                raise already_there("policy", name)
            count = select(func.count()).where(PolicyRow.account_id == account_id)
            if (await connection.execute(count)).scalar_one() > MAX_POLICIES:
                raise RequestError(
                    f"An account has at most {MAX_POLICIES} policies.", code="LimitExceeded.Policy", status=409
                )
        return _stored(row)

    async def update(self, account_id: str, name: str, document: object) -> StoredPolicy:
        """Takes effect within five seconds wherever it is attached. Raises NotFound, RequestError."""
        policy = parse_policy(document, name)
        _refuse_builtin(name)
        async with self._database.begin("changing a policy") as connection:
            changed = await connection.execute(
                update(PolicyRow)
                .where(PolicyRow.account_id == account_id, PolicyRow.name == name)
                .values(document=dump_policy(policy), updated_at=func.clock_timestamp())
                .returning(PolicyRow.__table__)
            )
            row = changed.one_or_none()
        if row is None:
            raise no_such("policy", name)
        return _stored(row)

    async def delete(self, account_id: str, name: str) -> None:
        """Raises NotFound, and RequestError (DeleteConflict.Policy) while it is attached."""
        _refuse_builtin(name)
        async with self._database.begin("removing a policy") as connection:
            gone = await connection.execute(
                delete(PolicyRow).where(PolicyRow.account_id == account_id, PolicyRow.name == name)
            )
            if not gone.rowcount:
                raise no_such("policy", name)
            used = await connection.execute(
                select(PolicyAttachmentRow.target_kind, PolicyAttachmentRow.target)
                .where(PolicyAttachmentRow.policy_account_id == account_id, PolicyAttachmentRow.policy_name == name)
                .limit(1)
            )
            row = used.one_or_none()
            if row is not None:
                raise RequestError(
                    f"Policy {name!r} is attached to a {row.target_kind}; detach it everywhere first.",
                    code="DeleteConflict.Policy",
                    status=409,
                )

    async def get(self, account_id: str, name: str) -> StoredPolicy:
        """Raises NotFound (EntityNotExist.Policy)."""
        for each in await self.list(account_id):
            if each.name == name:
                return each
        raise no_such("policy", name)

    async def list(self, account_id: str) -> Sequence[StoredPolicy]:
        """Those that come with Housecall, then the account's own, each by name."""
        there = and_(
            PolicyAttachmentRow.policy_account_id == PolicyRow.account_id,
            PolicyAttachmentRow.policy_name == PolicyRow.name,
        )
        count = select(func.count()).where(there).correlate(PolicyRow).scalar_subquery()
        async with self._database.begin("listing policies") as connection:
            rows = await connection.execute(
                select(PolicyRow.__table__, count.label("attachments"))
                .where(PolicyRow.account_id == account_id)
                .order_by(PolicyRow.name)
            )
            own = [_stored(row, row.attachments) for row in rows]
        builtin = [
            StoredPolicy(name, "System", builtin_description(name), policy)
            for name, policy in sorted(builtin_policies().items())
        ]
        return [*builtin, *own]

    async def attach(
        self, account_id: str, kind: TargetKind, target: str, policy: str, *, policy_account_id: str | None = None
    ) -> None:
        """Attaching twice changes nothing. `policy_account_id`: whose policy it is, when not the account's own.

        Raises NotFound (of the policy or the target), RequestError (LimitExceeded.Attachment).
        """
        owner = "" if policy in builtin_policies() else policy_account_id or account_id
        async with self._database.begin("attaching a policy") as connection:
            if owner:
                await _hold_policy(connection, owner, policy)
            target_id = await find_target(connection, account_id, kind, target)
            await connection.execute(
                upsert(PolicyAttachmentRow)
                .values(
                    account_id=account_id,
                    target_kind=kind,
                    target=target_id,
                    policy_account_id=owner,
                    policy_name=policy,
                )
                .on_conflict_do_nothing()
            )
            count = select(func.count()).where(*_target(account_id, kind, target_id))
            if (await connection.execute(count)).scalar_one() > MAX_ATTACHED:
                raise RequestError(
                    f"A {kind} has at most {MAX_ATTACHED} policies; put their statements into fewer.",
                    code="LimitExceeded.Attachment",
                    status=409,
                )

    async def detach(self, account_id: str, kind: TargetKind, target: str, policy: str) -> None:
        """Raises NotFound (of the target, or EntityNotExist.Policy when it is not attached there)."""
        async with self._database.begin("detaching a policy") as connection:
            target_id = await find_target(connection, account_id, kind, target)
            gone = await connection.execute(
                delete(PolicyAttachmentRow).where(
                    *_target(account_id, kind, target_id), PolicyAttachmentRow.policy_name == policy
                )
            )
            if not gone.rowcount:
                raise no_such("policy", policy)

    async def attached_to(self, account_id: str, kind: TargetKind, target: str) -> Sequence[StoredPolicy]:
        """The policies attached to one target itself, by name. Raises NotFound."""
        async with self._database.begin("listing attached policies") as connection:
            target_id = await find_target(connection, account_id, kind, target)
            rows = await connection.execute(
                _attached_rows().where(*_target(account_id, kind, target_id)).order_by(PolicyAttachmentRow.policy_name)
            )
            return [_of_attachment(row) for row in rows]

    async def attachments_of(self, account_id: str, policy: str) -> Sequence[Attachment]:
        """Where a policy is attached within the account."""
        name = func.coalesce(UserRow.name, RoleRow.name, PolicyAttachmentRow.target)
        async with self._database.begin("listing where a policy is attached") as connection:
            rows = await connection.execute(
                select(PolicyAttachmentRow.__table__, name.label("shown"))
                .outerjoin(
                    UserRow, and_(PolicyAttachmentRow.target_kind == "user", UserRow.id == PolicyAttachmentRow.target)
                )
                .outerjoin(
                    RoleRow, and_(PolicyAttachmentRow.target_kind == "role", RoleRow.id == PolicyAttachmentRow.target)
                )
                .where(PolicyAttachmentRow.account_id == account_id, PolicyAttachmentRow.policy_name == policy)
                .order_by(PolicyAttachmentRow.target_kind, name)
            )
            return [
                Attachment(
                    row.target_kind,
                    row.shown,
                    row.policy_name,
                    "Custom" if row.policy_account_id else "System",
                    row.created_at,
                )
                for row in rows
            ]


async def find_target(connection: AsyncConnection, account_id: str, kind: TargetKind, target: str) -> str:
    """The id of a target by its name. Raises NotFound."""
    if kind == "account":
        return account_id
    if kind == "group":
        query = select(GroupRow.name).where(GroupRow.account_id == account_id, GroupRow.name == target)
    elif kind == "user":
        query = select(UserRow.id).where(UserRow.account_id == account_id, UserRow.name == target)
    else:
        query = select(RoleRow.id).where(RoleRow.account_id == account_id, RoleRow.name == target)
    found: str | None = (await connection.execute(query)).scalar_one_or_none()
    if found is None:
        raise no_such(kind, target)
    return found


def _target(account_id: str, kind: TargetKind, target_id: str) -> tuple[Any, ...]:
    return (
        PolicyAttachmentRow.account_id == account_id,
        PolicyAttachmentRow.target_kind == kind,
        PolicyAttachmentRow.target == target_id,
    )


def _attached_rows() -> Any:
    return select(
        PolicyAttachmentRow.policy_account_id,
        PolicyAttachmentRow.policy_name,
        PolicyRow.name,
        PolicyRow.description,
        PolicyRow.document,
        PolicyRow.created_at,
        PolicyRow.updated_at,
    ).outerjoin(
        PolicyRow,
        and_(
            PolicyRow.account_id == PolicyAttachmentRow.policy_account_id,
            PolicyRow.name == PolicyAttachmentRow.policy_name,
        ),
    )


def _of_attachment(row: Any) -> StoredPolicy:
    name = row.policy_name
    if row.policy_account_id:
        return _stored(row)
    return StoredPolicy(name, "System", builtin_description(name), builtin_policies()[name])


async def _hold_policy(connection: AsyncConnection, account_id: str, name: str) -> None:
    """The policy stays until the transaction ends. Raises NotFound."""
    found = await connection.execute(
        select(PolicyRow.name)
        .where(PolicyRow.account_id == account_id, PolicyRow.name == name)
        .with_for_update(read=True)
    )
    if found.one_or_none() is None:
        raise no_such("policy", name)


def _refuse_builtin(name: str) -> None:
    if name in builtin_policies():
        raise RequestError(
            f"Policy {name!r} comes with Housecall and stays as it is; make one of your own.",
            code="EntityAlreadyExists.Policy",
            status=409,
        )


def _stored(row: Any, attachments: int = 0) -> StoredPolicy:
    policy = parse_policy(row.document, row.name)
    return StoredPolicy(row.name, "Custom", row.description, policy, row.created_at, row.updated_at, attachments)
