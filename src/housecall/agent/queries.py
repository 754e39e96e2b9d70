"""`/name` at the start of a question: the skill that it asks for. Pure."""

import re

_NAMED = re.compile(r"\A\s*/([a-z0-9]+(?:-[a-z0-9]+)*)(?=\s|$)\s*", re.I)


def named_skill(query: str) -> str | None:
    """The name in `/name …` at the start of a question; a path such as `/var/lib` is none."""
    found = _NAMED.match(query)
    return found[1].lower() if found else None


def without_name(query: str) -> str:
    """The question without its `/name`."""
    return _NAMED.sub("", query, count=1)
