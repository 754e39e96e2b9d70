"""What the guard answers, and the rules that it names."""

from dataclasses import dataclass
from typing import Literal

RuleCode = Literal[
    "ok", "empty", "too_long", "unreadable", "unparsable", "several_statements", "not_read_only", "writes_data",
    "changes_structure", "changes_session", "locks_rows", "select_into", "explain_runs_a_write", "function_not_known",
    "function_has_effect", "function_sleeps", "function_reads_files", "function_runs_sql", "function_signals",
    "function_locks", "function_changes_sequence", "function_changes_replication", "function_changes_session",
    "function_resets_statistics", "large_object", "attribute_call",
    "user_defined_type", "user_defined_operator", "secret_relation", "version_comment", "too_many_rows",
    "too_much_memory", "endless_recursion",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class GuardVerdict:
    """Whether free SQL may go to a monitored instance.

    `reason` is for people and for the model: what is refused, why, and what to do instead; empty when allowed.
    `statement` is the kind (`select`, `values`, `table`, `explain`, `show`, or the word that a refused statement begins
    with). `tables` and `functions` are the names in the text, as far as it could be read.
    """

    allowed: bool
    code: RuleCode
    reason: str
    statement: str = ""
    tables: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()


class Refusal(Exception):
    """Ends the examination of a statement; never leaves this package."""

    def __init__(self, code: RuleCode, reason: str, statement: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.statement = statement
