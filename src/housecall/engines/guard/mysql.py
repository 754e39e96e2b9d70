"""The guard for MySQL and MariaDB: which statements pass.

1. The text must be one that every server and every sql_mode reads alike (`mysql_text`).
2. One statement, of a kind that reads. EXPLAIN without ANALYZE is only planned, so it may be a write; but the
optimizer runs
   functions of constants, so what it calls is judged as in a query.
3. `mysql_walk` refuses calls, locks, INTO, assignments and secrets at the tokens.
4. sqlglot must find the same literals in the same places, and understand the statement as a query.
5. `cost` refuses what would run away, as far as the text shows it.
"""

import logging
from collections.abc import Sequence

import sqlglot
from sqlglot import exp
from sqlglot.dialects.mysql import MySQL
from sqlglot.errors import SqlglotError

from housecall.engines.guard.cost import refuse_runaways
from housecall.engines.guard.kinds import READS, WRITES_TO_EXPLAIN, refuse_kind
from housecall.engines.guard.mysql_text import readable_tokens
from housecall.engines.guard.mysql_walk import MySQLWalk
from housecall.engines.guard.tables import tables_named
from housecall.engines.guard.verdict import GuardVerdict, Refusal
from housecall.engines.keywords import words
from housecall.engines.tokens import Token

MAX_DEPTH = 60
_WRITES = (WRITES_TO_EXPLAIN - {"merge"}) | {"replace"}
_SHOWS = words("""
all_plugins authors binary character charset client_statistics collation columns contributors count create databases
engine
engines errors events extended fields full function global index index_statistics indexes keys local locales master open
package plugins procedure processlist privileges profile profiles replica replicas schemas session slave status
storage table
table_statistics tables triggers user_statistics variables warnings
""")
_SECRET_SHOWS = {("create", "user"), ("create", "server")}
_NEVER = (exp.Command, exp.Create, exp.Drop, exp.Alter, exp.Into, exp.Lock, exp.Set, exp.Copy, exp.TruncateTable,
          exp.Insert, exp.Update, exp.Delete, exp.Merge)  # fmt: skip
_QUOTED_TOKENS = words("STRING NATIONAL_STRING BYTE_STRING BIT_STRING HEX_STRING RAW_STRING UNICODE_STRING IDENTIFIER")

logging.getLogger("sqlglot").setLevel(logging.ERROR)


def examine_mysql(sql: str, known_stored: frozenset[str]) -> GuardVerdict:
    """The verdict for a text that is short enough to read. Raises Refusal."""
    tokens = _single(readable_tokens(sql))
    first = _first_word(tokens)
    if first == "show":
        return _show(tokens, known_stored)
    if first in ("explain", "describe", "desc") or (first == "analyze" and _is_analyze_of_statement(tokens)):
        return _explain(sql, tokens, known_stored)
    if first not in READS:
        refuse_kind(first)
    return _query(sql, tokens, known_stored, "select" if first == "with" else first)


def _single(tokens: Sequence[Token]) -> Sequence[Token]:
    """The tokens without the semicolons at the end. Raises Refusal for none, for several, for brackets astray."""
    end = len(tokens)
    while end and tokens[end - 1].text == ";":
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
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if not 0 <= depth <= MAX_DEPTH:
            break
    if depth:
        raise Refusal("unparsable", "The parentheses of the statement do not match, or nest too deeply.")
    return tokens[:end]


def _first_word(tokens: Sequence[Token]) -> str:
    """The keyword that a statement begins with, inside any parentheses around it."""
    first = next((token for token in tokens if token.text != "("), None)
    return first.text if first is not None and first.kind == "name" else ""


def _walked(
    tokens: Sequence[Token],
    known_stored: frozenset[str],
    kind: str,
    *,
    plans_only: bool = False,
    plans_write: bool = False,
) -> MySQLWalk:
    walk = MySQLWalk(tokens, known_stored, plans_only=plans_only, plans_write=plans_write)
    try:
        walk.run()
    except Refusal as refusal:
        raise Refusal(refusal.code, refusal.reason, kind) from None
    return walk


def _show(tokens: Sequence[Token], known_stored: frozenset[str]) -> GuardVerdict:
    following = [token.text for token in tokens[1:4]]
    what, then = (*following, "", "")[:2]
    if (what, then) in _SECRET_SHOWS or what == "grants":
        raise Refusal(
            "secret_relation",
            f"SHOW {' '.join(following[:2]).upper()} is refused: it shows password hashes. Read "
            "information_schema.USER_PRIVILEGES instead.",
            "show",
        )
    if what not in _SHOWS or (what == "binary" and then not in ("logs", "log")):
        raise Refusal(
            "not_read_only",
            f"SHOW {what.upper()} is refused: it is not one of those known to read and to be brief.",
            "show",
        )
    first_name = 2 if what in ("procedure", "function") or then in ("procedure", "function") else 0
    _walked([token for place, token in enumerate(tokens) if place > first_name or not first_name], known_stored, "show")
    return GuardVerdict(True, "ok", "", "show")


