"""Bounds of tool results, in tokens, whatever the size of the server.

A result that goes through here costs less than RESULT_TOKENS, counted with a rule that overestimates: OpenAI's o200k
vocabulary, for example, makes 3 to 4 letters of a word, up to 3 digits, or one Han character into one token. Tools cap
their lists by meaning (the top N of M, M told); this is the last resort for values of unforeseen length.
"""

import json
import re
from typing import Any

RESULT_TOKENS = 3600
"""Below the 4,000 that a tool result may cost; the rest is for the frame that a provider puts around it."""

MAX_TEXT = 300
_PIECES = re.compile(r"[A-Za-z]+|[0-9]+|[^\x00-\x7f]|[ \t]+|[^\sA-Za-z0-9]+|\n+")
_BLANK_BEFORE_DIGIT = re.compile(r"[ \t](?=[0-9])")
"""A blank belongs to the token of the word behind it, but not to that of a number."""


def estimate_tokens(value: Any) -> int:
    """An upper estimate of the tokens of a value as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return sum(_cost(piece) for piece in _PIECES.findall(text)) + len(_BLANK_BEFORE_DIGIT.findall(text))


def _cost(piece: str) -> int:
    if piece[0].isascii():
        if piece[0].isalpha():
            return -(-len(piece) // 4)
        if piece[0].isdigit():
            return -(-len(piece) // 3)
        return 0 if piece.isspace() else -(-len(piece) // 2)
    return 1 if "\u3000" <= piece <= "\uffef" else 3


def clip(text: str, limit: int = MAX_TEXT) -> str:
    """The text on one line, cut at `limit` characters with the rest told; code that is cut is still code."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    cut = line[: limit - 1]
    return f"{cut}…`" if cut.count("`") % 2 else f"{cut}…"


def bounded(value: Any, tokens: int) -> Any:
    """The value, or one with its longest lists and texts cut until it fits."""
    for limit in (400, 100, 50, 25, 12, 6, 3, 1):
        if estimate_tokens(value) <= tokens:
            return value
        value = _cut(value, limit)
    return value if estimate_tokens(value) <= tokens else clip(json.dumps(value, ensure_ascii=False), tokens)


def _cut(value: Any, limit: int) -> Any:
    if isinstance(value, dict):
        return {clip(str(key), 80): _cut(each, limit) for key, each in list(value.items())[: max(limit, 12)]}
    if isinstance(value, list):
        kept = [_cut(each, limit) for each in value[:limit]]
        return kept if len(value) <= limit else [*kept, f"… {len(value) - limit} more"]
    if isinstance(value, str):
        most = max(60, limit * 8)
        return value if len(value) <= most else f"{value[:most]}…"
    return value
