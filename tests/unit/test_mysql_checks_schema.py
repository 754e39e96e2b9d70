"""Checks and causes of statistics, indexes, optimizer settings, partitions and spilling statements, by rows."""

from dataclasses import replace
from typing import Any

import pytest

from housecall.diagnosis.cause import Cause
from housecall.diagnosis.checks.mysql.partition_pruning import partitioning_columns
from housecall.diagnosis.checks.mysql.planner_switches import BOUNDS, switched_off
from housecall.diagnosis.examine import Diagnosis, diagnose
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot, StatementPlan
from housecall.engines.engine import Unavailable
from housecall.engines.mysql import ENGINE
from housecall.engines.mysql.explainable import with_schema
from housecall.engines.mysql.failures import grants
from housecall.engines.mysql.rows.indexes import IndexLoad, UnusedIndex
from housecall.engines.mysql.rows.sequences import SequenceName, SequenceValue
from housecall.engines.mysql.rows.server import Variable
from housecall.engines.mysql.rows.statements import HotTable, TopStatement
from housecall.engines.mysql.rows.tables import (
    AutoIncrement,
    ColumnCharset,
    KeyColumn,
    LargeTableColumn,
    MoneyColumn,
    PartitionedTable,
    TableStatistics,
)
from housecall.testing import row_of
from housecall.testing_mysql_rows import counters, snapshot, variables, verdict

DAY = 24 * 3600.0
MB = 1024 * 1024


def told(diagnosis: Diagnosis, check: str) -> list[tuple[str, str]]:
    return [(each.object, each.severity) for each in diagnosis.findings if each.check == f"mysql.{check}"]


def caused(diagnosis: Diagnosis, cause_id: str) -> list[Cause]:
    return [each for each in diagnosis.causes if each.id == cause_id]


def digest(query: str, **values: object) -> TopStatement:
    """10 calls of 100 ms, half of the server's time."""
    base: dict[str, object] = {
        "digest": query, "schema_name": "shop", "query": query, "calls": 10, "total_seconds": 1.0, "all_seconds": 2.0,
        "rows_examined": 3_000_000, "rows_sent": 10, "first_seen_seconds": 600.0, "last_seen_seconds": 1.0,
    }  # fmt: skip
    return row_of(TopStatement, **{**base, **values})


def up_for(seconds: float, found: Snapshot) -> Snapshot:
    from dataclasses import replace

    return replace(found, facts=replace(found.facts, uptime_seconds=seconds))


# --- stale_statistics ---


def statistics(**values: object) -> TableStatistics:
    base: dict[str, object] = {
        "schema_name": "shop", "table_name": "orders", "statistics_rows": 1_000, "live_rows": 301_000,
        "statistics_age_seconds": 30.0, "create_options": "stats_persistent=1 stats_auto_recalc=0",
        "is_recalculated": False,
    }  # fmt: skip
    return row_of(TableStatistics, **{**base, **values})


@pytest.mark.parametrize(
    ("values", "severities"),
    [({}, ["warning"]), ({"statistics_rows": 150_500}, ["warning"]), ({"statistics_rows": 150_501}, ["notice"]),
     ({"statistics_rows": 240_800}, ["notice"]), ({"statistics_rows": 240_801}, []),
     ({"live_rows": 10_000}, ["warning"]), ({"live_rows": 9_999}, ["notice"]),
     ({"statistics_rows": 999, "live_rows": 100}, []),
     ({"statistics_rows": 301_000, "modified_rows": 150_500}, ["warning"]),
     ({"is_recalculated": True}, []), ({"is_recalculated": True, "statistics_age_seconds": 600.0}, ["notice"])],
)  # fmt: skip
def test_stale_statistics_are_told_by_rows_and_changes(values: dict[str, object], severities: list[str]) -> None:
    assert [severity for _, severity in told(verdict(statistics(**values)), "stale_statistics")] == severities


def test_stale_statistics_of_a_table_that_nobody_reads_are_a_notice() -> None:
    for reads, severity in ((0, "notice"), (1, "warning")):
        hot = row_of(HotTable, schema_name="shop", table_name="orders", rows_read=reads)
        assert told(verdict(statistics(), hot), "stale_statistics") == [("shop.orders", severity)]


