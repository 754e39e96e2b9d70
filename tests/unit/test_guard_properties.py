"""Properties of the guard, in both directions: nothing dangerous passes in any wrapping, and nothing harmless is
refused for what its literals, comments, case or spacing happen to be."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from housecall.engines.guard import guard
from housecall.engines.postgresql.quoting import quote_identifier, quote_literal

WRITES = [
    "DELETE FROM orders",
    "UPDATE orders SET total = 0",
    "INSERT INTO orders VALUES (1)",
    "MERGE INTO orders USING s ON a = b WHEN MATCHED THEN DELETE",
    "UPDATE ONLY orders SET total = 0 RETURNING *",
]
CALLS = ["pg_sleep(1)", "pg_catalog.pg_sleep(1)", '"pg_sleep"(1)', "lo_unlink(1)", "f(1)", "public.f()", "(1).pg_sleep"]
WRITE_WRAPPERS = [
    "{}",
    "({})",
    "WITH x AS ({}) SELECT * FROM x",
    "WITH x AS (SELECT 1), y AS MATERIALIZED ({} RETURNING 1) SELECT * FROM y",
    "SELECT * FROM (WITH x AS ({}) SELECT * FROM x) y",
    "EXPLAIN ANALYZE {}",
    "EXPLAIN (ANALYZE, FORMAT JSON) {}",
    "SELECT 1; {}",
    "SELECT 1 /* {} */; {}",
    "WITH x AS (SELECT 1) {}",
]
CALL_WRAPPERS = [
    "SELECT {}",
    "SELECT a, {} FROM t",
    "SELECT * FROM t WHERE a = {}",
    "SELECT * FROM t WHERE a IN (SELECT {})",
    "SELECT * FROM t ORDER BY {} DESC",
    "SELECT count(*) FILTER (WHERE {} IS NULL) FROM t",
    "SELECT coalesce(a, lower({})) FROM t",
    "SELECT CASE WHEN a THEN {} END FROM t",
    "SELECT DISTINCT ON (a) {} FROM t",
    "SELECT * FROM a JOIN b ON a.id = {}",
    "SELECT * FROM a JOIN b ON (a.id) OPERATOR(pg_catalog.=) {}",
    "SELECT ARRAY[{}]",
    "SELECT a BETWEEN {} AND 2 FROM t",
    "SELECT a LIKE 'x' ESCAPE {} FROM t",
    "SELECT a AT TIME ZONE {} FROM t",
    "SELECT sum(a) OVER (ORDER BY {}) FROM t",
    "WITH x AS (SELECT {}) SELECT * FROM x",
    "SELECT 1 UNION ALL SELECT {}",
    "VALUES ({})",
    "EXPLAIN ANALYZE SELECT {}",
    "EXPLAIN (ANALYZE, FORMAT JSON) SELECT {} FROM t",
    "SELECT a FROM t GROUP BY a HAVING {} IS NOT NULL",
    "SELECT a FROM t LIMIT {}",
]
HARMLESS = [
    "SELECT a, count(*) FROM t WHERE b = 1 GROUP BY a ORDER BY 2 DESC LIMIT 5",
    "WITH x AS (SELECT * FROM t) SELECT lower(a) FROM x JOIN u ON x.id = u.id",
    "EXPLAIN SELECT * FROM t WHERE a IN (1, 2, 3)",
]
WORDS = [
    *"(),.;*=1[]",
    "::",
    "SELECT",
    "FROM",
    "WHERE",
    "AS",
    "WITH",
    "JOIN",
    "ON",
    "FOR",
    "INTO",
    "OPERATOR",
    "EXPLAIN",
    "t",
    "x",
    "'a'",
]
GAPS = st.sampled_from([" ", "  ", "\t", "\n", "\r\n", " /* x */ ", " -- y\n", "/* /* z */ */"])


def _spaced(draw, sql):
    """The statement with other gaps between its words, other case, and the same literals."""
    words = re.split(r"( |'[^']*'|\"[^\"]*\")", sql)
    return "".join(draw(GAPS) if word == " " else _cased(draw, word) for word in words)


def _cased(draw, word):
    if word[:1] in ("'", '"'):
        return word
    return draw(st.sampled_from([word, word.upper(), word.lower(), word.title()]))


@st.composite
def wrapped_writes(draw):
    write, wrapper = draw(st.sampled_from(WRITES)), draw(st.sampled_from(WRITE_WRAPPERS))
    return _spaced(draw, wrapper.replace("{}", write))


@st.composite
def wrapped_calls(draw):
    call, wrapper = draw(st.sampled_from(CALLS)), draw(st.sampled_from(CALL_WRAPPERS))
    return _spaced(draw, wrapper.replace("{}", call))


@st.composite
def respaced(draw):
    sql = draw(st.sampled_from(HARMLESS))
    return _spaced(draw, sql)


@settings(max_examples=300, deadline=None)
@given(wrapped_writes())
def test_a_write_is_refused_in_any_wrapping(sql):
    assert not guard(sql, "postgresql").allowed, sql


@settings(max_examples=300, deadline=None)
@given(wrapped_calls())
def test_a_call_that_is_not_known_to_be_harmless_is_refused_in_any_place(sql):
    assert not guard(sql, "postgresql").allowed, sql


@settings(max_examples=200, deadline=None)
@given(respaced())
def test_space_comments_and_case_do_not_change_the_verdict(sql):
    verdict = guard(sql, "postgresql")
    assert verdict.allowed, (sql, verdict.reason)


TEXTS = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=40),
    st.lists(
        st.sampled_from(["'", "\\", "$$", ";", "--", "/*", "*/", '"', "pg_sleep(1)", " DELETE FROM t ", "\n"])
    ).map("".join),
)


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_the_content_of_a_literal_never_changes_the_verdict(text):
    verdict = guard(f"SELECT * FROM t WHERE note = {quote_literal(text)} AND a = 1", "postgresql")
    assert verdict.allowed, verdict.reason


@settings(max_examples=200, deadline=None)
@given(TEXTS.filter(lambda text: bool(text)))
def test_any_quoted_name_that_is_not_called_is_allowed(name):
    verdict = guard(f'SELECT {quote_identifier(name)} FROM "{name.replace(chr(34), chr(34) * 2)}"', "postgresql")
    assert verdict.allowed, verdict.reason


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=80), TEXTS, TEXTS.map("SELECT ".__add__), TEXTS.map("EXPLAIN (ANALYZE".__add__)))
def test_any_text_gets_a_verdict_and_never_an_exception(text):
    verdict = guard(text, "postgresql")
    assert verdict.allowed == (verdict.code == "ok") == (verdict.reason == "")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(WORDS)))
def test_any_order_of_words_gets_a_verdict(words):
    guard(" ".join(words), "postgresql")
