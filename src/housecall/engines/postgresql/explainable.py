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
    """Texts as a parser takes them, costliest first; of statements that differ in their values only, one: with the
    values where it was seen to run with them, since that plan is the one that was used."""
    running = [text for text in _texts(readings, "running_statements") if is_explainable(text)]
    with_values = {fingerprint(text, "postgresql"): text for text in running if "$" not in text}
    explainable: dict[str, str] = {}
    for text in [*_texts(readings, "top_statements"), *running]:
        if is_explainable(text):
            identity = fingerprint(text, "postgresql")
            explainable.setdefault(identity, with_values.get(identity, text))
    return tuple(explainable.values())[:MOST_STATEMENTS]


def _texts(readings: Mapping[str, Rows | Unavailable], name: str) -> list[str]:
    rows = readings.get(name, ())
    return [] if isinstance(rows, Unavailable) else [as_statement(getattr(row, "query", "") or "") for row in rows]


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
