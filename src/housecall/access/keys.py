"""Access keys, bearer tokens and nonces: how callers prove who they are.

Secrets of keys are kept sealed, since signatures must be recomputed with them; of bearer tokens only a hash is kept.
"""

import hashlib
import secrets
import string
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import SecretStr
from sqlalchemy import ColumnElement, delete, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import InstrumentedAttribute

from housecall.access.accounts import Caller, ensure_root
from housecall.access.vault import Vault
from housecall.clock import Clock, utc_now
from housecall.errors import NotFound
from housecall.store.database import Database
from housecall.store.tables import AccessKeyRow, BearerTokenRow, NonceRow, UserRow

KEY_PREFIX = "HC"
KEY_ID_CHARACTERS = 22
SECRET_CHARACTERS = 40
TOKEN_PREFIX = "hct_"  # noqa: S105 - how a token begins, not a token
CACHE_SECONDS = 5.0
CACHE_SIZE = 1_000
USED_SECONDS = 60.0  # `last_used_at` is this coarse, so that a busy key is not a busy row
PURGE_SECONDS = 60.0
_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Credential:
    """A key that was found: who it belongs to and the secret to verify with."""

    access_key_id: str
    secret: SecretStr
    active: bool
    account_id: str
    user_id: str
    user_exists: bool = True


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key at the only moment its secret is shown."""

    access_key_id: str
    access_key_secret: SecretStr


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """A key as it is listed. `last_used_at` may be a minute old."""

    access_key_id: str
    user_id: str
    user_name: str
    active: bool
    created_at: datetime
    last_used_at: datetime | None


class Keys:
    """Makes, finds and disables what callers sign with."""

    def __init__(self, database: Database, vault: Vault, clock: Clock = utc_now) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._cache: dict[str, tuple[float, Credential]] = {}
        self._purge_at = time.monotonic() + PURGE_SECONDS

    async def root(self) -> Caller:
        """The first account and its root user, which the first start made."""
        return await ensure_root(self._database)

    async def create(self, user_id: str | None = None) -> NewKey:
        """A new key for a user (the root user by default). Raises NotFound (UserNotFound)."""
        caller = await self._user(user_id)
        key_id = KEY_PREFIX + _random(KEY_ID_CHARACTERS)
        secret = SecretStr(_random(SECRET_CHARACTERS))
        async with self._database.begin("making an access key") as connection:
            await connection.execute(
                insert(AccessKeyRow).values(
                    id=key_id,
                    account_id=caller.account_id,
                    user_id=caller.user_id,
                    secret=self._vault.seal(secret, _purpose(key_id)),
                )
            )
        return NewKey(key_id, secret)

    async def list(self) -> Sequence[KeyInfo]:
        """Every key, oldest first."""
        async with self._database.begin("listing access keys") as connection:
            rows = await connection.execute(
                select(AccessKeyRow.__table__, UserRow.name.label("user_name"))
                .outerjoin(UserRow, UserRow.id == AccessKeyRow.user_id)
                .order_by(AccessKeyRow.created_at, AccessKeyRow.id)
            )
            return [
                KeyInfo(row.id, row.user_id, row.user_name or "", row.active, row.created_at, row.last_used_at)
                for row in rows
            ]

    async def disable(self, access_key_id: str) -> None:
        """Other processes heed it within five seconds. Raises NotFound (InvalidAccessKeyId.NotFound)."""
        async with self._database.begin("disabling an access key") as connection:
            changed = await connection.execute(
                update(AccessKeyRow).where(AccessKeyRow.id == access_key_id).values(active=False)
            )
            if not changed.rowcount:
                raise NotFound(
                    f"There is no access key {access_key_id[:80]!r}; `housecall key list` shows those there are.",
                    code="InvalidAccessKeyId.NotFound",
                )
        self._cache.pop(access_key_id, None)

    async def create_bearer(self, user_id: str | None = None) -> SecretStr:
        """A new bearer token; only its hash is kept. Raises NotFound (UserNotFound)."""
        caller = await self._user(user_id)
        token = SecretStr(TOKEN_PREFIX + _random(SECRET_CHARACTERS))
        async with self._database.begin("making a bearer token") as connection:
            await connection.execute(
                insert(BearerTokenRow).values(hash=_hash(token.get_secret_value()), user_id=caller.user_id)
            )
        return token

    async def find(self, access_key_id: str) -> Credential | None:
        """The key, also when it is disabled; None when there is none. May be five seconds old."""
        kept = self._cache.get(access_key_id)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        if not _may_be_key_id(access_key_id):
            return None
        async with self._database.begin("finding an access key") as connection:
            found = await connection.execute(
                select(AccessKeyRow.__table__, UserRow.id.label("found_user"))
                .outerjoin(UserRow, UserRow.id == AccessKeyRow.user_id)
                .where(AccessKeyRow.id == access_key_id)
            )
            row = found.one_or_none()
        if row is None:
            return None
        secret = self._vault.open(row.secret, _purpose(row.id))
        credential = Credential(row.id, secret, row.active, row.account_id, row.user_id, row.found_user is not None)
        if len(self._cache) >= CACHE_SIZE:
            self._cache.clear()
        self._cache[access_key_id] = (time.monotonic() + CACHE_SECONDS, credential)
        return credential

    async def find_bearer(self, token: str) -> Caller | None:
        """Who a bearer token stands for, or None."""
        async with self._database.begin("finding a bearer token") as connection:
            found = await connection.execute(
                select(UserRow.account_id, UserRow.id)
                .join(BearerTokenRow, BearerTokenRow.user_id == UserRow.id)
                .where(BearerTokenRow.hash == _hash(token), BearerTokenRow.active)
            )
            row = found.one_or_none()
            if row is None:
                return None
            await connection.execute(
                update(BearerTokenRow)
                .where(BearerTokenRow.hash == _hash(token), self._is_stale(BearerTokenRow.last_used_at))
                .values(last_used_at=self._clock())
            )
        return Caller(row.account_id, row.id)

    async def use_nonce(self, access_key_id: str, nonce: str, expires_at: datetime) -> bool:
        """True for the first use of a nonce, False when any process has seen it before and it has not expired."""
        now = self._clock()
        async with self._database.begin("checking a nonce") as connection:
            statement = upsert(NonceRow).values(hash=_hash(f"{access_key_id}\n{nonce}"), expires_at=expires_at)
            used = await connection.execute(
                statement.on_conflict_do_update(
                    index_elements=[NonceRow.hash],
                    set_={"expires_at": statement.excluded.expires_at},
                    where=NonceRow.expires_at <= now,
                ).returning(NonceRow.hash)
            )
            is_first = used.one_or_none() is not None
            if is_first:
                await connection.execute(
                    update(AccessKeyRow)
                    .where(AccessKeyRow.id == access_key_id, self._is_stale(AccessKeyRow.last_used_at))
                    .values(last_used_at=now)
                )
            if time.monotonic() >= self._purge_at:
                self._purge_at = time.monotonic() + PURGE_SECONDS
                await connection.execute(delete(NonceRow).where(NonceRow.expires_at <= now))
        return is_first

    def _is_stale(self, column: InstrumentedAttribute[datetime | None]) -> ColumnElement[bool]:
        return or_(column.is_(None), column < self._clock() - timedelta(seconds=USED_SECONDS))

    async def _user(self, user_id: str | None) -> Caller:
        if user_id is None:
            return await self.root()
        async with self._database.begin("finding a user") as connection:
            found = await connection.execute(select(UserRow.account_id).where(UserRow.id == user_id))
            account_id = found.scalar_one_or_none()
        if account_id is None:
            raise NotFound("User does not exist.", code="UserNotFound")
        return Caller(account_id, user_id)


def _may_be_key_id(text: str) -> bool:
    return text.isascii() and text.isalnum() and len(text) <= 100


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _purpose(key_id: str) -> str:
    return f"access_key:{key_id}"


__all__ = ["Caller", "Credential", "KeyInfo", "Keys", "NewKey"]
