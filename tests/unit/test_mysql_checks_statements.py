"""Checks and causes of statements on MySQL and MariaDB, by hand-written rows: thresholds from both sides."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from housecall.diagnosis.cause import Cause
from housecall.diagnosis.checks.mysql._index_candidates import aggregates
from housecall.diagnosis.checks.mysql._inner_statements import as_from_outside
from housecall.diagnosis.checks.mysql._tables import known_tables
from housecall.diagnosis.examine import Diagnosis, diagnose
from housecall.diagnosis.snapshot import Sample, Snapshot, StatementPlan
from housecall.engines.engine import Row, ServerFacts, Unavailable, Version
from housecall.engines.mysql import ENGINE
from housecall.engines.mysql.explainable import is_explainable, plain_digest, with_schema, with_values
from housecall.engines.mysql.rows.indexes import LargeTableIndex, UnusedIndex
from housecall.engines.mysql.rows.replication import ReplicaStatus
from housecall.engines.mysql.rows.server import ProcessorShare, StatementError, StatusCounter, Variable
from housecall.engines.mysql.rows.sessions import Session
from housecall.engines.mysql.rows.statements import HotTable, TopStatement
from housecall.engines.mysql.rows.tables import LargeTableColumn, TableStatistics, TableWithoutKey
from housecall.testing import row_of

OFF = Unavailable("top_statements", "setting", "top_statements needs performance_schema, which is off here")


def snapshot(
    *rows: Row,
    flavour: str = "mysql",
    unavailable: Sequence[Unavailable] = (),
    samples: Sequence[Sequence[Row]] = (),
    plans: Mapping[str, Any] | None = None,
    seconds: float = 0.0,
) -> Snapshot:
    number = 90704 if flavour == "mysql" else 101119
    facts = ServerFacts(
        Version(flavour, number, f"{flavour} {number}"), "shop", "reader", False, True, False, 1e6, ()  # type: ignore[arg-type]
    )  # fmt: skip
    readings: dict[str, Any] = {reading.name: () for reading in ENGINE.readings}
    for row in rows:
        readings[row.reading] = (*readings[row.reading], row)
    readings |= {each.reading: each for each in unavailable}
    return Snapshot(
        "orders-db", "mysql", facts, datetime(2026, 6, 1, 12, 0, tzinfo=UTC), seconds, readings,
        tuple(Sample(float(at), {"sessions": tuple(each)}) for at, each in enumerate(samples)),
        tuple(StatementPlan(with_schema("shop", text), plan) for text, plan in (plans or {}).items()),
    )  # fmt: skip


def column(table: str, name: str, kind: str = "int", **more: object) -> LargeTableColumn:
    values: dict[str, object] = {
        "schema_name": "shop", "table_name": table, "column_name": name, "column_type": kind,
        "data_type": kind.partition("(")[0], "table_rows": 300_000,
    }  # fmt: skip
    return row_of(LargeTableColumn, **{**values, **more})


def index(table: str, name: str, *columns: str, unique: bool = False, hidden: bool = False) -> LargeTableIndex:
    return row_of(
        LargeTableIndex, schema_name="shop", table_name=table, index_name=name, is_unique=unique, index_type="BTREE",
        is_hidden=hidden,
        columns=list(columns), cardinalities=[5_000] * len(columns),
    )  # fmt: skip


ORDERS = (
    column("orders", "id"), column("orders", "customer_id"), column("orders", "status", "varchar(10)"),
    column("orders", "created", "datetime"), column("orders", "Total", "decimal(10,2)"),
    column("orders", "note", "text"), index("orders", "PRIMARY", "id", unique=True),
)  # fmt: skip
CUSTOMERS = (
    column("customers", "id"), column("customers", "phone", "varchar(20)"), column("customers", "email", "varchar(80)"),
    index("customers", "PRIMARY", "id", unique=True), index("customers", "phone", "phone"),
    index("customers", "email", "email"),
)  # fmt: skip
BY_CUSTOMER = "SELECT * FROM `orders` WHERE `customer_id` = ?"


def digest(query: str, **values: object) -> TopStatement:
    """10 calls of 71 ms that look at the whole table and return 60 rows, half of the server's time."""
    base: dict[str, object] = {
        "digest": query, "schema_name": "shop", "query": query, "calls": 10, "total_seconds": 0.71, "all_seconds": 1.42,
        "rows_examined": 3_000_000, "rows_sent": 600, "no_index_used": 10, "scans": 10, "first_seen_seconds": 600.0,
        "last_seen_seconds": 1.0,
    }  # fmt: skip
    return row_of(TopStatement, **{**base, **values})


def running(statement: str, **values: object) -> Session:
    base: dict[str, object] = {
        "id": 7, "user_name": "api", "client": "10.0.0.7", "database_name": "shop", "command": "Query",
        "statement": statement, "session_total": 9, "seconds": 0.0,
    }  # fmt: skip
    return row_of(Session, **{**base, **values})


def scan(table: str = "orders", access: str = "ALL") -> dict[str, Any]:
    return {"query_block": {"table": {"table_name": table, "access_type": access, "rows": 300_000, "filtered": 100}}}


def found(diagnosis: Diagnosis, check: str) -> list[tuple[str, str]]:
    return [(each.object, each.severity) for each in diagnosis.findings if each.check == f"mysql.{check}"]


def caused(diagnosis: Diagnosis, cause_id: str) -> list[Cause]:
    return [each for each in diagnosis.causes if each.id == cause_id]


# --- what digests become ---


def test_a_digest_becomes_a_statement_that_parsers_and_the_server_read() -> None:
    text = (
        "SELECT ID FROM `t` WHERE `lower` ( `a` ) = ? AND b > NOW ( ) - INTERVAL ? SQL_TSI_DAY ORDER BY ID LIMIT ?, ..."
    )
    assert plain_digest(text) == (
        "SELECT ID FROM `t` WHERE lower ( `a` ) = ? AND b > NOW ( ) - INTERVAL ? DAY ORDER BY ID LIMIT ?, ?"
    )
    assert with_values("SELECT * FROM t ORDER BY ID LIMIT ?, ...") == "SELECT * FROM t ORDER BY ID LIMIT 1, 1"
    assert is_explainable("SELECT * FROM t ORDER BY ID LIMIT ?, ...")


@pytest.mark.parametrize(
    ("sql", "summary"),
    [("SELECT COUNT(*) FROM t WHERE a = 1", True), ("SELECT a FROM t GROUP BY a", True),
     ("SELECT a FROM t LIMIT 1", False), ("SELECT a FROM t ORDER BY b LIMIT 1", True),
     ("SELECT a FROM t UNION SELECT b FROM u", True), ("SELECT a FROM t WHERE b = 1", False),
     ("UPDATE t SET a = 1", False)],
)  # fmt: skip
def test_a_summary_tells_nothing_of_how_many_rows_were_found(sql: str, summary: bool) -> None:
    assert aggregates(sql) == summary


# --- missing_index ---


def test_missing_index_is_named_by_its_statement_plan_and_counters() -> None:
    verdict = diagnose(snapshot(digest(BY_CUSTOMER), *ORDERS, plans={BY_CUSTOMER: scan()}))
    (cause,) = caused(verdict, "missing_index")
    assert (cause.object, cause.severity, round(cause.confidence, 2)) == ("shop.orders(customer_id)", "warning", 0.95)
    assert cause.remedies[0].statements == (
        "ALTER TABLE shop.orders ADD INDEX ix_orders_customer_id (customer_id), ALGORITHM=INPLACE, LOCK=NONE;",
    )
    assert verdict.causes[0] is cause
    assert cause.impact == 0.5


def test_missing_index_of_a_column_that_the_digest_writes_in_capitals_is_spelt_as_it_is() -> None:
    verdict = diagnose(snapshot(digest("SELECT * FROM `orders` WHERE TOTAL = ?"), *ORDERS))
    assert found(verdict, "missing_index") == [("shop.orders(Total)", "warning")]


@pytest.mark.parametrize(
    ("values", "expected"),
    [({}, ["warning"]), ({"calls": 5, "rows_examined": 1_500_000, "rows_sent": 300}, ["warning"]),
     ({"calls": 4, "rows_examined": 1_200_000, "rows_sent": 240}, ["notice"]),
     ({"calls": 1, "rows_examined": 300_000, "rows_sent": 60, "total_seconds": 5.0, "all_seconds": 10.0}, ["warning"]),
     ({"all_seconds": 14.2}, ["warning"]), ({"all_seconds": 14.3}, ["notice"]), ({"all_seconds": 36.0}, []),
     ({"rows_examined": 10_000}, []), ({"rows_examined": 9_990, "rows_sent": 0}, []),
     ({"total_seconds": 0.02, "all_seconds": 0.04}, ["warning"]),
     ({"total_seconds": 0.019, "all_seconds": 0.04}, ["notice"])],
)  # fmt: skip
def test_missing_index_is_a_warning_from_a_share_a_time_and_a_number_of_calls_on(
    values: dict[str, object], expected: list[str]
) -> None:
    verdict = diagnose(snapshot(digest(BY_CUSTOMER, **values), *ORDERS, plans={BY_CUSTOMER: scan()}))
    assert [severity for _, severity in found(verdict, "missing_index")] == expected


def test_a_statement_that_returns_most_of_what_it_reads_wants_no_index() -> None:
    most = digest("SELECT * FROM `orders` WHERE STATUS = ?", rows_sent=2_970_000)
    assert caused(diagnose(snapshot(most, *ORDERS)), "missing_index") == []


def test_a_rare_value_of_a_column_of_few_values_wants_an_index_when_the_rows_returned_prove_it() -> None:
    rare = digest("SELECT * FROM `orders` WHERE STATUS = ?", rows_sent=30_000)
    assert found(diagnose(snapshot(rare, *ORDERS)), "missing_index") == [("shop.orders(status)", "warning")]


