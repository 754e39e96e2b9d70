"""The statements that skills tell to read with: PostgreSQL understands every one of them."""

import re

import psycopg
import pytest

from housecall.skills.catalog import builtin_skills

BLOCK = re.compile(r"^```sql\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STATEMENTS = [
    pytest.param(sql, id=f"{skill.name}-{number}")
    for skill in builtin_skills()
    for number, sql in enumerate(BLOCK.findall(skill.content["PostgreSQL"]), 1)
]


@pytest.mark.parametrize("sql", STATEMENTS)
def test_a_statement_of_a_skill_runs(database, sql: str) -> None:
    if "sessions_abandoned" in sql and database.server.version < 14:
        pytest.skip("PostgreSQL 14 and newer, as the skill says: new sessions are counted")
    with psycopg.connect(database.dsn) as connection:
        connection.read_only = True
        assert connection.execute(sql).description
