"""Markdown that also reads well in a terminal. Names and SQL come from databases, so they are fenced, not trusted."""

import re
from collections.abc import Iterable, Sequence

from housecall.wording import Language, Say, Value, format_code


def say(sentence: Say, language: Language, **values: Value) -> str:
    return sentence(**values).render(language)


def code(text: object) -> str:
    """Inline code that its content cannot end."""
    return format_code(str(text))


def fenced(lines: Iterable[str], info: str = "sql") -> str:
    """A code block that its content cannot end."""
    body = "\n".join(lines)
    fence = "`" * max(3, max((len(run) for run in re.findall(r"`+", body)), default=0) + 1)
    return f"{fence}{info}\n{body}\n{fence}"


def paragraphs(parts: Iterable[str | None]) -> str:
    return "\n\n".join(part for part in parts if part)


def bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; cells lose line breaks and bars."""
    head = "| " + " | ".join(_cell(name) for name in columns) + " |"
    rule = "|" + "---|" * len(columns)
    return "\n".join([head, rule, *("| " + " | ".join(_cell(value) for value in row) + " |" for row in rows)])


def _cell(value: object) -> str:
    if value is None:
        return "NULL"
    return " ".join(str(value).split()).replace("|", "\\|") or " "


def end(sentence: str, language: Language) -> str:
    """The sentence with its full stop."""
    if sentence.endswith((".", "。", "!", "?", "；", ";", "：", ":")):
        return sentence
    return sentence + ("。" if language.startswith("zh") else ".")


def joined(sentences: Iterable[str], language: Language) -> str:
    """Sentences one after the other; Chinese puts no space between them."""
    return ("" if language.startswith("zh") else " ").join(sentences)


def colon(language: Language) -> str:
    return "：" if language.startswith("zh") else ": "


def comma(language: Language) -> str:
    return "；" if language.startswith("zh") else "; "


def label(name: Say, language: Language) -> str:
    """A bold label with its colon, ready for what follows."""
    text = say(name, language)
    return f"**{text}：** " if language.startswith("zh") else f"**{text}:** "
