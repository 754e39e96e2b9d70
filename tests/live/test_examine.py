"""What an examination costs a real server, and that readings asked together are what they are one by one."""

import pytest

from housecall.diagnosis.examine import examine
from housecall.engines.engine import ProbeLimits, Unavailable
from housecall.engines.postgresql import ENGINE
from housecall.testing import PrivateDatabase

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("monitor", [True, False])
async def test_a_diagnosis_takes_at_most_forty_statements(database: PrivateDatabase, monitor: bool) -> None:
    role = database.create_reader(monitor=monitor)
    async with ENGINE.open_probe(database.target(role=role), ProbeLimits(), instance_id="db") as probe:
        diagnosis = await examine(probe, "db", ENGINE, window_seconds=1.2)
        assert probe.statements_run <= 40
    assert len(diagnosis.snapshot.samples) >= 4


async def test_readings_asked_together_are_those_asked_alone(database: PrivateDatabase) -> None:
    settled = {"server_settings", "overlapping_indexes", "number_keys", "role_settings", "upkeep_settings"}
    readings = [each for each in ENGINE.readings if each.name in settled]
    async with ENGINE.open_probe(database.target(), ProbeLimits(), instance_id="db") as probe:
        together = await probe.read_together(readings)  # type: ignore[attr-defined]
        for reading in readings:
            alone = await probe.read(reading)
            assert not isinstance(alone, Unavailable)
            assert together[reading.name] == alone, reading.name
