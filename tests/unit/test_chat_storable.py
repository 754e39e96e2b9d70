"""What is stored is what was written, save for characters that PostgreSQL cannot hold."""

import pytest

from housecall.chat.questions import is_id, name_of
from housecall.chat.storable import storable_text, storable_value


def test_ordinary_text_is_kept_as_it_is():
    text = "锁 🔒 line\nnext\ttab \x01"
    assert storable_text(text) is text


@pytest.mark.parametrize("odd", ["\x00", "\ud800"])
def test_an_unstorable_character_is_replaced(odd):
    assert storable_text(f"a{odd}b") == "a\ufffdb"


def test_values_are_cleaned_inside_and_keep_their_shape():
    value = {"a\x00": ["x\x00", 1, 1.5, True, None, {"b": ("c",)}]}
    assert storable_value(value) == {"a\ufffd": ["x\ufffd", 1, 1.5, True, None, {"b": ["c"]}]}


def test_numbers_that_json_lacks_become_text():
    assert storable_value([float("nan"), float("inf"), -0.5]) == ["nan", "inf", -0.5]


def test_what_is_no_json_value_is_refused():
    with pytest.raises(TypeError, match="object is no JSON value"):
        storable_value({"a": object()})


def test_a_short_question_is_the_name_of_its_conversation():
    assert name_of("  Why is\nthe shop slow? ") == "Why is the shop slow?"


def test_a_long_question_is_cut_between_words():
    name = name_of("word " * 30)
    assert name == "word " * 11 + "word…"


def test_a_long_question_without_blanks_is_cut_anyway():
    assert name_of("慢" * 61) == "慢" * 60 + "…"


@pytest.mark.parametrize("value", ["", "x", "../..", "0" * 36, "{8227be22-5c94-4000-8000-000000000000}", "\x00"])
def test_what_is_no_id_is_known_without_asking_the_store(value):
    assert not is_id(value)


def test_a_uuid_is_an_id():
    assert is_id("8227be22-5c94-4000-8000-000000000000")
