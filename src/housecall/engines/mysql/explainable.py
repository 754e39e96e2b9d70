"""Which statements a snapshot asks the optimizer about, and how their texts become ones that it takes.

performance_schema gives digests with `?` in place of values and `...` for lists; EXPLAIN takes neither. Where the
server kept
a sample of the statement that is used; else each `?` becomes the text '1', which compares with a column of any type
without a conversion of the column.
"""

import re
from collections.abc import Mapping

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from housecall.engines.engine import Rows, Unavailable
from housecall.engines.tokens import Token, TokenError, mysql_tokens

MOST_STATEMENTS = 6
"""Each costs one EXPLAIN, a few milliseconds; the share of time of the seventh statement seldom matters."""

_READS_OR_CHANGES = {"select", "with", "update", "delete"}
_SCHEMA = re.compile(r"/\*schema:([^*]*)\*/\s*")
_STANDS_FOR_VALUES = re.compile(r"\(\s*\.\.\.\s*\)(?:\s*/\* *, *\.\.\. *\*/)?|/\* *, *\.\.\. *\*/")
_MORE_VALUES = re.compile(r"\?\s*,\s*\.\.\.")
_LIMIT_OF_TWO = re.compile(r"\bLIMIT\s+\?\s*,\s*\.\.\.", re.IGNORECASE)
_UNIT = re.compile(r"\bSQL_TSI_(SECOND|MINUTE|HOUR|DAY|WEEK|MONTH|QUARTER|YEAR)\b", re.IGNORECASE)
_QUOTED_CALL = re.compile(r"`([A-Za-z_][A-Za-z0-9_]*)`\s*\(")
_QUOTED_OR_WORD = re.compile(r"""`[^`]*`?|'[^']*'?|"[^"]*"?|[A-Za-z_][A-Za-z0-9_]*""")
_ONLY_NUMBERS = {"limit", "offset"}


def statements_to_explain(readings: Mapping[str, Rows | Unavailable]) -> tuple[str, ...]:
    """Texts as the readings gave them (`explainable`), each once, costliest first; then what sessions were seen
    running."""
    found: list[str] = []
    for name in ("top_statements", "sessions"):
        rows = readings.get(name, ())
        if not isinstance(rows, Unavailable):
            found.extend(getattr(row, "explainable", None) or "" for row in rows)
    usable = [text for text in dict.fromkeys(found) if is_explainable(text)]
    return tuple(usable[:MOST_STATEMENTS])


def plain_digest(text: str) -> str:
    """A digest's text as a statement that parsers and the server read: both flavours write `LIMIT ?, ...` for an offset
    and a count, `?, ...` for a list, SQL_TSI_DAY for DAY, quote the names of functions, and write a table that has the
    name of a keyword (`log`, `status`, `user`) like the keyword: without quotes and in capitals."""
    text = _in_small_letters(text)
    text = _STANDS_FOR_VALUES.sub(lambda match: "(?)" if match[0].startswith("(") else "", text)
    text = _LIMIT_OF_TWO.sub("LIMIT ?, ?", text)
    text = _MORE_VALUES.sub("?", text)
    return _QUOTED_CALL.sub(r"\1 (", _UNIT.sub(r"\1", text))


def _in_small_letters(text: str) -> str:
    """A digest's words outside of quotes: to the server a keyword is the same so, and a name mostly is. A text that has
    small letters there already is no digest."""
    words = [each for each in _QUOTED_OR_WORD.findall(text) if each[0] not in "`'\""]
    if not words or not all(each.isupper() for each in words):
        return text
    return _QUOTED_OR_WORD.sub(lambda match: match[0] if match[0][0] in "`'\"" else match[0].lower(), text)


def with_schema(schema: str | None, statement: str) -> str:
    """The text with the database that it ran in, for `schema_and_statement`."""
    return f"/*schema:{schema}*/ {statement}" if schema and "*" not in schema else statement


def schema_and_statement(text: str) -> tuple[str | None, str]:
    """The database to plan a statement in, and the statement."""
    match = _SCHEMA.match(text)
    return (match[1], text[match.end() :]) if match else (None, text)


def is_explainable(text: str) -> bool:
    """Whether a plan of this text says something: one whole statement that looks for rows."""
    statement = plain_digest(schema_and_statement(text)[1])
    word = re.match(r"[(\s]*([A-Za-z]+)", statement)
    if not word or word[1].lower() not in _READS_OR_CHANGES or statement.rstrip().endswith("..."):
        return False
    try:
        return any(token.text == "from" or token.text == "set" for token in mysql_tokens(statement))
    except TokenError:
        return False


def with_values(statement: str) -> str:
    """The statement with a value wherever a digest has a placeholder."""
    statement = plain_digest(statement) if "?" in statement or "..." in statement else statement
    parts: list[str] = []
    end, before, last = 0, "", ""
    for token in mysql_tokens(statement, lenient=True):
        if token.kind == "parameter":
            number = before in _ONLY_NUMBERS or (before == "," and last in _ONLY_NUMBERS)
            parts += [statement[end : token.start], "1" if number else "'1'"]
            end = token.end
        last = before if token.kind == "parameter" else last
        before = _word(token, before)
    return "".join(parts) + statement[end:]


def as_read(statement: str) -> str:
    """The query that finds the rows which a statement changes; a query is returned as it is.

    A read-only transaction does not even plan a write, and how the rows are found is what its plan is looked at for.
    """
    if re.match(r"[(\s]*(?:select|with|table|values)\b", statement, re.IGNORECASE):
        return statement
    try:
        tree = sqlglot.parse_one(statement, read="mysql")
    except SqlglotError:
        return statement
    if isinstance(tree, exp.Insert) and isinstance(tree.expression, exp.Query):
        return tree.expression.sql(dialect="mysql")
    where = tree.args.get("where")
    if isinstance(tree, exp.Update | exp.Delete) and isinstance(tree.this, exp.Table) and where is not None:
        return exp.select("1").from_(tree.this.copy()).where(where.this.copy()).sql(dialect="mysql")
    return statement


def _word(token: Token, before: str) -> str:
    return before if token.kind == "parameter" else token.text
