"""SQL text cut into tokens exactly as the server's own scanner cuts it.

The guard and the fingerprint both stand on this: what a statement means begins with where a literal or a name
ends, and a reader that disagrees with the server about that can be talked into anything. Text that this scanner cannot
read with certainty is a `TokenError`, never a guess; `lenient` scanning, for text that the server cut off, takes an
unfinished token as it stands.

Source: src/backend/parser/scan.l of PostgreSQL 15 and 18. Text reaches the server as UTF-8; client encodings in which a
byte of a character can be a quote or a backslash (SJIS, BIG5, GBK) are not covered and no probe uses them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

TokenKind = Literal["name", "quoted", "string", "number", "parameter", "operator", "mark"]


class TokenError(ValueError):
    """The text cannot be cut into tokens with certainty; the message says what is in the way."""


@dataclass(frozen=True, slots=True)
class Token:
    """One token. `text` is the name in lower case, the unescaped quoted name, or the raw text of anything else."""

    kind: TokenKind
    text: str
    start: int
    end: int
    prefix: str = ""

    @property
    def is_name(self) -> bool:
        return self.kind in ("name", "quoted")


_SPACE = r"[ \t\n\r\f]+"
_NAME = r"[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*"
_NUMBER = (
    r"0[xX](?:_?[0-9A-Fa-f])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+"
    r"|(?:\d(?:_?\d)*(?:\.(?!\.)(?:\d(?:_?\d)*)?)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d(?:_?\d)*)?"
)
_ESCAPED_BODY = r"(?:[^'\\]|\\.|'')*"

_POSTGRESQL = re.compile(
    rf"(?P<space>{_SPACE})"
    r"|(?P<line>--[^\n\r]*)"
    r"|(?P<block>/\*)"
    rf"|(?P<escape>[eE]'{_ESCAPED_BODY}')"
    r"|(?P<unicode>[uU]&['\"])"
    r"|(?P<bits>[bBxX]'[^']*')"
    r"|(?P<plain>[nN]?')"
    r"|(?P<dollar>\$(?:[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*)?\$)"
    r"|(?P<parameter>\$\d+)"
    r'|(?P<quoted>"(?:[^"]|"")*")'
    rf"|(?P<number>{_NUMBER})"
    rf"|(?P<name>{_NAME})"
    r"|(?P<mark>::|:=|\.\.|[,()\[\].;:])"
    r"|(?P<operator>(?:(?!--|/\*)[~!@#^&|`?+\-*/%<>=])+)",
    re.DOTALL,
)
_MYSQL = re.compile(
    rf"(?P<space>{_SPACE})"
    r"|(?P<line>--(?=[ \t\n\r\f]|$)[^\n]*|\#[^\n]*)"
    r"|(?P<block>/\*)"
    rf"|(?P<escape>(?:[nN]|_[A-Za-z0-9]+)?'{_ESCAPED_BODY}')"
    r'|(?P<double>"(?:[^"\\]|\\.|"")*")'
    r"|(?P<bits>[bBxX]'[^']*')"
    r"|(?P<quoted>`(?:[^`]|``)*`)"
    r"|(?P<parameter>\?)"
    rf"|(?P<number>{_NUMBER})"
    r"|(?P<name>@{0,2}[A-Za-z0-9_$\x80-\U0010ffff]+)"
    r"|(?P<mark>:=|[,().;:{}])"
    r"|(?P<operator>[~!@^&|+\-*/%<>=]+?(?=[^~!@^&|+\-*/%<>=]|--[ \t]|/\*|$))",
    re.DOTALL,
)
_BLOCK_EDGE = re.compile(r"/\*|\*/")
_PLAIN_BODY = re.compile(r"(?:[^']|'')*'", re.DOTALL)
_BACKSLASH_BODY = re.compile(_ESCAPED_BODY + "'", re.DOTALL)
_NAME_START = re.compile(r"[A-Za-z_$\x80-\U0010ffff]")
_UPPER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def fold(name: str) -> str:
    """Lower case as the server does it: ASCII letters only, so that no other letter turns into a keyword's."""
    return name.translate(_UPPER)


def postgresql_tokens(sql: str, *, standard_strings: bool = True, lenient: bool = False) -> tuple[Token, ...]:
    """The tokens of a PostgreSQL text, without space and comments.

    `standard_strings` is the server's setting standard_conforming_strings: when it is off, a backslash in a plain
    literal escapes what follows.

    Raises TokenError unless `lenient`.
    """
    return tuple(_scan_postgresql(sql, _PLAIN_BODY if standard_strings else _BACKSLASH_BODY, lenient))


