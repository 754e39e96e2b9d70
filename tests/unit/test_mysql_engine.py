"""The MySQL engine without a server: DSNs, versions, readings by flavour, what rows are made of."""

import pytest

from housecall.diagnosis.check import Limits
from housecall.diagnosis.checks.mysql import key_exhaustion
from housecall.engines.engine import parse_reading
from housecall.engines.mysql import ENGINE
from housecall.engines.mysql.explainable import as_read, plain_digest, with_values
from housecall.engines.mysql.flavour import version_of
from housecall.engines.mysql.rows.innodb import parse_innodb_status
from housecall.engines.mysql.rows.tables import AutoIncrement, MoneyColumn
from housecall.errors import RequestError
from housecall.testing_mysql_rows import snapshot


def test_a_dsn_is_taken_apart_and_its_password_hidden() -> None:
    target = ENGINE.parse_dsn("mariadb://api:p%40ss@db:3307/shop?ssl-mode=verify_ca&ssl-ca=/ca.pem")
    assert (target.host, target.port, target.user, target.database) == ("db", 3307, "api", "shop")
    assert target.options == {"ssl-ca": "/ca.pem", "ssl-mode": "VERIFY_CA"}
    assert "p@ss" not in repr(target)


@pytest.mark.parametrize(
    "dsn",
    ["mysql://u:hunter2@h:x/d", "mysql://u:hunter2@h:0/d", "mysql://u:hunter2@h/d?charset=utf8", "mysql://u:hunter2@h/a/b",
     "mysql://u:hunter2@h/d?ssl-mode=maybe", "mysql://u:hunter2#@h/d", "mysql://u:hunter2@[::1/d"],
)  # fmt: skip
def test_a_dsn_that_cannot_be_used_is_refused_without_its_password(dsn: str) -> None:
    with pytest.raises(RequestError) as caught:
        ENGINE.parse_dsn(dsn)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "flavour", "number"),
    [("9.7.4-2", "mysql", 90704), ("8.0.36-28", "mysql", 80036), ("10.11.19-MariaDB-0+deb12u1", "mariadb", 101119),
     ("5.5.5-10.6.4-MariaDB", "mariadb", 100604)],
)  # fmt: skip
def test_flavour_and_version_are_told_apart(text: str, flavour: str, number: int) -> None:
    version = version_of(text)
    assert (version.flavour, version.number) == (flavour, number)


def test_a_reading_serves_the_flavours_and_versions_of_its_header_and_no_others() -> None:
    header = "-- asks: a\n-- privilege: none\n-- flavours: mysql 8.0.22-, mariadb 10.6-10.11\n-- cost: none\n"
    reading = parse_reading("money_columns", header + "SELECT 1", MoneyColumn)
    served = {text: reading.serves(version_of(text)) for text in (
        "8.0.21", "8.0.22", "9.7.4", "10.5.9-MariaDB", "10.6.0-MariaDB", "10.11.19-MariaDB", "11.4.1-MariaDB",
    )}  # fmt: skip
    assert [text for text, serves in served.items() if serves] == [
        "8.0.22", "9.7.4", "10.6.0-MariaDB", "10.11.19-MariaDB",
    ]  # fmt: skip


def test_every_reading_name_is_served_at_most_once_by_a_server() -> None:
    for text in ("8.0.36", "8.4.0", "9.7.4", "10.6.4-MariaDB", "10.11.19-MariaDB", "11.4.1-MariaDB"):
        names = [reading.name for reading in ENGINE.readings if reading.serves(version_of(text))]
        assert len(names) == len(set(names)), text


def test_a_digest_gets_values_that_fit_its_places() -> None:
    assert with_values("SELECT * FROM t WHERE a = ? LIMIT ?") == "SELECT * FROM t WHERE a = '1' LIMIT 1"
    assert with_values("SELECT * FROM t WHERE a IN (...)") == "SELECT * FROM t WHERE a IN ('1')"


def test_names_that_are_keywords_are_small_in_a_digest_and_left_in_a_statement() -> None:
    digest = (
        "SELECT COUNT ( * ) FROM LOG JOIN `Orders` ON `Orders` . ID = LOG . ID WHERE `DAYOFYEAR` ( SQL_TSI_DAY ) = ?"
    )
    assert plain_digest(digest) == (
        "select count ( * ) from log join `Orders` on `Orders` . id = log . id where DAYOFYEAR ( day ) = ?"
    )
    for statement in ("SELECT COUNT(*) FROM LOG WHERE id = 7 AND note = 'A?'", "SELECT 1 FROM `A` WHERE x = 'B'"):
        assert plain_digest(statement) == statement
    assert plain_digest("UPDATE STATUS SET `a` = ? WHERE NOTE = 'KEPT'").startswith("update status set `a` = ?")
    assert plain_digest("UPDATE STATUS SET `a` = ? WHERE NOTE = 'KEPT'").endswith("'KEPT'")


def test_a_write_is_planned_as_the_query_for_its_rows() -> None:
    assert as_read("DELETE FROM t WHERE a = 1") == "SELECT 1 FROM t WHERE a = 1"
    assert as_read("SELECT a FROM t") == "SELECT a FROM t"


def test_the_report_of_innodb_names_the_tables_of_the_latest_deadlock() -> None:
    report = (
        "------------------------\nLATEST DETECTED DEADLOCK\n------------------------\n"
        "RECORD LOCKS space id 2 index PRIMARY of table `shop`.`orders` trx id 7\n"
        "------------\nTRANSACTIONS\n------------\nHistory list length 42\n"
        "--------------\nROW OPERATIONS\n--------------\n1 queries inside InnoDB, 5 queries in queue\n"
    )
    found = parse_innodb_status(report)
    assert (found.history_list_length, found.deadlock_tables, found.deadlock_indexes) == (
        42,
        ["shop.orders"],
        ["PRIMARY"],
    )
    assert found.queued == 5


@pytest.mark.parametrize(
    ("next_value", "severities"), [(70, []), (71, ["warning"]), (90, ["warning"]), (91, ["critical"])]
)
def test_key_exhaustion_is_told_from_seventy_percent_on(next_value: int, severities: list[str]) -> None:
    row = AutoIncrement("shop", "t", "id", "tinyint", next_value, 100, 5, 100, 1)
    limits = Limits(key_exhaustion.CHECK.thresholds)
    found = list(key_exhaustion.judge(snapshot(row), None, limits))
    assert [each.severity.value for each in found] == severities
