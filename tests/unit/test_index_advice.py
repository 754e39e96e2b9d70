"""Index advice: which candidates, in which order of columns, how written, and what makes an index needless."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from housecall.advisor.index import ColumnFacts, IndexFacts, TableFacts, candidates, create_index, redundant_indexes
from housecall.advisor.index.benefit import Benefit
from housecall.advisor.index.candidates import Candidate, KeyColumn

PKEY = IndexFacts("orders_pkey", ("id",), unique=True, constraint=True)
COLUMNS = {
    "id": ColumnFacts("bigint", -1.0),
    "customer_id": ColumnFacts("integer", 5_000),
    "status": ColumnFacts("text", 2),
    "region": ColumnFacts("text", 50),
    "created": ColumnFacts("timestamp with time zone", -0.9),
    "booked": ColumnFacts("timestamp without time zone", -0.9),
    "note": ColumnFacts("text", -1.0),
    "extra": ColumnFacts("json"),
    "chart": ColumnFacts("jsonb"),
    "tags": ColumnFacts("text[]"),
    "words": ColumnFacts("tsvector"),
    "span": ColumnFacts("int4range"),
}


def orders(*indexes, rows=500_000, name="orders"):
    return TableFacts("public", name, rows, COLUMNS, (PKEY, *indexes))


CUSTOMERS = TableFacts(
    "public", "customers", 50_000,
    {"id": ColumnFacts("integer", -1.0), "email": ColumnFacts("text", -1.0)},
    (IndexFacts("customers_pkey", ("id",), unique=True), IndexFacts("customers_email_key", ("email",), unique=True)),
)  # fmt: skip


def advised(sql, *tables):
    found = candidates(sql, "postgresql", tables or (orders(), CUSTOMERS))
    return [(each.table, each.columns) for each in found]


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("SELECT * FROM orders WHERE customer_id = $1", ("customer_id",)),
        ("SELECT * FROM orders WHERE created > $1 AND customer_id = $2", ("customer_id", "created")),
        (
            "SELECT * FROM orders WHERE region = 'x' AND customer_id = 1 AND created < now()",
            ("customer_id", "region", "created"),
        ),
        ("SELECT * FROM orders WHERE status = 'x' AND customer_id = 1", ("customer_id",)),
        ("SELECT * FROM orders WHERE customer_id IN (1, 2)", ("customer_id",)),
        ("DELETE FROM orders WHERE customer_id = 7", ("customer_id",)),
        ("UPDATE orders SET note = '' WHERE customer_id = 7", ("customer_id",)),
        ("SELECT * FROM orders ORDER BY created DESC LIMIT 20", ("created",)),
        ("SELECT * FROM orders WHERE lower(note) = $1", ("(lower(note))",)),
        ("SELECT * FROM orders WHERE extra ->> 'serial' = $1", ("(extra ->> 'serial')",)),
        ("SELECT * FROM orders WHERE extra #>> '{box,serial}' = $1", ("(extra #>> '{box,serial}')",)),
        ("SELECT * FROM orders WHERE (extra ->> 'n')::int = $1", ("(CAST((extra ->> 'n') AS INT))",)),
        ("SELECT * FROM orders WHERE lower(left(note, 3)) = $1", ("(lower(left(note, 3)))",)),
        ("SELECT * FROM orders WHERE booked::date = $1", ("(CAST(booked AS DATE))",)),
        ("SELECT * FROM orders WHERE date_trunc('day', booked) = $1", ("(date_trunc('day', booked))",)),
    ],
)
def test_key_is_equality_first_then_range_or_order(sql, columns):
    assert ("orders", columns) in advised(sql)


@pytest.mark.parametrize(
    "filter_by",
    [
        "extra ->> $1 = $2",  # the key is not known
        "left(note, $1) = $2",
        "coalesce(note, $1) = $2",
        "extra -> 'n' = '1'",  # json has no order
        "(extra ->> 'at')::timestamptz = $1",  # read by the settings of the session
        "lower(booked::text) = $1",
        "lower(to_char(booked, 'YYYY')) = $1",
        "created + interval '1 day' = $1",
    ],
)
def test_no_index_is_advised_that_the_server_would_refuse(filter_by):
    assert advised(f"SELECT * FROM orders WHERE {filter_by}") == []


def test_join_from_a_restricted_table_wants_an_index_on_the_joined_column():
    sql = "SELECT o.* FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.email = $1"
    assert advised(sql) == [("orders", ("customer_id",))]


def test_join_of_whole_tables_wants_none():
    assert advised("SELECT count(*) FROM customers c JOIN orders o ON o.customer_id = c.id") == []


def test_correlated_subquery_wants_an_index_on_its_own_column():
    sql = "SELECT c.id, (SELECT max(o.id) FROM orders o WHERE o.customer_id = c.id) FROM customers c"
    assert advised(sql) == [("orders", ("customer_id",))]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM orders WHERE id = $1",
        "SELECT * FROM orders WHERE id = $1 AND note = $2",
        "SELECT * FROM orders WHERE status = $1",
        "SELECT * FROM orders WHERE customer_id = 1 OR status = 'x'",
        "SELECT * FROM orders WHERE note LIKE '%x'",
        "SELECT * FROM orders WHERE created::date = $1",
        "SELECT * FROM orders WHERE extra = $1",
        "SELECT * FROM elsewhere WHERE customer_id = $1",
        "SELECT * FROM orders WHERE (",
    ],
    ids=[
        "primary key",
        "primary key and more",
        "few values",
        "or",
        "open pattern",
        "not immutable",
        "json",
        "unknown table",
        "broken",
    ],
)
def test_no_candidate_where_an_index_cannot_help(sql):
    assert advised(sql) == []


def test_small_table_wants_no_index():
    sql = "SELECT * FROM orders WHERE customer_id = 1"
    assert advised(sql, orders(rows=999)) == []
    assert advised(sql, orders(rows=5_000))


def test_existing_index_that_begins_with_the_columns_is_enough():
    sql = "SELECT * FROM orders WHERE customer_id = $1"
    assert advised(sql, orders(IndexFacts("i", ("customer_id", "created")))) == []
    assert advised(sql, orders(IndexFacts("i", ("created", "customer_id"))))
    assert advised(sql, orders(IndexFacts("i", ("customer_id",), valid=False)))
    assert advised(sql, orders(IndexFacts("i", ("customer_id",), predicate="status = 'x'")))


def test_benefit_is_said_to_be_an_estimate():
    (found,) = candidates("SELECT * FROM orders WHERE customer_id = $1", "postgresql", [orders()])
    assert (found.benefit.rows_without, found.benefit.rows_with, found.benefit.basis) == (500_000, 100, "estimate")
    assert "estimate" in found.benefit.message().render("en")
    assert "估算" in found.benefit.message().render("zh-CN")


def test_statement_quotes_what_needs_quotes_and_can_be_undone():
    table = TableFacts("My Shop", "Order", 500_000, {"user": ColumnFacts("integer", 50_000)})
    (found,) = candidates('SELECT * FROM "Order" WHERE "user" = $1', "postgresql", [table])
    written = create_index(found)
    assert written.create == 'CREATE INDEX CONCURRENTLY "Order_user_idx" ON "My Shop"."Order" ("user")'
    assert written.drop == 'DROP INDEX CONCURRENTLY IF EXISTS "My Shop"."Order_user_idx"'


def test_expression_stands_in_parentheses_and_prefix_search_gets_pattern_operators():
    (lower,) = candidates("SELECT * FROM orders WHERE lower(note) = $1", "postgresql", [orders()])
    (prefix,) = candidates("SELECT * FROM orders WHERE note LIKE 'abc%'", "postgresql", [orders()])
    assert create_index(lower).create.endswith("orders_lower_note_idx ON public.orders ((lower(note)))")
    assert create_index(prefix).create.endswith("ON public.orders (note text_pattern_ops)")


def test_mixed_order_keeps_its_directions():
    sql = "SELECT * FROM orders WHERE customer_id = 1 ORDER BY status, created DESC LIMIT 5"
    written = [create_index(each).create for each in candidates(sql, "postgresql", [orders(rows=50_000_000)])]
    assert any(text.endswith("(customer_id, status, created DESC)") for text in written)


def test_name_that_is_taken_gets_a_number():
    (found,) = candidates("SELECT * FROM orders WHERE customer_id = $1", "postgresql", [orders()])
    taken = {"orders_customer_id_idx", "orders_customer_id_idx1"}
    assert create_index(found, taken).name == "orders_customer_id_idx2"


@given(
    st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=80),
    st.integers(0, 3),
)
def test_name_never_exceeds_what_the_server_keeps_and_is_free(table, taken_count):
    candidate = Candidate("public", table, (KeyColumn("customer_id"),), Benefit(1.0, 1.0), (), False)
    taken: set[str] = set()
    for _ in range(taken_count + 1):
        name = create_index(candidate, taken).name
        assert len(name.encode()) <= 63
        assert name not in taken
        taken.add(name)


A, B, AB = IndexFacts("a1", ("a",)), IndexFacts("a2", ("a",)), IndexFacts("ab", ("a", "b"))


def needless(*indexes):
    return [(each.index.name, each.covered_by.name, each.kind) for each in redundant_indexes(indexes)]


def test_twin_and_prefix_are_needless_once_each():
    assert needless(A, B) == [("a2", "a1", "duplicate")]
    assert needless(A, AB) == [("a1", "ab", "prefix")]
    assert [name for name, _, _ in needless(A, B, AB)] == ["a1", "a2"]


def test_index_that_guards_the_data_stays():
    unique = IndexFacts("u", ("a",), unique=True)
    assert needless(unique, AB) == []
    assert needless(A, unique) == [("a1", "u", "duplicate")]
    assert needless(IndexFacts("pk", ("a",), unique=True, constraint=True), unique) == [("u", "pk", "duplicate")]


@pytest.mark.parametrize(
    "other",
    [
        IndexFacts("x", ("b", "a")),
        IndexFacts("x", ("a", "b"), predicate="b > 0"),
        IndexFacts("x", ("a", "b"), method="gin"),
        IndexFacts("x", ("a", "b"), valid=False),
        IndexFacts("x", ("a", "b"), operator_classes=("text_pattern_ops", "")),
    ],
    ids=["order", "predicate", "method", "invalid", "operator class"],
)
def test_indexes_that_differ_in_kind_do_not_cover_each_other(other):
    assert needless(A, other) == []


@pytest.mark.parametrize(
    ("condition", "columns"),
    [
        ("chart @> '{\"a\": 1}'", ("chart",)),
        ("chart ? 'a'", ("chart",)),
        ("chart ?| ARRAY['a']", ("chart",)),
        ("tags @> ARRAY['x']", ("tags",)),
        ("tags && $1", ("tags",)),
        ("words @@ to_tsquery('a')", ("words",)),
        ("to_tsvector('simple', note) @@ to_tsquery('a')", ("(to_tsvector('simple', note))",)),
    ],
)
def test_what_is_searched_inside_a_value_gets_a_gin_index(condition, columns):
    (found,) = candidates(f"SELECT id FROM orders WHERE {condition}", "postgresql", [orders()])
    assert (found.columns, found.method, found.is_guess) == (columns, "gin", True)
    assert f"ON public.orders USING gin ({columns[0]})" in create_index(found).create


@pytest.mark.parametrize("condition", ["span && int4range(1, 2)", "int4range(1, 2) && span", "span @> 7", "7 <@ span"])
def test_ranges_are_searched_by_gist(condition):
    (found,) = candidates(f"SELECT id FROM orders WHERE {condition}", "postgresql", [orders()])
    assert (found.columns, found.method, found.is_guess) == (("span",), "gist", True)
    assert "ON public.orders USING gist (span)" in create_index(found).create
    there = IndexFacts("span_idx", ("span",), method="gist")
    assert advised(f"SELECT id FROM orders WHERE {condition}", orders(there)) == []


@pytest.mark.parametrize(
    ("condition", "columns"),
    [
        ("(customer_id, note) = ($1, $2)", ("note", "customer_id")),
        ("(note, id) > ($1, $2) ORDER BY note, id LIMIT 20", ("note", "id")),
        ('note = $1 COLLATE "C"', ('(note COLLATE "C")',)),
        ('note COLLATE "C" = $1', ('(note COLLATE "C")',)),
    ],
)
def test_rows_and_collations_are_compared_by_their_columns(condition, columns):
    assert advised(f"SELECT id FROM orders WHERE {condition}") == [("orders", columns)]


@pytest.mark.parametrize("condition", ["$1 = ANY (tags)", "note IS NOT DISTINCT FROM $1"])
def test_what_no_index_has_an_operator_for_gets_none(condition):
    assert advised(f"SELECT id FROM orders WHERE {condition}") == []


def test_an_index_that_begins_with_a_column_of_few_values_serves_when_both_are_given():
    both = "SELECT id FROM orders WHERE status = $1 AND note = $2"
    assert advised(both, orders(IndexFacts("x", ("status", "note")))) == []
    assert advised(both, orders(IndexFacts("x", ("status", "region")))) == [("orders", ("note",))]


@pytest.mark.parametrize(
    "condition",
    [
        "extra @> '{}'",  # json has no operators for GIN
        "to_tsvector($1, note) @@ to_tsquery('a')",  # nobody knows the language
        "to_tsvector(note) @@ to_tsquery('a')",  # the language depends on the session
        "NOT tags @> ARRAY['x']",
    ],
)
def test_what_gin_cannot_hold_gets_none(condition):
    assert advised(f"SELECT id FROM orders WHERE {condition}") == []


@pytest.mark.parametrize(("method", "count"), [("gin", 0), ("btree", 1)])
def test_a_gin_index_that_is_there_serves(method, count):
    there = IndexFacts("tags_idx", ("tags",), method=method)
    assert len(advised("SELECT id FROM orders WHERE tags @> ARRAY['x']", orders(there))) == count


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("customer_id = 1 OR id = 2", [("customer_id",)]),
        ("customer_id = 1 OR note = 'x'", [("customer_id",), ("note",)]),
        ("(customer_id = 1 AND status = 'x') OR note = 'x' OR id = 3", [("customer_id",), ("note",)]),
        ("customer_id = 1 OR status = 'x'", []),  # half of the table is read for one side anyway
        ("customer_id = 1 OR now() > '2026-01-01'", []),  # a side of which nothing is known
        ("customer_id = 1 OR id IN (SELECT 1)", []),
    ],
)
def test_each_side_of_an_or_needs_an_index(condition, wanted):
    found = candidates(f"SELECT id FROM orders WHERE {condition}", "postgresql", [orders()])
    assert [each.columns for first in found for each in (first, *first.partners)] == wanted


@pytest.mark.parametrize(("operators", "count"), [((), 0), (("text_pattern_ops",), 0), (("",), 1)])
def test_an_index_in_the_order_of_a_language_does_not_serve_a_pattern(operators, count):
    there = IndexFacts("note_idx", ("note",), operator_classes=operators)
    assert len(advised("SELECT id FROM orders WHERE note LIKE 'abc%'", orders(there))) == count
    assert advised("SELECT id FROM orders WHERE note = 'abc'", orders(there)) == []


@pytest.mark.parametrize(
    ("condition", "is_guess"),
    [
        ("created BETWEEN $1 AND $2", [True]),
        ("created >= $1 AND created < $2", [True]),
        ("created >= $1", []),
        ("region IN (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12) AND created > $1", [True]),
        ("customer_id = 1 AND created > $1", [False]),
    ],
)
def test_a_range_with_both_ends_is_worth_an_index_as_a_guess(condition, is_guess):
    found = candidates(f"SELECT count(*) FROM orders WHERE {condition}", "postgresql", [orders()])
    assert [each.is_guess for each in found] == is_guess


def test_an_expression_gets_no_index_while_the_expressions_of_others_cannot_be_read():
    altered = IndexFacts("x", ("?",))
    assert advised("SELECT id FROM orders WHERE lower(note) = 'x'", orders(altered)) == []
    assert len(advised("SELECT id FROM orders WHERE customer_id = 1", orders(altered))) == 1
