"""Checks and causes on real MySQL and MariaDB servers: clean, broken, found, fixed, clean."""

import pytest

from housecall.diagnosis.cause import Cause
from housecall.diagnosis.examine import Diagnosis
from housecall.testing_mysql import PrivateMySQLDatabase

pytestmark = pytest.mark.anyio


def causes_in(diagnosis: Diagnosis, database: PrivateMySQLDatabase, cause_id: str) -> list[Cause]:
    return [
        each for each in diagnosis.causes if each.id == cause_id and database.name in str(each.evidence) + each.object
    ]


def apply(database: PrivateMySQLDatabase, cause: Cause) -> None:
    """Run the statements of the last remedy that has any, as they stand."""
    database.execute(*next(each.statements for each in reversed(cause.remedies) if each.statements))


async def test_duplicate_index_is_found_and_gone_after_the_remedy(shop: PrivateMySQLDatabase) -> None:
    shop.execute("CREATE TABLE orders (id INT PRIMARY KEY, customer INT, status INT, KEY d1 (customer))")
    assert causes_in(await shop.examine(), shop, "duplicate_index") == []
    shop.execute("ALTER TABLE orders ADD KEY d2 (customer), ADD KEY d3 (customer, status)")
    found = causes_in(await shop.examine(), shop, "duplicate_index")
    assert {each.object for each in found} == {f"{shop.name}.orders.d1", f"{shop.name}.orders.d2"}
    for cause in found:
        apply(shop, cause)
    assert causes_in(await shop.examine(), shop, "duplicate_index") == []
    assert shop.value("SELECT COUNT(*) FROM orders FORCE INDEX (d3)") == 0


async def test_no_primary_key_is_found_and_gone_after_the_remedy(blind_shop: PrivateMySQLDatabase) -> None:
    blind_shop.execute("CREATE TABLE log (a INT)", "INSERT INTO log VALUES (1), (1)", "ANALYZE TABLE log")
    (cause,) = causes_in(await blind_shop.examine(), blind_shop, "no_primary_key")
    assert cause.object == f"{blind_shop.name}.log"
    apply(blind_shop, cause)
    assert causes_in(await blind_shop.examine(), blind_shop, "no_primary_key") == []


async def test_key_exhaustion_is_found_with_least_rights_and_gone_after_the_remedy(shop: PrivateMySQLDatabase) -> None:
    shop.execute("CREATE TABLE `Order Lines` (id INT AUTO_INCREMENT PRIMARY KEY)")
    user = shop.create_reader()
    assert causes_in(await shop.examine(user=user), shop, "key_exhaustion") == []
    shop.execute("ALTER TABLE `Order Lines` AUTO_INCREMENT = 2147483600")
    (cause,) = causes_in(await shop.examine(user=user), shop, "key_exhaustion")
    assert cause.object == f"{shop.name}.`Order Lines`.id"
    apply(shop, cause)
    assert causes_in(await shop.examine(user=user), shop, "key_exhaustion") == []


async def test_missing_index_is_found_by_its_statement_and_gone_after_the_remedy(shop: PrivateMySQLDatabase) -> None:
    shop.execute(
        "CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, customer_id INT, note VARCHAR(100))",
        "INSERT INTO orders (customer_id, note) WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r"
        " WHERE n < 500) SELECT a.n, REPEAT('x', 50) FROM r AS a JOIN r AS b ON b.n <= 20",
        "ANALYZE TABLE orders",
    )
    assert causes_in(await shop.examine(), shop, "missing_index") == []
    shop.execute(*[f"SELECT * FROM orders WHERE customer_id = {number}" for number in range(1, 30)])
    (cause,) = causes_in(await shop.examine(), shop, "missing_index")
    assert cause.object == f"{shop.name}.orders(customer_id)"
    apply(shop, cause)
    assert causes_in(await shop.examine(), shop, "missing_index") == []


async def test_without_performance_schema_missing_index_is_not_evaluated(blind_shop: PrivateMySQLDatabase) -> None:
    missed = {each.check: each for each in (await blind_shop.examine()).not_evaluated}
    assert "performance_schema" in str(missed["mysql.missing_index"].reason)
