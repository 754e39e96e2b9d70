"""Half a dozen scenarios of the fault benchmark on a real server: the harness works, and so does the diagnosis.

Together they use held locks, a workload, a restart, a setting, a healthy control, and a server without
pg_stat_statements.
"""

import shutil
from collections.abc import Iterator

import pytest
from benchmarks.faults.engines import scratch_folder
from benchmarks.faults.names import schema_values
from benchmarks.faults.postgresql_patient import PostgreSQLLab
from benchmarks.faults.run import Job, run
from benchmarks.faults.scenario import HERE, read_folder, read_schemas
from benchmarks.faults.summary import first_right, is_judged, set_passes

from housecall.testing import POSTGRESQL

pytestmark = [
    pytest.mark.skipif(not POSTGRESQL.is_complete(), reason=f"{POSTGRESQL.name} is not installed"),
    pytest.mark.skipif(POSTGRESQL.version < 14, reason="the faults look at pg_locks.waitstart, new in PostgreSQL 14"),
]
SEED = 11
SCENARIOS = {each.id: each for each in read_folder(HERE / "postgresql", "postgresql")}
SCHEMA = read_schemas("postgresql", HERE)["telemetry"]
VALUES = schema_values(SCHEMA, SEED)


@pytest.fixture(scope="module")
def lab() -> Iterator[PostgreSQLLab]:
    folder = scratch_folder()
    made = PostgreSQLLab(folder)
    made.prepare("quick", SCHEMA, VALUES)
    yield made
    shutil.rmtree(folder, ignore_errors=True)


def ran(lab: PostgreSQLLab, scenario: str, variant: str) -> dict:
    record = run(Job(SCENARIOS[scenario], SCHEMA, "quick", dict(VALUES), variant, SEED, "postgresql"), lab)
    assert is_judged(record), record.get("error")
    return record


def remedy_works(record: dict) -> bool:
    """A canary that became slow is let pass: nothing is timed in tests."""
    return record["remedy"]["valid"] or record["remedy"]["why"].startswith("canary")


@pytest.mark.parametrize(
    ("scenario", "variant"), [("P23", "quiet"), ("P33", "least"), ("P36", "quiet"), ("O14", "least")]
)
def test_the_fault_is_named_and_its_remedy_works(lab: PostgreSQLLab, scenario: str, variant: str) -> None:
    record = ran(lab, scenario, variant)

    assert first_right(record), record["causes"]
    assert remedy_works(record), record["remedy"]
    assert not record["score"]["unsafe"]
    assert not record["unfaithful"]


def test_a_missing_index_is_proved_by_the_statement_that_it_makes_quick(lab: PostgreSQLLab) -> None:
    record = ran(lab, "P01", "quiet")

    assert first_right(record), record["causes"]
    assert remedy_works(record), record["remedy"]
    assert set_passes(record), record["causes"]


def test_without_counted_statements_what_is_missing_is_named(lab: PostgreSQLLab) -> None:
    assert first_right(ran(lab, "O01", "bare"))


def test_a_healthy_server_is_not_alarmed_about(lab: PostgreSQLLab) -> None:
    assert not ran(lab, "N07", "quiet")["score"]["false_alarm"]
