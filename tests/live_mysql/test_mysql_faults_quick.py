"""Half a dozen scenarios of the fault benchmark on real MySQL and MariaDB servers, as for PostgreSQL.

Together they use held locks, a workload, a change of tables, the least-privilege account, a healthy control, and a
server without performance_schema.
"""

import shutil
from collections.abc import Iterator

import pytest
from benchmarks.faults.engines import ENGINES, scratch_folder
from benchmarks.faults.mysql_patient import MySQLLab
from benchmarks.faults.names import schema_values
from benchmarks.faults.run import Job, run
from benchmarks.faults.scenario import HERE, read_folder, read_schemas
from benchmarks.faults.summary import first_right, is_judged, set_passes

from housecall.testing_mysql import MySQLKind

SEED = 11


class Bench:
    """One schema, prepared once, and a run of a scenario on a copy of it."""

    def __init__(self, lab: MySQLLab, engine: str) -> None:
        self._lab, self._engine = lab, engine
        self._schema = read_schemas(engine, HERE)["telemetry"]
        self._values = schema_values(self._schema, SEED) | ENGINES[engine].words
        self._scenarios = {each.id: each for each in read_folder(HERE / "mysql", engine)}
        lab.prepare("quick", self._schema, self._values)

    def ran(self, scenario: str, variant: str) -> dict:
        job = Job(self._scenarios[scenario], self._schema, "quick", dict(self._values), variant, SEED, self._engine)
        record = run(job, self._lab)
        assert is_judged(record), record.get("error")
        return record


@pytest.fixture(scope="module")
def bench(mysql_kind: MySQLKind) -> Iterator[Bench]:
    folder = scratch_folder()
    try:
        yield Bench(MySQLLab(mysql_kind, folder), mysql_kind.flavour)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remedy_works(record: dict) -> bool:
    """A canary that became slow is let pass: nothing is timed in tests."""
    return record["remedy"]["valid"] or record["remedy"]["why"].startswith("canary")


@pytest.mark.parametrize(("scenario", "variant"), [("M03", "quiet"), ("M24", "least")])
def test_the_fault_is_named_and_its_remedy_works(bench: Bench, scenario: str, variant: str) -> None:
    record = bench.ran(scenario, variant)

    assert first_right(record), record["causes"]
    assert remedy_works(record), record["remedy"]
    assert not record["score"]["unsafe"]
    assert not record["unfaithful"]


def test_a_missing_index_is_proved_by_the_statement_that_it_makes_quick(bench: Bench) -> None:
    record = bench.ran("M01", "quiet")

    assert first_right(record), record["causes"]
    assert remedy_works(record), record["remedy"]
    assert set_passes(record), record["causes"]


def test_without_counted_statements_what_is_missing_is_named(bench: Bench) -> None:
    assert first_right(bench.ran("M01", "bare"))


def test_a_healthy_server_is_not_alarmed_about(bench: Bench) -> None:
    assert not bench.ran("N13", "quiet")["score"]["false_alarm"]
