"""Numbers and names in an answer that no tool result holds. Pure.

A number counts as told when a result has it, when it is a share of a result as a percentage, a size or a duration of
one in another unit, or the difference or ratio of two values of one cause's evidence. The count of items in a list is
told by the list.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

_NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?")
_NAME = re.compile(r"`([^`\n]{2,120})`")
_BLOCK = re.compile(r"^(`{3,})[^\n]*\n.*?^\1$", re.S | re.M)
_UNITS = (1.0, 100.0, 1000.0, 0.001, 1 / 60, 1 / 3600, 1 / 86400, 60.0, 1 / 1024, 1 / 1024**2, 1 / 1024**3, 1 / 1024**4)
_SMALL = 30
"""Up to this many, a whole number may count causes, checks or steps of the answer itself."""


def unfaithful(answer: str, results: Sequence[Any]) -> list[str]:
    """What the prose of an answer says without a source; statements in code blocks are compared as a whole."""
    text = json.dumps(list(results), ensure_ascii=False)
    known = set(_values(text)) | {float(count) for result in results for count in _counts(result)}
    prose = _BLOCK.sub("", answer)
    plain = _squeezed(text.replace("\\n", " ").replace('\\"', '"'))
    wrong = [number for number in _numbers(prose) if not _is_told(number, known)]
    wrong += [name for name in _NAME.findall(prose) if _squeezed(name) not in plain]
    return list(dict.fromkeys(wrong))


def _numbers(prose: str) -> list[str]:
    return [found.group().rstrip(",") for found in _NUMBER.finditer(prose)]


def _values(text: str) -> Iterator[float]:
    """A number with an exponent counts without it too: it may be a part of an identifier (`0f21-47e3-9b10`)."""
    for whole, plain in re.findall(r"((\d[\d,]*(?:\.\d+)?)(?:e[+-]?\d{1,3}(?!\d))?)", text):
        yield float(whole.replace(",", ""))
        if whole != plain:
            yield float(plain.replace(",", ""))


def _counts(result: Any) -> Iterator[int]:
    if isinstance(result, dict):
        for value in result.values():
            yield from _counts(value)
    elif isinstance(result, list):
        yield len(result)
        for value in result:
            yield from _counts(value)


def _is_told(number: str, known: set[float]) -> bool:
    value = abs(float(number.replace(",", "")))
    if value <= _SMALL and value == int(value):
        return True
    digits = len(number.partition(".")[2])
    return any(round(abs(each) * unit, digits) == value for each in known for unit in _UNITS)


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().rstrip(";…")