def test_a_column_of_few_values_stands_behind_the_others_in_the_key() -> None:
    both = digest("SELECT * FROM `orders` WHERE STATUS = ? AND `customer_id` = ?")
    assert found(diagnose(snapshot(both, *ORDERS)), "missing_index") == [
        ("shop.orders(customer_id, status)", "warning")
    ]


def test_a_count_over_a_column_of_few_values_is_no_warning_but_over_a_wide_one_it_is() -> None:
    status = digest("SELECT COUNT ( * ) FROM `orders` WHERE STATUS = ?", rows_sent=10)
    wide = digest("SELECT COUNT ( * ) FROM `orders` WHERE `customer_id` = ?", rows_sent=10)
    assert found(diagnose(snapshot(status, *ORDERS)), "missing_index") == [("shop.orders(status)", "info")]
    assert found(diagnose(snapshot(wide, *ORDERS)), "missing_index") == [("shop.orders(customer_id)", "warning")]


@pytest.mark.parametrize(
    ("kind", "severity"), [("varchar(24)", "info"), ("varchar(25)", "warning"), ("int", "warning")]
)
def test_a_count_over_a_short_text_may_count_a_category(kind: str, severity: str) -> None:
    count = digest("SELECT AVG ( `total` ) FROM `orders` WHERE `phase` = ?", rows_sent=10)
    rows = (*ORDERS, column("orders", "phase", kind))
    assert found(diagnose(snapshot(count, *rows)), "missing_index") == [("shop.orders(phase)", severity)]


def test_an_index_that_the_plan_uses_is_not_missing() -> None:
    served = {
        "query_block": {"table": {"table_name": "orders", "access_type": "ref", "key": "by_customer", "rows": 60}}
    }
    rows = (*ORDERS, index("orders", "by_customer", "customer_id"))
    assert caused(diagnose(snapshot(digest(BY_CUSTOMER), *rows, plans={BY_CUSTOMER: served})), "missing_index") == []


@pytest.mark.parametrize(("flavour", "word"), [("mysql", "VISIBLE"), ("mariadb", "NOT IGNORED")])
def test_an_index_that_is_hidden_is_shown_again_and_not_built_anew(flavour: str, word: str) -> None:
    rows = (*ORDERS, index("orders", "by_customer", "customer_id", hidden=True))
    (cause,) = caused(diagnose(snapshot(digest(BY_CUSTOMER), *rows, flavour=flavour)), "missing_index")
    assert cause.remedies[0].statements == (f"ALTER TABLE shop.orders ALTER INDEX by_customer {word};",)
    assert "by_customer" in str(cause.summary)


@pytest.mark.parametrize(("rows", "expected"), [(1_000, 1), (999, 0)])
def test_missing_index_on_a_table_of_a_few_pages_is_none(rows: int, expected: int) -> None:
    small = [column("t", "id", table_rows=rows), column("t", "a", table_rows=rows)]
    asked = digest("SELECT * FROM `t` WHERE `a` = ?", rows_examined=rows * 100, calls=10)
    assert len(found(diagnose(snapshot(asked, *small)), "missing_index")) == expected


def test_a_join_without_index_names_the_table_that_is_read_through_the_join_buffer() -> None:
    text = "SELECT COUNT ( * ) FROM `customers` `c` JOIN `orders` `o` ON `o` . `customer_id` = `c` . `id`"
    plan = {"query_block": {"nested_loop": [
        {"table": {"table_name": "c", "access_type": "index", "key": "PRIMARY", "rows": 3000}},
        {"block-nl-join": {"table": {"table_name": "o", "access_type": "ALL", "rows": 300_000}, "join_type": "BNL"}},
    ]}}  # fmt: skip
    joined = digest(text, full_joins=10, rows_examined=60_000, rows_sent=10)
    for plans in ({text: plan}, {}):
        verdict = diagnose(snapshot(joined, *ORDERS, *CUSTOMERS, plans=plans))
        assert found(verdict, "missing_index") == [("shop.orders(customer_id)", "warning")]
        assert "joins the table" in str(caused(verdict, "missing_index")[0].summary)


def test_without_digests_missing_index_rests_on_sessions_plans_and_the_rows_read_in_sequence() -> None:
    text = "SELECT * FROM orders WHERE customer_id = 5"
    looks = [[running(text)], [running(text.replace("5", "6"))]]

    def seen(*rows: Row, **more: Any) -> list[tuple[str, str]]:
        now = snapshot(*ORDERS, *rows, unavailable=[OFF], samples=looks, seconds=1.0, **more)
        before = snapshot(*ORDERS, row_of(StatusCounter, name="Handler_read_rnd_next", value=0.0), unavailable=[OFF])
        return found(diagnose(now, before), "missing_index")

    assert seen(plans={text: scan()}) == [("shop.orders(customer_id)", "warning")]
    assert seen(row_of(StatusCounter, name="Handler_read_rnd_next", value=300_000.0)) == [
        ("shop.orders(customer_id)", "warning")
    ]
    assert seen(row_of(StatusCounter, name="Handler_read_rnd_next", value=299_999.0)) == [
        ("shop.orders(customer_id)", "info")
    ]


def test_a_statement_seen_once_is_no_load() -> None:
    text = "SELECT * FROM orders WHERE customer_id = 5"
    verdict = diagnose(snapshot(*ORDERS, unavailable=[OFF], samples=[[running(text)], []], plans={text: scan()}))
    assert found(verdict, "missing_index") == [("shop.orders(customer_id)", "notice")]


def test_who_waits_for_a_lock_does_not_count_as_working() -> None:
    text = "UPDATE orders SET note = 'x' WHERE customer_id = 5"
    waits = [running(text, lock_wait_seconds=3.0), running(text, state="Waiting for table metadata lock")]
    verdict = diagnose(snapshot(*ORDERS, unavailable=[OFF], samples=[waits, waits], plans={text: scan()}))
    assert found(verdict, "top_statements") == found(verdict, "missing_index") == []


def test_a_statement_that_stopped_long_ago_is_past_and_one_of_the_last_minute_is_not() -> None:
    for last_seen, past in ((60.0, True), (59.0, False)):
        old = digest(
            BY_CUSTOMER,
            total_seconds=400.0,
            all_seconds=800.0,
            calls=6_000,
            rows_examined=1_800_000_000,
            rows_sent=360_000,
            last_seen_seconds=last_seen,
        )
        now = snapshot(old, *ORDERS, plans={BY_CUSTOMER: scan()}, seconds=1.2)
        (cause,) = caused(diagnose(now, snapshot(old, *ORDERS)), "missing_index")
        assert cause.past == past


def test_without_rights_on_the_tables_missing_index_says_what_to_grant() -> None:
    refused = StatementPlan(with_schema("shop", BY_CUSTOMER), None, "SELECT command denied to user 'reader'")
    now = snapshot(digest(BY_CUSTOMER, rows_sent=3_000_000), *ORDERS)
    blind = Snapshot(
        now.instance, now.engine, now.facts, now.taken_at, now.taken_seconds, now.readings, now.samples, (refused,)
    )
    (missed,) = [each for each in diagnose(blind).not_evaluated if each.check == "mysql.missing_index"]
    assert str(missed.remedy) == "GRANT SELECT ON shop.* TO reader;"


# --- the other access paths ---


def test_wrong_index_order_names_the_index_and_keeps_its_columns_behind() -> None:
    rows = (*ORDERS, index("orders", "by_created", "created", "customer_id"))
    verdict = diagnose(snapshot(digest(BY_CUSTOMER), *rows, plans={BY_CUSTOMER: scan()}))
    (cause,) = caused(verdict, "wrong_index_order")
    assert cause.object == "shop.orders(customer_id)"
    assert "(customer_id, created)" in cause.remedies[0].statements[0]
    assert caused(verdict, "missing_index") == []


@pytest.mark.parametrize(
    ("flavour", "word"), [("mysql", "((lower(email)))"), ("mariadb", "AS (lower(`email`)) VIRTUAL")]
)
def test_function_on_column_is_mended_in_the_words_of_the_flavour(flavour: str, word: str) -> None:
    text = "SELECT `id` FROM `customers` WHERE `lower` ( `email` ) = ?"
    sample = "SELECT id FROM customers WHERE lower(email) = 'a'" if flavour == "mysql" else None
    verdict = diagnose(snapshot(digest(text, sample=sample), *CUSTOMERS, flavour=flavour))
    (cause,) = caused(verdict, "function_on_column")
    assert (cause.object, cause.severity) == ("shop.customers(email)", "warning")
    assert word in cause.remedies[0].statements[0]
    assert verdict.causes[0] is cause


def test_function_on_column_of_a_date_is_first_rewritten_as_a_range() -> None:
    text = "SELECT COUNT ( * ) FROM `orders` WHERE DATE ( `created` ) = ?"
    (cause,) = caused(diagnose(snapshot(digest(text, rows_sent=10), *ORDERS)), "function_on_column")
    assert cause.object == "shop.orders(created)"
    assert "range on the bare column" in str(cause.remedies[0].title)


@pytest.mark.parametrize(
    ("condition", "column", "advice"),
    [
        ("FIND_IN_SET (?, `note`)", "note", "table of their own"),
        ("`note` REGEXP ?", "note", "full-text index"),
        ("INSTR (`note`, ?)", "note", "full-text index"),
        ("JSON_CONTAINS (`note`, ?)", "note", "multi-valued index"),
        ("? MEMBER OF (`note`)", "note", "multi-valued index"),
        ("(`customer_id`, `id`) > (?, ?)", "customer_id", "customer_id >= x AND (customer_id > x OR"),
    ],
)
def test_what_is_searched_inside_a_column_is_not_mended_by_an_index_on_the_answer(
    condition: str, column: str, advice: str
) -> None:
    text = f"SELECT `id` FROM `orders` WHERE {condition}"
    (cause,) = caused(diagnose(snapshot(digest(text, rows_sent=10), *ORDERS)), "function_on_column")
    assert cause.object == f"shop.orders({column})"
    assert not any(each.statements for each in cause.remedies)
    assert advice in " ".join(each.title.render("en") for each in cause.remedies)


