"""Statements on real MySQL and MariaDB servers: clean, broken, found, fixed, clean. One stocked database a flavour.

The checks proved here: missing_index, wrong_index_order, function_on_column, implicit_cast, leading_wildcard,
charset_mismatch_join, collation_mismatch, offset_pagination, n_plus_one, huge_in_list, correlated_subquery,
wide_rows_fetched, plan_regression, top_statements, index_hints.
"""

import contextlib
import json
import threading
import time
from collections.abc import Iterator, Sequence

import pytest
from asyncmy.errors import MySQLError

from housecall.advisor.plan_mysql import parse_mysql_plan
from housecall.diagnosis.cause import Cause
from housecall.diagnosis.examine import Diagnosis
from housecall.diagnosis.finding import Severity
from housecall.testing_mysql import PrivateMySQLDatabase, PrivateMySQLServer

pytestmark = pytest.mark.anyio

DIGESTS = "performance_schema.events_statements_summary_by_digest"
NUMBERS = "WITH RECURSIVE r (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM r WHERE n < 199) "
CUSTOMERS = """
    CREATE TABLE customers (
        id INT AUTO_INCREMENT PRIMARY KEY, email VARCHAR(80), phone VARCHAR(20), code VARCHAR(20) CHARACTER SET latin1,
        region VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci, note TEXT,
        KEY email (email), KEY phone (phone), KEY code (code)
    )
"""
ORDERS = """
    CREATE TABLE orders (
        id BIGINT AUTO_INCREMENT PRIMARY KEY, customer_id INT, created DATETIME, status VARCHAR(10),
        customer_code VARCHAR(20) CHARACTER SET utf8mb4,
        region VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci, shop_id INT, KEY by_day (created, shop_id)
    )
"""
FILL_CUSTOMERS = f"""
    INSERT INTO customers (email, phone, code, region, note) {NUMBERS}
    SELECT CONCAT('c', a.n * 40 + b.n, '@x.org'), 500000 + a.n * 40 + b.n, CONCAT('k', a.n * 40 + b.n),
        CONCAT('r', b.n), REPEAT('n', 500)
    FROM r AS a JOIN r AS b ON b.n < 40
"""
FILL_ORDERS = f"""
    INSERT INTO orders (customer_id, created, status, customer_code, region, shop_id) {NUMBERS}
    SELECT (a.n * 150 + b.n) % 7000, '2026-01-01' + INTERVAL (a.n * 150 + b.n) MINUTE, IF(b.n, 'done', 'open'),
        CONCAT('k', b.n), CONCAT('r', b.n), (a.n * 150 + b.n) % 900
    FROM r AS a JOIN r AS b ON b.n < 150
"""
STOCK = (CUSTOMERS, FILL_CUSTOMERS, ORDERS, FILL_ORDERS, "ANALYZE TABLE customers, orders")


@pytest.fixture(scope="module")
def stocked(mysql_server: PrivateMySQLServer) -> Iterator[PrivateMySQLDatabase]:
    """8,000 customers and 30,000 orders; tests leave it as it was."""
    made = mysql_server.create_database()
    made.execute(*STOCK)
    yield made
    mysql_server.drop_database(made)


async def causes_after(
    database: PrivateMySQLDatabase, statements: Sequence[str], *, user: str = "root"
) -> tuple[Cause, ...]:
    """What is said of these statements alone, without findings about the schema."""
    database.execute(f"TRUNCATE {DIGESTS}", *statements)
    diagnosis = await database.examine(user=user, window_seconds=0)
    return about_statements(diagnosis, database)


def about_statements(diagnosis: Diagnosis, database: PrivateMySQLDatabase) -> tuple[Cause, ...]:
    broken = [each for each in diagnosis.not_evaluated if "itself failed" in str(each.reason)]
    assert broken == []
    return tuple(each for each in diagnosis.causes if f"{database.name}.orders" in each.object or
                 f"{database.name}.customers" in each.object)  # fmt: skip


