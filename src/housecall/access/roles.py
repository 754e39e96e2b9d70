"""Roles, and the temporary credentials of those who assume them.

A session ends when it expires, and at once (within the five seconds of caches) when its role or the user who assumed it
is removed. Its secret is sealed, of its token only a hash is kept; both are shown once. A session cannot assume a role:
what a chain of roles may do is hard to foresee.
"""

import hashlib
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Text, cast, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from housecall.access.accounts import Caller, new_id
from housecall.access.names import already_there, check_name, no_such, session_arn
from housecall.access.policy import parse_policy
from housecall.access.trust import TrustPolicy, parse_trust
from housecall.access.vault import Vault
from housecall.clock import Clock, utc_now
from housecall.errors import RequestError
from housecall.store.database import Database
from housecall.store.tables import PolicyAttachmentRow, RoleRow, SessionRow

SESSION_KEY_PREFIX = "STS."
SESSION_TOKEN_PREFIX = "hcs_"  # noqa: S105 - how a token begins, not a token
MIN_SESSION_SECONDS = 15 * 60
MAX_SESSION_SECONDS = 12 * 60 * 60
DEFAULT_SESSION_SECONDS = 60 * 60
KEPT_AFTER_EXPIRY = timedelta(days=7)
"""So that who comes late is told that the token is expired, and runs that a session began can end as it."""
MAX_ROLES = 500
_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Role:
    role_id: str
    account_id: str
    name: str
    description: str
    trust_policy: dict[str, Any]
    max_session_seconds: int
    created_at: datetime

    @property
    def trust(self) -> TrustPolicy:
        return parse_trust(self.trust_policy, self.name)


@dataclass(frozen=True, slots=True)
class NewSession:
    """Temporary credentials at the only moment they are shown."""

    access_key_id: str
    access_key_secret: SecretStr
    security_token: SecretStr
    expires_at: datetime
    arn: str
    principal_id: str