def test_a_multi_valued_index_is_none_of_mariadbs() -> None:
    text = "SELECT `id` FROM `orders` WHERE JSON_CONTAINS (`note`, ?)"
    rows = snapshot(digest(text, rows_sent=10), *ORDERS, flavour="mariadb")
    (cause,) = caused(diagnose(rows), "function_on_column")
    assert "multi-valued" not in " ".join(each.title.render("en") for each in cause.remedies)


@pytest.mark.parametrize("condition", ["NOT FIND_IN_SET (?, `note`)", "FIND_IN_SET (?, ?)", "(`id`) > (?)"])
def test_what_is_no_search_of_a_column_is_not_told_as_one(condition: str) -> None:
    text = f"SELECT `id` FROM `orders` WHERE {condition}"
    assert caused(diagnose(snapshot(digest(text, rows_sent=10), *ORDERS)), "function_on_column") == []


@pytest.mark.parametrize(
    ("expression", "column_type"),
    [("`Total` * 100", "DOUBLE"), ("`created` + interval 3 day", "DATETIME"), ("LOWER ( `status` )", "VARCHAR(10)")],
)
def test_a_generated_column_compares_as_the_expression_does(expression: str, column_type: str) -> None:
    text = f"SELECT `id` FROM `orders` WHERE {expression} = ?"
    looks = [[running(text.replace("?", "4999").replace("`created` +", "created +"))]]
    rows = snapshot(digest(text, rows_sent=10), *ORDERS, flavour="mariadb", samples=looks)
    (cause,) = caused(diagnose(rows), "function_on_column")
    added = [each for remedy in cause.remedies for each in remedy.statements if "ADD COLUMN" in each]
    assert [f" {column_type} AS (" in each for each in added] == [True]


@pytest.mark.parametrize(
    ("expression", "column_type", "statement"),
    [
        ("lower ( `note` )", "text", "VARCHAR(255) AS (lower(`note`)) VIRTUAL"),
        ("json_extract ( `note`, '$.ip' )", "json", "AS (json_unquote(json_extract(`note`, '$.ip'))) VIRTUAL"),
        ("json_length ( `note` )", "json", "ADD INDEX ix_orders_note_json_length ((json_length(`note`)))"),
        ("lower ( `note` )", "varchar(80)", "ADD INDEX ix_orders_note_lower ((lower(`note`)))"),
    ],
)
def test_a_document_or_a_long_text_is_indexed_by_a_generated_column(
    expression: str, column_type: str, statement: str
) -> None:
    rows = [each for each in ORDERS if getattr(each, "column_name", "") != "note"]
    text = f"SELECT `id` FROM `orders` WHERE {expression} = ?"
    seen = digest(text, sample=text.replace("?", "'a'").replace(" ( ", "(").replace(" )", ")"), rows_sent=10)
    (cause,) = caused(diagnose(snapshot(seen, *rows, column("orders", "note", column_type))), "function_on_column")
    written = [each for remedy in cause.remedies for each in remedy.statements]
    assert statement in written[0]
    assert any("longer than 255" in str(remedy.caution) for remedy in cause.remedies) == ("VIRTUAL" in written[0])


@pytest.mark.parametrize(("examined", "expected"), [(3_000_000, ["warning"]), (20, [])])
@pytest.mark.parametrize("column", ["created", "customer_id", "Total"])
def test_a_pattern_in_the_text_of_a_time_or_a_number(column: str, examined: int, expected: list[str]) -> None:
    text = f"SELECT `id` FROM `orders` WHERE `{column}` LIKE ?"
    verdict = diagnose(snapshot(digest(text, rows_sent=10, rows_examined=examined), *ORDERS))
    assert [each for _, each in found(verdict, "implicit_cast")] == expected
    for cause in caused(verdict, "implicit_cast"):
        assert cause.object == f"shop.orders({column})"
        assert "range on the bare column" in cause.remedies[0].title.render("en")
        assert cause is verdict.causes[0]
    in_text = digest("SELECT `id` FROM `orders` WHERE `note` LIKE ?", rows_sent=10, rows_examined=examined)
    assert caused(diagnose(snapshot(in_text, *ORDERS)), "implicit_cast") == []


@pytest.mark.parametrize(("seconds", "severity"), [(0.02, "warning"), (0.019, "notice"), (0.004, None)])
def test_function_on_column_needs_slow_runs(seconds: float, severity: str | None) -> None:
    text = "SELECT `id` FROM `customers` WHERE `lower` ( `email` ) = ?"
    verdict = diagnose(snapshot(digest(text, total_seconds=seconds, all_seconds=2 * seconds), *CUSTOMERS))
    assert [each for _, each in found(verdict, "function_on_column")] == ([severity] if severity else [])


def test_implicit_cast_is_seen_in_a_sample_and_concluded_from_an_index_that_is_never_used() -> None:
    text = "SELECT * FROM `customers` WHERE `phone` = ?"
    values: dict[str, object] = {"rows_sent": 10}
    shown = digest(text, sample="SELECT * FROM customers WHERE phone = 555123", **values)
    verdicts = [diagnose(snapshot(each, *CUSTOMERS)) for each in (shown, digest(text, **values))]
    assert [caused(each, "implicit_cast")[0].object for each in verdicts] == ["shop.customers(phone)"] * 2
    assert [caused(each, "implicit_cast")[0].confidence for each in verdicts] == [0.95, 0.75]
    assert [caused(each, "missing_index") for each in verdicts] == [[], []]


def test_implicit_cast_is_none_where_the_value_is_text_or_the_index_is_used() -> None:
    text = "SELECT * FROM `customers` WHERE `phone` = ?"
    quoted = digest(text, sample="SELECT * FROM customers WHERE phone = '555123'", rows_sent=10)
    used = digest(text, rows_examined=10, rows_sent=10, no_index_used=0, scans=0)
    assert [caused(diagnose(snapshot(each, *CUSTOMERS)), "implicit_cast") for each in (quoted, used)] == [[], []]


def test_implicit_cast_in_a_running_statement_needs_no_counters() -> None:
    looks = [[running("SELECT * FROM customers WHERE phone = 555")]] * 2
    verdict = diagnose(snapshot(*CUSTOMERS, unavailable=[OFF], samples=looks))
    assert found(verdict, "implicit_cast")[0][1] == "warning"


@pytest.mark.parametrize(
    ("sample", "expected"),
    [("SELECT id FROM customers WHERE email LIKE '%x.org'", 0.9), (None, 0.7),
     ("SELECT id FROM customers WHERE email LIKE concat('%', ?, '%')", 0.9),
     ("SELECT id FROM customers WHERE email LIKE concat('a', ?, '%')", None),
     ("SELECT id FROM customers WHERE email LIKE 'a%'", None)],
)  # fmt: skip
def test_leading_wildcard_is_read_or_concluded(sample: str | None, expected: float | None) -> None:
    text = "SELECT `id` FROM `customers` WHERE `email` LIKE ?"
    verdict = diagnose(snapshot(digest(text, sample=sample, rows_sent=10), *CUSTOMERS))
    assert [each.confidence for each in caused(verdict, "leading_wildcard")] == ([expected] if expected else [])


def joined_by_code(one: str, other: str, written: str = "", **more: object) -> Snapshot:
    text = f"SELECT COUNT ( * ) FROM `orders` `o` JOIN `customers` `c` ON `c` . `code` = `o` . `code` {written}"
    sets = {each: each.partition("_")[0] for each in (one, other)}
    return snapshot(
        digest(text, **{"full_joins": 10, **more}), *ORDERS, *CUSTOMERS, index("customers", "code", "code"),
        column("customers", "code", "varchar(20)", character_set=sets[one], collation=one),
        column("orders", "code", "varchar(20)", character_set=sets[other], collation=other),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other", "objects"),
    [("latin1_swedish_ci", "utf8mb4_general_ci", ["shop.customers(code)"]),
     ("utf8mb4_general_ci", "utf8mb4_bin", ["shop.customers(code)"]),
     ("utf8mb4_general_ci", "utf8mb4_general_ci", [])],
)  # fmt: skip
def test_charset_mismatch_join_blames_the_column_that_is_converted(one: str, other: str, objects: list[str]) -> None:
    verdict = diagnose(joined_by_code(one, other))
    assert [each.object for each in caused(verdict, "charset_mismatch_join")] == objects
    if objects:
        assert verdict.causes[0].id == "charset_mismatch_join"
        assert f"COLLATE {other} NULL" in verdict.causes[0].remedies[0].statements[0]


@pytest.mark.parametrize(
    ("written", "objects"),
    [
        ("COLLATE `utf8mb4_unicode_ci`", ["shop.customers(code)"]),
        ("COLLATE utf8mb4_general_ci", ["shop.orders(code)"]),
    ],
)
def test_a_collation_that_the_statement_demands_converts_the_column_that_has_another(
    written: str, objects: list[str]
) -> None:
    verdict = diagnose(joined_by_code("utf8mb4_general_ci", "utf8mb4_unicode_ci", written))
    (cause,) = caused(verdict, "charset_mismatch_join")
    assert [cause.object] == objects
    blamed = [each.object for each in caused(verdict, "function_on_column")]
    assert "shop.orders(code)" not in blamed or written.endswith("utf8mb4_general_ci")
    assert f"COLLATE {written.split()[1].strip('`')} NULL" in cause.remedies[0].statements[0]