@pytest.mark.parametrize(
    ("flavour", "options", "second"),
    [("mysql", "stats_auto_recalc=0", "ALTER TABLE shop.orders STATS_AUTO_RECALC = DEFAULT;"),
     ("mysql", None, "SET PERSIST innodb_stats_auto_recalc = ON;"),
     ("mariadb", None, "SET GLOBAL innodb_stats_auto_recalc = ON;")],
)  # fmt: skip
def test_stale_statistics_are_renewed_and_their_renewal_switched_on_where_it_is_off(
    flavour: str, options: str | None, second: str
) -> None:
    diagnosis = verdict(statistics(create_options=options), digest("SELECT * FROM `orders`"), flavour=flavour)
    (cause,) = caused(diagnosis, "stale_statistics")
    assert [each.statements for each in cause.remedies] == [("ANALYZE TABLE shop.orders;",), (second,)]
    assert (cause.impact, cause.severity) == (0.5, "warning")


# --- unused_index, over_indexing ---


def unused(name: str = "idle", size: int = 10 * MB, writes: int = 0) -> UnusedIndex:
    return row_of(
        UnusedIndex, schema_name="shop", table_name="orders", index_name=name, size_bytes=size, columns=["note"],
        table_writes=writes, indexes=1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("size", "age", "writes", "severities"),
    [(10 * MB, DAY, 0, ["notice"]), (10 * MB - 1, DAY, 0, []), (10 * MB, DAY - 1, 10_000, ["info"]),
     (10 * MB, DAY - 1, 9_999, [])],
)  # fmt: skip
def test_unused_index_needs_a_size_and_a_day_or_many_writes(
    size: int, age: float, writes: int, severities: list[str]
) -> None:
    diagnosis = diagnose(up_for(age, snapshot(unused(size=size, writes=writes))))
    assert told(diagnosis, "unused_index") == [("shop.orders.idle", severity) for severity in severities]
    young = [each for each in diagnosis.not_evaluated if each.check == "mysql.unused_index"]
    assert bool(young) == (size >= 10 * MB and not severities)


@pytest.mark.parametrize(("age", "confidence"), [(30 * DAY, 0.9), (30 * DAY - 1, 0.6)])
def test_unused_index_is_sure_after_a_month_and_is_hidden_before_it_is_dropped(age: float, confidence: float) -> None:
    (cause,) = caused(diagnose(up_for(age, snapshot(unused()))), "unused_index")
    assert cause.confidence == confidence
    assert cause.remedies[0].statements == ("ALTER TABLE shop.orders ALTER INDEX idle INVISIBLE;",)


@pytest.mark.parametrize(("indexes", "writes", "expected"), [(5, 10_000, 1), (4, 10_000, 0), (5, 9_999, 0)])
def test_over_indexing_absorbs_the_single_unused_indexes(indexes: int, writes: int, expected: int) -> None:
    rows = [unused(f"i{number}", writes=writes) for number in range(indexes)]
    diagnosis = diagnose(up_for(3 * DAY, snapshot(*rows)))
    assert [each.object for each in caused(diagnosis, "over_indexing")] == ["shop.orders"] * expected
    assert bool(caused(diagnosis, "unused_index")) != bool(expected)


@pytest.mark.parametrize(("indexes", "expected"), [(11, [("shop.orders", "info")]), (10, [])])
def test_over_indexing_without_counters_of_use_is_a_remark(indexes: int, expected: list[tuple[str, str]]) -> None:
    load = row_of(IndexLoad, schema_name="shop", table_name="orders", indexes=indexes, index_names=["a"])
    diagnosis = verdict(load, unavailable=["unused_indexes"])
    assert told(diagnosis, "over_indexing") == expected
    assert caused(diagnosis, "over_indexing") == []
    assert "mysql.over_indexing" in {each.check for each in diagnosis.not_evaluated}


# --- planner_switches ---


def switch(text: str) -> Variable:
    return Variable("optimizer_switch", text)


