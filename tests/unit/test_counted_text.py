"""Statements as they are counted become statements that can be parsed and explained."""

import pytest

from housecall.engines.guard import guard
from housecall.engines.postgresql.counted_text import as_statement, parameters_apart


@pytest.mark.parametrize(
    ("counted", "statement"),
    [
        ("SELECT 1 FROM t WHERE d = date $1", "SELECT 1 FROM t WHERE d = $1::date"),
        ("SELECT 1 FROM t WHERE at > now() - interval $2", "SELECT 1 FROM t WHERE at > now() - $2::interval"),
        (
            "SELECT timestamp with time zone $1, timestamp(3) $2",
            "SELECT $1::timestamp with time zone, $2::timestamp(3)",
        ),
        ("PREPARE q(int, numeric(3, 1)) AS SELECT * FROM t WHERE a = $1", "SELECT * FROM t WHERE a = $1"),
        ('prepare "my q" as select 1', "select 1"),
        ("SELECT * FROM t WHERE a = $1 LIMIT $2", "SELECT * FROM t WHERE a = $1 LIMIT $2"),
        ("SELECT u.date, $1 FROM u", "SELECT u.date, $1 FROM u"),
    ],
)
def test_what_the_extension_counted_can_be_parsed_again(counted: str, statement: str) -> None:
    assert as_statement(counted) == statement


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM t WHERE a IN ($1,$2,$3)",
        "SELECT doc->$1->>$2 FROM t",
        "INSERT INTO t SELECT g,$1||g%$2,$3 FROM generate_series($4,$5) AS g",
        "UPDATE t SET a = (a+$1)%$2 WHERE b = '$1,$2'",
    ],
)
def test_parameters_without_a_space_between_them_can_be_explained(statement: str) -> None:
    apart = parameters_apart(statement)
    assert guard(f"EXPLAIN {apart}", "postgresql").allowed
    assert apart.count("'$1,$2'") == statement.count("'$1,$2'")