def test_a_plan_that_reads_no_table_says_nothing_of_a_statement_that_looks_at_rows() -> None:
    now = joined_by_code("utf8mb4_general_ci", "utf8mb4_unicode_ci", "COLLATE utf8mb4_unicode_ci")
    text = now.rows(TopStatement)[0].query
    nothing = {"query_block": {"table": {"message": "Impossible WHERE noticed after reading const tables"}}}
    verdict = diagnose(replace(now, plans=(StatementPlan(with_schema("shop", text), nothing),)))
    assert len(caused(verdict, "charset_mismatch_join")) == 1


@pytest.mark.parametrize(("errors", "expected"), [(0, []), (1, ["notice"]), (4, ["notice"]), (5, ["warning"])])
def test_collation_mismatch_needs_failures(errors: int, expected: list[str]) -> None:
    now = joined_by_code("utf8mb4_general_ci", "utf8mb4_unicode_ci", errors=errors, rows_examined=0, full_joins=0)
    assert [each for _, each in found(diagnose(now), "collation_mismatch")] == expected


def test_collation_mismatch_is_none_where_the_server_counts_other_errors_only() -> None:
    now = joined_by_code("utf8mb4_general_ci", "utf8mb4_unicode_ci", errors=9)
    other = row_of(StatementError, number=1064, name="ER_PARSE_ERROR", raised=9)
    mixed = row_of(StatementError, number=1267, name="ER_CANT_AGGREGATE_2COLLATIONS", raised=9, last_seconds_ago=5.0)
    for row, expected in ((other, 0), (mixed, 1)):
        counted = Snapshot(
            now.instance, now.engine, now.facts, now.taken_at, 0.0, {**now.readings, "statement_errors": (row,)}
        )
        assert len(caused(diagnose(counted), "collation_mismatch")) == expected


# --- shapes ---

PAGE = "SELECT * FROM `orders` ORDER BY ID LIMIT ?, ..."


@pytest.mark.parametrize(
    ("examined", "sent", "severity"),
    [(280_020, 20, "warning"), (1_000, 20, "warning"), (999, 20, None), (400, 20, None), (300_000, 1_001, None)],
)
def test_offset_pagination_is_told_by_rows_examined_for_a_page(examined: int, sent: int, severity: str | None) -> None:
    verdict = diagnose(snapshot(digest(PAGE, rows_examined=10 * examined, rows_sent=10 * sent), *ORDERS))
    assert [each for _, each in found(verdict, "offset_pagination")] == ([severity] if severity else [])


def test_offset_pagination_names_the_table_and_is_not_taken_for_a_filter() -> None:
    (cause,) = caused(diagnose(snapshot(digest(PAGE, rows_sent=200), *ORDERS)), "offset_pagination")
    assert cause.object == "shop.orders"
    filtered = "SELECT * FROM `orders` WHERE `customer_id` = ? ORDER BY ID LIMIT ?, ..."
    verdict = diagnose(snapshot(digest(filtered, rows_sent=200), *ORDERS))
    assert caused(verdict, "offset_pagination") == []
    assert caused(verdict, "missing_index")[0].object.startswith("shop.orders(customer_id")


BY_KEY: dict[str, object] = {
    "calls": 2_000, "total_seconds": 0.2, "rows_examined": 2_000, "rows_sent": 2_000, "first_seen_seconds": 60.0,
    "no_index_used": 0, "scans": 0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("values", "expected"),
    [({}, 1), ({"calls": 999, "rows_sent": 999, "rows_examined": 999}, 0), ({"total_seconds": 2.1}, 0),
     ({"rows_sent": 4_000}, 0), ({"first_seen_seconds": 401.0}, 0)],
)  # fmt: skip
def test_n_plus_one_is_many_quick_lookups_of_one_row(values: dict[str, object], expected: int) -> None:
    lookup = digest("SELECT * FROM `customers` WHERE `id` = ?", **{**BY_KEY, **values})
    assert len(caused(diagnose(snapshot(lookup, *CUSTOMERS)), "n_plus_one")) == expected


@pytest.mark.parametrize(("elements", "expected"), [(100, 1), (99, 0)])
def test_huge_in_list_is_counted_in_a_sample_even_when_it_was_cut(elements: int, expected: int) -> None:
    listed = ", ".join(str(number) for number in range(elements))
    for end in (")", ", 5..."):
        sample = f"SELECT * FROM orders WHERE id IN ({listed}{end}"
        row = digest("SELECT * FROM `orders` WHERE `id` IN (...)", sample=sample, rows_examined=900, rows_sent=900)
        assert len(caused(diagnose(snapshot(row, *ORDERS)), "huge_in_list")) == (expected if end == ")" else 1)


@pytest.mark.parametrize(("examined", "expected"), [(1_000, 1), (990, 0)])
def test_huge_in_list_on_a_unique_column_is_told_by_the_rows_it_finds(examined: int, expected: int) -> None:
    row = digest("SELECT * FROM `orders` WHERE `id` IN (...)", rows_examined=examined, rows_sent=examined)
    assert len(caused(diagnose(snapshot(row, *ORDERS)), "huge_in_list")) == expected


@pytest.mark.parametrize(("sent", "expected"), [(36_000, 1), (35_000, 0)])
def test_huge_in_list_that_became_a_table_is_read_three_times(sent: int, expected: int) -> None:
    row = digest("SELECT * FROM `orders` WHERE `id` IN (...)", rows_examined=120_000, rows_sent=sent)
    assert len(caused(diagnose(snapshot(row, *ORDERS)), "huge_in_list")) == expected


def test_correlated_subquery_takes_the_index_that_it_wants_as_its_first_remedy() -> None:
    text = (
        "SELECT `c` . `id` , ( SELECT MAX ( `o` . `total` ) FROM `orders` `o` WHERE `o` . `customer_id` = `c` . `id` )"
        " FROM `customers` `c` WHERE `c` . `id` < ?"
    )
    verdict = diagnose(snapshot(digest(text, rows_examined=90_000_000, rows_sent=300), *ORDERS, *CUSTOMERS))
    assert verdict.causes[0].id == "correlated_subquery"
    assert verdict.causes[0].object == "shop.orders"
    assert "(customer_id)" in verdict.causes[0].remedies[0].statements[0]
    assert caused(verdict, "missing_index") == []
    served = digest(text, rows_examined=3_000, rows_sent=300)
    assert caused(diagnose(snapshot(served, *ORDERS, *CUSTOMERS)), "correlated_subquery") == []


@pytest.mark.parametrize(("rows", "expected"), [(50, 1), (49, 0)])
def test_wide_rows_fetched_is_a_notice_about_large_columns_of_many_rows(rows: int, expected: int) -> None:
    text = "SELECT * FROM `orders` WHERE `id` BETWEEN ? AND ?"
    row = digest(text, rows_examined=10 * rows, rows_sent=10 * rows, no_index_used=0, scans=0)
    causes = caused(diagnose(snapshot(row, *ORDERS)), "wide_rows_fetched")
    assert [each.severity for each in causes] == ["notice"] * expected


# --- plan_regression ---

SERVED = index("orders", "by_customer", "customer_id")
QUICK = {
    "calls": 1_000, "total_seconds": 1.0, "all_seconds": 100.0, "rows_examined": 10_000, "rows_sent": 10_000,
    "scans": 0, "no_index_used": 0,
}  # fmt: skip


def in_window(
    *rows: Row, query: str = BY_CUSTOMER, before: Mapping[str, Any] = QUICK, plans: Mapping[str, Any] | None = None,
    **more: Any,
) -> Diagnosis:  # fmt: skip
    """The verdict after a window in which a quick statement did `more`: five calls of 100 ms that read 300,000 rows
    each, unless said otherwise."""
    grown = {"calls": 5, "total_seconds": 0.5, "all_seconds": 0.5, "rows_examined": 1_500_000, "rows_sent": 50,
             "scans": 5, "no_index_used": 5, **more}  # fmt: skip
    after = {name: value + before.get(name, 0) for name, value in grown.items()}
    earlier = snapshot(digest(query, **before), *ORDERS, *rows)
    return diagnose(snapshot(digest(query, **after), *ORDERS, *rows, seconds=1.2, plans=plans), earlier)


@pytest.mark.parametrize(
    ("more", "severities"),
    [
        ({}, ["warning"]),
        (
            {"calls": 4, "scans": 0, "no_index_used": 0, "rows_sent": 40},
            [],
        ),  # calls in the window, by an index as before
        ({"scans": 0, "no_index_used": 0}, ["notice"]),
        ({"calls": 1, "scans": 1, "no_index_used": 1, "rows_sent": 10}, []),  # calls in the window that scan
        ({"calls": 2, "scans": 2, "no_index_used": 2, "rows_sent": 20}, ["warning"]),
        ({"total_seconds": 0.03, "all_seconds": 0.03}, ["warning"]),  # 6 ms a call: 5 ms more than the 1 ms of before
        ({"total_seconds": 0.029, "all_seconds": 0.029}, []),
        ({"rows_examined": 5_000, "scans": 0, "no_index_used": 0}, ["notice"]),  # 1,000 rows a call
        ({"rows_examined": 4_995, "scans": 0, "no_index_used": 0}, []),
        ({"rows_examined": 50}, ["warning"]),  # it scans, though no row was counted
        ({"rows_sent": 100}, ["warning"]),  # twice the 10 rows of before
        ({"rows_sent": 105}, []),
        ({"all_seconds": 5.0}, ["warning"]),  # a tenth of the time of the window
        ({"all_seconds": 5.1}, []),
        ({"scans": 3, "no_index_used": 0}, ["warning"]),  # more than every other call is a scan
        ({"scans": 2, "no_index_used": 2}, ["notice"]),
        ({"scans": 0, "no_index_used": 0, "full_range_joins": 3, "rows_examined": 50}, ["warning"]),
        ({"scans": 0, "no_index_used": 0, "full_joins": 2, "rows_examined": 50}, []),
    ],
)
def test_plan_regression_is_more_time_and_more_rows_for_no_more_of_them_returned(
    more: dict[str, Any], severities: list[str]
) -> None:
    verdict = in_window(SERVED, **more)
    assert [severity for _, severity in found(verdict, "plan_regression")] == severities
    assert [cause.severity for cause in caused(verdict, "plan_regression")] == severities


