"""Which plans a snapshot asks for when a table is locked, with a probe that answers by a script."""

from collections.abc import Mapping
from typing import Any

import pytest

from housecall.diagnosis.snapshot import take_snapshot
from housecall.engines.engine import Reading, Rows, ServerFacts, Unavailable, Version
from housecall.engines.guard.tables import tables_in
from housecall.errors import HousecallError, InstanceTimeout, StatementFailed

pytestmark = pytest.mark.anyio

FACTS = ServerFacts(Version("mysql", 90704, "MySQL 9.7.4"), "shop", "root", True, True, False, 60.0, ())


class OneTableLocked:
    """EXPLAIN of what names `orders` waits in vain; `missing` is no table."""

    def __init__(self) -> None:
        self.facts, self.statements_run = FACTS, 0
        self.asked: list[str] = []

    async def read(self, reading: Reading) -> Rows | Unavailable:
        return ()

    async def explain(self, sql: str) -> Any:
        self.asked.append(sql)
        error: type[HousecallError] | None = None
        error = InstanceTimeout if "orders" in sql.lower() else StatementFailed if "missing" in sql else None
        if error is not None:
            raise error("the statement was ended: Lock wait timeout exceeded")
        return {"plan": sql}


class FixedEngine:
    name = "mysql"
    readings = ()

    def __init__(self, *statements: str) -> None:
        self._statements = statements

    def statements_to_explain(self, _readings: Mapping[str, Rows | Unavailable]) -> tuple[str, ...]:
        return self._statements


async def test_a_table_that_an_explain_waited_for_in_vain_is_not_asked_about_again() -> None:
    probe = OneTableLocked()
    statements = (
        "SELECT * FROM clients WHERE id = ?",
        "SELECT * FROM `Orders` WHERE id IN (...)",
        "UPDATE app.orders SET total = ? WHERE id = ?",
        "SELECT * FROM missing",
        "SELECT * FROM clients AS c JOIN orders AS o ON o.client_id = c.id",
        "SELECT * FROM missing WHERE id = ?",
    )
    snapshot = await take_snapshot(probe, "shop-db", FixedEngine(*statements))  # type: ignore[arg-type]
    assert probe.asked == [statements[0], statements[1], statements[3], statements[5]]
    assert [each.statement for each in snapshot.plans] == list(statements)
    assert [each.plan is None for each in snapshot.plans] == [False, True, True, True, True, True]
    assert snapshot.plans[2].failure == snapshot.plans[1].failure


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("/*schema:app*/ SELECT * FROM `Orders` WHERE id IN ( ... ) LIMIT ?, ...", {"orders"}),
        ("WITH o AS (SELECT * FROM app.orders) SELECT * FROM o, clients", {"orders", "clients"}),
        ("SELECT * FROM", set()),
    ],
)
def test_tables_are_named_without_schema_and_in_lower_case(sql: str, tables: set[str]) -> None:
    assert tables_in(sql, "mysql") == tables
