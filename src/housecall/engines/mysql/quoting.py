"""Names and text written as SQL for MySQL and MariaDB.

What comes out is read back by the server as exactly the name or text that went in, under every sql_mode. A name is
quoted only
where it must be, so that statements which people copy stay readable.
"""

import re

from housecall.engines.mysql.keywords import RESERVED_WORDS

MAX_IDENTIFIER_CHARACTERS = 64

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*", re.ASCII)


def quote_identifier(name: str) -> str:
    """The name as an identifier: `orders`, or with backticks where it needs them.

    Raises ValueError for a name that no object can have: empty, with a zero byte, or beyond the basic plane.
    """
    if not name or "\0" in name:
        raise ValueError(f"No object can be named {name!r}: a name is not empty and holds no zero byte.")
    if _PLAIN_NAME.fullmatch(name) and name.lower() not in RESERVED_WORDS:
        return name
    return "`" + name.replace("`", "``") + "`"


def qualified(schema: str, name: str) -> str:
    """`shop.orders`, with each part quoted as needed."""
    return f"{quote_identifier(schema)}.{quote_identifier(name)}"


def quote_literal(text: str) -> str:
    """The text as a literal. A backslash means something else under NO_BACKSLASH_ESCAPES, so such text is in hex."""
    if "\\" in text or "\0" in text:
        return f"CONVERT(X'{text.encode().hex()}' USING utf8mb4)"
    return "'" + text.replace("'", "''") + "'"


def account(user: str, host: str) -> str:
    """`'api'@'10.0.%'`."""
    return f"{quote_literal(user)}@{quote_literal(host)}"
