"""What the driver gives, as the plain values that rows of a snapshot hold.

MySQL has neither booleans nor lists and answers sums as DECIMAL; a row class says by its annotations what was meant.
SHOW
statements name their columns as they like, and by other words from version to version; they are matched by one name.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, get_type_hints

from housecall.engines.engine import Row, Rows


def rows_of(row_type: type[Row], columns: Sequence[str], values: Sequence[Sequence[Any]]) -> Rows:
    """Rows of a reading. A row class with `from_server` makes them itself, from dictionaries by column name."""
    names = [column_name(column) for column in columns]
    found = [dict(zip(names, each, strict=True)) for each in values]
    from_server = getattr(row_type, "from_server", None)
    if from_server is not None:
        return tuple(from_server([{name: plain(value) for name, value in each.items()} for each in found]))
    return tuple(row_type(**_fields(row_type, each)) for each in found)


def column_name(name: str) -> str:
    """`Seconds_Behind_Master` and `Seconds_Behind_Source` are both seconds_behind_source."""
    return name.lower().replace("master", "source").replace("slave", "replica")


def row_from(row_type: type[Row], values: Mapping[str, Any]) -> Row:
    """A row from a dictionary that holds more than its fields; what is missing is None."""
    return row_type(**_fields(row_type, {name: values.get(name) for name in fields_by_hint(row_type)}))


def _fields(row_type: type[Row], values: Mapping[str, Any]) -> dict[str, Any]:
    hints = fields_by_hint(row_type)
    return {name: _as_meant(hints[name], value) for name, value in values.items()}


_HINTS: dict[type[Row], dict[str, str]] = {}


def fields_by_hint(row_type: type[Row]) -> dict[str, str]:
    """The fields of a row class in their order, each with its annotation as text."""
    if row_type not in _HINTS:
        fields = row_type.__dataclass_fields__  # type: ignore[attr-defined]
        _HINTS[row_type] = {name: str(hint) for name, hint in get_type_hints(row_type).items() if name in fields}
    return _HINTS[row_type]


def _as_meant(hint: str, value: Any) -> Any:
    value = plain(value)
    if value is None:
        return [] if hint.startswith("list") else None
    if hint.startswith("list"):
        return _list(str(value))
    if "bool" in hint:
        return value if isinstance(value, bool) else str(value).upper() in ("1", "YES", "ON", "TRUE", "Y")
    if "float" in hint:
        return float(value)
    if "int" in hint:
        return int(float(value)) if isinstance(value, str) else int(value)
    return str(value)


def plain(value: Any) -> Any:
    """A value that JSON has. Moments become text, since rows hold ages and not moments."""
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode(errors="replace")
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value


def _list(text: str) -> list[Any]:
    """A list that SQL wrote as JSON."""
    found = json.loads(text) if text else []
    assert isinstance(found, list)
    return found