BROKEN = {
    "missing_index": ("orders(customer_id)", "SELECT * FROM orders WHERE customer_id = {n}"),
    "wrong_index_order": ("orders(shop_id)", "SELECT * FROM orders WHERE shop_id = {n}"),
    "function_on_column": ("customers(email)", "SELECT id FROM customers WHERE LOWER(email) = 'c{n}@x.org'"),
    "implicit_cast": ("customers(phone)", "SELECT id FROM customers WHERE phone = 50{n:04}"),
    "leading_wildcard": ("customers(email)", "SELECT id FROM customers WHERE email LIKE '%c{n}@x.org'"),
    "charset_mismatch_join": (
        "customers(code)",
        "SELECT COUNT(*) FROM orders AS o JOIN customers AS c ON c.code = o.customer_code WHERE o.id < {n}",
    ),
    "offset_pagination": ("orders", "SELECT * FROM orders ORDER BY id LIMIT 2{n:04}, 20"),
    "correlated_subquery": (
        "orders",
        "SELECT id, (SELECT MAX(created) FROM orders WHERE customer_id = c.id) FROM customers AS c WHERE id < 20",
    ),
    "planner_switch_off": ("customers", "SELECT id FROM customers IGNORE INDEX (email) WHERE email = 'c{n}@x.org'"),
    "wide_rows_fetched": ("customers", "SELECT * FROM customers WHERE id BETWEEN {n} AND 4000 + {n}"),
}


@pytest.mark.parametrize("cause_id", BROKEN)
async def test_a_statement_written_or_served_badly_is_the_first_cause_with_its_object(
    stocked: PrivateMySQLDatabase, cause_id: str
) -> None:
    target, statement = BROKEN[cause_id]
    first = (await causes_after(stocked, [statement.format(n=number) for number in range(101, 121)]))[0]
    assert (first.id, first.object) == (cause_id, f"{stocked.name}.{target}")


@pytest.mark.parametrize("cause_id", ["missing_index", "implicit_cast", "offset_pagination", "charset_mismatch_join"])
async def test_with_least_rights_and_without_plans_the_same_is_said(
    stocked: PrivateMySQLDatabase, cause_id: str
) -> None:
    target, statement = BROKEN[cause_id]
    statements = [statement.format(n=number) for number in range(101, 121)]
    first = (await causes_after(stocked, statements, user=stocked.create_reader()))[0]
    assert (first.id, first.object) == (cause_id, f"{stocked.name}.{target}")


@pytest.mark.parametrize("cause_id", ["missing_index", "wrong_index_order"])
async def test_after_the_index_the_cause_is_gone(stocked: PrivateMySQLDatabase, cause_id: str) -> None:
    target, statement = BROKEN[cause_id]
    statements = [statement.format(n=number) for number in range(101, 121)]
    remedy = (await causes_after(stocked, statements))[0].remedies[0]
    stocked.execute(*remedy.statements, "ANALYZE TABLE orders")
    try:
        after = await causes_after(stocked, statements)
        assert [each for each in after if each.id == cause_id and each.object == f"{stocked.name}.{target}"] == []
    finally:
        stocked.execute(*remedy.rollback)


@pytest.mark.parametrize(
    ("target", "statement"),
    [
        ("customers(region)", "SELECT id FROM customers WHERE email = 'c{n}@x.org' OR region = 's{n}'"),
        ("orders(created, shop_id)", "SELECT id, created FROM orders ORDER BY created, shop_id DESC LIMIT 2{n:01}"),
    ],
)
async def test_an_index_for_a_branch_of_or_and_for_a_mixed_order_is_named_and_used(
    stocked: PrivateMySQLDatabase, target: str, statement: str
) -> None:
    statements = [statement.format(n=number) for number in range(10, 40)]
    first = (await causes_after(stocked, statements))[0]
    assert (first.id, first.object) == ("missing_index", f"{stocked.name}.{target}")
    stocked.execute(*first.remedies[0].statements, "ANALYZE TABLE customers, orders")
    try:
        assert [each for each in await causes_after(stocked, statements) if each.id == "missing_index"] == []
    finally:
        stocked.execute(*first.remedies[0].rollback)


async def test_a_statement_inside_a_procedure_is_told_with_its_index(stocked: PrivateMySQLDatabase) -> None:
    stocked.execute(
        "CREATE PROCEDURE seek(IN wanted INT) BEGIN WHILE TRUE DO"
        " SELECT COUNT(*) INTO @n FROM orders WHERE customer_id = wanted; END WHILE; END"
    )
    session = stocked.connect()
    stocked.execute(f"TRUNCATE {DIGESTS}")
    calling = session.start("CALL seek(77)")
    diagnosis = await stocked.examine(window_seconds=1.2)
    stocked.execute(f"KILL QUERY {session.id}")
    with pytest.raises(MySQLError):
        calling.result(60)
    session.close()
    stocked.execute("DROP PROCEDURE seek")
    (cause,) = [each for each in diagnosis.causes if each.object == f"{stocked.name}.orders(customer_id)"]
    assert (cause.id, cause.severity) == ("missing_index", "warning")


