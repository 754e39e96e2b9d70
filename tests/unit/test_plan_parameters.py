"""How many parameters a counted statement takes, which a generic plan needs to know."""

import pytest

from housecall.engines.postgresql.probe import parameters_of


@pytest.mark.parametrize(
    ("statement", "count"),
    [
        ("SELECT 1", 0),
        ("SELECT * FROM t WHERE a = $1 AND b = $2", 2),
        ("SELECT * FROM t WHERE a = $2 OR b = $2", 2),
        ("SELECT '$7' FROM t WHERE a = $1 -- $9", 1),
        ("SELECT $$ $5 $$ FROM t WHERE a = $1", 1),
        ("SELECT * FROM t WHERE a = $1 AND b = 'cut off here", 0),
    ],
)
def test_parameters_are_counted_outside_of_literals(statement: str, count: int) -> None:
    assert parameters_of(statement) == count