@pytest.mark.parametrize(
    ("before", "count"),
    [
        ({"calls": 50, "total_seconds": 0.05, "rows_examined": 500}, 1),
        ({"calls": 49, "total_seconds": 0.049, "rows_examined": 490}, 0),
        ({"total_seconds": 40.0}, 1),  # 40 ms a call before, 100 ms now
        ({"total_seconds": 40.1}, 0),
        ({"rows_examined": 60_000_000, "scans": 1_000}, 1),  # 60,000 rows a call before, 300,000 now
        ({"rows_examined": 60_001_000, "scans": 1_000}, 0),
    ],
)
def test_plan_regression_compares_with_an_average_that_means_something(before: dict[str, Any], count: int) -> None:
    assert len(found(in_window(SERVED, before={**QUICK, **before}), "plan_regression")) == count


def test_plan_regression_tells_the_plan_of_now_and_what_to_do() -> None:
    verdict = in_window(SERVED, plans={BY_CUSTOMER: scan()})
    (cause,) = caused(verdict, "plan_regression")
    told = cause.to_json("en")
    assert (cause.object, cause.impact) == ("shop.orders", 1.0)
    assert "it looks at 30,000 times as many rows" in told["summary"]
    assert "The plan now reads orders from end to end." in told["because"]
    assert cause.remedies[0].statements == ("ANALYZE TABLE shop.orders;",)
    assert "INVISIBLE" in told["remedies"][1]["title"]
    assert verdict.causes[0] is cause


@pytest.mark.parametrize(
    ("query", "severity"),
    [
        ("SELECT SUM ( `total` ) FROM `orders` WHERE `customer_id` = ?", "notice"),
        ("SELECT `created` , COUNT ( * ) FROM `orders` WHERE `customer_id` = ? GROUP BY `created` LIMIT ?", "notice"),
        ("SELECT * FROM `orders` WHERE `customer_id` = ? ORDER BY `created` LIMIT ?", "warning"),
        ("DELETE FROM `orders` WHERE `customer_id` = ? AND `status` = ?", "warning"),
    ],
)
def test_a_plan_regression_of_a_summary_may_be_another_value(query: str, severity: str) -> None:
    by_created = index("orders", "by_customer_created", "customer_id", "created")
    by_status = index("orders", "by_customer_status", "customer_id", "status")
    verdict = in_window(SERVED, by_created, by_status, query=query)
    assert [each.severity for each in caused(verdict, "plan_regression")] == [severity]


def overdue(
    *rows: Row, seconds: float = 2.0, looks: int = 2, sessions: int = 2, plan: Any = None, **more: Any
) -> Diagnosis:
    """A statement of 1 ms by an index is seen running for two seconds, and its plan reads the whole table."""
    text = "SELECT * FROM orders WHERE customer_id = 5"
    seen = [[running(text, seconds=seconds, id=number) for number in range(sessions)]] * looks
    counted = digest(BY_CUSTOMER, **{**QUICK, **more})
    return diagnose(snapshot(counted, *ORDERS, *rows, samples=seen, plans={BY_CUSTOMER: plan or scan()}))


@pytest.mark.parametrize(
    ("more", "count"),
    [
        ({}, 1),
        ({"seconds": 1.9}, 0),
        ({"total_seconds": 200.0}, 1),  # ten times its 200 ms
        ({"total_seconds": 201.0}, 0),
        ({"calls": 50, "total_seconds": 0.05}, 1),
        ({"calls": 49, "total_seconds": 0.05}, 0),
        ({"scans": 499}, 1),
        ({"scans": 500}, 0),
        ({"plan": scan(access="ref")}, 0),
    ],
)
def test_a_plan_regression_whose_calls_do_not_end_is_told_by_the_sessions(more: dict[str, Any], count: int) -> None:
    causes = caused(overdue(SERVED, **more), "plan_regression")
    assert [(each.object, each.severity) for each in causes] == [("shop.orders", "warning")] * count
    for cause in causes:
        assert "has been running for 2 s" in cause.summary.render("en")
        assert "现已运行" in cause.summary.render("zh-CN")


def test_one_session_at_it_may_have_an_unusual_question_unless_its_index_is_hidden() -> None:
    assert [each.severity for each in caused(overdue(SERVED, sessions=1), "plan_regression")] == ["notice"]
    other = index("orders", "by_status", "status")
    hidden = index("orders", "by_customer_2", "customer_id", hidden=True)
    verdict = overdue(SERVED, other, hidden, sessions=1)
    assert [each.severity for each in caused(verdict, "plan_regression")] == ["warning"]


@pytest.mark.parametrize(("looks", "severity"), [(2, "warning"), (1, "notice")])
def test_a_dropped_index_whose_calls_do_not_end_is_missing(looks: int, severity: str) -> None:
    verdict = overdue(looks=looks)
    assert found(verdict, "missing_index") == [("shop.orders(customer_id)", severity)]
    assert caused(verdict, "plan_regression") == []


def test_a_plan_regression_by_an_index_is_told_by_the_window_too() -> None:
    (cause,) = caused(in_window(SERVED, scans=0, no_index_used=0), "plan_regression")
    told = " ".join(each.render("en") for each in cause.because)
    assert "5 calls of 100 ms" in told
    assert "looks at 300,000 rows" in told


def test_one_look_tells_of_no_plan_regression() -> None:
    assert found(diagnose(snapshot(digest(BY_CUSTOMER), *ORDERS, SERVED)), "plan_regression") == []


@pytest.mark.parametrize("is_dropped", [True, False])
def test_a_dropped_or_hidden_index_is_the_cause_and_no_plan_regression_though_the_average_is_still_good(
    is_dropped: bool,
) -> None:
    rows = () if is_dropped else (index("orders", "by_customer", "customer_id", hidden=True),)
    verdict = in_window(*rows)
    (cause,) = caused(verdict, "missing_index")
    assert (verdict.causes[0], cause.object, cause.severity) == (cause, "shop.orders(customer_id)", "warning")
    assert ("ADD INDEX" if is_dropped else "ALTER INDEX by_customer VISIBLE") in cause.remedies[0].statements[0]
    assert caused(verdict, "plan_regression") == []
    assert "while we looked" in cause.because[0].render("en")
    assert cause.impact == 1.0


@pytest.mark.parametrize(("calls", "severities"), [(2, ["warning"]), (1, [])])
def test_slow_calls_for_want_of_a_dropped_index_are_told_from_two_in_the_window(
    calls: int, severities: list[str]
) -> None:
    verdict = in_window(calls=calls, scans=calls, no_index_used=calls, rows_sent=10 * calls)
    assert [each.severity for each in caused(verdict, "missing_index")] == severities


def test_a_hidden_index_is_shown_again_though_another_has_the_column_behind_its_first() -> None:
    other = index("orders", "by_created", "created", "customer_id")
    verdict = in_window(other, index("orders", "by_customer", "customer_id", hidden=True))
    assert [each.id for each in verdict.causes if each.severity == "warning"] == ["missing_index"]
    assert "VISIBLE" in caused(verdict, "missing_index")[0].remedies[0].statements[0]


def test_a_hidden_index_behind_a_worse_one_is_told_by_the_plan_regression() -> None:
    text = "SELECT `total` FROM `orders` WHERE `customer_id` = ? AND `created` > ?"
    hidden = index("orders", "by_customer", "customer_id", hidden=True)
    verdict = in_window(index("orders", "by_day", "created"), hidden, query=text, scans=0, no_index_used=0)
    (cause,) = caused(verdict, "plan_regression")
    assert (cause.severity, cause.object) == ("warning", "shop.orders")
    assert cause.remedies[0].statements == ("ALTER TABLE shop.orders ALTER INDEX by_customer VISIBLE;",)


def test_old_statistics_and_a_switched_off_method_explain_a_worse_plan() -> None:
    stale = row_of(
        TableStatistics, schema_name="shop", table_name="orders", live_rows=300_000, statistics_rows=1_000,
        statistics_age_seconds=90_000.0, modified_rows=299_000, is_recalculated=False, create_options="",
    )  # fmt: skip
    assert caused(in_window(SERVED, stale), "plan_regression") == []
    assert caused(in_window(SERVED, replace(stale, is_recalculated=True)), "plan_regression") != []
    joined = "SELECT * FROM `orders` `o` JOIN `orders` `p` ON `p` . `customer_id` = `o` . `id` WHERE `o` . `id` = ?"
    off = row_of(Variable, name="optimizer_switch", value="hash_join=off,block_nested_loop=off")
    assert caused(in_window(SERVED, query=joined), "plan_regression") != []
    assert caused(in_window(SERVED, off, query=joined), "plan_regression") == []
    assert caused(in_window(SERVED, off), "plan_regression") != []


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_a_plan_regression_is_told_in_both_languages(language: str) -> None:
    for verdict in (
        in_window(SERVED), in_window(SERVED, scans=0, no_index_used=0), in_window(SERVED, rows_examined=50)
    ):  # fmt: skip
        (cause,) = caused(verdict, "plan_regression")
        told = cause.to_json(language)  # type: ignore[arg-type]
        assert all(told["because"])
        assert all(each["title"] for each in told["remedies"])


