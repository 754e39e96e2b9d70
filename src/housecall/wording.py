"""Text in the languages that Housecall speaks.

A `Say` is one sentence in several languages with `{name}` places; a `Message` is a `Say` with the values for
those places. Findings, causes and remedies carry Messages, so one diagnosis can be told in any language and
every number in the text is a value that somebody measured.

Values are formatted here and nowhere else: `{size:bytes}`, `{age:duration}`, `{share:percent}`, `{rows:count}`,
and `{cost:number}` name the unit; a place without a unit is shown as it is. `{n:one|many}` gives the first word for
one and the second for any other number: `{n:count} session{n:|s} wait{n:s|}`. `{statement:code}` is set as code.
"""

import re
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, get_args

Language = Literal["en", "zh-CN", "zh-TW", "ja"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
DEFAULT_LANGUAGE: Language = "en"

Value = str | int | float | bool | None

_PREFIXES: Mapping[str, Language] = {"zh-tw": "zh-TW", "zh-hk": "zh-TW", "zh-hant": "zh-TW", "zh": "zh-CN", "ja": "ja"}
_NEAREST: Mapping[Language, tuple[Language, ...]] = {
    "en": ("en",),
    "zh-CN": ("zh-CN", "zh-TW", "en"),
    "zh-TW": ("zh-TW", "zh-CN", "en"),
    "ja": ("ja", "en"),
}


def language_of_tag(tag: str | None) -> Language | None:
    """The language for a tag such as `zh-CN`, `zh_hans`, `en-US`; None for an empty tag or a language not spoken."""
    if not tag:
        return None
    lowered = tag.strip().lower().replace("_", "-")
    if lowered.startswith("en"):
        return "en"
    for prefix, language in _PREFIXES.items():
        if lowered == prefix or lowered.startswith(prefix + "-"):
            return language
    return None


def language_of_text(text: str) -> Language:
    """The language a person writes in, seen by script: kana means Japanese, Han means Chinese, else English."""
    if any("\u3040" <= letter <= "\u30ff" for letter in text):
        return "ja"
    if any("\u4e00" <= letter <= "\u9fff" for letter in text):
        return "zh-CN"
    return DEFAULT_LANGUAGE


@dataclass(frozen=True, slots=True)
class Say:
    """One sentence in several languages. English is always there; a missing language falls back to the nearest."""

    en: str
    zh: str = ""
    tc: str = ""
    ja: str = ""

    @classmethod
    def verbatim(cls, text: str) -> "Say":
        """A sentence that somebody else wrote, in every language the same: its braces are letters, not places."""
        return cls(text.replace("{", "{{").replace("}", "}}"))

    def template(self, language: Language) -> str:
        by_language = {"en": self.en, "zh-CN": self.zh, "zh-TW": self.tc, "ja": self.ja}
        return next((by_language[near] for near in _NEAREST[language] if by_language[near]), self.en)

    def __call__(self, **values: Value) -> "Message":
        return Message(self, values)


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence and the values in it; `render` gives the text."""

    say: Say
    values: Mapping[str, Value] = field(default_factory=dict)

    def render(self, language: Language = DEFAULT_LANGUAGE) -> str:
        return _FORMATTER.vformat(self.say.template(language), (), self.values)

    def __str__(self) -> str:
        return self.render()


def format_bytes(size_bytes: float) -> str:
    """`8 kB`, `1.5 MB`: powers of 1024 with PostgreSQL's names for them."""
    size = float(size_bytes)
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if abs(size) < 1024 or unit == "TB":
            return f"{size:.0f} {unit}" if unit == "bytes" or size >= 100 or size == int(size) else f"{size:.1f} {unit}"
        size /= 1024
    raise AssertionError("unreachable")


def format_duration(seconds: float) -> str:
    """`0.4 ms`, `35 ms`, `2.5 s`, `4 min 10 s`, `3 h 5 min`, `2 d 4 h`."""
    if seconds < 0.010:
        return f"{seconds * 1000:.2g} ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def format_percent(share: float) -> str:
    """A share of 1 as percent: 0.034 is `3.4 %`. What is not all never shows as `100 %`: 0.99999 is `99.999 %`."""
    percent = share * 100
    if percent < 10 and percent != int(percent):
        return f"{percent:.1f} %"
    for digits in range(6):
        text = f"{percent:.{digits}f}"
        if float(text) != 100 or percent >= 100:
            return f"{text} %"
    return "> 99.99999 %"


def format_count(count: float) -> str:
    """`12,345`."""
    return f"{round(count):,}"


def format_number(number: float) -> str:
    """Three significant digits without exponent: `0.0123`, `4.56`, `1,230`."""
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}"


def _by_number(value: float | None, words: str) -> str:
    """The word that goes with the number as `count` shows it: 0.9 is told as 1, so it takes the singular."""
    one, _, many = words.partition("|")
    return one if value is not None and round(value) == 1 else many


def format_code(text: str) -> str:
    """A statement or a name as inline code that its content cannot end, on one line: `` `SELECT 1` ``."""
    line = " ".join(str(text).split())
    ticks = "`" * (max((len(run) for run in re.findall(r"`+", line)), default=0) + 1)
    return f"{ticks} {line} {ticks}" if len(ticks) > 1 else f"`{line}`"


class _UnitFormatter(string.Formatter):
    _UNITS: ClassVar[Mapping[str, Callable[[Any], str]]] = {
        "bytes": format_bytes,
        "duration": format_duration,
        "percent": format_percent,
        "count": format_count,
        "number": format_number,
        "code": format_code,
    }

    def get_value(self, key: int | str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:  # noqa: ARG002
        return kwargs[str(key)]

    def format_field(self, value: Any, format_spec: str) -> str:
        if "|" in format_spec:
            return _by_number(value, format_spec)
        if value is None:
            return "?"
        if format_spec in self._UNITS:
            return self._UNITS[format_spec](value)
        return str(format(value, format_spec))


_FORMATTER = _UnitFormatter()
