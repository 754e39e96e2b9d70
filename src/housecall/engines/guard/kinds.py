"""Kinds of statements, by the word that they begin with, and why those that do not read are refused."""

from typing import NoReturn

from housecall.engines.guard.verdict import Refusal, RuleCode

READS = frozenset({"select", "values", "table", "with"})
WRITES_TO_EXPLAIN = frozenset({"insert", "update", "delete", "merge"})

_APPROVE = "Only reading is allowed; ask for a remedy, which a person approves."
_REASONS: tuple[tuple[str, RuleCode, str], ...] = (
    ("insert update delete merge replace", "writes_data", f"changes data. {_APPROVE}"),
    ("truncate", "writes_data", f"empties a table. {_APPROVE}"),
    ("copy load import", "writes_data", "moves data between tables, files and programs. Use SELECT to read rows."),
    (
        (
            "create alter drop rename comment grant revoke reassign security refresh reindex cluster vacuum analyze "
            "analyse "
            "optimize repair"
        ),
        "changes_structure",
        f"changes the structure, the rights or the upkeep of the database. {_APPROVE}",
    ),
    ("do call", "not_read_only", "runs code that cannot be examined. Write the query itself."),
    (
        (
            "set reset discard use begin start commit end rollback abort savepoint release prepare execute "
            "deallocate declare "
            "fetch move close"
        ),
        "changes_session",
        "changes the session or its transaction, or runs what was prepared before. Send the query itself.",
    ),
    (
        "listen unlisten notify",
        "changes_session",
        "sends or awaits messages between sessions. Only reading is allowed.",
    ),
    ("lock unlock handler", "function_locks", "takes locks that block others. Read pg_locks to see the locks."),
    ("checkpoint kill shutdown flush purge", "function_signals", f"acts on the server as a whole. {_APPROVE}"),
)


def refuse_kind(word: str, prefix: str = "") -> NoReturn:
    """Raises the Refusal for a statement that begins with `word`."""
    for words, code, why in _REASONS:
        if word in words.split():
            raise Refusal(code, f"{prefix}{word.upper()} is refused: it {why}", word)
    shown = f"{prefix}{word.upper()}" if word else f"{prefix}this text"
    raise Refusal(
        "not_read_only",
        f"{shown} is refused: only SELECT, VALUES, TABLE, WITH, EXPLAIN and SHOW are known to read and nothing else.",
        word,
    )
