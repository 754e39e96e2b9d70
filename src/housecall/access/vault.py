"""Encryption at rest of what must never be readable in the store: key secrets and instance passwords.

AES-256-GCM; the purpose of a value (such as `access_key:HC…`) is authenticated with it, so that a value copied to
another row does not open. The key comes from HOUSECALL_SECRET_KEY, else from `secret.key` in the home.
"""

import base64
import binascii
import contextlib
import os
import tempfile
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from housecall.errors import SetupError
from housecall.settings import Settings

KEY_BYTES = 32
NONCE_BYTES = 12  # what AES-GCM is specified with (NIST SP 800-38D)
FORMAT = b"\x01"
KEY_FILE = "secret.key"


class Vault:
    """Seals and opens secrets. Its repr shows nothing."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise SetupError(
                f"The secret key has {len(key)} bytes and must have {KEY_BYTES}; make one with "
                "`python -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())'`."
            )
        self._cipher = AESGCM(key)

    def __repr__(self) -> str:
        return "Vault(…)"

    def seal(self, secret: SecretStr, purpose: str) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return FORMAT + nonce + self._cipher.encrypt(nonce, secret.get_secret_value().encode(), purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> SecretStr:
        """Raises SetupError when it was sealed with another key or for another purpose."""
        nonce, text = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            return SecretStr(self._cipher.decrypt(nonce, text, purpose.encode()).decode())
        except (InvalidTag, ValueError) as error:
            raise SetupError(
                f"A stored secret ({purpose}) does not open with this installation's key. Every process on one "
                f"database needs the same key: bring back the old {KEY_FILE} of the home, or set HOUSECALL_SECRET_KEY."
            ) from error


def open_vault(settings: Settings) -> Vault:
    """The vault of an installation; its key file is made at first use.

    Raises:
        SetupError: a key that cannot be read.
    """
    if settings.secret_key is not None:
        return Vault(_decode(settings.secret_key.get_secret_value(), "HOUSECALL_SECRET_KEY"))
    path = settings.home / KEY_FILE
    try:
        if not path.exists():
            _make_key_file(path)
        return Vault(_decode(path.read_text(encoding="ascii"), str(path)))
    except OSError as error:
        raise SetupError(
            f"The key file {path} cannot be used: {error.strerror}. Look at its owner, or set HOUSECALL_SECRET_KEY."
        ) from error


def _decode(text: str, source: str) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SetupError(f"{source} is not base64 text.") from error


def _make_key_file(path: Path) -> None:
    """Whole or not at all: written aside, then linked in place; of two processes the first one's key stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()
