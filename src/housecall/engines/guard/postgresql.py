"""The guard for PostgreSQL: which statements pass.

1. The text is cut into the server's own tokens, under both settings of standard_conforming_strings where they differ;
   each way of reading it must pass.
2. One statement, of a kind that reads. EXPLAIN is taken off and its body examined as a statement; without ANALYZE it
   is only planned, so it may be a write and may use the functions and types of users.
3. `walk` refuses calls, types, operators, locks and writes at the tokens.
4. sqlglot must find the same literals and names in the same places, and understand the statement as a query.
5. `cost` refuses what would run away, as far as the text shows it.

A read-only transaction alone is no guard. On PostgreSQL 15.18 and 18.4 these ran inside one, as a superuser: COPY
TO PROGRAM and to a file, DO, LOCK TABLE ... ACCESS EXCLUSIVE, PREPARE of a write, pg_sleep, pg_terminate_backend,
pg_stat_reset, pg_reload_conf, pg_switch_wal, pg_logical_emit_message, slots made and dropped, advisory locks,
set_config, SET ROLE, pg_notify, txid_current, brin_summarize_new_values, files read, and user code behind a domain
or an operator; on 15 also lo_import and lo_creat. It stopped writes to tables, nextval and setval, FOR UPDATE and
SELECT INTO.
"""

import logging
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import sqlglot
from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import SqlglotError

from housecall.engines.guard.cost import refuse_runaways
from housecall.engines.guard.kinds import READS, WRITES_TO_EXPLAIN, refuse_kind
from housecall.engines.guard.tables import tables_named
from housecall.engines.guard.verdict import GuardVerdict, Refusal
from housecall.engines.guard.walk import Walk
from housecall.engines.keywords import words
from housecall.engines.tokens import Token, TokenError, postgresql_tokens

MAX_DEPTH = 60
"""Levels of parentheses; deeper text is made by a machine against a parser, not by a person."""

_EXPLAIN_OPTIONS = words(
    "analyze verbose costs settings generic_plan buffers wal timing summary memory serialize format"
)
_OPTION_VALUES = words("true false on off text xml json yaml none binary 0 1")
_OFF = ("false", "off", "0")
_CHANGES = (exp.Insert, exp.Update, exp.Delete, exp.Merge)
_NEVER = (exp.Command, exp.Create, exp.Drop, exp.Alter, exp.Into, exp.Lock, exp.Set, exp.Copy, exp.TruncateTable)

logging.getLogger("sqlglot").setLevel(logging.ERROR)


def examine_postgresql(sql: str, known_volatile: frozenset[str]) -> GuardVerdict:
    """The verdict for a text that is short enough to read. Raises Refusal."""
    if "/*!" in sql or "/*M!" in sql:
        _refuse_version_comments(sql)
    readings = _readings(sql)
    verdict = _examine(sql, readings[0], known_volatile)
    for reading in readings[1:]:
        _examine_tokens(reading, known_volatile)
    return verdict


def _readings(sql: str) -> list[tuple[Token, ...]]:
    """The ways in which a server can read the text: one, or two where a backslash stands in a plain literal."""
    try:
        tokens = postgresql_tokens(sql)
    except TokenError as error:
        raise Refusal("unreadable", f"The statement cannot be read with certainty: {error}.") from error
    if not any(token.kind == "string" and not token.prefix and "\\" in token.text for token in tokens):
        return [tokens]
    try:
        other = postgresql_tokens(sql, standard_strings=False)
    except TokenError:
        return [tokens]  # such a server finds the same error and runs nothing
    return [tokens] if [token.end for token in other] == [token.end for token in tokens] else [tokens, other]


def _refuse_version_comments(sql: str) -> None:
    """`/*!50000 … */` is code for MySQL and MariaDB and a comment here. In a literal it is only text."""
    try:
        literals = [token for token in postgresql_tokens(sql) if token.kind in ("string", "quoted")]
    except TokenError:
        literals = []
    for mark in ("/*!", "/*M!"):
        place = sql.find(mark)
        while place >= 0:
            if not any(token.start < place < token.end for token in literals):
                raise Refusal(
                    "version_comment",
                    "A comment that begins with /*! is refused: MySQL and MariaDB run what is in it. Write the "
                    "statement "
                    "without it.",
                )
            place = sql.find(mark, place + 1)


