"""Examine an instance: snapshot, checks, causes, verdict.

`diagnose` is pure: the same snapshots give the same verdict, with or without access to the server.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from housecall.clock import Clock, utc_now
from housecall.diagnosis.cause import Cause, Found, all_causes, rank
from housecall.diagnosis.check import checks_of, run_check
from housecall.diagnosis.finding import Finding, NotEvaluated, Severity
from housecall.diagnosis.looked import looked_at
from housecall.diagnosis.snapshot import Snapshot, read_again, take_snapshot
from housecall.engines.engine import Engine, Probe
from housecall.wording import DEFAULT_LANGUAGE, Language

WINDOW_SECONDS = 1.2
"""PostgreSQL's backends report their counters at most once a second (manual, "The Cumulative Statistics System"),
so a shorter window would see nothing of a busy session."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The verdict on one instance: causes, strongest first; every finding; every check that could not look."""

    snapshot: Snapshot
    earlier: Snapshot | None
    causes: tuple[Cause, ...]
    findings: tuple[Finding, ...]
    not_evaluated: tuple[NotEvaluated, ...]
    seconds: float = 0.0
    statements: int = 0

    @property
    def needs_attention(self) -> bool:
        return any(cause.severity.rank >= Severity.WARNING.rank for cause in self.causes)

    def to_json(self, language: Language = DEFAULT_LANGUAGE) -> dict[str, Any]:
        return {
            "instance": self.snapshot.instance,
            "engine": self.snapshot.engine,
            "version": self.snapshot.facts.version.text,
            "database": self.snapshot.facts.database,
            "taken_at": self.snapshot.taken_at.isoformat(),
            "window_seconds": round(self.snapshot.seconds_since(self.earlier), 2) if self.earlier else None,
            "causes": [cause.to_json(language) for cause in self.causes],
            "findings": [finding.to_json(language) for finding in self.findings],
            "not_evaluated": [each.to_json(language) for each in self.not_evaluated],
            "looked_at": {topic: told.render(language) for topic, told in looked_at(self.snapshot).items()},
        }


def judge_all(now: Snapshot, earlier: Snapshot | None) -> Found:
    """What every check of the engine says of these snapshots, findings worst first."""
    findings: list[Finding] = []
    not_evaluated: list[NotEvaluated] = []
    for registered in checks_of(now.engine):
        found, missed = run_check(registered, now, earlier)
        findings.extend(found)
        not_evaluated.extend(missed)
    findings.sort(key=lambda finding: -finding.severity.rank)
    return Found(findings, not_evaluated)


def diagnose(now: Snapshot, earlier: Snapshot | None = None) -> Diagnosis:
    """The verdict on these snapshots."""
    found = judge_all(now, earlier)
    causes = [cause for registered in all_causes() for cause in registered.conclude(found, now)]
    return Diagnosis(now, earlier, rank(causes), found.findings, found.not_evaluated)


async def examine(
    probe: Probe, instance: str, engine: Engine, *, window_seconds: float | None = None, clock: Clock = utc_now
) -> Diagnosis:
    """Look at an instance through an open probe.

    With `window_seconds` None the counters are read a second time only when a check that rests on counters found
    something; 0 never reads twice.
    """
    started, statements = time.monotonic(), probe.statements_run
    first = await take_snapshot(probe, instance, engine, clock=clock)
    window = _window(first, window_seconds)
    if window > 0:
        await asyncio.sleep(window)
        verdict = diagnose(await read_again(probe, first, engine.readings, clock=clock), first)
    else:
        verdict = diagnose(first)
    return Diagnosis(
        verdict.snapshot, verdict.earlier, verdict.causes, verdict.findings, verdict.not_evaluated,
        time.monotonic() - started, probe.statements_run - statements,
    )  # fmt: skip


def _window(first: Snapshot, wanted: float | None) -> float:
    if wanted is not None:
        return wanted
    suspicious = {finding.check for finding in judge_all(first, None).findings}
    needing: Sequence[str] = [each.check.id for each in checks_of(first.engine) if each.check.needs_window]
    return WINDOW_SECONDS if suspicious.intersection(needing) else 0.0