@pytest.mark.parametrize(
    ("flavour", "text", "expected"),
    [("mysql", "semijoin=off,mrr=on,batched_key_access=off", ["semijoin"]), ("mysql", "use_invisible_indexes=off", []),
     ("mariadb", "extended_keys=off,mrr=off,index_merge_sort_intersection=off", ["extended_keys"]),
     ("mysql", "extended_keys=off", [])],
)  # fmt: skip
def test_only_switches_that_are_on_by_default_count(flavour: Any, text: str, expected: list[str]) -> None:
    assert switched_off(text, flavour) == expected


@pytest.mark.parametrize(("text", "severity"), [("semijoin=off", "warning"), ("loosescan=off", "notice")])
def test_planner_switches_that_matter_most_are_a_warning(text: str, severity: str) -> None:
    assert told(verdict(switch(text)), "planner_switches") == [("optimizer_switch", severity)]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [("optimizer_search_depth", 3, 1), ("optimizer_search_depth", 4, 0), ("optimizer_search_depth", 0, 0),
     ("eq_range_index_dive_limit", 9, 1), ("eq_range_index_dive_limit", 10, 0),
     ("max_seeks_for_key", 999, 1), ("max_seeks_for_key", 1_000, 0),
     ("range_optimizer_max_mem_size", MB - 1, 1), ("range_optimizer_max_mem_size", MB, 0)],
)  # fmt: skip
def test_planner_switches_below_a_bound_are_told(name: str, value: int, expected: int) -> None:
    assert name in BOUNDS
    assert len(told(verdict(*variables(**{name: value})), "planner_switches")) == expected


def test_planner_switch_off_weighs_as_much_as_the_statements_that_need_it() -> None:
    text = "SELECT * FROM `orders` WHERE `customer_id` IN ( SELECT `id` FROM `customers` )"
    (cause,) = caused(verdict(switch("semijoin=off,materialization=off"), digest(text)), "planner_switch_off")
    assert (cause.object, cause.impact) == ("optimizer_switch", 0.5)
    assert cause.remedies[0].statements == ("SET PERSIST optimizer_switch = 'materialization=on,semijoin=on';",)
    (idle,) = caused(verdict(switch("semijoin=off"), digest("SELECT 1 FROM `orders`")), "planner_switch_off")
    assert idle.impact == 0.0


# --- partition_pruning ---


def partitioned(**values: object) -> PartitionedTable:
    base: dict[str, object] = {
        "schema_name": "shop", "table_name": "log", "method": "RANGE COLUMNS", "expression": "`created`",
        "partitions": 7, "live_rows": 40_000,
    }  # fmt: skip
    return row_of(PartitionedTable, **{**base, **values})


BY_YEAR = "SELECT COUNT ( * ) FROM `log` WHERE YEAR ( `created` ) = ?"


def reads(partitions: int, text: str = BY_YEAR) -> StatementPlan:
    table = {"table_name": "log", "access_type": "ALL", "rows": 40_000, "partitions": ["p"] * partitions}
    return StatementPlan(with_schema("shop", text), {"query_block": {"table": table}})


def with_plan(plan: StatementPlan, *rows: Any) -> Diagnosis:
    from dataclasses import replace

    return diagnose(replace(snapshot(*rows), plans=(plan,)))


@pytest.mark.parametrize(("read", "expected"), [(7, ["warning"]), (6, [])])
def test_partition_pruning_is_defeated_when_the_plan_reads_all_of_them(read: int, expected: list[str]) -> None:
    diagnosis = with_plan(reads(read), digest(BY_YEAR), partitioned())
    assert [each.severity for each in caused(diagnosis, "partition_pruning_defeated")] == expected
    assert [each.object for each in caused(diagnosis, "partition_pruning_defeated")] == ["shop.log"] * len(expected)


@pytest.mark.parametrize(
    ("values", "expected"), [({"partitions": 4}, 1), ({"partitions": 3}, 0), ({"live_rows": 9_999}, 0)]
)
def test_partition_pruning_of_few_partitions_or_rows_is_none(values: dict[str, object], expected: int) -> None:
    diagnosis = with_plan(reads(7), digest(BY_YEAR), partitioned(**values))
    assert len(told(diagnosis, "partition_pruning")) == expected