def _examine_tokens(tokens: Sequence[Token], known_volatile: frozenset[str]) -> tuple[str, Sequence[Token], Walk]:
    """The kind of statement, the tokens of what is examined (the body of EXPLAIN) and what the walk found."""
    tokens = _single(tokens)
    kind, body, mode = _kind(tokens)
    walk = Walk(body, known_volatile, plans_only=mode != "run", plans_write=mode == "plan_write")
    if kind != "show":
        try:
            walk.run()
        except Refusal as refusal:
            raise Refusal(refusal.code, refusal.reason, kind) from None
    return kind, body, walk


def _examine(sql: str, tokens: Sequence[Token], known_volatile: frozenset[str]) -> GuardVerdict:
    kind, body, walk = _examine_tokens(tokens, known_volatile)
    if kind == "show":
        return GuardVerdict(True, "ok", "", kind)
    try:
        tree = _parse(sql[body[0].start : body[-1].end], body, walk)
        if not walk.plans_only:
            refuse_runaways(tree)
    except RecursionError:
        raise Refusal("unparsable", "The statement is nested too deeply to be examined; split it.", kind) from None
    return GuardVerdict(True, "ok", "", kind, tables_named(tree), tuple(walk.functions))


def _single(tokens: Sequence[Token]) -> Sequence[Token]:
    """The tokens without the semicolons at the end. Raises Refusal for none, for several statements, for "
    "brackets astray."""
    end = len(tokens)
    while end and tokens[end - 1].text == ";" and tokens[end - 1].kind == "mark":
        end -= 1
    if not end:
        raise Refusal("empty", "There is no statement in the text. Write one SELECT.")
    depth = 0
    for token in tokens[:end]:
        if token.kind != "mark":
            continue
        if token.text == ";":
            raise Refusal(
                "several_statements",
                "Several statements in one text are refused, since the later ones run unseen. Ask for one at a time.",
            )
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(token.text, 0)
        if depth < 0 or depth > MAX_DEPTH:
            break
    if depth:
        raise Refusal("unparsable", "The parentheses of the statement do not match, or nest too deeply.")
    return tokens[:end]


_Mode = Literal["run", "plan", "plan_write"]


def _kind(tokens: Sequence[Token]) -> tuple[str, Sequence[Token], _Mode]:
    """The kind, the tokens of the query in it, and whether that is run or only planned. Raises Refusal."""
    first = _first_word(tokens)
    if first == "explain":
        return _explained(tokens)
    if first == "show":
        if all(token.is_name or token.text == "." for token in tokens[1:]) and len(tokens) > 1:
            return "show", tokens, "run"
        raise Refusal("unparsable", "SHOW takes the name of one setting, or ALL.", first)
    if first not in READS:
        refuse_kind(first)
    return ("select" if first == "with" else first), tokens, "run"


def _first_word(tokens: Sequence[Token]) -> str:
    """The keyword that a statement begins with, inside any parentheses around it."""
    first = next((token for token in tokens if token.text != "(" or token.kind != "mark"), None)
    return first.text if first is not None and first.kind == "name" else ""


def _explained(tokens: Sequence[Token]) -> tuple[str, Sequence[Token], _Mode]:
    place, runs = 1, False
    if len(tokens) > 2 and tokens[1].text == "(" and tokens[2].text in _EXPLAIN_OPTIONS | {"analyse"}:
        place, runs = _explain_options(tokens)
    else:
        while place < len(tokens) and tokens[place].text in ("analyze", "analyse", "verbose"):
            runs = runs or tokens[place].text != "verbose"
            place += 1
    body = tokens[place:]
    first = _first_word(body)
    if first in WRITES_TO_EXPLAIN:
        if runs:
            raise Refusal(
                "explain_runs_a_write",
                f"EXPLAIN ANALYZE of {first.upper()} is refused: ANALYZE runs the statement. Use EXPLAIN "
                f"without ANALYZE.",
                "explain",
            )
        return "explain", body, "plan_write"
    if first not in READS or first == "explain":
        refuse_kind(first, "EXPLAIN of ")
    if runs:
        return "explain", body, "run"
    # Behind WITH a write may stand, in one of its queries or after them: without ANALYZE it is planned and no more.
    return "explain", body, "plan_write" if first == "with" else "plan"