def _is_analyze_of_statement(tokens: Sequence[Token]) -> bool:
    """MariaDB's `ANALYZE [FORMAT=JSON] SELECT`, which runs it; `ANALYZE TABLE` is upkeep."""
    following = tokens[1].text if len(tokens) > 1 else ""
    return following in ("format", "(") or following in READS - {"table"} or following in _WRITES


def _explain(sql: str, tokens: Sequence[Token], known_stored: frozenset[str]) -> GuardVerdict:
    runs, place = tokens[0].text == "analyze", 1
    while place < len(tokens) and tokens[place].text in ("analyze", "extended", "partitions", "format"):
        word = tokens[place].text
        runs = runs or word == "analyze"
        place += 3 if word == "format" and tokens[place + 1 : place + 2] and tokens[place + 1].text == "=" else 1
    body = tokens[place:]
    first = _first_word(body)
    if first in ("for", "into"):
        raise Refusal(
            "not_read_only",
            f"EXPLAIN {first.upper()} is refused: it interrupts another session, or stores the plan in a "
            f"variable. Explain the "
            "statement itself.",
            "explain",
        )
    if runs and first in _WRITES:
        raise Refusal(
            "explain_runs_a_write",
            f"ANALYZE of {first.upper()} is refused: it runs the statement. Use EXPLAIN without ANALYZE.",
            "explain",
        )
    if runs:
        if first not in READS:
            refuse_kind(first, "EXPLAIN of ")
        return _query(sql, body, known_stored, "explain")
    if first not in READS | _WRITES:
        if all(token.is_name or token.text == "." or token.kind == "string" for token in body) and body:
            _walked(body, known_stored, "explain")  # DESCRIBE shop.orders
            return GuardVerdict(True, "ok", "", "explain")
        refuse_kind(first, "EXPLAIN of ")
    walk = _walked(body, known_stored, "explain", plans_only=True, plans_write=first in _WRITES)
    return GuardVerdict(True, "ok", "", "explain", (), tuple(walk.functions))


def _query(sql: str, tokens: Sequence[Token], known_stored: frozenset[str], kind: str) -> GuardVerdict:
    walk = _walked(tokens, known_stored, kind)
    try:
        tree = _parse(sql[tokens[0].start : tokens[-1].end], tokens)
        refuse_runaways(tree)
    except RecursionError:
        raise Refusal("unparsable", "The statement is nested too deeply to be examined; split it.", kind) from None
    return GuardVerdict(True, "ok", "", kind, tables_named(tree), tuple(walk.functions))


def _parse(sql: str, tokens: Sequence[Token]) -> exp.Expr:
    try:
        _refuse_disagreement(sql, tokens)
        statements = sqlglot.parse(_plainly(sql, tokens), read="mysql")
    except (SqlglotError, ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
        # sqlglot documents its own errors only; on odd text it was seen to fail with the others as well
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Refusal(
            "unparsable",
            f"The statement is not SQL that Housecall can understand, so it is not run: {first_line[:200]}",
        ) from error
    tree = statements[0] if len(statements) == 1 else None
    if not isinstance(tree, exp.Query | exp.Values | exp.Table):
        raise Refusal(
            "not_read_only", "Only a statement that reads is run: SELECT, VALUES, TABLE, WITH, EXPLAIN, SHOW."
        )
    for node in tree.walk():
        if isinstance(node, _NEVER):
            raise Refusal("writes_data", "The statement does more than read; only reading is allowed.")
    return tree


def _refuse_disagreement(sql: str, tokens: Sequence[Token]) -> None:
    """Both scanners must see literals and quoted names end at the same places, else one of them is being misled."""
    shift = tokens[0].start
    ours = [token.end - shift for token in tokens if token.kind in ("string", "quoted")]
    theirs = [token.end + 1 for token in MySQL().tokenize(sql) if token.token_type.name in _QUOTED_TOKENS]
    if [end for end in theirs if end in set(ours)] != ours:
        raise Refusal(
            "unreadable",
            "Literals or comments of the statement can be read in two ways, so it is not run. Write plain 'literals'.",
        )


def _plainly(sql: str, tokens: Sequence[Token]) -> str:
    """The statement without comments and with single spaces, which sqlglot reads better."""
    shift, end = tokens[0].start, tokens[0].start
    parts: list[str] = []
    for token in tokens:
        parts.append(("" if token.start == end else " ") + sql[token.start - shift : token.end - shift])
        end = token.end
    return "".join(parts)