def test_partition_pruning_without_a_plan_rests_on_the_expression_and_the_rows_counted() -> None:
    assert told(verdict(digest(BY_YEAR), partitioned()), "partition_pruning") != []
    pruned = digest(BY_YEAR, rows_examined=190_000, rows_sent=10)
    assert told(verdict(pruned, partitioned()), "partition_pruning") == []
    bare = "SELECT COUNT ( * ) FROM `log` WHERE `created` >= ?"
    assert told(verdict(digest(bare), partitioned()), "partition_pruning") == []


def test_a_statement_without_a_condition_on_the_partitioning_column_is_a_notice() -> None:
    text = "SELECT * FROM `log` WHERE `word` = ?"
    assert [s for _, s in told(with_plan(reads(7, text), digest(text), partitioned()), "partition_pruning")] == [
        "notice"
    ]


@pytest.mark.parametrize(
    ("expression", "columns"),
    [("`created`", ["created"]), ("to_days(`Day`)", ["day"]), ("`a`,`b`", ["a", "b"]), (None, [])],
)
def test_the_partitioning_columns_stand_in_the_expression(expression: str | None, columns: list[str]) -> None:
    assert partitioning_columns(partitioned(expression=expression)) == columns


# --- statements that spill ---

SORTS = "SELECT * FROM `orders` ORDER BY `note`"


@pytest.mark.parametrize(
    ("values", "severities"),
    [({"sort_merge_passes": 10}, ["warning"]), ({"sort_merge_passes": 9}, []),
     ({"sort_merge_passes": 10, "calls": 4}, []), ({"sort_merge_passes": 10, "all_seconds": 5.0}, ["warning"]),
     ({"sort_merge_passes": 10, "all_seconds": 5.1}, ["notice"]), ({"sort_merge_passes": 10, "all_seconds": 20.1}, []),
     ({"sort_merge_passes": 10, "total_seconds": 0.49, "all_seconds": 1.0}, ["notice"])],
)  # fmt: skip
def test_statement_sorts_are_told_from_one_merge_pass_a_call_on(
    values: dict[str, object], severities: list[str]
) -> None:
    diagnosis = verdict(digest(SORTS, **values))
    assert [severity for _, severity in told(diagnosis, "statement_sorts")] == severities


def test_sort_spill_of_a_statement_names_its_table_unless_the_buffer_is_too_small_for_everybody() -> None:
    spilling = digest(SORTS, sort_merge_passes=10, sort_rows=400_000)
    (cause,) = caused(verdict(spilling), "sort_spill")
    assert cause.object == "shop.orders"
    small = [*counters(Sort_merge_passes=10_000, Sort_scan=10_000, Uptime=3_600), *variables(sort_buffer_size=32_768)]
    assert "shop.orders" not in {each.object for each in caused(verdict(spilling, *small), "sort_spill")}


@pytest.mark.parametrize(("limit", "words"), [("", "sorts 40,000 rows"), (" LIMIT 5", "to give out 40,000 rows")])
def test_the_rows_that_leave_a_sort_are_not_told_as_those_that_went_in(limit: str, words: str) -> None:
    diagnosis = verdict(digest(SORTS + limit, sort_merge_passes=10, sort_rows=400_000))
    (cause,) = caused(diagnosis, "sort_spill")
    assert words in cause.summary.render("en")


@pytest.mark.parametrize(("tables", "severities"), [(5, ["warning"]), (4, [])])
def test_statement_temporary_tables_are_told_from_every_second_call_on(tables: int, severities: list[str]) -> None:
    diagnosis = verdict(digest("SELECT `note` FROM `orders` GROUP BY `note`", tmp_disk_tables=tables))
    assert [severity for _, severity in told(diagnosis, "statement_temporary_tables")] == severities
    assert [each.object for each in caused(diagnosis, "temporary_tables_on_disk")] == ["shop.orders"] * len(severities)


