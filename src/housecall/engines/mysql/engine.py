"""The MySQL engine, for both of its flavours: readings, targets and probes."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import cached_property
from typing import Any, ClassVar

from housecall.engines.engine import EngineName, Probe, ProbeLimits, Reading, Rows, Target, Unavailable, load_readings
from housecall.engines.mysql.dsn import parse_dsn
from housecall.engines.mysql.explainable import statements_to_explain
from housecall.engines.mysql.key_columns import key_column_reading
from housecall.engines.mysql.probe import open_probe
from housecall.engines.mysql.processor import processor_reading
from housecall.engines.mysql.rows import row_types
from housecall.engines.mysql.rows.sequences import SequenceValue
from housecall.engines.mysql.rows.server import ProcessorShare
from housecall.engines.mysql.rows.tables import KeyColumn
from housecall.engines.mysql.sequences import sequence_reading


class MySQL:
    """Implements the seam `Engine`."""

    name: ClassVar[EngineName] = "mysql"

    @cached_property
    def readings(self) -> tuple[Reading, ...]:
        return load_readings(__package__, row_types())

    def statements_to_explain(self, readings: Mapping[str, Rows | Unavailable]) -> tuple[str, ...]:
        return statements_to_explain(readings)

    def readings_after(self, readings: Mapping[str, Rows | Unavailable], _plans: Sequence[Any]) -> tuple[Reading, ...]:
        """Readings whose SQL follows from what was read. Pure."""
        asked = {each.name: each for each in self.readings}
        found = (
            sequence_reading(asked[SequenceValue.reading], readings),
            processor_reading(asked[ProcessorShare.reading], readings),
            key_column_reading(asked[KeyColumn.reading], readings),
        )
        return tuple(each for each in found if each is not None)

    def parse_dsn(self, dsn: str) -> Target:
        return parse_dsn(dsn)

    def open_probe(
        self, target: Target, limits: ProbeLimits, *, instance_id: str
    ) -> AbstractAsyncContextManager[Probe]:
        return open_probe(target, limits, instance_id)


ENGINE = MySQL()
