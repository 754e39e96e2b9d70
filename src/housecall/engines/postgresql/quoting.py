"""Names and text written as SQL for PostgreSQL.

What comes out is read back by the server as exactly the name or text that went in, whatever it holds. Statements that
people copy stay readable: a name is quoted only where PostgreSQL's own `quote_ident` would quote it.
"""

import re

MAX_IDENTIFIER_BYTES = 63
"""NAMEDATALEN - 1 of every stock build: the server cuts longer names silently."""

# Every keyword that is not of the class "unreserved" in pg_get_keywords() of PostgreSQL 15 and 18, the rule of quote_ident.
RESERVED_WORDS = frozenset(
    """
    all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case
    cast char character check coalesce collate collation column concurrently constraint create cross current_catalog
    current_date current_role current_schema current_time current_timestamp current_user dec decimal default
    deferrable desc distinct do else end except exists extract false fetch float for foreign freeze from full grant
    greatest group grouping having ilike in initially inner inout int integer intersect interval into is isnull join
    json json_array json_arrayagg json_exists json_object json_objectagg json_query json_scalar json_serialize
    json_table json_value lateral leading least left like limit localtime localtimestamp merge_action national
    natural nchar none normalize not notnull null nullif numeric offset on only or order out outer overlaps overlay
    placing position precision primary real references returning right row select session_user setof similar
    smallint some substring symmetric system_user table tablesample then time timestamp to trailing treat trim true
    union unique user using values varchar variadic verbose when where window with xmlattributes xmlconcat
    xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable
    """.split()
)

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