async def test_an_index_that_was_hidden_is_shown_again(stocked: PrivateMySQLDatabase) -> None:
    hide = "IGNORED" if stocked.server.kind.flavour == "mariadb" else "INVISIBLE"
    statements = [f"SELECT id FROM customers WHERE email = 'c{number}@x.org'" for number in range(101, 121)]
    stocked.execute(f"ALTER TABLE customers ALTER INDEX email {hide}")
    first = (await causes_after(stocked, statements))[0]
    assert (first.id, first.object) == ("missing_index", f"{stocked.name}.customers(email)")
    stocked.execute(*first.remedies[0].statements)
    assert await causes_after(stocked, statements) == ()


async def test_after_the_change_of_the_character_set_the_join_is_no_cause(stocked: PrivateMySQLDatabase) -> None:
    _, statement = BROKEN["charset_mismatch_join"]
    statements = [statement.format(n=number) for number in range(101, 121)]
    remedy = (await causes_after(stocked, statements))[0].remedies[0]
    stocked.execute(*remedy.statements)
    try:
        assert [each.id for each in await causes_after(stocked, statements)] == []
    finally:
        stocked.execute(*remedy.rollback)


async def test_the_remedy_of_function_on_column_serves_the_statement(stocked: PrivateMySQLDatabase) -> None:
    _, statement = BROKEN["function_on_column"]
    (cause,) = await causes_after(stocked, [statement.format(n=number) for number in range(101, 121)])
    remedy = cause.remedies[0]
    stocked.execute(*remedy.statements)
    try:
        column = "email_lower" if stocked.server.kind.flavour == "mariadb" else "LOWER(email)"
        sql = f"SELECT id FROM customers WHERE {column} = 'c5@x.org'"
        plan = parse_mysql_plan(json.loads(stocked.value(f"EXPLAIN FORMAT=JSON {sql}")), sql)
        assert plan.root.access == "ref"
    finally:
        stocked.execute(*remedy.rollback)


async def test_healthy_statements_are_no_cause(stocked: PrivateMySQLDatabase) -> None:
    healthy = [
        *["SELECT * FROM orders WHERE status = 'done'"] * 6,
        *["SELECT COUNT(*) FROM orders WHERE status = 'done'"] * 10,
        *["SELECT status, COUNT(*) FROM orders GROUP BY status"] * 10,
        *["SELECT * FROM orders ORDER BY created DESC LIMIT 20"] * 30,
        *["SELECT id FROM customers WHERE email LIKE 'c10%'"] * 30,
        *["SELECT id FROM customers WHERE phone = '500101'"] * 30,
        *["SELECT * FROM orders WHERE created BETWEEN '2026-01-02' AND '2026-01-02 01:00' AND shop_id = 5"] * 30,
    ]
    assert [each.id for each in await causes_after(stocked, healthy) if each.severity.rank >= 2] == []


async def test_n_plus_one_is_noticed_while_it_runs(stocked: PrivateMySQLDatabase) -> None:
    causes = await causes_after(stocked, [f"SELECT * FROM customers WHERE id = {n}" for n in range(1, 1_201)])
    assert [(each.id, each.object) for each in causes] == [("n_plus_one", f"{stocked.name}.customers")]


async def test_huge_in_list_is_counted_or_told_by_the_rows_it_finds(stocked: PrivateMySQLDatabase) -> None:
    lists = [", ".join(str(7 * n + start) for n in range(300)) for start in range(60)]
    causes = await causes_after(stocked, [f"SELECT id, shop_id FROM orders WHERE id IN ({each})" for each in lists])
    assert [(each.id, each.object) for each in causes] == [("huge_in_list", f"{stocked.name}.orders")]