def test_top_statements_are_told_with_their_share_and_without_digests_as_not_evaluated() -> None:
    verdict = diagnose(snapshot(digest(BY_CUSTOMER, calls=100, total_seconds=2.0), *ORDERS))
    assert [severity for _, severity in found(verdict, "top_statements")] == ["notice"]
    blind = diagnose(snapshot(*ORDERS, unavailable=[OFF]))
    assert "performance_schema" in str(
        {each.check: each for each in blind.not_evaluated}["mysql.top_statements"].reason
    )


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_cause_of_a_statement_is_told_in_both_languages(language: str) -> None:
    rows = (*ORDERS, *CUSTOMERS, index("orders", "by_created", "created", "customer_id"))
    verdict = diagnose(
        snapshot(
            digest(BY_CUSTOMER),
            digest(PAGE, rows_sent=200),
            digest("SELECT * FROM `customers` WHERE `phone` = ?"),
            *rows,
        )
    )
    for cause in verdict.causes:
        told = cause.to_json(language)  # type: ignore[arg-type]
        assert "?" not in told["summary"]
        assert all(told["remedies"])


# --- unknown ---

SCANNED = {"Handler_read_rnd_next": 5_000_000.0, "Handler_read_key": 1_000.0, "Select_scan": 5_000.0}
LOG_OFF = {
    "performance_schema": "OFF", "slow_query_log": "OFF", "log_output": "FILE", "min_examined_row_limit": "0",
    "log_queries_not_using_indexes": "OFF",
}  # fmt: skip
BY_ID = {"query_block": {"table": {"table_name": "orders", "access_type": "const", "key": "PRIMARY", "rows": 1}}}


def blind(
    *rows: Row, looks: Sequence[str] = (), settings: Mapping[str, str] = LOG_OFF, seconds: float = 10.0,
    unavailable: Sequence[Unavailable] = (OFF,), plans: Mapping[str, Any] | None = None, flavour: str = "mariadb",
    **grown: float,
) -> Diagnosis:  # fmt: skip
    """Statements are not counted, and within ten seconds 2,000,000 rows are read by 40 scans unless said otherwise."""
    counted = {"Handler_read_rnd_next": 2_000_000.0, "Select_scan": 40.0, **grown}
    after = {name: SCANNED.get(name, 0.0) + value for name, value in counted.items()}
    said = [row_of(Variable, name=name, value=value) for name, value in settings.items()]

    def look(counters: Mapping[str, float], at: float) -> Snapshot:
        status = [row_of(StatusCounter, name=name, value=value) for name, value in counters.items()]
        return snapshot(
            *status, *said, *ORDERS, *rows, unavailable=unavailable, seconds=at, flavour=flavour, plans=plans,
            samples=[[running(text)] for text in looks] or [[], []],
        )  # fmt: skip

    return diagnose(look({**SCANNED, **after}, seconds), look(SCANNED, 0.0))


@pytest.mark.parametrize(
    ("grown", "count"),
    [
        ({}, 1),
        ({"Handler_read_rnd_next": 1_999_990.0}, 0),  # 200,000 rows a second
        ({"Handler_read_key": 2_000_000.0}, 1),  # half of what is read
        ({"Handler_read_key": 2_000_010.0}, 0),
        ({"Select_scan": 2_000.0}, 1),  # 1,000 rows a scan
        ({"Select_scan": 1_000.0, "Select_full_join": 1_001.0}, 0),
    ],
)
def test_unknown_are_large_tables_scanned_by_statements_that_nobody_counts(grown: dict[str, float], count: int) -> None:
    causes = caused(blind(**grown), "unknown")
    assert [(each.object, each.severity) for each in causes] == [("server", "notice")] * count


def test_unknown_tells_the_rate_the_reason_and_how_to_see() -> None:
    (cause,) = caused(blind(), "unknown")
    told = cause.to_json("en")
    assert "200,000 rows a second" in told["summary"]
    assert "performance_schema" in " ".join(told["because"])
    assert cause.remedies[0].statements == (
        "SET GLOBAL log_output = 'TABLE';",
        "SET GLOBAL min_examined_row_limit = 1000;",
        "SET GLOBAL log_queries_not_using_indexes = ON;",
        "SET GLOBAL slow_query_log = ON;",
    )
    assert cause.remedies[0].rollback[0] == "SET GLOBAL slow_query_log = OFF;"
    assert cause.remedies[0].rollback[-1] == "SET GLOBAL log_output = 'FILE';"
    assert "performance_schema = ON" in told["remedies"][1]["title"]
    assert "没有语句计数" in " ".join(cause.to_json("zh-CN")["because"])


def test_unknown_keeps_what_the_slow_log_has_already() -> None:
    logs = {**LOG_OFF, "log_output": "TABLE", "log_queries_not_using_indexes": "ON", "slow_query_log": "OFF"}
    (cause,) = caused(blind(settings=logs), "unknown")
    assert [each.split()[2] for each in cause.remedies[0].statements] == ["min_examined_row_limit", "slow_query_log"]
    (cause,) = caused(blind(settings={**logs, "slow_query_log": "ON"}), "unknown")
    assert cause.remedies[0].statements == ()
    throttled = {**LOG_OFF, "log_throttle_queries_not_using_indexes": "0"}
    (cause,) = caused(blind(settings=throttled, flavour="mysql"), "unknown")
    assert "SET GLOBAL log_throttle_queries_not_using_indexes = 60;" in cause.remedies[0].statements


def test_unknown_asks_for_the_grant_where_that_is_what_is_missing() -> None:
    grant = "GRANT SELECT ON performance_schema.* TO reader;"
    refused = Unavailable("top_statements", "privilege", "SELECT command denied", grant)
    settings = {**LOG_OFF, "performance_schema": "ON"}
    (cause,) = caused(blind(unavailable=[refused], settings=settings), "unknown")
    assert [grant in each.title.render("en") for each in cause.remedies] == [True]
    process = Unavailable("sessions", "privilege", "PROCESS is needed", "GRANT PROCESS ON *.* TO reader;")
    (cause,) = caused(blind(unavailable=[refused, process], settings=settings), "unknown")
    assert "GRANT PROCESS" in cause.remedies[1].title.render("en")


@pytest.mark.parametrize(
    ("statement", "plan", "count"),
    [
        ("SELECT * FROM orders WHERE customer_id = 5", None, 0),  # no plan: it may be what scans
        ("SELECT * FROM orders WHERE id = 5", BY_ID, 1),
        ("SELECT note FROM orders", scan(), 0),
        ("ALTER TABLE orders ADD COLUMN x INT", None, 0),
        ("SELECT SLEEP(100)", None, 1),
        ("DO SLEEP(100)", None, 1),
        ("INSERT INTO orders (note) VALUES ('a')", None, 1),
        ("INSERT INTO orders (note) SELECT note FROM orders", None, 0),
    ],
)
def test_unknown_is_not_said_when_a_session_was_seen_at_it(statement: str, plan: Any, count: int) -> None:
    plans = {statement: plan} if plan else None
    assert len(caused(blind(looks=[statement], plans=plans), "unknown")) == count


def test_unknown_is_not_said_of_a_server_that_counts_its_statements_nor_when_something_accounts_for_it() -> None:
    assert caused(blind(digest(BY_CUSTOMER), unavailable=[]), "unknown") == []
    assert caused(blind(unavailable=[]), "unknown") == []
    stale = row_of(
        TableStatistics, schema_name="shop", table_name="orders", live_rows=300_000, statistics_rows=1_000,
        statistics_age_seconds=90_000.0, modified_rows=299_000, is_recalculated=False, create_options="",
    )  # fmt: skip
    assert caused(blind(stale), "unknown") == []
    keyless = row_of(TableWithoutKey, schema_name="shop", table_name="log", live_rows=50_000, engine="InnoDB", tables=1)
    assert len(caused(blind(keyless), "unknown")) == 1
    assert caused(blind(keyless, row_of(ReplicaStatus, channel="")), "unknown") == []


def test_one_look_says_nothing_unknown() -> None:
    status = [row_of(StatusCounter, name=name, value=value * 1e6) for name, value in SCANNED.items()]
    uptime = row_of(StatusCounter, name="Uptime", value=10.0)
    assert caused(diagnose(snapshot(*status, uptime, *ORDERS, unavailable=[OFF])), "unknown") == []


# --- conditions joined by OR, orders of mixed direction, short prefixes, hints ---

EITHER = "SELECT `id` FROM `orders` WHERE `customer_id` = ? OR `Total` = ?"


def test_a_branch_of_or_without_index_is_named_and_the_served_one_is_not() -> None:
    rows = (*ORDERS, index("orders", "by_customer", "customer_id"))
    (cause,) = caused(diagnose(snapshot(digest(EITHER), *rows, plans={EITHER: scan()})), "missing_index")
    assert cause.object == "shop.orders(Total)"
    both = caused(diagnose(snapshot(digest(EITHER), *ORDERS, plans={EITHER: scan()})), "missing_index")
    assert {each.object for each in both} == {"shop.orders(customer_id)", "shop.orders(Total)"}


@pytest.mark.parametrize(
    ("query", "served"),
    [
        (EITHER, ("customer_id", "Total")),
        ("SELECT `id` FROM `orders` WHERE `created` = ? AND ( `customer_id` = ? OR `Total` = ? )", ("created",)),
        ("SELECT `id` FROM `orders` WHERE `customer_id` = ? OR LENGTH ( `note` ) > ?", ()),
        ("SELECT `id` FROM `orders` WHERE `customer_id` = ? OR `note` = ?", ("customer_id",)),  # a TEXT
    ],
)
def test_an_or_that_an_index_cannot_help_or_need_not_help_asks_for_none(query: str, served: tuple[str, ...]) -> None:
    rows = (*ORDERS, *(index("orders", f"by_{each}", each) for each in served))
    assert caused(diagnose(snapshot(digest(query), *rows)), "missing_index") == []


