"""A statement as pg_stat_statements counted it, made into one that can be parsed and explained. Pure.

The extension puts a parameter in place of every constant, of a typed one as well: `date '2026-01-01'` becomes
`date $1`, which no parser takes. What SQL's own PREPARE named is counted with that word in front.
"""

import re

from housecall.engines.tokens import TokenError, postgresql_tokens

_TYPES = (
    "date|timestamptz|timestamp|timetz|time|interval|uuid|inet|cidr|numeric|decimal|float8|int8|int4|bigint|integer|text"
    "|varchar|jsonb|json|bytea|point|tsquery|tsvector|xml|regclass"
)
_TYPED_PARAMETER = re.compile(
    rf"(?<![\w.\"$:])({_TYPES})(\s*\(\s*\d+\s*\))?(\s+with(?:out)?\s+time\s+zone)?\s+(\$\d+)(?![\w$])", re.IGNORECASE
)
_PREPARED = re.compile(r"\s*prepare\s+(?:\w+|\"[^\"]+\")\s*(?:\([^()]*(?:\([^()]*\)[^()]*)*\))?\s*as\s+", re.IGNORECASE)


def as_statement(counted: str) -> str:
    """The statement inside, with `$1::date` for `date $1`; any other text as it is."""
    prepared = _PREPARED.match(counted)
    statement = counted[prepared.end() :] if prepared else counted
    return _TYPED_PARAMETER.sub(lambda found: f"{found[4]}::{found[1]}{found[2] or ''}{found[3] or ''}", statement)


def parameters_apart(sql: str) -> str:
    """The text with a space behind each `$1`: sqlglot takes what stands between two dollar signs without a space, as in
    `IN ($1,$2)` or `doc->$1->>$2`, for the tag of a dollar-quoted string. Quoted text stays as it is."""
    if "$" not in sql:
        return sql
    try:
        ends = [token.end for token in postgresql_tokens(sql, lenient=True) if token.kind == "parameter"]
    except TokenError:
        return sql
    starts = [0, *ends]
    return " ".join(sql[start:end] for start, end in zip(starts, [*ends, len(sql)], strict=True))
