"""Runs many scenarios at once, each in a process of its own: they do not share a server, an interpreter or a lock."""

import json
import multiprocessing
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from benchmarks.faults.engines import ENGINES, EngineOfBench, scratch_folder
from benchmarks.faults.run import VARIANTS, Job, run
from benchmarks.faults.summary import misses

ATTEMPTS = 5
"""A driver that crashes takes its worker along; what that pool had not finished runs again, this often at most."""


def _work(job: Job, folder: Path) -> dict[str, Any]:
    return run(job, ENGINES[job.engine].lab(folder))


def run_all(jobs: Sequence[Job], engine: EngineOfBench, workers: int, keep: Path | None) -> list[dict[str, Any]]:
    """The records of all jobs, slow scenarios first so that no worker is left with one at the end.

    Each is added to `keep` at once, so that an interrupted run can be taken up.
    """
    folder = scratch_folder()
    try:
        lab = engine.lab(folder)
        for job in {job.schema_key: job for job in jobs}.values():
            lab.prepare(job.schema_key, job.schema, job.known)
        records: list[dict[str, Any]] = []
        left = sorted(jobs, key=lambda job: not job.scenario.slow)
        for _ in range(ATTEMPTS):
            try:
                for job, record in _in_pool(left, folder, workers):
                    left = [each for each in left if each is not job]
                    records.append(record)
                    if keep is not None:
                        with keep.open("a", encoding="utf-8") as file:
                            file.write(json.dumps(record, ensure_ascii=False) + "\n")
                    _tell(record, len(records), len(jobs))
            except BrokenProcessPool as error:
                print(f"{error} {len(left)} runs are left and begin anew.", flush=True)
            else:
                break
        return sorted(records, key=lambda each: (each["scenario"], VARIANTS.index(each["variant"]), each["seed"]))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _in_pool(jobs: Sequence[Job], folder: Path, workers: int) -> Iterator[tuple[Job, dict[str, Any]]]:
    """Jobs and their records as they come. Raises BrokenProcessPool when a worker dies."""
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        running = {pool.submit(_work, job, folder): job for job in jobs}
        for done in as_completed(running):
            yield running[done], done.result()


def _tell(record: dict[str, Any], number: int, total: int) -> None:
    wrong = misses([record])
    verdict = "; ".join(wrong[0]["why"]) + " | " + ", ".join(wrong[0]["said"]) if wrong else "ok"
    print(
        f"[{number}/{total}] {record['scenario']:<6}{record['variant']:<6}{record['whole_seconds']:5.1f} s  {verdict}"[
            :330
        ],
        flush=True,
    )
