"""Runs the first remedy of a diagnosis on the faulty server and measures whether it helped and what else it did."""

import re
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.faults.names import render
from benchmarks.faults.patient import Patient
from benchmarks.faults.program import Program
from benchmarks.faults.scenario import Verifier

TIMING_RUNS = 3
CANARY_RUNS = 5
SLOWER_SHARE, NOISE_SECONDS = 0.2, 0.004
"""A canary that is slower by a fifth is slower by the remedy, once the noise of the machine is taken off."""
LOOKS = 6
LIMIT_SECONDS, CANARY_SECONDS = 60, 2


@dataclass(frozen=True, slots=True)
class Validity:
    """`valid` None: the scenario has no verifier. `why` says what failed."""

    valid: bool | None
    why: str = ""
    before: float | None = None
    after: float | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def remedied(causes: Sequence[Any], verify: Verifier, program: Program, canaries: Sequence[str]) -> Validity:
    """Apply the first remedy that has statements of the first of these causes; judge figure and canaries."""
    if not causes:
        return Validity(False, "the cause was not named")
    remedies = causes[0]["remedies"]
    if verify.advice:
        words = " ".join(f"{each['title']} {' '.join(each['statements'])} {each['caution'] or ''}" for each in remedies)
        found = re.search(render(verify.advice, program.values), words, re.I)
        return Validity(bool(found), "" if found else f"the advice lacks {verify.advice!r}: {words[:200]}")
    statements = next((each["statements"] for each in remedies if each["statements"]), None)
    if statements is None:
        return Validity(False, "no remedy has statements")
    patient = program.standby if verify.standby and program.standby else program.patient
    before, earlier = _figure(verify, program, patient), _canaries(program.patient, canaries)
    try:
        _apply(patient, statements)
    except patient.failures as error:
        return Validity(False, f"the remedy failed: {str(error).splitlines()[0]}", before)
    after = _settled(verify, program, patient, before)
    if not _passes(verify, before, after):
        return Validity(False, "the figure did not pass", before, after)
    harm = _lasting_harm(earlier, program.patient, canaries)
    return Validity(not harm, harm, before, after)


def _apply(patient: Patient, statements: Sequence[str]) -> None:
    session = patient.connect(patient.full_role, "remedy")
    try:
        _limited(session, patient, LIMIT_SECONDS)
        for statement in statements:
            if statement.strip() and not statement.lstrip().startswith("--"):
                session.execute(statement)
    finally:
        session.close()


def _figure(verify: Verifier, program: Program, patient: Patient) -> float | None:
    """Seconds of a statement (the best of some), or the value of one; None when it could not be had."""
    session = patient.connect("service" if verify.time else patient.full_role, "verify")
    try:
        _limited(session, patient, LIMIT_SECONDS)
        for statement in verify.first:
            session.execute(render(statement, program.values))
        if verify.sql:
            value = session.execute(render(verify.sql, program.values))[0][0]
            return None if value is None else float(value)
        return min(_seconds(session, render(verify.time, program.values)) for _ in range(TIMING_RUNS))
    except patient.failures:
        return None
    finally:
        session.close()


def _limited(session: Any, patient: Patient, seconds: int) -> None:
    for statement in patient.limits(seconds):
        session.execute(statement)


def _seconds(session: Any, statement: str) -> float:
    started = time.perf_counter()
    session.execute(statement)
    return time.perf_counter() - started


def _settled(verify: Verifier, program: Program, patient: Patient, before: float | None) -> float | None:
    deadline = time.monotonic() + verify.wait_seconds
    while True:
        after = _figure(verify, program, patient)
        if _passes(verify, before, after) or time.monotonic() > deadline:
            return after
        time.sleep(0.2)


def _passes(verify: Verifier, before: float | None, after: float | None) -> bool:
    if after is None:
        return False
    if verify.at_most is not None and after > verify.at_most:
        return False
    if verify.at_least is not None and after < verify.at_least:
        return False
    return verify.at_most_share is None or (before is not None and after <= before * verify.at_most_share)


def _canaries(patient: Patient, statements: Sequence[str]) -> list[tuple[Any, float, float] | None]:
    """Rows, best time, and the best time of a control at the same moment, for each canary; None for one that could not
    run (a lock in its way)."""
    found: list[tuple[Any, float, float] | None] = []
    session = patient.connect(patient.full_role, "canary")
    try:
        _limited(session, patient, CANARY_SECONDS)
        for statement in statements:
            try:
                pairs = [(_seconds(session, statement), _seconds(session, patient.control)) for _ in range(CANARY_RUNS)]
                times, controls = zip(*pairs, strict=True)
                found.append((session.execute(statement), min(times), min(controls)))
            except patient.failures:
                found.append(None)
    finally:
        session.close()
    return found


def _lasting_harm(before: Sequence[Any], patient: Patient, statements: Sequence[str]) -> str:
    """What is wrong each time that one looks; other programs on the machine make a canary slow now and then."""
    harm = ""
    for _ in range(LOOKS):
        harm = _harm(before, _canaries(patient, statements))
        if not harm:
            break
        time.sleep(0.3)
    return harm


def _harm(before: Sequence[Any], after: Sequence[Any]) -> str:
    for number, (then, now) in enumerate(zip(before, after, strict=True), 1):
        if then is None:
            continue
        if now is None:
            return f"canary {number} does not run any more"
        if then[0] != now[0]:
            return f"canary {number} gives other rows"
        if is_slower(then[1], now[1], now[2] / then[2]):
            return f"canary {number} takes {now[1]:.3f} s, before {then[1]:.3f} s"
    return ""


def is_slower(before: float, after: float, control: float) -> bool:
    """`control`: how much longer a statement that no remedy can touch took at the same moments."""
    return after > before * max(1.0, control) * (1 + SLOWER_SHARE) + NOISE_SECONDS
