"""Sums by statement: what differs in its values only is one, and the number of those that are told apart is bounded.

When there are more different statements than are kept, the cheapest are put together as "others", so that the ones that
matter stay exact unless they were cheap for so long that they were put there first; how many went there is told.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from housecall.engines.engine import EngineName
from housecall.engines.fingerprint import fingerprint, normalise

MAX_STATEMENTS = 4_000
KEPT_STATEMENTS = 2_000
MAX_STATEMENT_CHARACTERS = 10_000
SHOWN_CHARACTERS = 2_000


@dataclass(slots=True)
class StatementSum:
    """One statement over a file. `text` has its constants as `?`. Locks and rows are None where a log has none."""

    fingerprint: str
    text: str
    calls: int = 0
    total_seconds: float = 0.0
    max_seconds: float = 0.0
    lock_seconds: float | None = None
    rows_sent: int | None = None
    rows_examined: int | None = None
    database: str | None = None

    @property
    def mean_seconds(self) -> float:
        return self.total_seconds / self.calls if self.calls else 0.0


@dataclass(frozen=True, slots=True)
class Execution:
    """One statement that a log tells of."""

    sql: str
    seconds: float
    lock_seconds: float | None = None
    rows_sent: int | None = None
    rows_examined: int | None = None
    database: str | None = None


class StatementSums:
    """Collects executions."""

    def __init__(self, engine: EngineName) -> None:
        self._engine = engine
        self._shape = shape_of(engine)
        self._sums: dict[str, StatementSum] = {}
        self.calls = 0
        self.total_seconds = 0.0
        self.others = StatementSum("", "")
        self.others_statements = 0

    def add(self, execution: Execution) -> None:
        self.calls += 1
        self.total_seconds += execution.seconds
        name, text = _identity(self._shape(execution.sql[:MAX_STATEMENT_CHARACTERS]), self._engine)
        found = self._sums.get(name)
        if found is None:
            if len(self._sums) >= MAX_STATEMENTS:
                self._put_the_cheapest_together()
            found = self._sums[name] = StatementSum(name, text, database=execution.database)
        _add(found, execution)

    def top(self, limit: int) -> tuple[StatementSum, ...]:
        """Those with the largest total time, the largest first."""
        return tuple(sorted(self._sums.values(), key=lambda each: (-each.total_seconds, each.fingerprint))[:limit])

    @property
    def different(self) -> int:
        """How many statements there are; those put together may count more than once."""
        return len(self._sums) + self.others_statements

    def _put_the_cheapest_together(self) -> None:
        ranked = sorted(self._sums.values(), key=lambda each: -each.total_seconds)
        for each in ranked[KEPT_STATEMENTS:]:
            self.others.calls += each.calls
            self.others.total_seconds += each.total_seconds
            self.others.max_seconds = max(self.others.max_seconds, each.max_seconds)
            self.others_statements += 1
        self._sums = {each.fingerprint: each for each in ranked[:KEPT_STATEMENTS]}


def _add(to: StatementSum, execution: Execution) -> None:
    to.calls += 1
    to.total_seconds += execution.seconds
    if execution.seconds > to.max_seconds:
        to.max_seconds = execution.seconds
    if execution.lock_seconds is not None:
        to.lock_seconds = (to.lock_seconds or 0.0) + execution.lock_seconds
    if execution.rows_sent is not None:
        to.rows_sent = (to.rows_sent or 0) + execution.rows_sent
    if execution.rows_examined is not None:
        to.rows_examined = (to.rows_examined or 0) + execution.rows_examined


@lru_cache(maxsize=50_000)
def _identity(shape: str, engine: EngineName) -> tuple[str, str]:
    return fingerprint(shape, engine), normalise(shape, engine)[:SHOWN_CHARACTERS]


# A statement comes a million times with other values. Taking it apart is slow, so its plainest values are taken out
# first: what is left comes a million times as the same text, of which the fingerprint is known. Quoted names are
# matched so that nothing within them is taken for a value; what is not plain (dollar quotes, comments) is left whole.
_POSTGRESQL = r"""\b[eE]'(?:[^'\\]|\\.|'')*'|\b[bBxXnN]'[^']*'|'(?:[^']|'')*'|(?<![\w$."])\d+(?:\.\d+)?(?![\w$."])"""
_MYSQL = r"""'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|(?<![\w$.@`])\d+(?:\.\d+)?(?![\w$.@`])"""
_VALUES = {
    "postgresql": (re.compile(_POSTGRESQL, re.S), re.compile(rf"""("(?:[^"]|"")*"|\$\d+)|{_POSTGRESQL}""", re.S)),
    "mysql": (re.compile(_MYSQL, re.S), re.compile(rf"(`(?:[^`]|``)*`)|{_MYSQL}", re.S)),
}
_NOT_PLAIN = re.compile(r"\$[A-Za-z_$]|--|/\*|[uU]&['\"]")
_NOT_PLAIN_MYSQL = re.compile(r"--|/\*|\#|\b[nNbBxX]'|\b_[A-Za-z0-9]+'")


def shape_of(engine: EngineName) -> Callable[[str], str]:
    """The function that takes plain values out of a statement without changing its fingerprint."""
    plain, with_names = _VALUES[engine]
    odd, mark = (_NOT_PLAIN_MYSQL, "?") if engine == "mysql" else (_NOT_PLAIN, "$1")
    quotes = ("`", "`") if engine == "mysql" else ('"', "$")

    def replaced(match: re.Match[str]) -> str:
        return match[1] or mark

    def shape(sql: str) -> str:
        if odd.search(sql):
            return sql
        if quotes[0] in sql or quotes[1] in sql:
            return with_names.sub(replaced, sql)
        return plain.sub(mark, sql)

    return shape
