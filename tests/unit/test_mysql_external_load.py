"""Other programs on the machine of a MySQL or MariaDB server, by hand-written rows, on both sides of each threshold."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from housecall.diagnosis.examine import Diagnosis, diagnose
from housecall.diagnosis.snapshot import Sample, Snapshot
from housecall.engines.engine import Row, ServerFacts, Unavailable
from housecall.engines.mysql import ENGINE
from housecall.engines.mysql.flavour import version_of
from housecall.engines.mysql.processor import CALCULATION, processor_reading
from housecall.engines.mysql.rows.server import ProcessorShare, ServerStart, Variable
from housecall.engines.mysql.rows.sessions import Session
from housecall.testing import row_of

WORKING = row_of(Session, id=7, command="Query", state="executing", statement="SELECT 1", session_total=1)
ASKED = next(each for each in ENGINE.readings if each.name == "processor_share")
TWO_PROCESSORS = row_of(ServerStart, message="access to 2 logical CPUs", seconds_ago=60.0)


def verdict(share: ProcessorShare, at_work: int, *more: Row, version: str = "9.7.4", **variables: str) -> Diagnosis:
    facts = ServerFacts(version_of(version), "shop", "root", True, True, False, 86_400.0, ())
    readings: dict[str, Any] = {reading.name: () for reading in ENGINE.readings}
    readings["variables"] = tuple(Variable(name, value) for name, value in variables.items())
    for row in (share, *more):
        readings[row.reading] = (*readings[row.reading], row)
    sessions = tuple(replace(WORKING, id=number) for number in range(at_work))
    taken = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
    samples = (Sample(0.0, {"sessions": sessions}), Sample(0.1, {"sessions": ()}))
    return diagnose(Snapshot("orders-db", "mysql", facts, taken, 0.0, readings, samples))


def ids(diagnosis: Diagnosis) -> list[str]:
    return [each.id for each in diagnosis.causes]


@pytest.mark.parametrize(
    ("seconds", "on_processor", "at_work", "is_told"),
    [
        (0.0600, 0.0149, 1, True),  # of two processors one is left beside one session
        (0.0600, 0.0151, 1, False),
        (0.0400, 0.0099, 1, True),
        (0.0400, 0.0101, 1, False),  # 29.9 ms of waiting are one turn of another program
        (0.0600, 0.0074, 3, True),  # three sessions of its own and ours share two processors: half is what it can have
        (0.0600, 0.0076, 3, False),
    ],
)
def test_a_calculation_that_waits_for_a_processor_is_told_when_the_servers_own_work_does_not_explain_it(
    seconds: float, on_processor: float, at_work: int, is_told: bool
) -> None:
    share = ProcessorShare(seconds, on_processor, 9)
    assert ("external_cpu_contention" in ids(verdict(share, at_work, TWO_PROCESSORS))) is is_told


def test_an_unknown_number_of_processors_is_taken_as_one() -> None:
    share = ProcessorShare(0.1, 0.025, 9)
    assert "external_cpu_contention" in ids(verdict(share, 1, TWO_PROCESSORS))
    assert "external_cpu_contention" not in ids(verdict(share, 1))


def test_mariadb_has_a_group_of_its_thread_pool_for_each_processor() -> None:
    share, mariadb = ProcessorShare(0.1, 0.02, 9), "10.11.6-MariaDB"
    assert "external_cpu_contention" in ids(verdict(share, 1, version=mariadb, thread_pool_size="2"))
    assert "external_cpu_contention" not in ids(verdict(share, 1, version=mariadb, thread_pool_size="1"))


def test_other_programs_are_a_notice_and_send_nobody_into_the_database() -> None:
    diagnosis = verdict(ProcessorShare(0.12, 0.015, 9), 1, TWO_PROCESSORS)
    (cause,) = [each for each in diagnosis.causes if each.id == "external_cpu_contention"]
    assert cause.severity.value == "notice"
    assert "has a processor for 12 % of the time" in cause.summary.render("en")
    assert [remedy.statements for remedy in cause.remedies] == [()]


@pytest.mark.parametrize(
    ("sessions", "is_asked"),
    [
        ([WORKING, WORKING], True),
        ([WORKING], False),
        ([WORKING, replace(WORKING, command="Sleep")], False),
        ([WORKING, replace(WORKING, lock_wait_seconds=0.0)], False),
        ([WORKING, replace(WORKING, state="Waiting for table metadata lock")], False),
        ([WORKING, replace(WORKING, state="User sleep")], False),
    ],
)
def test_the_calculation_is_made_only_while_sessions_are_seen_at_work(sessions: list[Session], is_asked: bool) -> None:
    reading = processor_reading(ASKED, {"sessions": tuple(sessions)})
    assert (reading is not None and reading.first == CALCULATION) is is_asked


def test_hidden_sessions_ask_for_no_calculation() -> None:
    hidden = Unavailable("sessions", "privilege", "account sees nothing of others")
    assert processor_reading(ASKED, {"sessions": hidden}) is None