# --- hygiene ---


@pytest.mark.parametrize(
    ("values", "expected"),
    [({"slow_query_log": "OFF", "performance_schema": "ON"}, [("slow_query_log", "info")]),
     ({"slow_query_log": "OFF", "performance_schema": "OFF"}, [("slow_query_log", "notice")]),
     ({"slow_query_log": "ON", "long_query_time": "10.000000"}, []),
     ({"slow_query_log": "ON", "long_query_time": "10.1"}, [("long_query_time", "notice")])],
)  # fmt: skip
def test_slow_query_log_is_told_when_it_is_off_or_lets_nothing_in(
    values: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    assert told(verdict(*variables(**values)), "slow_query_log") == expected


def test_money_columns_in_floating_point_are_a_remark() -> None:
    rows = [
        row_of(MoneyColumn, schema_name="shop", table_name="orders", column_name=f"price{n}", column_type="double")
        for n in range(21)
    ]
    assert told(verdict(*rows), "money_columns")[0] == ("shop.orders(price0)", "info")
    assert len(told(verdict(*rows), "money_columns")) == 20


def charset(collation: str, columns: int) -> ColumnCharset:
    return row_of(
        ColumnCharset, schema_name="shop", character_set=collation.partition("_")[0], collation=collation,
        columns=columns, example="orders.note",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "severities"),
    [([("utf8mb4_general_ci", 9), ("utf8mb4_unicode_ci", 3)], ["notice"]),
     ([("utf8mb4_general_ci", 9), ("utf8mb4_unicode_ci", 2)], []),
     ([("utf8mb4_general_ci", 9), ("utf8mb4_bin", 9)], []), ([("latin1_swedish_ci", 3)], ["info"]),
     ([("latin1_swedish_ci", 2)], [])],
)  # fmt: skip
def test_mixed_collations_of_a_database_are_told(rows: list[tuple[str, int]], severities: list[str]) -> None:
    diagnosis = verdict(*[charset(*each) for each in rows])
    assert told(diagnosis, "mixed_collations") == [("shop", severity) for severity in severities]


@pytest.mark.parametrize(("columns", "expected"), [(6, [("shop.orders", "info")]), (5, [])])
def test_wide_indexes_are_those_of_more_than_five_columns(columns: int, expected: list[tuple[str, str]]) -> None:
    row = row_of(IndexLoad, schema_name="shop", table_name="orders", indexes=2, widest_columns=columns)
    assert told(verdict(row), "wide_indexes") == expected


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_one_of_these_causes_is_told_in_both_languages(language: Any) -> None:
    rows = [unused(f"i{number}", writes=20_000) for number in range(5)]
    told_rows = [
        statistics(),
        switch("semijoin=off"),
        digest(SORTS, sort_merge_passes=10),
        digest(BY_YEAR),
        partitioned(),
    ]
    diagnosis = diagnose(up_for(3 * DAY, snapshot(*rows, *told_rows)))
    ids = {each.id for each in diagnosis.causes}
    assert ids >= {
        "over_indexing",
        "stale_statistics",
        "planner_switch_off",
        "sort_spill",
        "partition_pruning_defeated",
    }
    for cause in diagnosis.causes:
        assert "?" not in cause.to_json(language)["summary"]


# --- key_exhaustion of keys that foreign keys refer to ---


def near_end(**values: object) -> AutoIncrement:
    base: dict[str, object] = {
        "schema_name": "shop", "table_name": "accounts", "column_name": "id", "column_type": "int",
        "next_value": 2_000_000_000, "max_value": 2_147_483_647,
    }  # fmt: skip
    return row_of(AutoIncrement, **{**base, **values})


def key_column(table: str = "accounts", column: str = "id", **values: object) -> KeyColumn:
    base: dict[str, object] = {
        "key_schema": "shop", "key_table": "accounts", "key_column": "id", "schema_name": "shop",
        "table_name": table, "column_name": column, "column_type": "int", "is_nullable": False,
    }  # fmt: skip
    return row_of(KeyColumn, **{**base, **values})


