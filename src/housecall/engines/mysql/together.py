"""Several readings in one statement: each as one JSON value beside its count of rows.

Only plain queries can be joined so; SHOW and XA stay statements of their own. What comes back is believed only when as
many rows came as were counted, since both servers cut or drop a value that is too large for group_concat_max_len or
max_allowed_packet. Text goes through CONVERT, because MySQL writes a binary string into JSON as base64; numbers go as
they are, so that the JSON has the digits of the server.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from housecall.engines.engine import Reading, Row, Rows
from housecall.engines.mysql.quoting import quote_identifier
from housecall.engines.mysql.values import fields_by_hint, plain, rows_of

MOST_ROWS = 10_000
"""The LIMIT of a reading that has none, without which neither server keeps the order of an inner query."""

MARK = "housecall_reading"
"""The first column's name: what the reading of the server's own statement statistics leaves out as ours."""

_IS_QUERY = re.compile(r"(?:SELECT|WITH)\b", re.IGNORECASE)
_HAS_LIMIT = re.compile(r"\bLIMIT\s+\d+\s*\Z", re.IGNORECASE)
_IS_NUMBER = re.compile(r"bool|int|float")


class IncompleteAnswer(ValueError):
    """The server dropped a part of what was asked together; the readings have to be asked one by one."""


def can_be_joined(reading: Reading) -> bool:
    """Whether the reading is a query whose columns are the fields of its row."""
    return bool(_IS_QUERY.match(reading.sql)) and not hasattr(reading.row, "from_server")


def joined(readings: Sequence[Reading]) -> str:
    """One statement with a row for each reading: its name, its count of rows, its rows as a JSON array."""
    return " UNION ALL ".join(_part(reading) for reading in readings)


def split(readings: Sequence[Reading], answer: Sequence[Sequence[Any]]) -> dict[str, Rows]:
    """The rows of each reading from what `joined` gave. Raises ValueError when a part is missing or damaged."""
    found = {str(plain(name)): _rows(int(count), plain(text)) for name, count, text in answer}
    if found.keys() != {reading.name for reading in readings}:
        raise IncompleteAnswer("a reading is missing from the answer")
    return {reading.name: _typed(reading.row, found[reading.name]) for reading in readings}


def _part(reading: Reading) -> str:
    members = ", ".join(f"'{name}', {_value(name, hint)}" for name, hint in fields_by_hint(reading.row).items())
    limit = "" if _HAS_LIMIT.search(reading.sql) else f" LIMIT {MOST_ROWS}"
    return (
        f"SELECT '{reading.name}' AS {MARK}, COUNT(*) AS row_count, JSON_ARRAYAGG(JSON_OBJECT({members})) AS found"
        f" FROM ({reading.sql}{limit}) AS r"
    )


def _value(name: str, hint: str) -> str:
    column = f"r.{quote_identifier(name)}"
    is_number = _IS_NUMBER.search(hint) and not hint.startswith("list")
    return column if is_number else f"CONVERT({column} USING utf8mb4)"


def _rows(count: int, text: str | None) -> list[Mapping[str, Any]]:
    found = json.loads(text) if text else []
    if not isinstance(found, list) or len(found) != count:
        raise IncompleteAnswer("fewer rows came than were counted")
    return found


def _typed(row_type: type[Row], found: Sequence[Mapping[str, Any]]) -> Rows:
    names = list(fields_by_hint(row_type))
    return rows_of(row_type, names, [[each[name] for name in names] for each in found])
