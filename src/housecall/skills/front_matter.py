"""The front matter of a skill: `key: value` lines between two lines of `---`.

A small and strict part of YAML: a value is the rest of its line as it stands, or a list `[a, b]` of bare names. No
nesting, no quotes, no continuation, no key twice; what is not understood is an error with its line, never skipped.
"""

import re

_LINE = re.compile(r"([A-Za-z][A-Za-z.-]*): (\S.*)")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")


class FrontMatter:
    """The values of one file. Remembers which were asked for, so that a misspelt key does not go unseen."""

    def __init__(self, values: dict[str, str], place: str) -> None:
        self._values = values
        self._place = place
        self._unread = set(values)

    def text(self, key: str) -> str:
        """Raises ValueError when the key is not there."""
        if key not in self._values:
            raise ValueError(f"{self._place}: the front matter lacks {key!r}")
        self._unread.discard(key)
        return self._values[key]

    def names(self, key: str) -> tuple[str, ...]:
        """A list of names, each once. Raises ValueError when it is no such list."""
        value = self.text(key)
        inside = value[1:-1].strip()
        names = tuple(inside.split(", ")) if inside else ()
        well_formed = value.startswith("[") and value.endswith("]") and all(map(_NAME.fullmatch, names))
        if not well_formed or len(set(names)) < len(names):
            raise ValueError(f"{self._place}: {key} must be a list such as [one, two] with each name once")
        return names

    def refuse_unread(self) -> None:
        """Raises ValueError when a key was never asked for."""
        if self._unread:
            raise ValueError(f"{self._place}: the front matter has unknown keys: {', '.join(sorted(self._unread))}")


def read_front_matter(text: str, place: str) -> tuple[FrontMatter, str]:
    """The front matter of a file and the text after it; `place` names the file in errors.

    Raises:
        ValueError: the front matter is missing, not closed, or a line of it is not understood.
    """
    lines = text.splitlines()
    if not lines or lines[0] != "---" or "---" not in lines[1:]:
        raise ValueError(f"{place}: must begin with front matter between two lines of ---")
    end = lines.index("---", 1)
    values: dict[str, str] = {}
    for number, line in enumerate(lines[1:end], 2):
        found = _LINE.fullmatch(line)
        if found is None or found[1] in values:
            raise ValueError(f"{place}, line {number}: must be a new 'key: value', not {line!r}")
        values[found[1]] = found[2].rstrip()
    return FrontMatter(values, place), "\n".join(lines[end + 1 :])