def referring(table: str, column: str, name: str, **values: object) -> KeyColumn:
    base: dict[str, object] = {
        "constraint_name": name, "columns": [column], "referenced_schema": "shop", "referenced_table": "accounts",
        "referenced_columns": ["id"], "update_rule": "NO ACTION", "delete_rule": "NO ACTION",
    }  # fmt: skip
    return key_column(table, column, **{**base, **values})


def widened(*rows: KeyColumn, **how: Any) -> Remedy:
    (cause,) = caused(verdict(near_end(), *rows, **how), "key_exhaustion")
    (remedy,) = cause.remedies
    return remedy


def test_a_key_that_nothing_refers_to_keeps_its_comment() -> None:
    remedy = widened(key_column(comment="it's the number"))
    assert remedy.statements == (
        "ALTER TABLE shop.accounts MODIFY COLUMN id BIGINT NOT NULL AUTO_INCREMENT COMMENT 'it''s the number';",
    )
    assert "refers to it" not in str(remedy.caution)


def test_columns_that_refer_to_a_key_are_widened_between_dropping_and_making_their_foreign_keys() -> None:
    remedy = widened(
        key_column(),
        referring("entries", "account", "of account", delete_rule="CASCADE", update_rule="RESTRICT"),
        referring("entries", "other", "fk2", is_nullable=True, column_default="NULL", delete_rule="SET NULL"),
    )
    assert remedy.statements == (
        "ALTER TABLE shop.entries DROP FOREIGN KEY `of account`;",
        "ALTER TABLE shop.entries DROP FOREIGN KEY fk2;",
        "ALTER TABLE shop.entries MODIFY COLUMN account BIGINT NOT NULL;",
        "ALTER TABLE shop.entries MODIFY COLUMN other BIGINT NULL;",
        "ALTER TABLE shop.accounts MODIFY COLUMN id BIGINT NOT NULL AUTO_INCREMENT;",
        (
            "ALTER TABLE shop.entries ADD CONSTRAINT `of account` FOREIGN KEY (account) REFERENCES shop.accounts (id)"
            " ON DELETE CASCADE ON UPDATE RESTRICT;"
        ),
        (
            "ALTER TABLE shop.entries ADD CONSTRAINT fk2 FOREIGN KEY (other) REFERENCES shop.accounts (id)"
            " ON DELETE SET NULL;"
        ),
    )
    assert [each for each in remedy.rollback if "MODIFY" in each] == [
        "ALTER TABLE shop.entries MODIFY COLUMN account INT NOT NULL;",
        "ALTER TABLE shop.entries MODIFY COLUMN other INT NULL;",
        "ALTER TABLE shop.accounts MODIFY COLUMN id INT NOT NULL AUTO_INCREMENT;",
    ]
    assert "1452" in str(remedy.caution)
    assert "1452" in remedy.caution.render("zh-CN")


@pytest.mark.parametrize(("default", "told"), [("'7'", " DEFAULT 7"), ("7", " DEFAULT 7"), ("NULL", ""), (None, "")])
def test_a_column_keeps_its_default_as_either_server_tells_it(default: str | None, told: str) -> None:
    remedy = widened(referring("entries", "account", "fk", column_default=default))
    assert f"MODIFY COLUMN account BIGINT NOT NULL{told};" in remedy.statements[1]


@pytest.mark.parametrize(
    "more", [{"referenced_columns": ["other"]}, {"referenced_table": "elsewhere"}, {"extra": "VIRTUAL GENERATED"}]
)
def test_foreign_keys_that_bind_more_than_the_key_are_left_to_a_person(more: dict[str, object]) -> None:
    remedy = widened(key_column(), referring("entries", "account", "fk", **more))
    assert remedy.statements == ()
    assert "shop.entries.account" in remedy.title.render("en")


def test_foreign_keys_that_could_not_be_read_are_told() -> None:
    remedy = widened(unavailable=["key_columns"])
    assert len(remedy.statements) == 1
    assert "could not be read" in str(remedy.caution)


