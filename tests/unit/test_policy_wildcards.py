"""Wildcards: what they match, and that no pattern makes them slow."""

from functools import cache

from hypothesis import example, given, settings
from hypothesis import strategies as st

from housecall.access.wildcards import Wildcard

LETTERS = st.text(alphabet="ab:", max_size=14)
PATTERNS = st.text(alphabet="ab:*?", max_size=10)


def reference(pattern: str, text: str) -> bool:
    @cache
    def matches(p: int, t: int) -> bool:
        if p == len(pattern):
            return t == len(text)
        if pattern[p] == "*":
            return matches(p + 1, t) or (t < len(text) and matches(p, t + 1))
        return t < len(text) and pattern[p] in ("?", text[t]) and matches(p + 1, t + 1)

    return matches(0, 0)


@settings(deadline=None)
@given(PATTERNS, LETTERS)
@example("*a?*?b*", "aaabab")
@example("a*a", "a")
@example("*", "")
@example("?*", "")
@example("**a**", "a")
def test_wildcards_match_what_the_plain_definition_matches(pattern: str, text: str) -> None:
    assert Wildcard(pattern).matches(text) is reference(pattern, text)


@settings(deadline=None)
@given(st.text(max_size=20))
def test_any_text_matches_itself_an_asterisk_and_as_many_question_marks(text: str) -> None:
    assert Wildcard("*").matches(text)
    assert Wildcard("?" * len(text)).matches(text)
    assert Wildcard(text.replace("*", "?")).matches(text)


def test_a_question_mark_is_one_character_of_any_script() -> None:
    assert Wildcard("数?库*").matches("数据库一号")
    assert not Wildcard("数?库").matches("数库")


class CountedText(str):
    """Text that counts how often one of its characters is read."""

    reads = 0

    def __getitem__(self, place):
        CountedText.reads += 1
        return super().__getitem__(place)


def test_a_search_reads_each_character_once_whatever_the_pattern() -> None:
    text = CountedText("a" * 2_000)
    CountedText.reads = 0
    assert not Wildcard("*" + "?a*" * 50 + "a?" * 100 + "b?*c").matches(text + "c")
    assert not Wildcard("*" + "a?a*" * 60 + "a?b*").matches(text)
    assert CountedText.reads <= 2 * len(text)


def test_only_asterisks_match_everything() -> None:
    assert Wildcard("*").matches_everything
    assert Wildcard("**").matches_everything
    assert not Wildcard("*?").matches_everything
    assert not Wildcard("").matches_everything
