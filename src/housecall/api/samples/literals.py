"""Values as source text, so that what was meant is what is read, whatever the value holds. Pure.

Values are texts without NUL or lone surrogates, numbers, true and false, and lists and objects of these.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

JAVA_LITERAL_CHARACTERS: Final = 10_000  # a constant may have 65,535 bytes of UTF-8 (JVM specification, 4.4.7)
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


def python(value: Any) -> str:
    """Strings, numbers, lists and dicts are written by Python as they are read."""
    return repr(value)


def javascript(value: Any) -> str:
    """JSON is JavaScript but for two line ends, which older parsers break lines at."""
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def java_string(text: str) -> str:
    """Control characters are octal: javac would read \\u000a as a line end before it looks for literals."""
    pieces = [text[start : start + JAVA_LITERAL_CHARACTERS] for start in range(0, len(text), JAVA_LITERAL_CHARACTERS)]
    if len(pieces) > 1:
        return f'String.join("", {", ".join(map(_java_piece, pieces))})'
    return _java_piece(text)


def _java_piece(text: str) -> str:
    return (
        '"' + "".join(_SHORT.get(each) or (f"\\{ord(each):03o}" if _is_control(each) else each) for each in text) + '"'
    )


def go_string(text: str) -> str:
    """A byte-order mark may not stand within Go source."""
    return (
        '"'
        + "".join(
            _SHORT.get(each) or (f"\\u{ord(each):04x}" if _is_control(each) or each == "\ufeff" else each)
            for each in text
        )
        + '"'
    )


def _is_control(character: str) -> bool:
    return ord(character) < 0x20 or ord(character) == 0x7F


def bash(text: str) -> str:
    """Within single quotes nothing is special but the quote itself."""
    return "'" + text.replace("'", "'\\''") + "'"


def comment(value: Any) -> str:
    """A value on one line, for people to read beside code."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(value)


def java_value(value: Any) -> str:
    """A value of any kind, as Java's collections and boxes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        pairs = [f"java.util.Map.entry({java_string(name)}, {java_value(each)})" for name, each in value.items()]
        return f"java.util.Map.ofEntries({', '.join(pairs)})"
    if isinstance(value, list):
        return f"java.util.Arrays.asList({', '.join(map(java_value, value))})"
    return "null" if value is None else java_string(str(value))


def go_value(value: Any) -> str:
    """A value of any kind, as Go's maps, slices and scalars."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{go_string(name)}: {go_value(each)}" for name, each in value.items())
        return f"map[string]interface{{}}{{{pairs}}}"
    if isinstance(value, list):
        return f"[]interface{{}}{{{', '.join(map(go_value, value))}}}"
    return "nil" if value is None else go_string(str(value))
