"""DSNs of MySQL and MariaDB: `mysql://user:password@host:3306/database?ssl-mode=VERIFY_IDENTITY&ssl-ca=/etc/ca.pem`.

Options have the names of the mysql command line: `socket`, `ssl-mode`, `ssl-ca`, `ssl-cert`, `ssl-key`. No message
holds the
password, nor any text of the DSN from which it could be read.
"""

from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from pydantic import SecretStr

from housecall.engines.engine import Target
from housecall.errors import RequestError

SSL_MODES = ("DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY")
_FILES = ("ssl-ca", "ssl-cert", "ssl-key", "socket")
DEFAULT_PORT = 3306


def parse_dsn(dsn: str) -> Target:
    """The target of a DSN. Raises RequestError naming the part that is wrong."""
    parts = _split(dsn)
    return Target(
        engine="mysql",
        host=parts.hostname or "localhost",
        port=_port(parts),
        user=unquote(parts.username or "root"),
        database=unquote(parts.path.removeprefix("/")),
        password=SecretStr(unquote(parts.password)) if parts.password else None,
        options=_options(parts.query),
    )


def _split(dsn: str) -> SplitResult:
    try:
        parts = urlsplit(dsn)
        _ = parts.hostname
    except ValueError:
        # urllib repeats parts of the text in its messages, which may be the password's
        raise RequestError("The DSN cannot be read: its address is not host:port or [address]:port") from None
    if parts.scheme.lower() not in ("mysql", "mariadb"):
        raise RequestError("The DSN of a MySQL or MariaDB server starts with mysql:// or mariadb://")
    if parts.fragment:
        raise RequestError("The DSN holds a '#'; write %23 for one in the password")
    if "/" in parts.path.removeprefix("/"):
        raise RequestError("The DSN has more than one '/' after the address; write %2F for one in a name")
    return parts


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        raise RequestError(
            "The DSN's port is not a number from 1 to 65535; write %3A for a ':' in a password"
        ) from None
    if port == 0:
        raise RequestError("The DSN's port is not a number from 1 to 65535")
    return port or DEFAULT_PORT


def _options(query: str) -> dict[str, str]:
    given = {name.lower().replace("_", "-"): value for name, value in parse_qsl(query, keep_blank_values=True)}
    unknown = given.keys() - {"ssl-mode", *_FILES}
    if unknown:
        raise RequestError(f"The DSN has options that Housecall does not pass on: {', '.join(sorted(unknown))}")
    options = {name: value for name, value in sorted(given.items()) if name in _FILES}
    if "ssl-mode" in given:
        options["ssl-mode"] = _ssl_mode(given["ssl-mode"])
    return options


def _ssl_mode(text: str) -> str:
    mode = text.upper().replace("-", "_")
    if mode not in SSL_MODES:
        raise RequestError(f"The DSN's ssl-mode is none of {', '.join(SSL_MODES)}")
    return mode
