"""Wildcards of policies: `*` stands for any text, also none, and `?` for exactly one character.

A pattern comes from a person's policy and a text from a request, so neither may make matching slow: the pieces
between the asterisks are looked for once, from left to right, each after the end of the one before, and no step is ever
taken back. The leftmost place is always good enough, because what follows an asterisk only wants room to its right.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


class _Piece:
    """Text without asterisks. Question marks in it, if any, are looked for bit-parallel, one step a character."""

    __slots__ = ("length", "masks", "open_mask", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.length = len(text)
        self.open_mask = sum(1 << place for place, letter in enumerate(text) if letter == "?")
        self.masks: Mapping[str, int] = {
            letter: self.open_mask | sum(1 << place for place, other in enumerate(text) if other == letter)
            for letter in set(text) - {"?"}
        }

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


@dataclass(frozen=True, slots=True)
class Wildcard:
    """One pattern, taken apart when it is made. Equal patterns are equal by their text."""

    text: str
    _pieces: tuple[_Piece, ...] = field(init=False, repr=False, compare=False)
    _literal: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        head, *rest = self.text.split("*")
        middle, tail = [piece for piece in rest[:-1] if piece], rest[-1:]
        object.__setattr__(self, "_pieces", tuple(_Piece(piece) for piece in (head, *middle, *tail)))
        object.__setattr__(self, "_literal", "*" not in self.text and "?" not in self.text)

    @property
    def matches_everything(self) -> bool:
        """Whether the pattern is nothing but asterisks."""
        return bool(self.text) and not self.text.strip("*")

    def matches(self, text: str) -> bool:
        if self._literal:
            return text == self.text
        head, *rest = self._pieces
        if not rest:
            return len(text) == head.length and head.fits_at(text, 0)
        *middle, tail = rest
        position, stop = head.length, len(text) - tail.length
        if position > stop or not head.fits_at(text, 0) or not tail.fits_at(text, stop):
            return False
        for piece in middle:
            position = piece.end_of_first(text, position, stop)
            if position < 0:
                return False
        return True
