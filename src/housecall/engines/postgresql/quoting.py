"""Names and text written as SQL for PostgreSQL.

What comes out is read back by the server as exactly the name or text that went in, whatever it holds. Statements that
people copy stay readable: a name is quoted only where PostgreSQL's own `quote_ident` would quote it.
"""

import re

from housecall.engines.keywords import RESERVED_WORDS

MAX_IDENTIFIER_BYTES = 63
"""NAMEDATALEN - 1 of every stock build: the server cuts longer names silently."""

_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*", re.ASCII)


def quote_identifier(name: str) -> str:
    """The name as an identifier, quoted only when needed: `orders`, `"Order Lines"`, `"user"`.

    Raises ValueError for a name that no object can have: empty, or with a zero byte.
    """
    if not name or "\0" in name:
        raise ValueError(f"No object can be named {name!r}: a name is not empty and holds no zero byte.")
    if _PLAIN_NAME.fullmatch(name) and name not in RESERVED_WORDS:
        return name
    return '"' + name.replace('"', '""') + '"'


def qualified(schema: str, name: str) -> str:
    """`public.orders`, with each part quoted as needed."""
    return f"{quote_identifier(schema)}.{quote_identifier(name)}"


def quote_literal(text: str) -> str:
    """The text as a literal that reads the same under either setting of standard_conforming_strings.

    Raises ValueError for a zero byte, which no text value of PostgreSQL can hold.
    """
    if "\0" in text:
        raise ValueError("Text with a zero byte cannot be written as a literal of PostgreSQL.")
    escaped = text.replace("'", "''")
    if "\\" not in escaped:
        return f"'{escaped}'"
    return "E'" + escaped.replace("\\", "\\\\") + "'"


def clip_identifier(name: str, max_bytes: int = MAX_IDENTIFIER_BYTES) -> str:
    """The name cut to what the server keeps, never in the middle of a character."""
    return name.encode()[:max_bytes].decode(errors="ignore")