@pytest.mark.parametrize(
    ("descending", "expected"),
    [([False, False], ["ADD INDEX ix_orders_created_Total (created, Total DESC),"]),
     ([False, True], []), ([True, False], []), ([True, True], ["DESC"]), ([], [])],
)  # fmt: skip
def test_an_order_of_mixed_directions_wants_an_index_that_goes_the_same_way(
    descending: list[bool], expected: list[str]
) -> None:
    query = "SELECT `id` FROM `orders` ORDER BY `created` , `Total` DESC LIMIT ?"
    existing = replace(index("orders", "by_time", "created", "Total"), descending=descending)
    sorted_plan = {"query_block": {"ordering_operation": {"using_filesort": True, **scan()["query_block"]}}}
    verdict = diagnose(snapshot(digest(query, rows_sent=200), *ORDERS, existing, plans={query: sorted_plan}))
    asked = [each.remedies[0].statements[0] for each in caused(verdict, "missing_index")]
    assert len(asked) == len(expected)
    for statement, wanted in zip(asked, expected, strict=True):
        assert wanted in statement


@pytest.mark.parametrize(("length", "keys", "told"), [(3, 599, True), (3, 600, False), (0, 10, False)])
def test_an_index_of_a_few_characters_that_are_alike_serves_nothing(length: int, keys: int, told: bool) -> None:
    query = "SELECT `id` FROM `orders` WHERE `label` = ?"
    label = column("orders", "label", "varchar(200)")
    short = replace(index("orders", "by_label", "label"), prefix_lengths=[length], cardinalities=[keys])
    found_causes = caused(
        diagnose(snapshot(digest(query), *ORDERS, label, short, plans={query: scan()})), "missing_index"
    )
    assert bool(found_causes) == told
    for cause in found_causes:
        assert cause.object == "shop.orders(label)"
        assert "by_label of shop.orders holds only the first 3 characters" in cause.summary.render("en")


def test_a_range_served_by_an_index_does_not_hide_the_equality_behind_it() -> None:
    query = "SELECT `id` FROM `orders` WHERE `created` >= ? AND `customer_id` = ?"
    rows = (*ORDERS, index("orders", "by_time", "created", "status", "customer_id"))
    ranged = {"query_block": {"table": {
        "table_name": "orders", "access_type": "range", "key": "by_time", "rows_examined_per_scan": 150_000,
    }}}  # fmt: skip
    verdict = diagnose(snapshot(digest(query), *rows, plans={query: ranged}))
    (cause,) = caused(verdict, "wrong_index_order")
    assert cause.object.startswith("shop.orders(customer_id")


HINTED = "SELECT `id` FROM `orders` {} INDEX ( `{}` ) WHERE `customer_id` = ? AND `created` > ?"


@pytest.mark.parametrize(
    ("hint", "named", "told"),
    [("IGNORE", "by_customer", True), ("FORCE", "by_time", True), ("USE", "by_time", True),
     ("IGNORE", "by_time", False), ("FORCE", "by_customer", False)],
)  # fmt: skip
def test_a_hint_that_rules_out_the_fitting_index_is_the_cause(hint: str, named: str, told: bool) -> None:
    rows = (*ORDERS, index("orders", "by_customer", "customer_id"), index("orders", "by_time", "created"))
    verdict = diagnose(snapshot(digest(HINTED.format(hint, named)), *rows))
    causes = caused(verdict, "planner_switch_off")
    assert [each.object for each in causes] == (["shop.orders"] if told else [])
    for cause in causes:
        assert f"{hint} INDEX ({named})" in cause.summary.render("zh-CN")
        assert "by_customer" in cause.remedies[0].title.render("en")


@pytest.mark.parametrize(
    ("calls", "examined", "seconds", "severity"),
    [(5, 300_000, 0.36, "warning"), (4, 300_000, 0.36, None), (10, 299, 0.71, None), (10, 301, 0.71, None),
     (10, 1_000, 0.71, "warning"), (10, 300_000, 0.019, "notice")],
)  # fmt: skip
def test_a_hint_counts_by_its_calls_rows_and_time(
    calls: int, examined: int, seconds: float, severity: str | None
) -> None:
    rows = (*ORDERS, index("orders", "by_customer", "customer_id"))
    asked = digest(
        HINTED.format("IGNORE", "by_customer"), calls=calls, rows_examined=examined * calls, total_seconds=seconds,
        all_seconds=seconds * 2,
    )  # fmt: skip
    told = [each for _, each in found(diagnose(snapshot(asked, *rows)), "index_hints")]
    assert told == ([severity] if severity else [])


@pytest.mark.parametrize("joined", ["OR", "AND"])
def test_a_hidden_value_beside_an_or_is_not_taken_for_a_conversion(joined: str) -> None:
    query = f"SELECT `id` FROM `customers` WHERE `email` = ? {joined} `phone` = ?"
    verdict = diagnose(snapshot(digest(query), *CUSTOMERS, flavour="mariadb"))
    assert bool(caused(verdict, "implicit_cast")) == (joined == "AND")


def test_a_plan_with_values_that_were_seen_goes_before_one_with_ours() -> None:
    rows = (*ORDERS, index("orders", "by_customer", "created"))
    by_index = {"query_block": {"table": {"table_name": "orders", "access_type": "ref", "key": "x", "rows": 1}}}
    plans = {BY_CUSTOMER: by_index, "SELECT * FROM orders WHERE customer_id = 7": scan()}
    (cause,) = caused(diagnose(snapshot(digest(BY_CUSTOMER), *rows, plans=plans)), "missing_index")
    assert cause.confidence == pytest.approx(0.95)


# --- statements inside triggers and routines ---

INSIDE = "SELECT COUNT(*) INTO @n FROM orders WHERE customer_id = wanted AND id <> NEW.id"


def scanned(rows: int) -> HotTable:
    return row_of(HotTable, schema_name="shop", table_name="orders", rows_read_without_index=rows)


@pytest.mark.parametrize(
    ("read", "looks", "severity"),
    [(300_000, 2, "warning"), (299_999, 2, None), (300_000, 1, "notice")],
)
def test_a_statement_inside_a_routine_is_told_by_the_sessions_where_its_table_is_scanned(
    read: int, looks: int, severity: str | None
) -> None:
    called = digest("CALL `find_order` ( ? )", rows_examined=0, rows_sent=0)
    samples = [[running(INSIDE)]] * looks + [[running("CALL find_order(7)")]]
    handlers = [row_of(StatusCounter, name="Handler_read_rnd_next", value=value) for value in (1e6, 1e6 + 600_000)]
    earlier = snapshot(called, *ORDERS, scanned(1_000_000), handlers[0])
    now = snapshot(called, *ORDERS, scanned(1_000_000 + read), handlers[1], samples=samples, seconds=1.5)
    causes = [each for each in caused(diagnose(now, earlier), "missing_index") if "customer_id" in each.object]
    assert [each.severity for each in causes] == ([severity] if severity else [])
    for cause in causes:
        assert cause.object == "shop.orders(customer_id)"
        assert any("inside a trigger" in each.render("en") for each in cause.because)


@pytest.mark.parametrize(("lost", "said"), [(0.0, True), (1.0, False)])
def test_where_digests_are_lost_a_statement_that_is_not_counted_need_not_be_inside_anything(
    lost: float, said: bool
) -> None:
    counted = row_of(StatusCounter, name="Performance_schema_digest_lost", value=lost)
    earlier = snapshot(*ORDERS, scanned(0), counted)
    now = snapshot(*ORDERS, scanned(900_000), counted, samples=[[running(BY_CUSTOMER)]] * 3, seconds=1.5)
    (cause,) = [each for each in caused(diagnose(now, earlier), "missing_index") if "customer_id" in each.object]
    assert any("inside a trigger" in each.render("en") for each in cause.because) == said


def test_a_table_that_a_counted_statement_reads_is_not_looked_for_inside_routines() -> None:
    reader = digest("SELECT SUM ( `Total` ) FROM `orders`", rows_sent=10)
    filler = digest("INSERT INTO `orders` ( `Total` ) SELECT `Total` FROM `customers`", rows_sent=0)
    for statement, told in ((reader, False), (filler, True)):
        earlier = snapshot(statement, *ORDERS, scanned(0))
        now = snapshot(statement, *ORDERS, scanned(900_000), samples=[[running(INSIDE)]] * 3, seconds=1.5)
        objects = {each.object for each in diagnose(now, earlier).findings if each.check == "mysql.missing_index"}
        assert ("shop.orders(customer_id)" in objects) == told


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        (
            "SELECT COUNT(*) INTO n FROM orders WHERE customer_id = x",
            "SELECT COUNT(*) FROM orders WHERE customer_id = ?",
        ),
        ("UPDATE orders SET note = NEW.a WHERE id = OLD.b", "UPDATE orders SET note = ? WHERE id = ?"),
        ("SELECT id FROM orders WHERE id = NAME_CONST('i',6) * 31", "SELECT id FROM orders WHERE id = ? * 31"),
        ("SELECT id FROM orders WHERE status = s LIMIT 1 INTO @a", "SELECT id FROM orders WHERE status = ? LIMIT 1"),
        ("SELECT x FROM elsewhere WHERE y = z", "SELECT x FROM elsewhere WHERE y = z"),
    ],
)
def test_variables_of_routines_and_rows_of_triggers_become_placeholders(inside: str, outside: str) -> None:
    assert as_from_outside(inside, list(known_tables(snapshot(*ORDERS)).values())) == outside


# --- remedies that can be run, and what belongs to which root ---


def test_a_deep_page_accounts_for_the_sort_of_what_it_skips() -> None:
    verdict = diagnose(snapshot(digest(PAGE, rows_sent=200, sort_merge_passes=100, sort_rows=200), *ORDERS))
    assert [each.id for each in verdict.causes if each.id in ("offset_pagination", "sort_spill")] == [
        "offset_pagination"
    ]


