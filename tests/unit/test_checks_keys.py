"""Checks and causes of number keys, by hand-written rows: the boundary of each threshold from both sides."""

import pytest

from housecall.diagnosis.cause import Cause
from housecall.diagnosis.examine import Diagnosis, diagnose
from housecall.engines.postgresql.rows.keys import LaggingSequence, NumberKey
from housecall.testing import row_of, snapshot_of

INT4, INT8 = 2_147_483_647, 9_223_372_036_854_775_807


def caused(diagnosis: Diagnosis, cause_id: str) -> list[Cause]:
    return [each for each in diagnosis.causes if each.id == cause_id]


def key(last: int, **values: object) -> NumberKey:
    base: dict[str, object] = {
        "schema_name": "public", "sequence_name": "orders_id_seq", "table_schema": "public", "table_name": "orders",
        "column_name": "id", "column_type": "integer", "last_value": last, "sequence_max": INT4, "column_max": INT4,
        "increment": 1, "sequences": 3, "table_bytes": 1000,
    }  # fmt: skip
    return row_of(NumberKey, **{**base, **values})


@pytest.mark.parametrize(
    ("last", "severity"),
    [(1_503_238_552, None), (1_503_238_553, "warning"), (1_932_735_282, "warning"), (1_932_735_283, "critical")],
)
def test_key_exhaustion_warns_at_seventy_and_is_critical_at_ninety_percent(last: int, severity: str | None) -> None:
    causes = caused(diagnose(snapshot_of(key(last))), "key_exhaustion")
    assert [each.severity for each in causes] == ([severity] if severity else [])


def test_key_exhaustion_of_smallint_sequence_at_ninety_percent_is_reported() -> None:
    (cause,) = caused(diagnose(snapshot_of(key(29_491, column_max=32_767, column_type="smallint"))), "key_exhaustion")
    assert cause.object == "public.orders(id)"


def test_key_exhaustion_takes_the_narrower_of_sequence_and_column() -> None:
    wide = key(2_000_000_000, sequence_max=INT8, column_max=INT8, column_type="bigint")
    narrow = key(2_000_000_000, sequence_max=INT8)
    assert caused(diagnose(snapshot_of(wide)), "key_exhaustion") == []
    assert len(caused(diagnose(snapshot_of(narrow)), "key_exhaustion")) == 1


def test_key_exhaustion_counts_steps_not_numbers() -> None:
    (cause,) = caused(diagnose(snapshot_of(key(INT4 - 100, increment=10))), "key_exhaustion")
    assert "after 10 more inserts" in cause.summary.render()


def test_key_exhaustion_widens_the_columns_that_refer_to_it_first() -> None:
    row = key(2_000_000_000, sequence_max=INT8, column_max=INT8, column_type="bigint",
              narrow_references=['public."Order.Lines".order_id'])  # fmt: skip
    (cause,) = caused(diagnose(snapshot_of(row)), "key_exhaustion")
    assert cause.remedies[0].statements[0] == 'ALTER TABLE public."Order.Lines" ALTER COLUMN order_id TYPE bigint;'


def test_key_exhaustion_of_a_large_table_is_not_for_now() -> None:
    (cause,) = caused(diagnose(snapshot_of(key(INT4 - 1, table_bytes=2 * 1024**3))), "key_exhaustion")
    assert (cause.remedies[0].when, cause.remedies[0].risk) == ("later", "high")
    assert cause.remedies[1].when == "now"


def test_unreadable_sequences_are_told() -> None:
    diagnosis = diagnose(snapshot_of(key(5, unreadable=2)))
    missed = [each for each in diagnosis.not_evaluated if each.check == "postgresql.key_exhaustion"]
    assert "2 of 3 sequences" in str(missed[0].reason)


def lagging(**values: object) -> LaggingSequence:
    base: dict[str, object] = {
        "schema_name": "public", "sequence_name": "s", "table_schema": "public", "table_name": "orders",
        "column_name": "id", "last_value": 100, "table_rows": 3000.0, "largest_key": 3000, "is_unique": True,
        "was_used": True, "increment": 1,
    }  # fmt: skip
    return row_of(LaggingSequence, **{**base, **values})


@pytest.mark.parametrize(
    ("values", "severity"),
    [
        ({}, "warning"),
        ({"largest_key": 101}, "warning"),
        ({"largest_key": 100}, None),
        ({"largest_key": None}, "notice"),
        ({"was_used": False}, "notice"),
        ({"is_unique": False}, "notice"),
        ({"table_rows": 1.0}, None),
    ],
)
def test_sequence_out_of_sync_is_sure_only_with_the_key_read(values: dict[str, object], severity: str | None) -> None:
    causes = caused(diagnose(snapshot_of(lagging(**values))), "sequence_out_of_sync")
    assert [each.severity for each in causes] == ([severity] if severity else [])


def test_sequence_out_of_sync_sets_the_sequence_to_the_largest_key() -> None:
    (cause,) = caused(diagnose(snapshot_of(lagging())), "sequence_out_of_sync")
    assert cause.remedies[0].statements == ("SELECT setval('public.s', (SELECT max(id) FROM public.orders));",)


@pytest.mark.parametrize(
    ("values", "severity"),
    [
        ({"table_rows": 900.0}, "critical"),
        ({"table_rows": 899.0}, None),
        ({"table_rows": 1000.0, "is_unique": False}, None),
        ({"table_rows": 1000.0, "cycles": False}, None),
    ],
)
def test_a_sequence_that_begins_anew_meets_its_old_keys(values: dict[str, object], severity: str | None) -> None:
    ring = {"sequence_max": 1000, "cycles": True, "is_unique": True, **values}
    causes = caused(diagnose(snapshot_of(key(40, **ring))), "key_exhaustion")
    assert [each.severity for each in causes] == ([severity] if severity else [])


def test_a_ring_of_keys_goes_on_behind_its_old_end() -> None:
    row = key(40, sequence_max=1000, cycles=True, is_unique=True, table_rows=1000.0)
    (cause,) = caused(diagnose(snapshot_of(row)), "key_exhaustion")
    assert cause.remedies[0].statements == (
        f"ALTER SEQUENCE public.orders_id_seq AS integer MAXVALUE {INT4};",
        "ALTER SEQUENCE public.orders_id_seq NO CYCLE;",
        "SELECT pg_catalog.setval('public.orders_id_seq', 1000);",
    )
    assert cause.remedies[0].rollback[0] == "SELECT pg_catalog.setval('public.orders_id_seq', 40);"