def _scan_postgresql(sql: str, plain_body: re.Pattern[str], lenient: bool) -> Iterator[Token]:
    position = 0
    while position < len(sql):
        match = _POSTGRESQL.match(sql, position)
        if match is None:
            if not lenient:
                raise TokenError(_what_is_in_the_way(sql, position))
            match_end, kind = _end_of_garbage(sql, position), "operator"
        else:
            match_end, kind = match.end(), str(match.lastgroup)
        start, position = position, match_end
        match kind:
            case "space" | "line":
                continue
            case "block":
                position = _end_of_block(sql, start, lenient, nested=True)
            case "plain" | "dollar":
                position = _end_of_literal(sql, start, match_end, kind, plain_body, lenient)
                yield Token("string", sql[start:position], start, position, "" if kind == "plain" else "$")
            case "escape" | "bits":
                yield Token("string", sql[start:position], start, position, sql[start])
            case "unicode":
                if not lenient:
                    raise TokenError("U&\"...\" and U&'...' hide names and text behind escapes; write the characters")
                yield Token("name", fold(sql[start : start + 1]), start, start + 1)
                position = start + 1
            case "quoted":
                yield Token("quoted", sql[start + 1 : position - 1].replace('""', '"'), start, position)
            case "number":
                if not lenient and _NAME_START.match(sql, position):
                    raise TokenError(f"a number runs into a name at {sql[start : position + 10]!r}")
                yield Token("number", sql[start:position], start, position)
            case "name":
                text = sql[start:position]
                if not lenient and any(letter.isspace() for letter in text):
                    raise TokenError("a space that is not ASCII belongs to the name beside it; use plain spaces")
                yield Token("name", fold(text), start, position)
            case _:
                yield Token(kind, sql[start:position], start, position)  # type: ignore[arg-type]


def _end_of_literal(sql: str, start: int, opened: int, kind: str, plain_body: re.Pattern[str], lenient: bool) -> int:
    if kind == "dollar":
        delimiter = sql[start:opened]
        close = sql.find(delimiter, opened)
        end = close + len(delimiter) if close >= 0 else None
    else:
        body = plain_body.match(sql, opened)
        end = body.end() if body else None
    if end is None and not lenient:
        raise TokenError(f"a literal is not closed: {sql[start : start + 20]!r}")
    return len(sql) if end is None else end


def _end_of_block(sql: str, start: int, lenient: bool, *, nested: bool) -> int:
    depth = 0
    for edge in _BLOCK_EDGE.finditer(sql, start):
        if edge[0] == "*/":
            depth -= 1
        elif nested or depth == 0:
            depth += 1
        if depth == 0:
            return edge.end()
    if not lenient:
        raise TokenError("a comment is not closed")
    return len(sql)


def _end_of_garbage(sql: str, position: int) -> int:
    """What a scanner cannot read runs to the next space; an unfinished quote to the end."""
    if sql[position] in "\"'`" or sql[position : position + 2] in ("e'", "E'"):
        return len(sql)
    return position + 1


def _what_is_in_the_way(sql: str, position: int) -> str:
    letter = sql[position]
    if letter in "\"'" or sql[position + 1 : position + 2] == "'":
        return f"a quote is not closed: {sql[position : position + 20]!r}"
    return f"the character {letter!r} has no place in a statement"


def mysql_tokens(sql: str, *, lenient: bool = False) -> tuple[Token, ...]:
    """The tokens of a MySQL or MariaDB text, without space and comments, under the default sql_mode.

    Raises TokenError unless `lenient`.
    """
    return tuple(_scan_mysql(sql, lenient))


def _scan_mysql(sql: str, lenient: bool) -> Iterator[Token]:
    position = 0
    while position < len(sql):
        match = _MYSQL.match(sql, position)
        if match is None and not lenient:
            raise TokenError(_what_is_in_the_way(sql, position))
        start, position = position, match.end() if match else _end_of_garbage(sql, position)
        kind = str(match.lastgroup) if match else "operator"
        if kind in ("space", "line"):
            continue
        if kind == "block":
            position = _end_of_block(sql, start, lenient, nested=False)
        elif kind in ("escape", "double", "bits"):
            yield Token("string", sql[start:position], start, position)
        elif kind == "quoted":
            yield Token("quoted", sql[start + 1 : position - 1].replace("``", "`"), start, position)
        else:
            text = sql[start:position]
            yield Token(kind, fold(text) if kind == "name" else text, start, position)  # type: ignore[arg-type]
