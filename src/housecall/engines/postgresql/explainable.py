"""Which statements a snapshot asks the planner about: the costliest that can be explained.

Chosen from the readings `top_statements` and, where that extension is missing, from the sessions seen running.
"""

from collections.abc import Mapping

from housecall.engines.engine import Rows, Unavailable
from housecall.engines.fingerprint import fingerprint
from housecall.engines.postgresql.counted_text import as_statement

MOST_STATEMENTS = 5
"""Each costs one EXPLAIN, a few milliseconds; the share of time of the sixth statement seldom matters."""


def statements_to_explain(readings: Mapping[str, Rows | Unavailable]) -> tuple[str, ...]:
    """Texts as a parser takes them, costliest first; of statements that differ in their values only, one."""
    found: list[str] = []
    for name in ("top_statements", "running_statements"):
        rows = readings.get(name, ())
        if not isinstance(rows, Unavailable):
            found.extend(as_statement(getattr(row, "query", "") or "") for row in rows)
    explainable: dict[str, str] = {}
    for text in found:
        if is_explainable(text):
            explainable.setdefault(fingerprint(text, "postgresql"), text)
    return tuple(explainable.values())[:MOST_STATEMENTS]


def is_explainable(statement: str) -> bool:
    """Whether EXPLAIN takes this text: one whole statement that reads or changes rows."""
    words = statement.lstrip("( \n\t").split(None, 1)
    return bool(words) and words[0].upper() in {
        "SELECT",
        "WITH",
        "INSERT",
        "UPDATE",
        "DELETE",
        "VALUES",
        "TABLE",
        "MERGE",
    }
