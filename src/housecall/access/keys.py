"""Access keys, bearer tokens and nonces: how callers prove who they are.

Secrets of keys are kept sealed, since signatures must be recomputed with them; of bearer tokens only a hash is kept.
A user has at most two keys: the one in use and, while it is exchanged, its successor. Temporary keys of assumed roles
(`roles.py`) are found here as well.
"""

import hashlib
import re
import secrets
import string
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import SecretStr
from sqlalchemy import ColumnElement, bindparam, delete, func, insert, select, text, update

from housecall.access.accounts import Caller, ensure_root
from housecall.access.roles import SESSION_KEY_PREFIX, principal_id, session_purpose
from housecall.access.vault import Vault
from housecall.clock import Clock, utc_now
from housecall.errors import NotFound, RequestError
from housecall.store.database import Database
from housecall.store.tables import AccessKeyRow, BearerTokenRow, NonceRow, SessionRow, UserRow

KEY_PREFIX = "HC"
KEY_ID_CHARACTERS = 22
SECRET_CHARACTERS = 40
TOKEN_PREFIX = "hct_"  # noqa: S105 - how a token begins, not a token
TOKEN_ID_PREFIX = "hcb-"  # noqa: S105 - how the id of a token begins
TOKEN_ID_CHARACTERS = 16  # hexadecimal digits of its hash: enough to tell tokens apart, and nothing to call with
CACHE_SECONDS = 5.0
CACHE_SIZE = 1_000
USED_SECONDS = 60.0  # `last_used_at` is this coarse, so that a busy key is not a busy row
PURGE_SECONDS = 60.0
KEYS_PER_USER = 2
_KEY_ID = re.compile(rf"({KEY_PREFIX}|{re.escape(SESSION_KEY_PREFIX)})[A-Za-z0-9]{{{KEY_ID_CHARACTERS}}}")
_USE_NONCE = text("""
WITH used AS (
    INSERT INTO housecall.nonces (hash, expires_at)
    VALUES (:hash, :expires_at)
    ON CONFLICT (hash) DO UPDATE
    SET expires_at = excluded.expires_at
    WHERE nonces.expires_at <= :now
    RETURNING hash
), noted AS (
    UPDATE housecall.access_keys
    SET last_used_at = :now
    WHERE id = :key AND (last_used_at IS NULL OR last_used_at < :stale) AND EXISTS (SELECT FROM used)
)
SELECT EXISTS (SELECT FROM used) AS is_first, set_config('synchronous_commit', 'off', true)
""")
_BEARER = (
    select(UserRow.account_id, UserRow.id, BearerTokenRow.last_used_at)
    .join(BearerTokenRow, BearerTokenRow.user_id == UserRow.id)
    .where(BearerTokenRow.hash == bindparam("hash"), BearerTokenRow.active)
)
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
    session: "SessionClaim | None" = None


