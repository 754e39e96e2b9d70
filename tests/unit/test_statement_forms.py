"""Ways of writing that make a statement slow: told where they are, and not where they only look so."""

import pytest

from housecall.advisor.statement import parse_statement
from housecall.diagnosis.causes._statement_forms import forms_of


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("UPDATE carts SET total = 1", "changes every row"),
        ("DELETE FROM carts", "changes every row"),
        ("UPDATE carts JOIN users ON users.id = carts.user_id SET carts.total = 1", None),
        ("UPDATE carts, users SET carts.total = users.total", None),
        ("DELETE carts FROM carts JOIN users ON users.id = carts.user_id", None),
        ("DELETE FROM carts WHERE id = 1", None),
        ("DELETE FROM carts LIMIT 10", None),
        ("SELECT * FROM carts", "neither a condition nor a LIMIT"),
        ("SELECT * FROM carts LIMIT 10", None),
        ("SELECT max(total) FROM carts", None),
        ("SELECT count(*) FROM carts", "counts every row"),
        ("SELECT count(*) FROM carts WHERE id = 1", None),
        ("SELECT id FROM carts ORDER BY rand() LIMIT 1", "random order"),
        ("SELECT id FROM carts ORDER BY id LIMIT 1", None),
        ("SELECT id FROM carts ORDER BY total * amount LIMIT 1", "computed of columns"),
        ("SELECT c.id FROM carts c JOIN users u ON u.id = c.user_id WHERE c.a = 1 OR u.b = 2", "different tables"),
        ("SELECT c.id FROM carts c JOIN users u ON u.id = c.user_id WHERE c.a = 1 OR c.b = 2", None),
        ("SELECT DISTINCT c.id FROM carts c JOIN users u ON u.id = c.user_id", "DISTINCT"),
        ("SELECT DISTINCT c.id, u.id FROM carts c JOIN users u ON u.id = c.user_id", None),
    ],
)
def test_a_form_is_told_by_the_text_alone(sql: str, word: str | None) -> None:
    told = [form.why().render("en") for form in forms_of(parse_statement(sql, "mysql"))]
    assert len(told) == (1 if word else 0)
    assert all(word is not None and word in each for each in told)


def test_rows_of_a_function_are_no_table() -> None:
    assert forms_of(parse_statement("SELECT * FROM generate_series(1, 10)", "postgresql")) == ()


def test_a_text_that_nobody_understands_has_no_form() -> None:
    assert forms_of(parse_statement("neither fish nor fowl", "mysql")) == ()
