"""How a statement is written: what is detected, and what only looks like it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from housecall.advisor.index import TableFacts, candidates
from housecall.advisor.shape import DEEP_OFFSET_ROWS, HUGE_LIST_ELEMENTS, statement_shape
from housecall.advisor.statement import with_parameters_apart

TYPES = {
    "t": {"id": "integer", "code": "character(3)", "name": "text", "created": "timestamp with time zone"},
    "docs": {"id": "bigint", "body": "jsonb"},
}


def shape(sql, engine="postgresql"):
    return statement_shape(sql, engine, TYPES)


@pytest.mark.parametrize(
    ("condition", "column", "wrapped_by"),
    [
        ("lower(name) = $1", "name", "lower"),
        ("created::date = '2024-01-01'", "created", "cast to date"),
        ("date_trunc('day', t.created) >= $1", "created", "date_trunc"),
        ("id + 1 > 5", "id", "arithmetic"),
        ("'x' = upper(name)", "name", "upper"),
    ],
)
def test_function_on_a_compared_column_is_seen(condition, column, wrapped_by):
    (found,) = shape(f"SELECT id FROM t WHERE {condition}").wrapped
    assert (found.relation, found.column, found.wrapped_by) == ("t", column, wrapped_by)


@pytest.mark.parametrize("condition", ["name = lower($1)", "id = 5", "created > now() - interval '1 day'"])
def test_function_on_the_other_side_is_fine(condition):
    assert not shape(f"SELECT lower(name) FROM t WHERE {condition}").wrapped


@pytest.mark.parametrize(
    ("pattern", "engine", "is_open"),
    [
        ("concat('%', 'x', '%')", "mysql", True),
        ("concat('x', '%')", "mysql", False),
        ("'%' || $1 || '%'", "postgresql", True),
        ("('%' || $1)", "postgresql", True),
        ("$1 || '%'", "postgresql", False),
        ("concat('%', $1)", "postgresql", True),
    ],
)
def test_wildcard_of_a_pattern_that_is_put_together(pattern, engine, is_open):
    found = shape(f"SELECT id FROM t WHERE name LIKE {pattern}", engine).wildcards
    assert [each.column for each in found if each.pattern is not None] == ["name"] * is_open


@pytest.mark.parametrize("pattern", ["$1", "$1 || '%'", "concat($1, '%')"])
def test_the_beginning_that_a_parameter_gives_is_not_known(pattern):
    (found,) = shape(f"SELECT id FROM t WHERE name ILIKE {pattern}", "postgresql").wildcards
    assert (found.column, found.pattern) == ("name", None)


@pytest.mark.parametrize("engine", ["postgresql", "mysql"])
@pytest.mark.parametrize("cut", [4000, 4001, 4002, 4003, 4004])
def test_a_list_that_was_cut_off_is_counted_as_far_as_it_is_shown(engine, cut):
    statement = f"SELECT id FROM t WHERE a = 5 AND id IN ({', '.join(str(n) for n in range(1000, 3000))})"
    (found,) = shape(statement[:cut], engine).huge_lists
    assert (found.relation, found.column) == ("t", "id")
    assert found.elements in (659, 660)


def test_a_statement_that_was_cut_off_elsewhere_is_not_understood():
    assert not shape("SELECT id FROM t WHERE id IN (SELECT a, b FROM").understood
    assert not shape("SELECT id FROM t WHERE id IN (1").understood


def test_wildcard_counts_only_at_the_beginning():
    (found,) = shape("SELECT id FROM t WHERE name LIKE '%x'").wildcards
    assert (found.relation, found.column, found.pattern) == ("t", "name", "%x")
    assert not shape("SELECT id FROM t WHERE name LIKE 'x%'").wildcards


@pytest.mark.parametrize(
    ("condition", "casts"),
    [
        ("id = 1.5", True),
        ("id = 1", False),
        ("id = 7::numeric", True),
        ("id = 7::bigint", False),
        ("code = 'x'::text", True),
        ("code = 'x'", False),
        ("name = 'x'::text", False),
    ],
)
def test_postgresql_converts_a_column_only_towards_the_wider_family(condition, casts):
    assert bool(shape(f"SELECT id FROM t WHERE {condition}").implicit_casts) is casts


@pytest.mark.parametrize(("condition", "casts"), [("name = 5", True), ("name = '5'", False), ("id = '5'", False)])
def test_mysql_converts_text_compared_with_a_number(condition, casts):
    assert bool(shape(f"SELECT id FROM t WHERE {condition}", "mysql").implicit_casts) is casts


def test_offset_is_deep_from_the_limit_on():
    assert shape(f"SELECT id FROM t ORDER BY id LIMIT 20 OFFSET {DEEP_OFFSET_ROWS}").offsets[0].deep
    assert not shape(f"SELECT id FROM t ORDER BY id LIMIT 20 OFFSET {DEEP_OFFSET_ROWS - 1}").offsets[0].deep


def test_offset_by_parameter_is_not_known():
    assert shape("SELECT id FROM t LIMIT $1 OFFSET $2").offsets[0].rows is None


@pytest.mark.parametrize("form", ["id IN ({})", "id = ANY(ARRAY[{}])"])
def test_list_is_huge_from_the_limit_on(form):
    def lists(elements):
        return shape("SELECT id FROM t WHERE " + form.format(", ".join(map(str, range(elements))))).huge_lists

    assert lists(HUGE_LIST_ELEMENTS)[0].elements == HUGE_LIST_ELEMENTS
    assert not lists(HUGE_LIST_ELEMENTS - 1)


def test_scalar_subquery_for_each_row_is_correlated():
    sql = "SELECT c.id, (SELECT max(total) FROM orders o WHERE o.customer_id = c.id) FROM customers c"
    (found,) = shape(sql).correlated
    assert (found.tables, found.columns, found.flattens) == (("orders",), ("c.id",), False)


def test_exists_is_correlated_and_becomes_a_join():
    assert shape("SELECT 1 FROM c WHERE EXISTS (SELECT 1 FROM o WHERE o.x = c.id)").correlated[0].flattens


def test_subquery_that_stands_alone_is_not_correlated():
    assert not shape("SELECT id FROM t WHERE id = (SELECT max(o.id) FROM o)").correlated


def test_all_columns_names_the_large_ones():
    found = shape("SELECT d.* FROM docs d JOIN t ON t.id = d.id").all_columns
    assert (found.tables, found.large_columns, found.width) == (("docs",), ("docs.body",), 2)
    assert shape("SELECT count(*) FROM docs").all_columns is None


def test_text_that_cannot_be_read_is_not_understood_and_finds_nothing():
    assert not shape("SELECT * FROM t WHERE (").understood
    assert not shape("SELECT * FROM t WHERE (").wrapped


WORDS = [
    *"(),.;*=1[]",
    "::",
    "SELECT",
    "FROM",
    "WHERE",
    "AND",
    "IN",
    "LIKE",
    "'%a'",
    "ORDER BY",
    "LIMIT",
    "t",
    "id",
    "JOIN",
    "ON",
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join), st.sampled_from(["postgresql", "mysql"]))
def test_any_text_has_a_shape_and_candidates_or_none(text, engine):
    for sql in (text, f"SELECT * FROM t WHERE {text}"):
        statement_shape(sql, engine, TYPES)
        candidates(sql, engine, [TableFacts("public", "t", 1e6)])


def test_statement_with_thousands_of_conditions_does_not_exhaust_the_stack():
    sql = "SELECT id FROM t WHERE " + " OR ".join(f"id = {number}" for number in range(3_000))
    statement_shape(sql, "postgresql", TYPES)
    deep = "SELECT id FROM t WHERE " + "lower(" * 300 + "name" + ")" * 300 + " = 'x'"
    statement_shape(deep, "postgresql", TYPES)
    candidates(deep, "postgresql", [TableFacts("public", "t", 1e6)])


@pytest.mark.parametrize(
    "condition",
    [
        "id IN ($1,$2)",
        "(id, code) IN (($1,$2),($3,$4))",
        "name = 'costs $1,$2' AND id = $3",
        "body->$1->>$2 = $3",
    ],
)
def test_parameters_without_a_space_between_them_are_no_dollar_quotes(condition):
    assert shape(f"SELECT id FROM docs WHERE {condition}").tables == ("docs",)


def test_quoted_text_keeps_what_looks_like_a_parameter():
    text = "SELECT '$1,$2', \"a$1,b\", $q$ $1,$2 $q$ FROM t WHERE id IN ($1,$2)"
    assert with_parameters_apart(text, "postgresql") == text.replace("($1,$2)", "($1 ,$2 )")
    assert with_parameters_apart(text, "mysql") == text
