"""Checks and causes on real MySQL and MariaDB servers: clean, broken, found, fixed, clean."""

from typing import Any

import pytest

from housecall.diagnosis.cause import Cause
from housecall.diagnosis.examine import Diagnosis
from housecall.testing_mysql import PrivateMySQLDatabase

pytestmark = pytest.mark.anyio

DIGESTS = "performance_schema.events_statements_summary_by_digest"


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


async def test_a_key_that_foreign_keys_refer_to_is_widened_together_with_their_columns(
    shop: PrivateMySQLDatabase,
) -> None:
    shop.execute(
        "CREATE TABLE accounts (id INT AUTO_INCREMENT PRIMARY KEY COMMENT 'it''s the number', over_id INT NULL,"
        " CONSTRAINT `over it` FOREIGN KEY (over_id) REFERENCES accounts (id) ON DELETE SET NULL)",
        "CREATE TABLE `Holder Details` (account INT NOT NULL COMMENT 'whose', PRIMARY KEY (account),"
        " CONSTRAINT of_account FOREIGN KEY (account) REFERENCES accounts (id) ON DELETE CASCADE ON UPDATE RESTRICT)",
        "CREATE TABLE letters (id BIGINT AUTO_INCREMENT PRIMARY KEY, holder INT NOT NULL DEFAULT 7,"
        " CONSTRAINT to_holder FOREIGN KEY (holder) REFERENCES `Holder Details` (account) ON UPDATE CASCADE)",
        "INSERT INTO accounts (id) VALUES (7), (2000000000)", "INSERT INTO `Holder Details` VALUES (7)",
        "INSERT INTO letters (holder) VALUES (7)",
    )  # fmt: skip
    user = shop.create_reader()
    before = _foreign_keys(shop)
    (cause,) = causes_in(await shop.examine(user=user), shop, "key_exhaustion")
    apply(shop, cause)
    assert _foreign_keys(shop) == before
    assert _definitions(shop) == [
        ("account", "bigint", "NO", None, "whose"), ("holder", "bigint", "NO", "7", ""),
        ("id", "bigint", "NO", None, ""), ("id", "bigint", "NO", None, "it's the number"),
        ("over_id", "bigint", "YES", None, ""),
    ]  # fmt: skip
    assert causes_in(await shop.examine(user=user), shop, "key_exhaustion") == []
    shop.execute(*cause.remedies[0].rollback)
    assert _foreign_keys(shop) == before
    assert {kind for _, kind, *_ in _definitions(shop)} == {"bigint", "int"}


def _foreign_keys(database: PrivateMySQLDatabase) -> list[tuple[Any, ...]]:
    return database.fetch(
        "SELECT TABLE_NAME, CONSTRAINT_NAME, UPDATE_RULE, DELETE_RULE FROM information_schema.REFERENTIAL_CONSTRAINTS"
        " WHERE CONSTRAINT_SCHEMA = DATABASE() ORDER BY 1, 2"
    )


def _definitions(database: PrivateMySQLDatabase) -> list[tuple[Any, ...]]:
    found = database.fetch(
        "SELECT COLUMN_NAME, DATA_TYPE, IS_NULLABLE, COLUMN_DEFAULT, COLUMN_COMMENT FROM information_schema.COLUMNS"
        " WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1, 5"
    )
    return [(*row[:3], None if row[3] == "NULL" else row[3], row[4]) for row in found]


async def test_key_exhaustion_of_sequences_is_found_and_gone_after_the_remedies(shop: PrivateMySQLDatabase) -> None:
    if shop.server.kind.flavour == "mysql":
        pytest.skip("MySQL has no sequences")
    shop.execute(
        "CREATE SEQUENCE `Order Numbers` MAXVALUE 1000000", "CREATE SEQUENCE lines_seq",
        "CREATE TABLE `lines` (id SMALLINT PRIMARY KEY DEFAULT NEXTVAL(lines_seq))",
    )  # fmt: skip
    assert causes_in(await shop.examine(), shop, "key_exhaustion") == []
    shop.execute("DO SETVAL(`Order Numbers`, 950000)", "DO SETVAL(lines_seq, 32000)")
    found = causes_in(await shop.examine(), shop, "key_exhaustion")
    assert {each.object for each in found} == {f"{shop.name}.`Order Numbers`", f"{shop.name}.`lines`.id"}
    assert {each.severity for each in found} == {"critical"}
    for cause in found:
        apply(shop, cause)
    assert causes_in(await shop.examine(), shop, "key_exhaustion") == []
    for cause in found:
        shop.execute(*cause.remedies[0].rollback)


async def test_sequences_that_may_not_be_read_are_not_evaluated_with_the_grant(shop: PrivateMySQLDatabase) -> None:
    if shop.server.kind.flavour == "mysql":
        pytest.skip("MySQL has no sequences")
    user = shop.create_reader()
    shop.execute("CREATE SEQUENCE numbers MAXVALUE 200000", "DO SETVAL(numbers, 190000)")
    (missed,) = [each for each in (await shop.examine(user=user)).not_evaluated if "key_exhaustion" in each.check]
    shop.execute(*[each for each in str(missed.remedy).split(";") if each.strip() and shop.name in each])
    diagnosis = await shop.examine(user=user)
    assert [each.object for each in causes_in(diagnosis, shop, "key_exhaustion")] == [f"{shop.name}.numbers"]


async def test_missing_index_is_found_by_its_statement_and_gone_after_the_remedy(shop: PrivateMySQLDatabase) -> None:
    shop.execute(
        "CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, customer_id INT, note VARCHAR(100))",
        "INSERT INTO orders (customer_id, note) WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r"
        " WHERE n < 500) SELECT a.n, REPEAT('x', 50) FROM r AS a JOIN r AS b ON b.n <= 20",
        "ANALYZE TABLE orders",
    )
    assert causes_in(await shop.examine(), shop, "missing_index") == []
    shop.execute(
        f"TRUNCATE {DIGESTS}", *[f"SELECT * FROM orders WHERE customer_id = {number}" for number in range(1, 30)]
    )
    (cause,) = causes_in(await shop.examine(), shop, "missing_index")
    assert cause.object == f"{shop.name}.orders(customer_id)"
    apply(shop, cause)
    assert causes_in(await shop.examine(), shop, "missing_index") == []


async def test_a_table_that_has_the_name_of_a_keyword_has_a_plan(shop: PrivateMySQLDatabase) -> None:
    shop.execute(
        "CREATE TABLE status (id INT AUTO_INCREMENT PRIMARY KEY, account INT, note VARCHAR(100))",
        "INSERT INTO status (account, note) WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r"
        " WHERE n < 500) SELECT a.n, REPEAT('x', 50) FROM r AS a JOIN r AS b ON b.n <= 20",
        "ANALYZE TABLE status",
        f"TRUNCATE {DIGESTS}",
        *[f"SELECT status.note FROM status WHERE status.account = {number}" for number in range(1, 40)],
    )
    diagnosis = await shop.examine()
    plans = [each for each in diagnosis.snapshot.plans if "note" in each.statement]
    assert [each.failure for each in plans if each.plan is None] == []
    assert [each.object for each in causes_in(diagnosis, shop, "missing_index")] == [f"{shop.name}.status(account)"]


async def test_without_performance_schema_missing_index_is_not_evaluated(blind_shop: PrivateMySQLDatabase) -> None:
    missed = {each.check: each for each in (await blind_shop.examine()).not_evaluated}
    assert "performance_schema" in str(missed["mysql.missing_index"].reason)
