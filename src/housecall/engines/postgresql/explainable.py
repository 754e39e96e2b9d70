"""Which statements a snapshot asks the planner about: the costliest that can be explained.

Chosen from the readings `top_statements` and, where that extension is missing, from the sessions seen running.
"""

from collections.abc import Mapping

from housecall.engines.engine import Rows, Unavailable

MOST_STATEMENTS = 6
"""Each costs one EXPLAIN, a few milliseconds; the share of time of the seventh statement seldom matters."""


def statements_to_explain(readings: Mapping[str, Rows | Unavailable]) -> tuple[str, ...]:
    """Texts as the readings gave them, each once, costliest first."""
    found: list[str] = []
    for name in ("top_statements", "running_statements"):
        rows = readings.get(name, ())
        if not isinstance(rows, Unavailable):
            found.extend(getattr(row, "query", "") or "" for row in rows)
    explainable = [text for text in dict.fromkeys(found) if is_explainable(text)]
    return tuple(explainable[:MOST_STATEMENTS])


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
