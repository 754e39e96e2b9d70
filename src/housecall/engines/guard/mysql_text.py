"""Whether a MySQL text can be read in one way only.

What a literal, a name or a comment is depends on sql_mode and on the server: `"a"` is text or a name, a backslash
escapes or does
not, `||` joins texts or means OR, and what stands in `/*! */` runs. A text whose meaning hangs on any of that is
refused,
so that the guard's reading of it is the server's.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from housecall.engines.guard.verdict import Refusal
from housecall.engines.tokens import Token, TokenError, mysql_tokens

_CODE_IN_COMMENT = re.compile(r"/\*(?:M?!|\+)")
_NAME_CHARACTER = re.compile(r"[A-Za-z_$\x80-\U0010ffff]")
_PLAIN_CHARSETS = frozenset({"_utf8", "_utf8mb3", "_utf8mb4", "_ascii", "_latin1", "_binary"})


def readable_tokens(sql: str) -> tuple[Token, ...]:
    """The tokens of a text that every server and every sql_mode reads alike. Raises Refusal."""
    try:
        tokens = mysql_tokens(sql)
    except TokenError as error:
        _refuse_code_in_comments(sql, ())
        raise _unreadable(str(error)) from error
    _refuse_code_in_comments(sql, tokens)
    _refuse_delimiter(tokens)
    for token in tokens:
        _refuse_two_readings(sql, token)
    for first, second in pairwise(tokens):
        _refuse_pairs(first, second)
    return tokens


def _refuse_code_in_comments(sql: str, tokens: Sequence[Token]) -> None:
    literals = [(token.start, token.end) for token in tokens if token.kind in ("string", "quoted")]
    for mark in _CODE_IN_COMMENT.finditer(sql):
        if any(start < mark.start() < end for start, end in literals):
            continue
        if mark[0].endswith("+"):
            raise Refusal(
                "version_comment",
                "An optimizer hint /*+ */ is refused: it can set the session's limits aside. Leave it out.",
            )
        raise Refusal(
            "version_comment",
            "A comment that begins with /*! or /*M! is refused: MySQL and MariaDB run what is in it. Write the "
            "statement "
            "without it.",
        )


def _refuse_delimiter(tokens: Sequence[Token]) -> None:
    if tokens and tokens[0].kind == "name" and tokens[0].text == "delimiter":
        raise Refusal(
            "several_statements",
            "DELIMITER is refused: it is a command of the mysql client that lets several statements pass as one.",
            "delimiter",
        )


def _refuse_two_readings(sql: str, token: Token) -> None:
    if token.kind == "string" and "\\" in token.text and not _ends_alike(sql, token):
        raise _unreadable(
            "a backslash before a quote ends a literal under one sql_mode and not under another "
            "(NO_BACKSLASH_ESCAPES); "
            "write the quote twice"
        )
    if token.kind == "operator" and token.text == "||":
        raise _unreadable("|| means OR or joins texts, as sql_mode says (PIPES_AS_CONCAT); write OR or CONCAT()")
    if token.kind == "number" and ("_" in token.text or _NAME_CHARACTER.match(sql, token.end)):
        raise _unreadable(f"a number runs into a name at {sql[token.start : token.end + 10]!r}")
    if token.kind == "name" and any(letter.isspace() for letter in token.text):
        raise _unreadable("a space that is not ASCII belongs to the name beside it; use plain spaces")
    if token.kind == "mark" and token.text in "{}":
        raise _unreadable("{ } escapes of ODBC are not known to Housecall; write the expression itself")
    if token.kind == "string" and token.text.startswith("_"):
        _refuse_charset(token.text.partition("'")[0])


def _ends_alike(sql: str, token: Token) -> bool:
    """Whether the literal ends at the same place when a backslash is a character like any other."""
    quote = '"' if token.text.startswith('"') else "'"
    place = sql.index(quote, token.start) + 1
    while True:
        end = sql.find(quote, place)
        if end < 0 or end >= token.end - 1:
            return end == token.end - 1 and sql[end + 1 : end + 2] != quote
        if sql[end + 1] != quote:
            return False
        place = end + 2


def _refuse_pairs(first: Token, second: Token) -> None:
    if first.kind == "string" and first.text.startswith('"') and second.text in ("(", "."):
        raise _unreadable('"..." is text, or a name where sql_mode has ANSI_QUOTES; quote names with backticks')
    if first.kind == "name" and first.text.startswith("_") and second.kind in ("string", "number"):
        _refuse_charset(first.text)


def _refuse_charset(introducer: str) -> None:
    if introducer.lower() not in _PLAIN_CHARSETS:
        raise _unreadable(
            f"{introducer} reads a literal in another character set, where its bytes mean other characters"
        )


def _unreadable(why: str) -> Refusal:
    return Refusal("unreadable", f"The statement cannot be read with certainty: {why}.")
