"""One name for all executions of a statement: what differs from call to call is taken out of its text.

The same statement is seen with `$1` (pg_stat_statements), `?` (performance_schema) and with its values (the session
list, a log, a person), in other spacing, case and with comments; all of these get one fingerprint. It is made from the
tokens and not from a parse tree, so that text which was cut off in the middle, or which no parser knows, is treated
alike, and so that thousands of statements a second are no trouble.

What it keeps apart: other tables, columns, operators and order of clauses. What it joins: lists of any length in
IN (...), VALUES (...), ARRAY[...], and a number with its sign.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache

from housecall.engines.engine import EngineName
from housecall.engines.keywords import RESERVED_WORDS
from housecall.engines.tokens import Token, mysql_tokens, postgresql_tokens

CUT_OFF_MARKS = ("...", "…")
"""What servers and tools put at the end of a text that they cut: performance_schema and pg_activity, for two."""

_LISTS = {"in", "values", "array", "any", "all"}
# After one of these a sign belongs to the number behind it; after a value it is an operator.
_BEFORE_A_SIGN = frozenset(
    {"(", "[", ",", "=", "<", ">", "<=", ">=", "<>", "!=", "between", "and", "or", "select", "limit", "offset", "then"}
    | {
        "else",
        "when",
        "in",
        "values",
        "where",
        "by",
        "return",
        "interval",
        "+",
        "-",
        "*",
        "/",
        "%",
        "||",
        "like",
        "ilike",
    }
)


@lru_cache(maxsize=20_000)
def normalise(sql: str, engine: EngineName) -> str:
    """The statement on one line, names in lower case, every constant as `?`, every list of constants as one `?`."""
    text = sql.strip()
    for mark in CUT_OFF_MARKS:
        text = text.removesuffix(mark)
    scan = mysql_tokens if engine == "mysql" else postgresql_tokens
    return _joined(_lists_collapsed(_constants_replaced(scan(text, lenient=True), engine)))


@lru_cache(maxsize=20_000)
def fingerprint(sql: str, engine: EngineName) -> str:
    """16 hexadecimal digits of the normalised statement."""
    return hashlib.sha256(normalise(sql, engine).encode(errors="replace")).hexdigest()[:16]


def _constants_replaced(tokens: Sequence[Token], engine: EngineName) -> list[str]:
    words: list[str] = []
    for token in tokens:
        if token.kind in ("string", "number", "parameter"):
            if words and words[-1] in ("-", "+") and (len(words) == 1 or words[-2] in _BEFORE_A_SIGN):
                words.pop()
            words.append("?")
        elif token.kind == "quoted":
            words.append(_as_written(token.text, engine))
        elif token.kind == "name" and token.text in ("true", "false", "null") and words and words[-1] in _BEFORE_A_SIGN:
            words.append("?")
        else:
            words.append("<>" if token.text == "!=" else token.text)  # digests of MySQL write the one for both
    while words and words[-1] == ";":
        words.pop()
    return words


def _as_written(name: str, engine: EngineName) -> str:
    """A quoted name, without quotes where it needs none, so that `"orders"` and `orders` are one. In PostgreSQL "user"
    is a column, and user is who asks."""
    is_word = engine == "postgresql" and name in RESERVED_WORDS
    if name.isidentifier() and name == name.lower() and not is_word:
        return name
    return f"`{name}`" if engine == "mysql" else f'"{name}"'


def _lists_collapsed(words: list[str]) -> list[str]:
    """`in ( ? , ? , ? )` becomes `in ( ? )`, also where the text was cut off inside; rows of VALUES become one row."""
    kept: list[str] = []
    place = 0
    while place < len(words):
        word = words[place]
        end = _end_of_list(words, place) if word in ("(", "[") else None
        if end == len(words) and kept and kept[-1] in _LISTS:
            return [*kept, word, "?", ")" if word == "(" else "]"]
        if end is None or end == len(words):
            kept.append(word)
            place += 1
            continue
        opened_by_list = bool(kept) and kept[-1] in _LISTS
        another_row = kept[-4:] == ["(", "?", ")", ","] and word == "("
        if another_row:
            kept.pop()
        elif opened_by_list:
            kept += [word, "?", words[end]]
        else:
            kept += words[place : end + 1]
        place = end + 1
    return kept


def _end_of_list(words: list[str], place: int) -> int | None:
    """The closing bracket of a list of constants that opens at `place`, or the end of a text that was cut off inside
    it; None when something else is in it."""
    for end in range(place + 1, len(words)):
        if words[end] in (")", "]"):
            return end if end > place + 1 else None
        if words[end] not in ("?", ",", "null"):
            return None
    return len(words)


def _joined(words: list[str]) -> str:
    parts: list[str] = []
    for place, word in enumerate(words):
        before = words[place - 1] if place else ""
        tight = word in (",", ")", "]", ".", "::", ";", "[") or before in ("", "(", "[", ".", "::")
        calls = word == "(" and (before.replace("_", "a").isalnum() and before not in _SPACED)
        parts.append(word if tight or calls else f" {word}")
    return "".join(parts)


_SPACED = frozenset(
    {"in", "values", "and", "or", "not", "where", "from", "as", "on", "using", "exists", "select", "over", "any", "all"}
    | {"by", "join", "union", "when", "then", "else", "case", "set", "with", "recursive", "into", "except", "like"}
)
