"""Names and text as SQL for PostgreSQL."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from housecall.engines.postgresql.quoting import clip_identifier, qualified, quote_identifier, quote_literal
from housecall.engines.tokens import postgresql_tokens

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)))


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("orders", "orders"),
        ("order_2", "order_2"),
        ("Orders", '"Orders"'),
        ("2x", '"2x"'),
        ('a"b', '"a""b"'),
        ("user", '"user"'),
        ("left", '"left"'),
        ("name", "name"),
        ("a b", '"a b"'),
        ("größe", '"größe"'),
    ],
)
def test_a_name_is_quoted_only_when_needed(name, quoted):
    assert quote_identifier(name) == quoted


def test_qualified_name_quotes_each_part():
    assert qualified("public", "Order") == 'public."Order"'


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_name_that_no_object_can_have_is_refused(name):
    with pytest.raises(ValueError, match="No object"):
        quote_identifier(name)


def test_text_with_a_zero_byte_is_refused():
    with pytest.raises(ValueError, match="zero byte"):
        quote_literal("a\0b")


@given(TEXT.filter(bool))
def test_any_name_is_read_back_as_itself(name):
    (token,) = postgresql_tokens(quote_identifier(name))
    assert token.text == name


@given(TEXT)
def test_any_text_is_one_literal_under_either_setting_of_the_server(text):
    literal = quote_literal(text)
    for standard in (True, False):
        (token,) = postgresql_tokens(literal, standard_strings=standard)
        assert (token.kind, token.text) == ("string", literal)


def test_name_is_clipped_between_characters():
    assert clip_identifier("é" * 40) == "é" * 31
