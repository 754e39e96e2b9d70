"""Wildcards of policies: `*` stands for any text, also none, and `?` for exactly one character.

A pattern comes from a person's policy and a text from a request, so neither may make matching slow: the pieces
between the asterisks are looked for once, from left to right, each after the end of the one before, and no step is ever
taken back. The leftmost place is always good enough, because what follows an asterisk only wants room to its right.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


class _Piece:
    """Text without asterisks. Question marks in it, if any, are looked for bit-parallel, one step a character."""

    __slots__ = ("length", "masks", "open_mask", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.length = len(text)
        self.open_mask = 0
        self.masks: Mapping[str, int] = {}
        if "?" in text:
            self._prepare_search()

    def _prepare_search(self) -> None:
        """For each character the places of the piece that it fits, as bits."""
        places: dict[str, int] = {}
        for place, letter in enumerate(self.text):
            places[letter] = places.get(letter, 0) | 1 << place
        self.open_mask = places.pop("?")
        self.masks = {letter: mask | self.open_mask for letter, mask in places.items()}

    def fits_at(self, text: str, start: int) -> bool:
        if not self.open_mask:
            return text.startswith(self.text, start)
        part = text[start : start + self.length]
        return len(part) == self.length and all(
            mine in ("?", theirs) for mine, theirs in zip(self.text, part, strict=True)
        )

    def end_of_first(self, text: str, start: int, stop: int) -> int:
        """Where the first occurrence in text[start:stop] ends, or -1."""
        if not self.open_mask:
            found = text.find(self.text, start, stop)
            return found if found < 0 else found + self.length
        begun, complete = 0, 1 << (self.length - 1)
        for place in range(start, stop):
            begun = ((begun << 1) | 1) & self.masks.get(text[place], self.open_mask)
            if begun & complete:
                return place + 1
        return -1


def _matcher(pattern: str) -> Callable[[str], bool]:
    """The cheapest function that decides one pattern; most patterns of policies have no wildcard, or one at the end."""
    if "*" not in pattern and "?" not in pattern:
        return lambda text: text == pattern
    head, *rest = map(_Piece, pattern.split("*"))
    if not rest:
        return lambda text: len(text) == head.length and head.fits_at(text, 0)
    *middle, tail = rest
    wanted = tuple(piece for piece in middle if piece.length)
    if not wanted and not tail.length and not head.open_mask:
        start = head.text
        return lambda text: text.startswith(start)
    return lambda text: _matches(text, head, wanted, tail)


def _matches(text: str, head: _Piece, middle: tuple[_Piece, ...], tail: _Piece) -> bool:
    position, stop = head.length, len(text) - tail.length
    if position > stop or not head.fits_at(text, 0) or not tail.fits_at(text, stop):
        return False
    for piece in middle:
        position = piece.end_of_first(text, position, stop)
        if position < 0:
            return False
    return True


@dataclass(frozen=True, slots=True)
class Wildcard:
    """One pattern, prepared when it is made. `matches` tells whether a whole text fits it."""

    text: str
    matches: Callable[[str], bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "matches", _matcher(self.text))

    @property
    def matches_everything(self) -> bool:
        """Whether the pattern is nothing but asterisks."""
        return bool(self.text) and not self.text.strip("*")