def test_only_a_key_near_its_end_is_followed_along_the_foreign_keys() -> None:
    def asked(next_value: int) -> list[str]:
        rows = {"auto_increments": (near_end(table_name="it's", next_value=next_value),)}
        return [each.sql for each in ENGINE.readings_after(rows, ())]

    assert asked(1_200_000_000) == []
    (sql,) = asked(1_300_000_000)
    assert "CAST('it''s' AS CHAR(64)) AS key_table" in sql


# --- key_exhaustion of sequences ---

BIG = 9_223_372_036_854_775_806


def sequence(next_value: int, **values: object) -> SequenceValue:
    base: dict[str, object] = {
        "schema_name": "shop", "sequence_name": "numbers", "next_value": next_value, "min_value": 1,
        "max_value": 100_000, "increment": 1, "cache_size": 10,
    }  # fmt: skip
    return row_of(SequenceValue, **{**base, **values})


def taken_by(column_type: str, **values: object) -> dict[str, object]:
    return {"table_schema": "shop", "table_name": "entries", "column_name": "id", "column_type": column_type, **values}


@pytest.mark.parametrize(
    ("row", "severities"),
    [
        (sequence(70_000), []),
        (sequence(70_001), ["warning"]),
        (sequence(90_000), ["warning"]),
        (sequence(90_001), ["critical"]),
        (sequence(100_001), ["critical"]),
        (sequence(100_001, cycles=True), []),
        (sequence(2_147_483_648, max_value=BIG), []),
        (sequence(5, min_value=-BIG, max_value=BIG), []),
        (sequence(BIG // 2, min_value=-BIG, max_value=BIG), []),
        (sequence(-50, min_value=-100, max_value=100), []),  # a quarter of the way from -100
        (sequence(95, max_value=100, cache_size=50), []),  # as few as 44 are given out
        (sequence(95, max_value=100, cache_size=0), ["critical"]),
        (sequence(5, max_value=10, increment=0, cache_size=0), []),
        (sequence(10, max_value=10, increment=0, cache_size=0), ["critical"]),
        (sequence(30, min_value=1, max_value=100, increment=-1, cache_size=0), ["warning"]),
        (sequence(31, min_value=1, max_value=100, increment=-1, cache_size=0), []),
        (sequence(-90_001, min_value=-100_000, max_value=-1, increment=-1), ["critical"]),
    ],
)
def test_key_exhaustion_of_a_sequence_is_the_way_from_its_beginning_to_its_end(
    row: SequenceValue, severities: list[str]
) -> None:
    diagnosis = verdict(row, flavour="mariadb")
    assert told(diagnosis, "key_exhaustion") == [("shop.numbers", severity) for severity in severities]


def test_a_sequence_is_moved_on_and_back() -> None:
    (cause,) = caused(verdict(sequence(95_001, increment=5), flavour="mariadb"), "key_exhaustion")
    assert (cause.object, cause.object_kind) == ("shop.numbers", "sequence")
    assert "after 1,000 more every insert fails" in cause.summary.render("en")
    assert cause.remedies[0].statements == (f"ALTER SEQUENCE shop.numbers MAXVALUE {BIG};",)
    assert cause.remedies[0].rollback == ("ALTER SEQUENCE shop.numbers MAXVALUE 100000;",)
    down = sequence(-99_000, min_value=-100_000, max_value=-1, increment=-1)
    (cause,) = caused(verdict(down, flavour="mariadb"), "key_exhaustion")
    assert cause.remedies[0].statements == (f"ALTER SEQUENCE shop.numbers MINVALUE {-BIG - 1};",)
    assert "-99,000" in cause.because[0].render("zh-CN")


@pytest.mark.parametrize(
    ("kind", "next_value", "count"),
    [("smallint(6)", 29_491, 1), ("smallint(6) unsigned", 29_491, 0), ("varchar(20)", 29_491, 0),
     ("int(11)", 29_491, 0), ("tinyint(4)", 89, 0), ("tinyint(4)", 90, 1)],
)  # fmt: skip
def test_the_narrower_of_a_sequence_and_its_column_decides(kind: str, next_value: int, count: int) -> None:
    rows = [
        sequence(next_value, max_value=BIG, cycles=True, cache_size=0, **taken_by("bigint(20)", column_name="wide")),
        sequence(next_value, max_value=BIG, cycles=True, cache_size=0, **taken_by(kind)),
    ]
    causes = caused(verdict(*rows, flavour="mariadb"), "key_exhaustion")
    assert [each.object for each in causes] == ["shop.entries.id"] * count
    for cause in causes:
        (remedy,) = cause.remedies
        assert remedy.statements == (
            "ALTER TABLE shop.entries MODIFY COLUMN id BIGINT NOT NULL DEFAULT NEXTVAL(shop.numbers);",
        )
        assert remedy.rollback[0].endswith(f"id {kind.upper()} NOT NULL DEFAULT NEXTVAL(shop.numbers);")


def test_sequences_that_are_refused_or_too_many_are_told() -> None:
    names = row_of(SequenceName, schema_name="shop", sequence_name="numbers", sequences_total=1)
    refused = verdict(names, flavour="mariadb", unavailable=["sequence_values"])
    assert [each.check for each in refused.not_evaluated if each.check == "mysql.key_exhaustion"]
    none = verdict(flavour="mysql", unavailable=["sequence_values"])
    assert not [each for each in none.not_evaluated if each.check == "mysql.key_exhaustion"]
    many = verdict(sequence(5), replace(names, sequences_total=101), flavour="mariadb")
    (missed,) = [each for each in many.not_evaluated if each.check == "mysql.key_exhaustion"]
    assert "1 of 101" in missed.reason.render("en")


def test_the_statement_for_sequences_quotes_their_names_and_asks_for_no_more_than_their_rows() -> None:
    names = [row_of(SequenceName, schema_name="shop", sequence_name=name) for name in ("a`b", "it's")]
    (reading,) = ENGINE.readings_after({"sequences": tuple(names)}, ())
    assert "FROM shop.`a``b`" in reading.sql
    assert "'nextval(`shop`.`a``b`)'" in reading.sql
    assert "'it''s' AS sequence_name" in reading.sql
    assert (
        grants(reading, "'r'@'%'") == "GRANT SELECT ON shop.`a``b` TO 'r'@'%'; GRANT SELECT ON shop.`it's` TO 'r'@'%';"
    )
    many = [row_of(SequenceName, schema_name="shop", sequence_name=f"s{number}") for number in range(11)]
    (reading,) = ENGINE.readings_after({"sequences": tuple(many)}, ())
    assert grants(reading, "'r'@'%'") == "GRANT SELECT ON shop.* TO 'r'@'%';"
    assert ENGINE.readings_after({"sequences": ()}, ()) == ()
    assert ENGINE.readings_after({"sequences": Unavailable("sequences", "version", "none")}, ()) == ()


@pytest.mark.parametrize(
    ("flavour", "kind", "size", "expected"),
    [
        ("mysql", "text", 2**20, ("tmp_table_size", "warning")),
        ("mariadb", "varchar(20)", 2**20, ("tmp_table_size", "warning")),
        ("mariadb", "text", 2**20, ("shop.orders", "warning")),  # no limit keeps it in memory
        ("mysql", "text", 2**24, ("shop.orders", "warning")),
    ],
)
def test_a_statement_with_temporary_tables_on_disk_weighs_for_the_limit_that_sends_them_there(
    flavour: str, kind: str, size: int, expected: tuple[str, str]
) -> None:
    grouped = digest("SELECT `note` FROM `orders` GROUP BY `note`", tmp_disk_tables=10)
    column = row_of(LargeTableColumn, schema_name="shop", table_name="orders", column_name="note", column_type=kind)
    limit = variables(tmp_table_size=size, max_heap_table_size=size, temptable_max_ram=2**30)
    few = counters(Created_tmp_disk_tables=60, Created_tmp_tables=100, Uptime=3_600)
    diagnosis = verdict(grouped, column, *limit, *few, flavour=flavour)
    first = caused(diagnosis, "temporary_tables_on_disk")[0]
    assert (first.object, first.severity) == expected
