"""What the text of a running statement says of the locks it wants: its kind, and the tables that it names.

A rough reading of words, enough to tell a schema change from a query. A name inside a literal may be taken for a table;
nothing is concluded from a name alone.
"""

import re

from housecall.diagnosis.checks._text import one_line as one_line
from housecall.diagnosis.checks.mysql._measured import table_name

_COMMENT = re.compile(r"/\*.*?\*/|--[^\n]*|#[^\n]*", re.DOTALL)
_LITERAL = re.compile(r"'(?:[^'\\]|\\.|'')*'")
_NAME = r"(?:`(?:[^`]|``)+`|[A-Za-z0-9_$\u0080-\uffff]+)"
_QUALIFIED = re.compile(rf"({_NAME})(?:\s*\.\s*({_NAME}))?")
_BEFORE_TABLE = re.compile(
    rf"\b(?:FROM|JOIN|INTO|UPDATE|TABLES?|TRUNCATE(?!\s+TABLE)|VIEW)\s+(?:(?:IF\s+(?:NOT\s+)?EXISTS|LOW_PRIORITY|IGNORE|ONLY)\s+)*"
    rf"({_NAME}(?:\s*\.\s*{_NAME})?(?:\s*,\s*{_NAME}(?:\s*\.\s*{_NAME})?)*)",
    re.IGNORECASE,
)
_INDEXED_TABLE = re.compile(
    rf"(?:CREATE|DROP)\b[^(]*?\b(?:INDEX|TRIGGER)\b[^(]*?\bON\s+({_NAME}(?:\s*\.\s*{_NAME})?)", re.IGNORECASE
)
_STRONG = re.compile(
    r"(?:ALTER|DROP|TRUNCATE|RENAME|OPTIMIZE|REPAIR|CREATE\s+(?:UNIQUE\s+|FULLTEXT\s+|SPATIAL\s+|OR\s+REPLACE\s+)*"
    r"(?:INDEX|TRIGGER|TABLE|VIEW)|LOCK\s+TABLES?)\b",
    re.IGNORECASE,
)
_FLUSH = re.compile(
    r"(?:FLUSH\s+(?:NO_WRITE_TO_BINLOG\s+|LOCAL\s+)?TABLES?\b|LOCK\s+INSTANCE\s+FOR\s+BACKUP|BACKUP\s+STAGE"
    r"|LOCK\s+TABLES\s+FOR\s+BACKUP)",
    re.IGNORECASE,
)
_READS = re.compile(r"(?:SELECT|WITH|SHOW|EXPLAIN|TABLE|VALUES)\b|\(", re.IGNORECASE)
MAX_TABLES = 20


def plain(statement: str | None) -> str:
    """The statement without comments and literals."""
    return _LITERAL.sub("''", _COMMENT.sub(" ", statement or "")).strip()


def is_strong(statement: str | None) -> bool:
    """Whether it needs a table for itself: a schema change, or LOCK TABLES."""
    return _STRONG.match(plain(statement)) is not None


def is_flush(statement: str | None) -> bool:
    """Whether it stops the writes of the whole server: FLUSH TABLES, or a backup lock."""
    return _FLUSH.match(plain(statement)) is not None


def wanted_mode(statement: str | None) -> str | None:
    """The metadata lock that it asks for; None for a change of the schema, which every lock stops."""
    text = plain(statement)
    if is_strong(text):
        return None
    return "SHARED_READ" if _READS.match(text) else "SHARED_WRITE"


def tables_of(statement: str | None, database: str | None) -> tuple[str, ...]:
    """Names as `table_name` writes them, in order, each once."""
    found: dict[str, None] = {}
    text = plain(statement)
    indexed = _INDEXED_TABLE.match(text)
    for match in (*([indexed] if indexed else []), *_BEFORE_TABLE.finditer(text)):
        for first, second in _QUALIFIED.findall(match[1]):
            schema, table = (first, second) if second else (database or "", first)
            if schema and not _is_word(table):
                found[table_name(_bare(schema), _bare(table))] = None
    return tuple(found)[:MAX_TABLES]


def _bare(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name


def _is_word(name: str) -> bool:
    return name.upper() in {"SELECT", "SET", "WHERE", "TABLE", "IF", "READ", "WRITE", "VALUES", "DUPLICATE", "LOCAL"}
