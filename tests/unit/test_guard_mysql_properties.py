"""Properties of the guard for MySQL and MariaDB, in both directions."""

import re

from hypothesis import given
from hypothesis import strategies as st

from housecall.engines.guard import guard
from housecall.engines.mysql.quoting import quote_identifier

CALLS = ["SLEEP(1)", "`sleep`(1)", "LOAD_FILE('a')", "GET_LOCK('a', 1)", "f(1)", "shop.f()", "BENCHMARK(1, 1)"]
PLACES = [
    "SELECT {}", "SELECT a, {} FROM t", "SELECT * FROM t WHERE a = {}", "SELECT * FROM t WHERE a IN (SELECT {})",
    "SELECT * FROM t ORDER BY {} DESC", "SELECT COALESCE(a, LOWER({})) FROM t", "SELECT CASE WHEN a THEN {} END FROM t",
    "SELECT * FROM a JOIN b ON a.id = {}", "SELECT a BETWEEN {} AND 2 FROM t", "WITH x AS (SELECT {}) SELECT * FROM x",
    "SELECT 1 UNION ALL SELECT {}", "VALUES ROW({})", "EXPLAIN SELECT {}", "EXPLAIN ANALYZE SELECT {}",
    "EXPLAIN UPDATE t SET a = {}", "SELECT SUM(a) OVER (ORDER BY {}) FROM t",
    "SELECT a FROM t GROUP BY a HAVING {} > 1",
    "SELECT d + INTERVAL {} DAY FROM t", "SELECT IF(a, {}, b) FROM t", "SHOW TABLES WHERE {}",
]  # fmt: skip
WRITES = [
    "DELETE FROM t",
    "UPDATE t SET a = 1",
    "INSERT INTO t VALUES (1)",
    "REPLACE INTO t VALUES (1)",
    "DROP TABLE t",
]
WRAPPERS = [
    "{}",
    "({})",
    "SELECT 1; {}",
    "WITH x AS (SELECT 1) {}",
    "EXPLAIN ANALYZE {}",
    "ANALYZE {}",
    "/*!50000 {} */",
]
HARMLESS = [
    "SELECT a, COUNT(*) FROM t WHERE b = 1 GROUP BY a ORDER BY 2 DESC LIMIT 5",
    "WITH x AS (SELECT * FROM t) SELECT LOWER(a) FROM x JOIN u ON x.id = u.id",
    "EXPLAIN SELECT * FROM t WHERE a IN (1, 2, 3)",
]
GAPS = st.sampled_from([" ", "  ", "\t", "\n", "\r\n", " /* x */ ", " -- y\n", " # z\n"])


@st.composite
def spaced(draw, statements):
    """A statement with other gaps between its words and other case, and the same literals."""
    words = re.split(r"( |'[^']*'|`[^`]*`)", draw(statements))
    return "".join(draw(GAPS) if word == " " else _cased(draw, word) for word in words)


def _cased(draw, word):
    return word if word[:1] in "'`" else draw(st.sampled_from([word, word.upper(), word.lower()]))


CALLED = st.builds(lambda place, call: place.replace("{}", call), st.sampled_from(PLACES), st.sampled_from(CALLS))
WRITTEN = st.builds(lambda place, write: place.replace("{}", write), st.sampled_from(WRAPPERS), st.sampled_from(WRITES))


@given(spaced(CALLED))
def test_a_call_that_is_not_known_to_be_harmless_is_refused_in_any_place(sql):
    assert not guard(sql, "mysql").allowed, sql


@given(spaced(WRITTEN))
def test_a_write_is_refused_in_any_wrapping(sql):
    assert not guard(sql, "mysql").allowed, sql


@given(spaced(st.sampled_from(HARMLESS)))
def test_space_comments_and_case_do_not_change_the_verdict(sql):
    verdict = guard(sql, "mysql")
    assert verdict.allowed, (sql, verdict.reason)


TEXTS = st.one_of(
    st.text(st.characters(exclude_characters="\0\\", exclude_categories=("Cs",)), max_size=40),
    st.lists(st.sampled_from(["'", ";", "-- ", "/*", "*/", "/*!", '"', "SLEEP(1)", " DELETE FROM t ", "\n"])).map(
        "".join
    ),
)


@given(TEXTS)
def test_the_content_of_a_literal_never_changes_the_verdict(text):
    literal = "'" + text.replace("'", "''") + "'"
    verdict = guard(f"SELECT * FROM t WHERE note = {literal} AND a = 1", "mysql")
    assert verdict.allowed, (text, verdict.reason)


@given(st.one_of(st.text(max_size=80), TEXTS, TEXTS.map("SELECT ".__add__), TEXTS.map("EXPLAIN ".__add__)))
def test_any_text_gets_a_verdict_and_never_an_exception(text):
    verdict = guard(text, "mysql")
    assert verdict.allowed == (verdict.code == "ok") == (verdict.reason == "")


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=20))
def test_a_quoted_name_is_read_back_as_it_was(name):
    quoted = quote_identifier(name)
    assert quoted == name or quoted[1:-1].replace("``", "`") == name
