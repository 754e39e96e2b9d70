"""Fingerprints: one for every execution of a statement, another for every other statement."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from housecall.engines.engine import EngineName
from housecall.engines.fingerprint import fingerprint, normalise
from housecall.engines.postgresql.quoting import quote_literal

SAME = [
    ("SELECT * FROM orders WHERE id = $1", "select *  from orders where id=42"),
    ("SELECT * FROM orders WHERE id = $1", "SELECT * FROM orders WHERE id = -7;"),
    ("SELECT * FROM t WHERE note = $1", "SELECT * FROM t WHERE note = E'it\\'s'"),
    ("SELECT * FROM t WHERE note = $1", "SELECT * FROM t WHERE note = $q$ FROM x; $q$ -- by hand"),
    ("SELECT * FROM t WHERE a IN ($1, $2, $3)", "SELECT * FROM t WHERE a IN (1)"),
    ("SELECT * FROM t WHERE a = ANY(ARRAY[$1,$2])", "SELECT * FROM t WHERE a = ANY (ARRAY[1])"),
    ("INSERT INTO t (a, b) VALUES ($1, $2)", "insert into t(a,b) values (1,'x'), (2,'y'), (3,NULL)"),
    ('SELECT "id" FROM "orders"', "SELECT id FROM orders"),
    ("SELECT /* app:shop */ 1", "SELECT 2"),
    ("SELECT 1.5e3", "SELECT 0x1F"),
    ("SELECT a FROM t LIMIT $1 OFFSET $2", "SELECT a FROM t LIMIT 20 OFFSET 480000"),
    ("SELECT a FROM t WHERE b != $1", "SELECT a FROM t WHERE b <> -4"),
]
DIFFERENT = [
    ("SELECT a FROM t", "SELECT b FROM t"),
    ("SELECT a FROM t WHERE b = 1", "SELECT a FROM t WHERE b > 1"),
    ("SELECT a - 1 FROM t", "SELECT a FROM t"),
    ("SELECT a - 1 FROM t", "SELECT a + 1 FROM t"),
    ('SELECT "Id" FROM t', "SELECT id FROM t"),
    ("SELECT a FROM t WHERE b IS NULL", "SELECT a FROM t WHERE b IS NOT NULL"),
    ("SELECT f(1, 2)", "SELECT f(1)"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_executions_of_one_statement_share_a_fingerprint(one, other):
    assert normalise(one, "postgresql") == normalise(other, "postgresql")
    assert fingerprint(one, "postgresql") == fingerprint(other, "postgresql")


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_other_statements_have_another_fingerprint(one, other):
    assert fingerprint(one, "postgresql") != fingerprint(other, "postgresql")


def test_normalised_statement_reads_like_sql():
    sql = "SELECT o.id, count(*)\nFROM   public.orders o WHERE o.a IN (1,2) AND lower(o.b) = 'x' GROUP BY 1"
    assert (
        normalise(sql, "postgresql")
        == "select o.id, count(*) from public.orders o where o.a in (?) and lower(o.b) = ? group by ?"
    )


def test_fingerprint_is_sixteen_hexadecimal_digits():
    assert len(fingerprint("SELECT 1", "postgresql")) == 16
    assert int(fingerprint("SELECT 1", "postgresql"), 16) >= 0


def test_statement_cut_off_in_a_literal_equals_the_whole_up_to_there():
    assert normalise("SELECT * FROM t WHERE note = 'abc", "postgresql") == normalise(
        "SELECT * FROM t WHERE note = $1", "postgresql"
    )


def test_mark_of_a_cut_text_does_not_count():
    assert fingerprint("SELECT a FROM t ...", "mysql") == fingerprint("SELECT a FROM t", "mysql")


def test_mysql_quotes_placeholders_and_comments_are_understood():
    from_digest = "SELECT `a` FROM `t` WHERE `b` = ? AND `c` IN (...)"
    assert fingerprint('select a from t where b = "x\'y" # note\n and c in (1, 2)', "mysql") == fingerprint(
        from_digest.replace("...", "?, ?"), "mysql"
    )


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=30))
def test_no_literal_changes_the_fingerprint(text):
    sql = f"SELECT * FROM t WHERE a = {quote_literal(text)} AND b = 1"
    assert normalise(sql, "postgresql") == "select * from t where a = ? and b = ?"


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60), st.sampled_from(["postgresql", "mysql"]))
def test_any_text_has_a_fingerprint(text, engine):
    assert len(fingerprint(text, engine)) == 16


@settings(max_examples=200, deadline=None)
@given(st.integers(min_value=0, max_value=80))
def test_a_text_cut_anywhere_has_a_normal_form_that_begins_like_the_whole(length):
    sql = "SELECT a, b FROM orders WHERE customer_id = 42 AND note = 'it is' AND c IN (1, 2, 3)"
    whole, cut = normalise(sql, "postgresql"), normalise(sql[:length], "postgresql")
    assert whole.startswith(cut[: max(0, len(cut) - 12)])


@pytest.mark.parametrize("engine", ["postgresql", "mysql"])
@pytest.mark.parametrize("cut", [34, 60, 61, 62, 63, 64, 100])
def test_a_statement_that_was_cut_off_inside_a_list_is_the_same_statement(engine: EngineName, cut: int) -> None:
    whole = f"SELECT id, v FROM places WHERE id IN ({', '.join(str(number) for number in range(90, 140))})"
    assert normalise(whole[: cut + 6], engine) == normalise(whole, engine)