class Roles:
    """Makes and changes roles, and lets users assume them."""

    def __init__(self, database: Database, vault: Vault, clock: Clock = utc_now) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock

    async def create(
        self,
        account_id: str,
        name: str,
        trust_policy: object,
        description: str = "",
        max_session_seconds: int = DEFAULT_SESSION_SECONDS,
    ) -> Role:
        """Raises RequestError: a bad name, trust policy or duration, EntityAlreadyExists.Role, LimitExceeded.Role."""
        parse_trust(trust_policy, check_name("role", name))
        _check_duration(max_session_seconds, MAX_SESSION_SECONDS, "The longest session of a role")
        async with self._database.begin("making a role") as connection:
            made = await connection.execute(
                upsert(RoleRow)
                .values(
                    id=new_id(),
                    account_id=account_id,
                    name=name,
                    description=description,
                    trust_policy=trust_policy,
                    max_session_seconds=max_session_seconds,
                )
                .on_conflict_do_nothing(index_elements=[RoleRow.account_id, RoleRow.name])
                .returning(RoleRow.__table__)
            )
            row = made.one_or_none()
            if row is None:
                raise already_there("role", name)
            there = await connection.execute(select(RoleRow.id).where(RoleRow.account_id == account_id))
            if len(there.all()) > MAX_ROLES:
                raise RequestError(f"An account has at most {MAX_ROLES} roles.", code="LimitExceeded.Role", status=409)
        return _role(row)

    async def list(self, account_id: str) -> Sequence[Role]:
        """By name."""
        async with self._database.begin("listing roles") as connection:
            rows = await connection.execute(
                select(RoleRow.__table__).where(RoleRow.account_id == account_id).order_by(RoleRow.name)
            )
            return [_role(row) for row in rows]

    async def get(self, account_id: str, name: str) -> Role:
        """Raises NotFound (EntityNotExist.Role)."""
        role = await self.find(account_id, name)
        if role is None:
            raise no_such("role", name)
        return role

    async def find(self, account_id: str, name: str) -> Role | None:
        async with self._database.begin("finding a role") as connection:
            found = await connection.execute(
                select(RoleRow.__table__).where(RoleRow.account_id == account_id, RoleRow.name == name)
            )
            row = found.one_or_none()
        return None if row is None else _role(row)

    async def trusting(self, principal_arn: str) -> Sequence[Role]:
        """The roles of every account whose trust policy names this principal."""
        named = cast(RoleRow.trust_policy, Text).contains(principal_arn, autoescape=True)
        async with self._database.begin("finding roles by their trust") as connection:
            rows = (await connection.execute(select(RoleRow.__table__).where(named))).all()
        roles = [_role(row) for row in rows]
        return [role for role in roles if any(principal_arn in names for names, _ in role.trust.statements)]

    async def update(
        self, account_id: str, name: str, trust_policy: object | None = None, max_session_seconds: int | None = None
    ) -> Role:
        """For sessions to come; those that are open stay. Raises NotFound, RequestError."""
        changes: dict[str, Any] = {}
        if trust_policy is not None:
            parse_trust(trust_policy, name)
            changes["trust_policy"] = trust_policy
        if max_session_seconds is not None:
            _check_duration(max_session_seconds, MAX_SESSION_SECONDS, "The longest session of a role")
            changes["max_session_seconds"] = max_session_seconds
        if not changes:
            return await self.get(account_id, name)
        async with self._database.begin("changing a role") as connection:
            changed = await connection.execute(
                update(RoleRow)
                .where(RoleRow.account_id == account_id, RoleRow.name == name)
                .values(**changes)
                .returning(RoleRow.__table__)
            )
            row = changed.one_or_none()
        if row is None:
            raise no_such("role", name)
        return _role(row)

    async def delete(self, account_id: str, name: str) -> None:
        """With its sessions and attached policies. Raises NotFound (EntityNotExist.Role)."""
        async with self._database.begin("removing a role") as connection:
            gone = await connection.execute(
                delete(RoleRow).where(RoleRow.account_id == account_id, RoleRow.name == name).returning(RoleRow.id)
            )
            role_id = gone.scalar_one_or_none()
            if role_id is None:
                raise no_such("role", name)
            await connection.execute(
                delete(PolicyAttachmentRow).where(
                    PolicyAttachmentRow.account_id == account_id,
                    PolicyAttachmentRow.target_kind == "role",
                    PolicyAttachmentRow.target == role_id,
                )
            )

    async def open_session(
        self,
        role: Role,
        issuer: Caller,
        session_name: str,
        duration_seconds: int | None = None,
        session_policy: str | None = None,
    ) -> NewSession:
        """Temporary credentials. Whether the issuer may have them was decided before.

        Raises RequestError: a bad name, duration or session policy.
        """
        check_name("session", session_name)
        seconds = (
            min(DEFAULT_SESSION_SECONDS, role.max_session_seconds) if duration_seconds is None else duration_seconds
        )
        _check_duration(seconds, role.max_session_seconds, f"A session of role {role.name!r}")
        if session_policy is not None:
            parse_policy(session_policy, "session policy")
        key_id = SESSION_KEY_PREFIX + _random(22)
        secret, token = SecretStr(_random(44)), SecretStr(SESSION_TOKEN_PREFIX + _random(64))
        now = self._clock()
        expires_at = now + timedelta(seconds=seconds)
        async with self._database.begin("opening a session") as connection:
            await connection.execute(
                insert(SessionRow).values(
                    id=key_id,
                    account_id=role.account_id,
                    role_id=role.role_id,
                    issuer_id=issuer.user_id,
                    name=session_name,
                    secret=self._vault.seal(secret, session_purpose(key_id)),
                    token_hash=token_hash(token.get_secret_value()),
                    policy=session_policy,
                    expires_at=expires_at,
                )
            )
            await connection.execute(delete(SessionRow).where(SessionRow.expires_at < now - KEPT_AFTER_EXPIRY))
        return NewSession(
            key_id,
            secret,
            token,
            expires_at,
            session_arn(role.account_id, role.name, session_name),
            principal_id(role.role_id, session_name, issuer.user_id),
        )


def principal_id(role_id: str, session_name: str, issuer_id: str) -> str:
    """Who a session is, for whatever belongs to somebody."""
    return f"{role_id}:{session_name}:{issuer_id}"


def session_purpose(key_id: str) -> str:
    return f"session:{key_id}"


def token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def is_token(text: str) -> bool:
    """Whether this has the form of a security token at all."""
    rest = text.removeprefix(SESSION_TOKEN_PREFIX)
    return rest != text and len(rest) == 64 and rest.isascii() and rest.isalnum()


def _check_duration(seconds: int, longest: int, what: str) -> None:
    if not MIN_SESSION_SECONDS <= seconds <= longest:
        raise RequestError(
            f"The provided parameter is invalid. {what} lasts {MIN_SESSION_SECONDS} to {longest} seconds,"
            f" not {seconds}."
        )


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _role(row: Any) -> Role:
    return Role(
        row.id, row.account_id, row.name, row.description, row.trust_policy, row.max_session_seconds, row.created_at
    )