@pytest.mark.parametrize("is_the_examiner", [False, True], ids=["another_account", "the_examiners_account"])
async def test_collation_mismatch_is_told_by_its_failures(stocked: PrivateMySQLDatabase, is_the_examiner: bool) -> None:
    stocked.execute(f"TRUNCATE {DIGESTS}")
    user = "root" if is_the_examiner else stocked.create_reader(grants=[f"SELECT ON {stocked.name}.*"])
    session = stocked.connect(user=user)
    if stocked.server.kind.flavour == "mysql":  # so that what another test left is not counted
        stocked.execute("TRUNCATE TABLE performance_schema.events_errors_summary_global_by_error")
    for _ in range(6):
        with contextlib.suppress(MySQLError):
            session.execute("SELECT COUNT(*) FROM orders AS o JOIN customers AS c ON c.region = o.region")
    session.close()
    found = about_statements(await stocked.examine(window_seconds=0), stocked)
    assert [each.id for each in found if each.id == "collation_mismatch"] == ["collation_mismatch"]


async def test_without_performance_schema_a_running_statement_is_found_by_its_plan(
    blind_shop: PrivateMySQLDatabase,
) -> None:
    if blind_shop.server.kind.flavour == "mysql":
        pytest.skip("a join of MySQL through a hash is over too soon to be seen running")
    blind_shop.execute(*STOCK)
    over = threading.Event()
    slow = "SELECT COUNT(*) FROM orders AS o JOIN orders AS p ON p.customer_id = o.customer_id WHERE o.id < 1000"

    def work() -> None:
        session = blind_shop.connect()
        while not over.is_set():
            session.execute(slow)
        session.close()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        diagnosis = await blind_shop.examine()
    finally:
        over.set()
        worker.join()
    first = about_statements(diagnosis, blind_shop)[0]
    assert (first.id, first.object) == ("missing_index", f"{blind_shop.name}.orders(customer_id)")
    missed = {each.check for each in diagnosis.not_evaluated}
    assert {"mysql.top_statements", "mysql.n_plus_one"} <= missed


# --- plan_regression ---

VISITS = "CREATE TABLE visits (id INT AUTO_INCREMENT PRIMARY KEY, guest INT, note VARCHAR(80), KEY by_guest (guest))"
GUESTS = "CREATE TABLE guests (id INT AUTO_INCREMENT PRIMARY KEY, code VARCHAR(20), KEY by_code (code))"
FILL_VISITS = f"""
    INSERT INTO visits (guest, note) {NUMBERS}
    SELECT (a.n * 1200 + b.n * 6 + c.n) % 20000, REPEAT('v', 60)
    FROM r AS a JOIN r AS b JOIN r AS c ON c.n < 6
"""
FILL_GUESTS = (
    f"INSERT INTO guests (code) {NUMBERS} SELECT CONCAT('g', a.n * 100 + b.n) FROM r AS a JOIN r AS b ON b.n < 100"
)
VISITS_OF_ONE = "SELECT id, note FROM visits WHERE guest = {n}"
VISITS_OF_A_CODE = "SELECT v.id, v.note FROM guests AS g JOIN visits AS v ON v.guest = g.id WHERE g.code = 'g{n}'"
VISITS_OF_ONE_YEAR = VISITS_OF_A_CODE + " AND v.id < 20000 AND SHA2(v.note, 512) <> 'x'"


@pytest.fixture
def visited(shop: PrivateMySQLDatabase) -> PrivateMySQLDatabase:
    """240,000 visits of 20,000 guests; their lookups by an index are all that was counted."""
    shop.execute(VISITS, FILL_VISITS, GUESTS, FILL_GUESTS, "ANALYZE TABLE visits, guests", f"TRUNCATE {DIGESTS}")
    shop.execute(
        *(
            each.format(n=number)
            for number in range(400)
            for each in (VISITS_OF_ONE, VISITS_OF_A_CODE, VISITS_OF_ONE_YEAR)
        )
    )
    return shop


async def causes_while(database: PrivateMySQLDatabase, statement: str) -> tuple[Cause, ...]:
    """What is said of its tables while a session runs the statement again and again."""
    over, number = threading.Event(), iter(range(100, 10**9))

    def work() -> None:
        session = database.connect()
        while not over.is_set():
            session.execute(statement.format(n=next(number) % 9_000))
        session.close()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        diagnosis = await database.examine(window_seconds=1.5)
    finally:
        over.set()
        worker.join()
    return tuple(each for each in diagnosis.causes if f"{database.name}." in each.object and
                 each.severity.rank >= Severity.WARNING.rank)  # fmt: skip