@dataclass(frozen=True, slots=True)
class SessionClaim:
    """What a temporary key needs beside its secret. `user_id` of its credential is the principal's."""

    token_hash: bytes
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key at the only moment its secret is shown."""

    access_key_id: str
    access_key_secret: SecretStr


@dataclass(frozen=True, slots=True)
class NewToken:
    """A bearer token at the only moment it is shown, and the id by which it can be taken back."""

    id: str
    token: SecretStr


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """A key, or a bearer token by its id, as it is listed. `last_used_at` may be a minute old."""

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
        """A new key for a user (the root user by default).

        Raises NotFound (UserNotFound), RequestError (LimitExceeded.User.AccessKey) when he has two.
        """
        caller = await self._user(user_id)
        key_id = KEY_PREFIX + _random(KEY_ID_CHARACTERS)
        secret = SecretStr(_random(SECRET_CHARACTERS))
        async with self._database.begin("making an access key") as connection:
            await connection.execute(select(UserRow.id).where(UserRow.id == caller.user_id).with_for_update())
            there = await connection.execute(select(AccessKeyRow.id).where(AccessKeyRow.user_id == caller.user_id))
            if len(there.all()) >= KEYS_PER_USER:
                raise RequestError(
                    f"A user has at most {KEYS_PER_USER} access keys; delete the one that is no longer used.",
                    code="LimitExceeded.User.AccessKey",
                    status=409,
                )
            await connection.execute(
                insert(AccessKeyRow).values(
                    id=key_id,
                    account_id=caller.account_id,
                    user_id=caller.user_id,
                    secret=self._vault.seal(secret, _purpose(key_id)),
                )
            )
        return NewKey(key_id, secret)

    async def list(self, account_id: str | None = None, user_id: str | None = None) -> Sequence[KeyInfo]:
        """Every key, or those of an account or user, oldest first."""
        query = select(AccessKeyRow.__table__, UserRow.name.label("user_name")).outerjoin(
            UserRow, UserRow.id == AccessKeyRow.user_id
        )
        if account_id is not None:
            query = query.where(AccessKeyRow.account_id == account_id)
        if user_id is not None:
            query = query.where(AccessKeyRow.user_id == user_id)
        async with self._database.begin("listing access keys") as connection:
            rows = await connection.execute(query.order_by(AccessKeyRow.created_at, AccessKeyRow.id))
            return [
                KeyInfo(row.id, row.user_id, row.user_name or "", row.active, row.created_at, row.last_used_at)
                for row in rows
            ]

    async def disable(self, access_key_id: str) -> None:
        """Other processes heed it within five seconds. Raises NotFound (InvalidAccessKeyId.NotFound)."""
        await self.set_active(access_key_id, active=False)

    async def set_active(self, access_key_id: str, *, active: bool, user_id: str | None = None) -> None:
        """Disable or enable a key, with `user_id` only one of this user. As `disable`."""
        async with self._database.begin("changing an access key") as connection:
            changed = await connection.execute(
                update(AccessKeyRow).where(*_its_key(access_key_id, user_id)).values(active=active)
            )
            _check_found(changed.rowcount, access_key_id)
        self._cache.pop(access_key_id, None)

    async def delete(self, access_key_id: str, *, user_id: str | None = None) -> None:
        """Remove a key for good. As `set_active`."""
        async with self._database.begin("deleting an access key") as connection:
            gone = await connection.execute(delete(AccessKeyRow).where(*_its_key(access_key_id, user_id)))
            _check_found(gone.rowcount, access_key_id)
        self._cache.pop(access_key_id, None)

    async def create_bearer(self, user_id: str | None = None) -> NewToken:
        """A new bearer token; only its hash is kept. Raises NotFound (UserNotFound)."""
        caller = await self._user(user_id)
        token = SecretStr(TOKEN_PREFIX + _random(SECRET_CHARACTERS))
        hashed = _hash(token.get_secret_value())
        async with self._database.begin("making a bearer token") as connection:
            await connection.execute(insert(BearerTokenRow).values(hash=hashed, user_id=caller.user_id))
        return NewToken(token_id(hashed), token)

    async def list_bearers(self, account_id: str | None = None) -> Sequence[KeyInfo]:
        """Every bearer token, or those of an account, oldest first."""
        query = select(BearerTokenRow.__table__, UserRow.name.label("user_name")).join(
            UserRow, UserRow.id == BearerTokenRow.user_id
        )
        if account_id is not None:
            query = query.where(UserRow.account_id == account_id)
        async with self._database.begin("listing bearer tokens") as connection:
            rows = await connection.execute(query.order_by(BearerTokenRow.created_at, BearerTokenRow.hash))
            return [
                KeyInfo(token_id(row.hash), row.user_id, row.user_name, row.active, row.created_at, row.last_used_at)
                for row in rows
            ]

    async def set_bearer_active(self, bearer_id: str, *, active: bool) -> None:
        """Refuse a token, or accept it again; every process heeds it at once. Raises NotFound (InvalidBearerToken)."""
        async with self._database.begin("changing a bearer token") as connection:
            changed = await connection.execute(
                update(BearerTokenRow).where(_its_token(bearer_id)).values(active=active)
            )
            _check_token_found(changed.rowcount, bearer_id)

    async def delete_bearer(self, bearer_id: str) -> None:
        """Remove a token for good. As `set_bearer_active`."""
        async with self._database.begin("deleting a bearer token") as connection:
            gone = await connection.execute(delete(BearerTokenRow).where(_its_token(bearer_id)))
            _check_token_found(gone.rowcount, bearer_id)

    async def find(self, access_key_id: str) -> Credential | None:
        """The key, also when it is disabled; None when there is none. May be five seconds old."""
        kept = self._cache.get(access_key_id)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        if not _may_be_key_id(access_key_id):
            return None
        is_temporary = access_key_id.startswith(SESSION_KEY_PREFIX)
        credential = await (self._find_session(access_key_id) if is_temporary else self._find_key(access_key_id))
        if credential is None:
            return None
        if len(self._cache) >= CACHE_SIZE:
            self._cache.clear()
        self._cache[access_key_id] = (time.monotonic() + CACHE_SECONDS, credential)
        return credential

    async def _find_key(self, access_key_id: str) -> Credential | None:
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
        return Credential(row.id, secret, row.active, row.account_id, row.user_id, row.found_user is not None)

    async def _find_session(self, access_key_id: str) -> Credential | None:
        """Removing the role or its user removes the session."""
        async with self._database.begin("finding a session") as connection:
            found = await connection.execute(select(SessionRow.__table__).where(SessionRow.id == access_key_id))
            row = found.one_or_none()
        if row is None:
            return None
        secret = self._vault.open(row.secret, session_purpose(row.id))
        user_id = principal_id(row.role_id, row.name, row.issuer_id)
        claim = SessionClaim(bytes(row.token_hash), row.expires_at)
        return Credential(row.id, secret, True, row.account_id, user_id, session=claim)

    async def find_bearer(self, token: str) -> Caller | None:
        """Who a bearer token stands for, or None."""
        async with self._database.begin("finding a bearer token") as connection:
            found = await connection.execute(_BEARER, {"hash": _hash(token)})
            row = found.one_or_none()
            if row is None:
                return None
            fresh = self._clock() - timedelta(seconds=USED_SECONDS)
            if row.last_used_at is None or row.last_used_at < fresh:
                # Who finds the row taken leaves it: somebody else notes the same minute.
                mine = select(BearerTokenRow.hash).where(BearerTokenRow.hash == _hash(token))
                await connection.execute(
                    update(BearerTokenRow)
                    .where(BearerTokenRow.hash.in_(mine.with_for_update(skip_locked=True)))
                    .values(last_used_at=self._clock())
                )
        return Caller(row.account_id, row.id)

    async def use_nonce(self, access_key_id: str, nonce: str, expires_at: datetime) -> bool:
        """True for the first use of a nonce, False when any process has seen it before and it has not expired.

        Every request writes one, so nobody waits for the disk: other processes see it at once, and only a crash of the
        database server itself may forget the nonces of its last second.
        """
        now = self._clock()
        asked = {
            "hash": _hash(f"{access_key_id}\n{nonce}"),
            "expires_at": expires_at,
            "now": now,
            "key": access_key_id,
            "stale": now - timedelta(seconds=USED_SECONDS),
        }
        async with self._database.begin("checking a nonce") as connection:
            is_first = (await connection.execute(_USE_NONCE, asked)).one().is_first
            if time.monotonic() >= self._purge_at:
                self._purge_at = time.monotonic() + PURGE_SECONDS
                await connection.execute(delete(NonceRow).where(NonceRow.expires_at <= now))
        return bool(is_first)

    async def _user(self, user_id: str | None) -> Caller:
        if user_id is None:
            return await self.root()
        async with self._database.begin("finding a user") as connection:
            found = await connection.execute(select(UserRow.account_id).where(UserRow.id == user_id))
            account_id = found.scalar_one_or_none()
        if account_id is None:
            raise NotFound("User does not exist.", code="UserNotFound")
        return Caller(account_id, user_id)


def _its_key(access_key_id: str, user_id: str | None) -> tuple[ColumnElement[bool], ...]:
    found = (AccessKeyRow.id == access_key_id,)
    return found if user_id is None else (*found, AccessKeyRow.user_id == user_id)


def _check_found(count: int, access_key_id: str) -> None:
    if not count:
        raise NotFound(
            f"There is no access key {access_key_id[:80]!r}; `housecall key list` shows those there are.",
            code="InvalidAccessKeyId.NotFound",
        )


def _may_be_key_id(text: str) -> bool:
    """What else it is, such as a secret in the wrong place, is neither looked up nor written down."""
    rest = text.removeprefix(SESSION_KEY_PREFIX)
    return rest.isascii() and rest.isalnum() and len(text) <= 100


def is_key_id(text: str) -> bool:
    """Whether this looks like a key id of ours, so that it may be written down."""
    return _KEY_ID.fullmatch(text) is not None


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _purpose(key_id: str) -> str:
    return f"access_key:{key_id}"


__all__ = ["Caller", "Credential", "KeyInfo", "Keys", "NewKey"]


def token_id(hashed: bytes) -> str:
    """By what a bearer token is named where it must not be shown."""
    return TOKEN_ID_PREFIX + bytes(hashed).hex()[:TOKEN_ID_CHARACTERS]


def is_token_id(text: str) -> bool:
    return text.startswith(TOKEN_ID_PREFIX)


def _its_token(bearer_id: str) -> ColumnElement[bool]:
    beginning = func.substr(func.encode(BearerTokenRow.hash, "hex"), 1, TOKEN_ID_CHARACTERS)
    return beginning == bearer_id.removeprefix(TOKEN_ID_PREFIX)


def _check_token_found(rows: int, bearer_id: str) -> None:
    if not rows:
        raise NotFound(
            f"There is no bearer token {bearer_id[:60]!r}; `housecall key list` shows those there are.",
            code="InvalidBearerToken",
        )
