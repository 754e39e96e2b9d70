"""On which line of a TOML text each table and key stands. Pure.

The parser of the standard library gives no positions, and an error without its line is half an error. This walks over
text that the parser has accepted, so it need not judge: it follows headers, keys, strings and brackets.
"""

import re
from collections.abc import Mapping

Place = tuple[str | int, ...]
"""Names of tables and keys from the outside in; a table of an array has its number from 0 behind the name."""

_KEY = re.compile(r'"((?:[^"\\]|\\.)*)"|\'([^\']*)\'|([A-Za-z0-9_-]+)')
_QUOTES = ('"""', "'''", '"', "'")


def lines_of(text: str) -> dict[Place, int]:
    """The line, counted from 1, of every table and key outside of inline tables."""
    lines: dict[Place, int] = {}
    counts: dict[Place, int] = {}
    table: Place = ()
    open_value: str | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if open_value is not None:
            open_value = _unfinished(open_value + "\n" + line)
            continue
        stripped = line.strip()
        if stripped.startswith("[["):
            name = _names(stripped[2:].partition("]]")[0])
            counts[name] = counts.get(name, -1) + 1
            table = (*name, counts[name])
            lines.setdefault(name, number)
            lines[table] = number
        elif stripped.startswith("["):
            table = _inside(_names(stripped[1:].partition("]")[0]), counts)
            lines.setdefault(table, number)
        elif stripped and not stripped.startswith("#"):
            name, rest = _key_and_value(stripped)
            for length in range(1, len(name) + 1):
                lines.setdefault((*table, *name[:length]), number)
            open_value = _unfinished(rest)
    return lines


def line_of(lines: Mapping[Place, int], place: Place) -> int:
    """The line of a place, or of the nearest thing around it; 1 for what the text does not hold at all."""
    while place:
        if place in lines:
            return lines[place]
        place = place[:-1]
    return 1


def _names(text: str) -> Place:
    return tuple(next(part for part in found if part or part == found[-1]) for found in _KEY.findall(text))


def _inside(name: Place, counts: Mapping[Place, int]) -> Place:
    """`[model.key]` below `[[model]]` belongs to the last model."""
    for length in range(len(name), 0, -1):
        if name[:length] in counts:
            return (*name[:length], counts[name[:length]], *name[length:])
    return name


def _key_and_value(line: str) -> tuple[Place, str]:
    """The names before the first `=` that is outside of quotes, and the text after it."""
    place = 0
    names: list[str] = []
    while place < len(line) and line[place] != "=":
        found = _KEY.match(line, place)
        if found is None:
            place += 1
            continue
        names.append(next(part for part in found.groups() if part is not None))
        place = found.end()
    return tuple(names), line[place + 1 :]


def _unfinished(value: str) -> str | None:
    """The value when it goes on in the next line: an open bracket or a string of several lines. None when it ends."""
    place = depth = 0
    while place < len(value):
        letter = value[place]
        if letter == "#":
            end = value.find("\n", place)
            place = len(value) if end < 0 else end
        elif letter in "\"'":
            quote = next(each for each in _QUOTES if value.startswith(each, place))
            closed = _end_of_string(value, place + len(quote), quote)
            if closed is None:
                return value
            place = closed
        else:
            depth += (letter in "[{") - (letter in "]}")
            place += 1
    return value if depth > 0 else None


def _end_of_string(value: str, place: int, quote: str) -> int | None:
    while place < len(value):
        if value[place] == "\\" and quote[0] == '"':
            place += 2
        elif value.startswith(quote, place):
            place += len(quote)
            while len(quote) == 3 and place < len(value) and value[place] == quote[0]:
                place += 1  # a string of several lines may end in one or two quotes of its own
            return place
        else:
            place += 1
    return None