async def test_an_index_hidden_after_weeks_of_quick_lookups_is_shown_again(visited: PrivateMySQLDatabase) -> None:
    assert await causes_while(visited, VISITS_OF_ONE) == ()
    hide = "IGNORED" if visited.server.kind.flavour == "mariadb" else "INVISIBLE"
    visited.execute(f"ALTER TABLE visits ALTER INDEX by_guest {hide}")
    first = (await causes_while(visited, VISITS_OF_ONE))[0]
    assert (first.id, first.object) == ("missing_index", f"{visited.name}.visits(guest)")
    assert "by_guest" in first.summary.render("en")
    visited.execute(*first.remedies[0].statements)
    visited.execute(f"TRUNCATE {DIGESTS}")
    assert await causes_while(visited, VISITS_OF_ONE) == ()


async def test_an_index_dropped_after_weeks_of_quick_lookups_is_missing(visited: PrivateMySQLDatabase) -> None:
    visited.execute("DROP INDEX by_guest ON visits")
    first = (await causes_while(visited, VISITS_OF_ONE))[0]
    assert (first.id, first.object) == ("missing_index", f"{visited.name}.visits(guest)")


async def test_a_plan_regression_whose_calls_do_not_end_is_told_by_the_sessions(visited: PrivateMySQLDatabase) -> None:
    slow = "SELECT id FROM visits WHERE SHA2(REPEAT(note, 2000), 256) < 'x' AND guest BETWEEN {n} AND {n} + 1"
    visited.execute(f"TRUNCATE {DIGESTS}", *(slow.format(n=number) for number in range(60)))
    visited.execute("DROP INDEX by_guest ON visits")
    sessions = [visited.connect() for _ in range(2)]
    running = [session.start(slow.format(n=number)) for number, session in enumerate(sessions)]
    longest = (
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE TIME >= 2 AND INFO LIKE 'SELECT id FROM visits%'"
    )
    deadline = time.monotonic() + 60.0
    while visited.value(longest) < 2 and not any(each.done() for each in running):
        assert time.monotonic() < deadline, "the sessions are not seen"
    diagnosis = await visited.examine(window_seconds=1.2)
    for session in sessions:
        visited.execute(f"KILL QUERY {session.id}")
    for session, future in zip(sessions, running, strict=True):
        with contextlib.suppress(MySQLError):
            future.result(30)
        session.close()
    (finding,) = [each for each in diagnosis.findings if each.check == "mysql.plan_regression"]
    assert (finding.severity, finding.details["tables"]) == (Severity.WARNING, [f"{visited.name}.visits"])
    assert "has been running for" in finding.message.render("en")


async def test_plan_regression_of_a_join_whose_statistics_lie_is_mended_by_its_remedy(
    visited: PrivateMySQLDatabase,
) -> None:
    statement = VISITS_OF_ONE_YEAR if visited.server.kind.flavour == "mariadb" else VISITS_OF_A_CODE
    assert await causes_while(visited, statement) == ()
    lie = f"WHERE database_name = '{visited.name}' AND table_name = 'visits' AND index_name = 'by_guest'"
    visited.execute(
        f"UPDATE mysql.innodb_index_stats SET stat_value = 1 {lie} AND stat_name LIKE 'n_diff%'",
        "RENAME TABLE visits TO visitors", "RENAME TABLE visitors TO visits", "FLUSH TABLES",
    )  # fmt: skip
    first = (await causes_while(visited, statement))[0]
    assert first.id == "plan_regression"
    assert f"ANALYZE TABLE {visited.name}.visits;" in first.remedies[0].statements
    visited.execute(*first.remedies[0].statements, f"TRUNCATE {DIGESTS}")
    assert await causes_while(visited, statement) == ()


@pytest.mark.parametrize("version", [1, 2])
async def test_the_plans_of_the_server_are_read_in_each_form(stocked: PrivateMySQLDatabase, version: int) -> None:
    if stocked.server.kind.flavour == "mariadb" and version == 2:
        pytest.skip("MariaDB has one form")
    session = stocked.connect()
    try:
        if stocked.server.kind.flavour == "mysql":
            session.execute(f"SET SESSION explain_json_format_version = {version}")
        for _, statement in BROKEN.values():
            sql = statement.format(n=101)
            plan = parse_mysql_plan(json.loads(session.fetch(f"EXPLAIN FORMAT=JSON {sql}")[0][0]), sql)
            tables = {node.relation for node in plan.root.walk() if node.access}
            assert tables <= {"orders", "customers"}
            assert tables
    finally:
        session.close()
