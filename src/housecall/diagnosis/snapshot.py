"""Every reading of one instance at one moment: immutable, JSON-serialisable, complete.

A reading that failed stands here as an Unavailable, so a check can tell "nothing found" from "could not look".
"""

import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from housecall.clock import Clock, utc_now
from housecall.engines.engine import (
    Engine,
    EngineName,
    Probe,
    Reading,
    Row,
    Rows,
    RowT,
    ServerFacts,
    Unavailable,
    Version,
    rows_from_json,
)
from housecall.engines.guard.tables import tables_in
from housecall.errors import InstanceTimeout, RequestError, StatementFailed, StatementRefused

BUNDLE_FORMAT = 1
TOGETHER = 16
"""Readings asked in one statement, with a look at the sessions after each such group: some 50 readings give three looks
between the first and the last. Larger groups would hold one statement's snapshot longer and look less often."""

_OFTEN_REFUSED = re.compile(r"extension|pg_read_server_files|EXECUTE on|^superuser|pg_monitor, to list|ON mysql\.user")

ReadTogether = Callable[[Sequence[Reading]], Awaitable[dict[str, Rows | Unavailable]]]
"""What a probe may offer besides the seam: `read_together`, several readings in one statement."""

ReadingsAfter = Callable[[Mapping[str, Rows | Unavailable], Sequence[Any]], tuple[Reading, ...]]
"""What an engine may offer besides the seam: `readings_after`, readings that follow from others and from plans."""


class ReadingUnavailable(Exception):
    """A check asked for a reading that is not there; the check runner turns it into NotEvaluated."""

    def __init__(self, unavailable: Unavailable) -> None:
        super().__init__(unavailable.reason)
        self.unavailable = unavailable


