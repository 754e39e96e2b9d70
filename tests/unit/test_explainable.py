"""Which statements a snapshot asks the planner about, and in which text."""

from housecall.engines.postgresql.explainable import statements_to_explain
from housecall.engines.postgresql.rows.statements import RunningStatement, TopStatement
from housecall.testing import row_of

COUNTED = "SELECT * FROM orders WHERE customer_id = $1"
SEEN = "SELECT * FROM orders WHERE customer_id = 77"


def chosen(counted: str, *running: str) -> tuple[str, ...]:
    rows = tuple(row_of(RunningStatement, query=each) for each in running)
    return statements_to_explain({"top_statements": (row_of(TopStatement, query=counted),), "running_statements": rows})


def test_a_statement_seen_with_its_values_is_explained_with_them() -> None:
    assert chosen(COUNTED, SEEN) == (SEEN,)


def test_a_statement_seen_with_parameters_only_is_explained_for_any_value() -> None:
    assert chosen(COUNTED, COUNTED) == (COUNTED,)


def test_what_was_only_seen_running_comes_behind_what_was_counted() -> None:
    other = "DELETE FROM orders WHERE id = 3"
    assert chosen(COUNTED, other) == (COUNTED, other)
