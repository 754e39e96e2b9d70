"""Which text a second execution leaves standing."""

from housecall.chat.execution import standing_text

DONE = frozenset({1, 2})


def test_text_of_recorded_steps_stands():
    assert standing_text([("message", "a", 1), ("message", "b", 2)], DONE) == ("ab", "ab")


def test_text_of_a_cut_off_step_is_void():
    assert standing_text([("message", "a", 1), ("message", "b", 3)], DONE) == ("ab", "a")


def test_text_outside_any_step_is_void():
    assert standing_text([("message", "a", None)], DONE) == ("a", "")


def test_nothing_stands_behind_what_is_void():
    rows = [("message", "a", None), ("message", "b", 1)]
    assert standing_text(rows, DONE) == ("ab", "")


def test_what_an_earlier_replacement_left_still_stands():
    rows = [("message", "x", 3), ("message_replace", "a", None), ("message", "b", 2), ("message", "c", 4)]
    assert standing_text(rows, DONE) == ("abc", "ab")


def test_no_text_is_no_text():
    assert standing_text([], DONE) == ("", "")
