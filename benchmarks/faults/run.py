"""One scenario under one variant: a fresh server, the fault, the diagnosis, the answer, the remedy, the scores."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from benchmarks.faults.baselines import BASELINES
from benchmarks.faults.faithful import unfaithful
from benchmarks.faults.names import generator, render, scenario_values
from benchmarks.faults.patient import Lab, Patient
from benchmarks.faults.processor import seconds_on_processor
from benchmarks.faults.program import NotReached, Program
from benchmarks.faults.remedy import Validity, remedied
from benchmarks.faults.scenario import Scenario, Schema
from benchmarks.faults.score import judge, names
from benchmarks.faults.tools import installed_for
from housecall.agent.agent import build_agent
from housecall.agent.builtin.diagnosis import word_count
from housecall.agent.fakes import FixedDirectory, RememberingSink
from housecall.diagnosis.examine import Diagnosis, examine
from housecall.engines.engine import ProbeLimits
from housecall.engines.instance import Engines, Instance
from housecall.errors import HousecallError
from housecall.settings import Settings
from housecall.turn import Stop, Turn

INSTANCE = "bench-db"
MANIFEST_SECONDS = 12.0
ENGINE_VALUES: dict[str, Any] = {}
QUESTIONS = {
    "quiet": "What is wrong with my database?",
    "load": "Is everything healthy?",
    "least": "数据库有什么问题？",
}
VARIANTS = ("quiet", "load", "least", "bare")
"""quiet: all rights, nothing else going on; load: all rights, traffic and noise; least: the least-privilege role;
bare: all rights, and nothing on the server counts statements."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is told."""

    scenario: Scenario
    schema: Schema
    schema_key: str
    known: dict[str, str]
    variant: str
    seed: int
    engine: str

    @property
    def title(self) -> str:
        return f"{self.scenario.id} {self.variant} {self.schema.id}"


def run(job: Job, lab: Lab) -> dict[str, Any]:
    """The record of a run. What went wrong with the run itself stands in it as `error` and is no miss."""
    started = time.monotonic()
    record: dict[str, Any] = {
        "scenario": job.scenario.id, "title": job.scenario.title, "area": job.scenario.area, "kind": job.scenario.kind,
        "engine": job.engine, "variant": job.variant, "seed": job.seed, "schema": job.schema.id,
        "manifested": False,
    }  # fmt: skip
    values = scenario_values(job.scenario, job.known, job.seed, job.variant)
    settings = {name: render(str(value), values) for name, value in job.scenario.server.items()}
    with lab.patient(job.schema_key, settings, bare=job.variant == "bare") as patient:
        program = Program(patient, values, generator(job.scenario.id, job.seed, job.variant, "program"), job.engine)
        try:
            _injected_and_examined(job, patient, program, record)
        except NotReached as error:
            record["error"] = f"never became true: {error}"
        except patient.failures as error:
            record["error"] = f"the fault program failed: {str(error).splitlines()[0]}"
        except HousecallError as error:
            record |= {"refused": error.message, "causes": [], "diagnosis_failed": True}
        finally:
            program.end()
    record["whole_seconds"] = round(time.monotonic() - started, 1)
    return record


def _injected_and_examined(job: Job, patient: Patient, program: Program, record: dict[str, Any]) -> None:
    scenario = job.scenario
    with ExitStack() as stack:
        patient.reset_counters()
        if job.variant == "load":
            traffic = [render(each, program.values) for each in job.schema.traffic]
            stack.enter_context(patient.traffic(traffic, generator(job.seed, "traffic")))
        program.run(scenario.steps)
        for question in scenario.manifest:
            program.wait_until(question, MANIFEST_SECONDS)
        record["manifested"] = True
        examined = program.standby if scenario.examine_standby and program.standby else patient
        role = examined.least_role if job.variant == "least" else examined.full_role
        _examined(examined, role, job, program, record)
        with _other_tools(examined, job, program, record):
            _asked(examined, role, job, program, record)
        canaries = [render(each, program.values) for each in job.schema.canaries]
        record["remedy"] = _remedy(scenario, record, program, canaries).to_json()
    record.pop("diagnosis")