def _explain_options(tokens: Sequence[Token]) -> tuple[int, bool]:
    """Where the body begins and whether ANALYZE is on. Any mention of ANALYZE that is not plainly off counts as on."""
    runs, place = False, 2
    while place < len(tokens) and tokens[place].text != ")":
        word = tokens[place].text.strip("'").lower()
        if word in ("analyze", "analyse"):
            runs = runs or tokens[place + 1].text.strip("'").lower() not in _OFF
        elif word not in _EXPLAIN_OPTIONS | _OPTION_VALUES | {","}:
            raise Refusal("unparsable", f"EXPLAIN has no option {word!r} that Housecall knows.", "explain")
        place += 1
    return place + 1, runs


def _parse(sql: str, tokens: Sequence[Token], walk: Walk) -> exp.Expr:
    try:
        _refuse_disagreement(sql, tokens)
        statements = sqlglot.parse(_plainly(sql, tokens), read="postgres")
    except (SqlglotError, ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
        # sqlglot documents its own errors only; on odd text it was seen to fail with the others as well
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Refusal(
            "unparsable",
            f"The statement is not SQL that Housecall can understand, so it is not run: {first_line[:200]}",
        ) from error
    tree = statements[0] if len(statements) == 1 else None
    if not isinstance(tree, exp.Query | exp.Values | exp.Table) and not (
        walk.plans_write and isinstance(tree, _CHANGES)
    ):
        raise Refusal(
            "not_read_only", "Only a statement that reads is run: SELECT, VALUES, TABLE, WITH, EXPLAIN, SHOW."
        )
    for node in tree.walk():
        if isinstance(node, exp.Lock) and walk.plans_only:
            continue
        if isinstance(node, _NEVER) or (isinstance(node, _CHANGES) and not walk.plans_write):
            raise Refusal("writes_data", "The statement does more than read; only reading is allowed.")
    return tree


def _refuse_disagreement(sql: str, tokens: Sequence[Token]) -> None:
    """Both scanners must see literals and quoted names at the same places, else one of them is being misled."""
    shift = tokens[0].start
    ours = [(t.start - shift, t.end - shift) for t in tokens if t.kind in ("string", "quoted")]
    theirs = [(t.start, t.end + 1) for t in Postgres().tokenize(sql) if t.token_type.name in _QUOTED_TOKENS]
    if ours != theirs or any(_runs_on(*pair) for pair in pairwise(tokens)):
        raise Refusal(
            "unreadable",
            "Literals or comments of the statement can be read in two ways, so it is not run. Write plain "
            "'literals' on one "
            "line and no backslashes before quotes.",
        )


_QUOTED_TOKENS = words(
    "STRING NATIONAL_STRING BYTE_STRING BIT_STRING HEX_STRING HEREDOC_STRING RAW_STRING UNICODE_STRING IDENTIFIER"
)


def _runs_on(token: Token, following: Token) -> bool:
    """`E'a' <newline> 'b'`: the server reads the second literal by the rules of the first."""
    return token.kind == following.kind == "string" and bool(token.prefix)


def _plainly(sql: str, tokens: Sequence[Token]) -> str:
    """The statement without comments and with single spaces, which sqlglot reads better, and without `pg_catalog.`
    before calls, since it knows the built-ins by their bare names only."""
    shift, end = tokens[0].start, tokens[0].start
    parts: list[str] = []
    skipped = False
    for place, token in enumerate(tokens):
        if skipped:
            skipped = False
        elif _prefixes_a_call(tokens[place : place + 4]):
            skipped = True
            parts.append(" ")
        else:
            parts.append(("" if token.start == end else " ") + sql[token.start - shift : token.end - shift])
        end = token.end
    return "".join(parts)


def _prefixes_a_call(tokens: Sequence[Token]) -> bool:
    if len(tokens) < 4 or not tokens[0].is_name or tokens[0].text != "pg_catalog":
        return False
    return tokens[1].text == "." and tokens[3].text == "("