@dataclass(frozen=True, slots=True)
class Sample:
    """The rows of the `sample` readings at one moment, `at_seconds` after the snapshot began."""

    at_seconds: float
    readings: Mapping[str, Rows]

    def rows(self, row_type: type[RowT]) -> tuple[RowT, ...]:
        return self.readings.get(row_type.reading, ())  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class StatementPlan:
    """How the server would run one of its costly statements now (it was not run): the engine's JSON, or why not.

    `statement` is the text as the reading gave it that named the statement, so that the two can be matched.
    """

    statement: str
    plan: Any
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All readings of one instance. `taken_seconds` is a monotonic moment, for the distance between two snapshots."""

    instance: str
    engine: EngineName
    facts: ServerFacts
    taken_at: datetime
    taken_seconds: float
    readings: Mapping[str, Rows | Unavailable]
    samples: tuple[Sample, ...] = field(default=())
    plans: tuple["StatementPlan", ...] = field(default=())

    def rows(self, row_type: type[RowT]) -> tuple[RowT, ...]:
        """The rows of a reading. Raises ReadingUnavailable, which the check runner records as NotEvaluated."""
        found = self.get(row_type)
        if isinstance(found, Unavailable):
            raise ReadingUnavailable(found)
        return found

    def row(self, row_type: type[RowT]) -> RowT:
        """The single row of a reading that always has one."""
        return self.rows(row_type)[0]

    def get(self, row_type: type[RowT]) -> tuple[RowT, ...] | Unavailable:
        """As `rows`, for a check that can do without: an Unavailable is returned."""
        missing = Unavailable(row_type.reading, "version", f"reading {row_type.reading} was not taken")
        return self.readings.get(row_type.reading, missing)  # type: ignore[return-value]

    def plan_of(self, statement: str) -> Any:
        """The plan of a statement by its text, or None when there is none."""
        return next((each.plan for each in self.plans if each.statement == statement), None)

    def seconds_since(self, earlier: "Snapshot") -> float:
        return self.taken_seconds - earlier.taken_seconds


async def take_snapshot(probe: Probe, instance: str, engine: Engine, *, clock: Clock = utc_now) -> Snapshot:
    """Ask every reading once, in one session; readings of kind `sample` are asked again between the others. Then the
    plans of the few costliest statements.

    The cost on the server is one pass of each reading and a handful of looks at the session list.
    """
    taken_at, started, readings = clock(), time.monotonic(), engine.readings
    usable = [reading for reading in readings if reading.serves(probe.facts.version)]
    sampled = [reading for reading in usable if reading.per_sample]
    results: dict[str, Rows | Unavailable] = {
        reading.name: Unavailable(
            reading.name, "version", f"{reading.name} does not exist on {probe.facts.version.text}"
        )
        for reading in readings
        if not reading.serves(probe.facts.version)
    }
    samples = [await _sample(probe, sampled, started, results)]
    for reading in usable:
        if _may_be_refused(reading):
            results[reading.name] = await probe.read(reading)
    single = [reading for reading in usable if not reading.per_sample and not _may_be_refused(reading)]
    for start in range(0, len(single), TOGETHER):
        results |= await _read_all(probe, single[start : start + TOGETHER])
        samples.append(await _sample(probe, sampled, started, results))
    seen = {
        name: tuple(row for sample in samples for row in sample.readings.get(name, ())) for name in samples[0].readings
    }
    plans = await _plans(probe, engine.name, engine.statements_to_explain(results | seen))
    results |= await _readings_after(probe, engine, results | seen, plans)
    samples.append(await _sample(probe, sampled, started, results))
    return Snapshot(instance, engine.name, probe.facts, taken_at, started, results, tuple(samples), tuple(plans))


def _may_be_refused(reading: Reading) -> bool:
    """Whether a server often refuses the reading: then it is asked alone, since it would fail a whole group."""
    return not reading.per_sample and _OFTEN_REFUSED.search(reading.privilege) is not None


async def _read_all(probe: Probe, readings: Sequence[Reading]) -> dict[str, Rows | Unavailable]:
    """These readings in one statement where the probe can, else one by one."""
    together: ReadTogether | None = getattr(probe, "read_together", None)
    if together is not None and readings:
        return await together(readings)
    return {reading.name: await probe.read(reading) for reading in readings}


async def _readings_after(
    probe: Probe, engine: Engine, results: Mapping[str, Rows | Unavailable], plans: Sequence[StatementPlan]
) -> dict[str, Rows | Unavailable]:
    """What follows from the plans, for an engine that has such questions."""
    ask: ReadingsAfter | None = getattr(engine, "readings_after", None)
    following = ask(results, [each.plan for each in plans if each.plan]) if ask is not None else ()
    return {reading.name: await probe.read(reading) for reading in following}


async def _plans(probe: Probe, engine: EngineName, statements: Sequence[str]) -> list[StatementPlan]:
    """The plans of these statements. EXPLAIN waits as its statement would when somebody locks the table: once it has
    waited in vain, the other statements on that table are not asked about, since each would join the queue."""
    plans: list[StatementPlan] = []
    in_vain: dict[str, str] = {}
    for statement in statements:
        tables = tables_in(statement, engine)
        failure = next((in_vain[table] for table in tables if table in in_vain), None)
        if failure is None:
            try:
                plans.append(StatementPlan(statement, await probe.explain(statement)))
                continue
            except InstanceTimeout as error:
                failure = error.message
                in_vain |= dict.fromkeys(tables, failure)
            except (StatementFailed, StatementRefused) as error:
                failure = error.message
        plans.append(StatementPlan(statement, None, failure))
    return plans


async def read_again(
    probe: Probe, first: Snapshot, readings: tuple[Reading, ...], *, clock: Clock = utc_now
) -> Snapshot:
    """The same snapshot with its counters and samples read anew, for rates over the time since `first`."""
    taken_at, started = clock(), time.monotonic()
    results = dict(first.readings)
    usable = [reading for reading in readings if reading.serves(probe.facts.version)]
    counters = [
        reading for reading in usable if reading.counters and not isinstance(results[reading.name], Unavailable)
    ]
    results |= await _read_all(probe, counters)
    sample = await _sample(probe, [reading for reading in usable if reading.per_sample], first.taken_seconds, results)
    return replace(first, taken_at=taken_at, taken_seconds=started, readings=results, samples=(*first.samples, sample))


async def _sample(
    probe: Probe, readings: list[Reading], started: float, results: dict[str, Rows | Unavailable]
) -> Sample:
    found = await _read_all(probe, readings)
    results |= found
    seen = {name: rows for name, rows in found.items() if not isinstance(rows, Unavailable)}
    return Sample(time.monotonic() - started, seen)


def snapshot_to_json(snapshot: Snapshot) -> dict[str, Any]:
    """A bundle: plain JSON values only."""
    return {
        "format": BUNDLE_FORMAT,
        "instance": snapshot.instance,
        "engine": snapshot.engine,
        "facts": asdict(snapshot.facts),
        "taken_at": snapshot.taken_at.isoformat(),
        "taken_seconds": snapshot.taken_seconds,
        "readings": {
            name: {"unavailable": asdict(found)}
            if isinstance(found, Unavailable)
            else {"rows": [_row_to_json(row) for row in found]}
            for name, found in snapshot.readings.items()
        },
        "samples": [
            {
                "at_seconds": sample.at_seconds,
                "readings": {name: [_row_to_json(row) for row in rows] for name, rows in sample.readings.items()},
            }
            for sample in snapshot.samples
        ],
        "plans": [asdict(plan) for plan in snapshot.plans],
    }


def _row_to_json(row: Row) -> dict[str, Any]:
    return asdict(row)  # type: ignore[call-overload, no-any-return]


def snapshot_from_json(bundle: Any, readings: tuple[Reading, ...]) -> Snapshot:
    """The snapshot of a bundle. Readings that this version does not know are left out.

    Raises:
        RequestError: not a bundle, or one of another format, with what is wrong.
    """
    if not isinstance(bundle, dict) or bundle.get("format") != BUNDLE_FORMAT:
        raise RequestError(f"This is not a bundle of format {BUNDLE_FORMAT}; make one with: housecall collect")
    row_types = {reading.name: reading.row for reading in readings}
    try:
        facts = dict(bundle["facts"])
        facts["version"] = Version(**facts["version"])
        facts["extensions"] = tuple(facts["extensions"])
        return Snapshot(
            instance=bundle["instance"],
            engine=bundle["engine"],
            facts=ServerFacts(**facts),
            taken_at=datetime.fromisoformat(bundle["taken_at"]),
            taken_seconds=float(bundle["taken_seconds"]),
            readings={
                name: Unavailable(**found["unavailable"])
                if "unavailable" in found
                else rows_from_json(row_types[name], found["rows"])
                for name, found in bundle["readings"].items()
                if name in row_types
            },
            samples=tuple(
                Sample(
                    sample["at_seconds"],
                    {
                        name: rows_from_json(row_types[name], rows)
                        for name, rows in sample["readings"].items()
                        if name in row_types
                    },
                )
                for sample in bundle["samples"]
            ),
            plans=tuple(StatementPlan(**plan) for plan in bundle["plans"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RequestError(f"The bundle is damaged: {type(error).__name__}: {str(error)[:300]}") from error