def _examined(patient: Patient, role: str, job: Job, program: Program, record: dict[str, Any]) -> None:
    diagnosis, on_processor = asyncio.run(_examine(patient, role))
    found = diagnosis.to_json()
    record["diagnosis"] = found
    record |= {
        "causes": [
            {key: each[key] for key in ("id", "object", "severity", "confidence", "past")} for each in found["causes"]
        ],
        "expected": [
            [list(each.id), [render(name, program.values) for name in each.object], each.root]
            for each in job.scenario.expect
        ],
        "not_evaluated": sorted({f"{each['check']}: {each['reason']}"[:160] for each in found["not_evaluated"]})[:6],
        "remedies": found["causes"][0]["remedies"][:2] if found["causes"] else [],
        "seconds": round(diagnosis.seconds, 3),
        "statements": diagnosis.statements,
        "target_seconds": None if on_processor is None else round(on_processor, 4),
        "score": judge(job.scenario, found, program.values, program.pids).to_json(),
    }
    largest = f"{program.values.get('child')}({program.values.get('owner')})"
    record["baselines"] = {
        name: judge(job.scenario, answer(found, largest), program.values, program.pids).to_json()
        for name, answer in BASELINES.items()
    }


@contextmanager
def _other_tools(patient: Patient, job: Job, program: Program, record: dict[str, Any]) -> Iterator[None]:
    """On quiet servers, where they have all rights too, other tools look while the block runs, one after the other."""
    tools = installed_for(patient.engine.name) if job.variant == "quiet" else []
    with ThreadPoolExecutor(1) as beside:
        looking = {tool.title: beside.submit(tool.causes, patient.address) for tool in tools}
        yield
    for title, look in looking.items():
        if (causes := look.result()) is not None:
            answer = {**record["diagnosis"], "causes": causes, "not_evaluated": []}
            record["baselines"][title] = judge(job.scenario, answer, program.values, program.pids).to_json()


async def _examine(patient: Patient, role: str) -> tuple[Diagnosis, float | None]:
    """The diagnosis, and the seconds on a processor that it cost the server."""
    limits = ProbeLimits(statement_timeout_seconds=20.0)
    async with patient.engine.open_probe(patient.target(role), limits, instance_id=INSTANCE) as probe:
        task = await patient.task_of(probe)
        before = seconds_on_processor(task)
        diagnosis = await examine(probe, INSTANCE, patient.engine)
        after = seconds_on_processor(task)
    return diagnosis, None if before is None or after is None else after - before


def _asked(patient: Patient, role: str, job: Job, program: Program, record: dict[str, Any]) -> None:
    """The built-in diagnostician's answer to the scenario's question, or to a usual one, checked against its tools."""
    own = job.scenario.question
    question = render(own, program.values) if own else QUESTIONS.get(job.variant)
    if question is None:
        return
    answer, results = asyncio.run(_ask(patient, role, question))
    lacks = [each for each in job.scenario.must_say if not _says(each, answer, program)]
    has = [each for each in job.scenario.must_not_say if _says(each, answer, program)]
    wrong = unfaithful(answer, [question, *results])
    record |= {"answer": answer, "unfaithful": wrong, "answer_lacks": lacks, "answer_has": has,
               "words": round(word_count(answer))}  # fmt: skip


def _says(pattern: str, answer: str, program: Program) -> bool:
    import re

    return re.search(render(pattern, program.values), answer, re.I) is not None


@cache
def _agent(engine_name: str) -> tuple[Any, FixedDirectory]:
    """One agent a process: its parts register themselves once."""
    engines = Engines({engine_name: ENGINE_VALUES[engine_name]}, ProbeLimits(statement_timeout_seconds=20.0))
    directory = FixedDirectory(())
    return build_agent(Settings(), engines, directory), directory


async def _ask(patient: Patient, role: str, question: str) -> tuple[str, Sequence[Any]]:
    ENGINE_VALUES[patient.engine.name] = patient.engine
    agent, directory = _agent(patient.engine.name)
    directory.instances = (Instance(INSTANCE, patient.engine.name, patient.target(role)),)
    sink = RememberingSink()
    await agent.answer(Turn("r", "c", "m", "a", "u", question), sink, Stop())
    results = [each.fields.get("response") for each in sink.named("tool_call")]
    return sink.text, [each for each in results if each]


def _remedy(scenario: Scenario, record: dict[str, Any], program: Program, canaries: list[str]) -> Validity:
    if scenario.verify is None or scenario.kind == "healthy":
        return Validity(None)
    roots = [each for each in scenario.expect if each.root]
    found = record["diagnosis"]["causes"]
    right = [each for each in found if any(names(each, root, program.values) for root in roots)]
    return remedied(right, scenario.verify, program, canaries)