@pytest.mark.parametrize(
    ("size", "statement"),
    [(262_144, "SET PERSIST sort_buffer_size = 2097152;"), (4 * 2**20, "SET PERSIST sort_buffer_size = 8388608;"),
     (4 * 2**20 + 1, None)],
)  # fmt: skip
def test_a_sort_that_spills_has_a_remedy_that_can_be_run_while_the_buffer_is_small(
    size: int, statement: str | None
) -> None:
    buffer = row_of(Variable, name="sort_buffer_size", value=str(size))
    sorts = digest("SELECT `note` FROM `orders` ORDER BY `note`", sort_merge_passes=50, sort_rows=3_000_000)
    (cause,) = caused(diagnose(snapshot(sorts, *ORDERS, buffer)), "sort_spill")
    assert [each.statements for each in cause.remedies if each.statements] == ([(statement,)] if statement else [])


@pytest.mark.parametrize(("flavour", "is_run"), [("mysql", True), ("mariadb", False)])
def test_room_in_memory_is_offered_where_texts_may_be_kept_there(flavour: str, is_run: bool) -> None:
    rows = [row_of(Variable, name=name, value="16777216") for name in ("tmp_table_size", "max_heap_table_size")]
    grouped = digest("SELECT `note` , COUNT ( * ) FROM `orders` GROUP BY `note`", tmp_disk_tables=10, tmp_tables=10)
    (cause,) = caused(diagnose(snapshot(grouped, *ORDERS, *rows, flavour=flavour)), "temporary_tables_on_disk")
    assert any("tmp_table_size = 67108864" in str(each.statements) for each in cause.remedies) == is_run


# --- a slow statement that nothing explains ---

GROUPED = (
    "SELECT `c` . `email` , `d` . `s` FROM `customers` `c` JOIN ( SELECT `customer_id` AS `o` , SUM ( `Total` ) AS `s`"
    " FROM `orders` GROUP BY `customer_id` ) `d` ON `d` . `o` = `c` . `id` WHERE `c` . `id` = ?"
)


@pytest.mark.parametrize(
    ("calls", "seconds", "all_seconds", "told"),
    [(5, 1.0, 3.3, True), (4, 1.0, 3.3, False), (5, 0.99, 3.3, False), (5, 1.0, 3.4, False)],
)
def test_a_slow_statement_is_told_though_nothing_explains_it(
    calls: int, seconds: float, all_seconds: float, told: bool
) -> None:
    slow = digest(
        GROUPED, calls=calls, total_seconds=seconds, all_seconds=all_seconds, rows_examined=calls, rows_sent=calls,
        no_index_used=0, scans=0,
    )  # fmt: skip
    causes = caused(diagnose(snapshot(slow, *ORDERS, *CUSTOMERS)), "unknown")
    assert [each.severity.value for each in causes] == (["notice"] if told else [])
    for cause in causes:
        assert "LATERAL" in cause.remedies[0].title.render("en")


def test_a_slow_statement_that_something_explains_is_not_told_twice() -> None:
    slow = digest(BY_CUSTOMER, total_seconds=20.0, all_seconds=20.0)
    verdict = diagnose(snapshot(slow, *ORDERS, plans={BY_CUSTOMER: scan()}))
    assert caused(verdict, "missing_index")
    assert caused(verdict, "unknown") == []
    sleeping = digest("SELECT SLEEP ( ? )", total_seconds=20.0, all_seconds=20.0, rows_examined=0)
    assert caused(diagnose(snapshot(sleeping)), "unknown") == []


@pytest.mark.parametrize(("into", "told"), [("orders", False), ("clients", True)])
def test_a_slow_write_into_a_table_with_indexes_that_nobody_uses_needs_no_other_reason(into: str, told: bool) -> None:
    written = f"INSERT INTO `{into}` ( `note` ) SELECT CONCAT ( ? , `n` ) FROM `numbers`"
    slow = digest(written, calls=20, total_seconds=20.0, all_seconds=20.0, no_index_used=0, scans=0)
    idle = row_of(
        UnusedIndex, schema_name="shop", table_name="Orders", index_name="wide", size_bytes=50 * 1024 * 1024,
        columns=["note"], table_writes=1_000_000,
    )  # fmt: skip
    diagnosis = diagnose(snapshot(slow, *ORDERS, idle))
    assert caused(diagnosis, "unused_index")
    assert bool(caused(diagnosis, "unknown")) is told


def test_a_slow_statement_on_a_machine_without_a_free_processor_has_its_reason() -> None:
    slow = digest(
        GROUPED, calls=5, total_seconds=3.0, all_seconds=3.3, rows_examined=5, rows_sent=5, no_index_used=0, scans=0
    )
    diagnosis = diagnose(snapshot(slow, *ORDERS, *CUSTOMERS, ProcessorShare(0.1, 0.01, 9)))
    assert caused(diagnosis, "external_cpu_contention")
    assert caused(diagnosis, "unknown") == []


# --- texts joined with numbers ---


@pytest.mark.parametrize(
    ("kind", "access", "indexed", "told"),
    [("int", "ALL", True, True), ("varchar(20)", "ALL", True, False), ("int", "ref", True, False),
     ("int", "ALL", False, False)],
)  # fmt: skip
def test_a_text_joined_with_numbers_is_converted(kind: str, access: str, indexed: bool, told: bool) -> None:
    query = (
        "SELECT `i` . `v` FROM `orders` `o` JOIN `imports` `i` ON `i` . `order_no` = `o` . `ref` WHERE `o` . `id` = ?"
    )
    rows = [*ORDERS, column("orders", "ref", kind), column("imports", "order_no", "varchar(20)")]
    rows += [index("imports", "by_order", "order_no")] if indexed else []
    plan = {"query_block": {"nested_loop": [
        {"table": {"table_name": "o", "access_type": "const", "key": "PRIMARY", "rows": 1}},
        {"table": {"table_name": "i", "access_type": access, "rows": 300_000}},
    ]}}  # fmt: skip
    causes = caused(diagnose(snapshot(digest(query), *rows, plans={query: plan})), "implicit_cast")
    assert [each.object for each in causes] == (["shop.imports(order_no)"] if told else [])
    for cause in causes:
        assert "shop.orders(ref)" in cause.summary.render("en")
        assert "CAST" in cause.remedies[0].title.render("zh-CN")


@pytest.mark.parametrize(
    "query",
    ["UPDATE `customers` `c` JOIN `orders` `o` ON `o` . `customer_id` = `c` . `id` SET `note` = ? WHERE `c` . `id` = ?",
     "DELETE `c` FROM `customers` `c` JOIN `orders` `o` ON `o` . `customer_id` = `c` . `id` WHERE `c` . `id` = ?"],
)  # fmt: skip
def test_the_join_of_a_change_wants_its_index_too(query: str) -> None:
    changed = digest(query, rows_sent=0, rows_affected=10, full_joins=10)
    rows = [*ORDERS, *CUSTOMERS, column("customers", "note", "text")]
    (cause,) = caused(diagnose(snapshot(changed, *rows)), "missing_index")
    assert cause.object == "shop.orders(customer_id)"


def test_a_number_stands_before_a_short_text_in_a_key() -> None:
    query = "DELETE FROM `orders` WHERE `phase` = ? AND `ref` = ?"
    rows = [*ORDERS, column("orders", "phase", "varchar(16)"), column("orders", "ref")]
    (cause,) = caused(diagnose(snapshot(digest(query), *rows, plans={query: scan()})), "missing_index")
    assert cause.object.startswith("shop.orders(ref")


@pytest.mark.parametrize(("seconds", "told"), [(0.05, True), (0.049, False)])
def test_a_random_order_is_named_as_such(seconds: float, told: bool) -> None:
    query = "SELECT `id` FROM `orders` ORDER BY `RAND` ( ) LIMIT ?"
    drawn = digest(query, total_seconds=seconds, all_seconds=seconds, rows_sent=10, calls=10)
    causes = caused(diagnose(snapshot(drawn, *ORDERS)), "unknown")
    assert bool(causes) == told
    for cause in causes:
        assert "随机排序" in cause.because[0].render("zh-CN")


@pytest.mark.parametrize(
    ("seconds", "examined", "sent", "told"),
    [(0.2, 500_000, 500, True), (0.199, 500_000, 500, False), (0.2, 499_999, 100, False), (0.2, 500_000, 501, False)],
)
def test_a_statement_that_looks_in_vain_is_told_before_it_is_slow(
    seconds: float, examined: int, sent: int, told: bool
) -> None:
    query = "SELECT `id` FROM `all lines` WHERE `key` = ?"
    read = digest(
        query, total_seconds=seconds, all_seconds=seconds, rows_examined=examined, rows_sent=sent, calls=10
    )  # fmt: skip
    assert bool(caused(diagnose(snapshot(read, *ORDERS)), "unknown")) == told
    summed = replace(read, query="SELECT MAX ( `id` ) FROM `all lines` WHERE `key` = ?")
    assert caused(diagnose(snapshot(summed, *ORDERS)), "unknown") == []


@pytest.mark.parametrize(
    ("order", "told"),
    [
        ("`Total` * ?", True),
        ("LENGTH ( `note` ) DESC", True),
        ("`Total`", False),
        ("?", False),
        ("SUM ( `id` )", False),
    ],
)
def test_a_computed_order_is_named_as_such(order: str, told: bool) -> None:
    query = f"SELECT `id` FROM `orders` ORDER BY {order} LIMIT ?"
    sorted_ = digest(query, total_seconds=5.0, all_seconds=5.0, rows_sent=100, calls=10)
    causes = caused(diagnose(snapshot(sorted_, *ORDERS)), "unknown")
    assert any("computed of columns" in why.render("en") for each in causes for why in each.because) == told
