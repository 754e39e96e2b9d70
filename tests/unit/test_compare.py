"""Figures before and after, from two sentences that say the same."""

import pytest

from housecall.agent.builtin.compare import changed


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        ("It holds 121,197 dead rows beside 30,000 live ones.", "It holds 122,583 dead rows beside 30,000 live ones.",
         "121,197 → 122,583 dead rows"),
        ("Seen running in 46 % of the looks.", "Seen running in 67 % of the looks.", "Seen running in 46 % → 67 %"),
        ("Open for 4 min 10 s.", "Open for 5 min.", "Open for 4 min 10 s → 5 min"),
        ("3 sessions wait for it, the longest for 15.9 s.", "3 sessions wait for it, the longest for 26.5 s.",
         "the longest for 15.9 s → 26.5 s"),
        ("有 3 个会话在等它，最长已等 15.9 s。", "有 3 个会话在等它，最长已等 26.5 s。", "最长已等 15.9 s → 26.5 s"),
        ("已积累 12 个死元组。", "已积累 15 个死元组。", "12 → 15 个死元组"),
    ],
)  # fmt: skip
def test_only_the_figures_that_changed_are_told(before: str, now: str, told: str) -> None:
    assert changed(before, now) == told


def test_sentences_that_say_different_things_have_no_figures_to_compare() -> None:
    assert changed("3 sessions wait.", "Nobody waits for 3 of them.") is None
    assert changed("pid 3 waits", "pid 3 waits") is None
