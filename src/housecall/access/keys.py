"""Access keys, bearer tokens and nonces: how callers prove who they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import SecretStr


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
    """A key as it is listed."""

    access_key_id: str
    user_id: str
    user_name: str
    active: bool
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls."""

    account_id: str
    user_id: str


class Keys:
    """Makes, finds and disables what callers sign with."""

    async def root(self) -> Caller:
        """The first account and its root user, which the first start made."""
        raise NotImplementedError

    async def create(self, user_id: str | None = None) -> NewKey:
        """A new key for a user (the root user by default). Raises NotFound (UserNotFound)."""
        raise NotImplementedError

    async def list(self) -> Sequence[KeyInfo]:
        """Every key, oldest first."""
        raise NotImplementedError

    async def disable(self, access_key_id: str) -> None:
        """Raises NotFound (InvalidAccessKeyId.NotFound)."""
        raise NotImplementedError

    async def create_bearer(self, user_id: str | None = None) -> SecretStr:
        """A new bearer token; only its hash is kept. Raises NotFound (UserNotFound)."""
        raise NotImplementedError

    async def find(self, access_key_id: str) -> Credential | None:
        """The key, also when it is disabled; None when there is none. May be five seconds old."""
        raise NotImplementedError

    async def find_bearer(self, token: str) -> Caller | None:
        """Who a bearer token stands for, or None."""
        raise NotImplementedError

    async def use_nonce(self, access_key_id: str, nonce: str, expires_at: datetime) -> bool:
        """True for the first use of a nonce, False when any process has seen it before and it has not expired."""
        raise NotImplementedError
