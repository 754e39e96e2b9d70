"""The engines that the benchmark can start, by the name that scenarios use. A new one is a lab and a line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults.patient import Lab
from benchmarks.faults.postgresql_patient import PostgreSQLLab, scratch_folder
from housecall.testing import POSTGRESQL_15


@dataclass(frozen=True, slots=True)
class EngineOfBench:
    """`lab` gets the folder that `scratch` made; it is removed in the end."""

    title: str
    is_installed: Callable[[], bool]
    scratch: Callable[[], Path]
    lab: Callable[[Path], Lab]


ENGINES: Mapping[str, EngineOfBench] = {
    "postgresql": EngineOfBench("PostgreSQL 15", POSTGRESQL_15.is_complete, scratch_folder, PostgreSQLLab),
}
