"""`make bench-faults`: inject known faults into fresh servers, diagnose each, and count what was right.

    make bench-faults                       everything
    make bench-faults ONLY=P23,P33 SEED=7   some scenarios, other names and values
    make bench-faults ARGS="--folder /path/to/scenarios --variants quiet,least"

Writes benchmarks/results/faults.json and, after a run of everything, the tables of docs/benchmarks.md.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.faults.engines import ENGINES
from benchmarks.faults.names import generator, schema_values
from benchmarks.faults.run import VARIANTS, Job
from benchmarks.faults.scenario import HERE, Scenario, ScenarioError, Schema, read_folder, read_schemas
from benchmarks.faults.summary import baseline_figures, figures, misses
from benchmarks.faults.table import markdown, write_into
from benchmarks.faults.workers import run_all

RESULTS = HERE.parent / "results" / "faults.json"
PAGE = HERE.parents[1] / "docs" / "benchmarks.md"


def chosen(scenarios: Sequence[Scenario], only: str) -> list[Scenario]:
    """The scenarios whose id is in the list, or all. Raises ScenarioError for an id that nothing has."""
    wanted = [each.strip() for each in only.split(",") if each.strip()]
    return [each for each in scenarios if not wanted or each.id in wanted]


def jobs_of(
    engine: str, scenarios: Sequence[Scenario], schemas: dict[str, Schema], variants: Sequence[str], seed: int
) -> Iterator[Job]:
    """Every scenario under the variants that `planned` gives it; the schema changes from variant to variant."""
    for scenario in scenarios:
        fitting = [each for each in sorted(schemas) if not scenario.schemas or each in scenario.schemas]
        if not fitting:
            raise ScenarioError(f"{scenario.path}: no schema among {', '.join(scenario.schemas)}")
        first = generator(scenario.id, seed).randrange(len(fitting))
        for number, variant in enumerate(variants or planned(scenario, engine, seed)):
            if variant != "bare" or scenario.statements:
                schema = schemas[fitting[(first + number) % len(fitting)]]
                known = schema_values(schema, seed) | ENGINES[engine].words
                yield Job(scenario, schema, f"{schema.id}-{seed}", known, variant, seed, engine)


def planned(scenario: Scenario, engine: str, seed: int) -> tuple[str, ...]:
    """Quiet, bare, and either under load or with least rights, so that everything stays within twenty minutes.

    What two flavours share has load on one and least rights on the other. Another seed may change which is which;
    `--variants` asks for all of them.
    """
    turn = generator("variant", scenario.id, seed).randrange(2) + scenario.engine.index(engine)
    return ("quiet", ("load", "least")[turn % 2], "bare")


def kept(path: Path) -> dict[tuple[str, str, str, int], dict[str, Any]]:
    """The records of a file, one a line, by what they are of; a later one replaces an earlier one."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {_of(record): record for record in map(json.loads, lines)}


def _of(record: dict[str, Any]) -> tuple[str, str, str, int]:
    return record["engine"], record["scenario"], record["variant"], record["seed"]


def result_of(records: list[dict[str, Any]]) -> dict[str, Any]:
    areas = sorted({each["area"] for each in records})
    intervals = figures(records)
    return {
        **{name: found["share"] if isinstance(found, dict) else found for name, found in intervals.items()},
        "intervals": {name: found for name, found in intervals.items() if isinstance(found, dict)},
        "by_variant": {
            name: figures([each for each in records if each["variant"] == name]) for name in VARIANTS if name != "bare"
        },
        "by_area": {name: figures([each for each in records if each["area"] == name]) for name in areas},
        "baselines": baseline_figures(records),
        "not_manifested": [f"{each['scenario']} {each['variant']}" for each in records if not each["manifested"]],
        "misses": misses(records),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="ids of scenarios, with commas")
    parser.add_argument("--seed", default="7", help="names, row counts and values; several with commas")
    parser.add_argument("--engine", default="", help=f"one of {', '.join(ENGINES)}; all that are installed without it")
    parser.add_argument("--variants", default="", help=f"of {', '.join(VARIANTS)}, for every scenario")
    parser.add_argument("--folder", type=Path, help="a folder of scenarios in place of the project's own")
    jobs = 2 + (os.cpu_count() or 1)  # a run waits for its server and its fault more than it computes
    parser.add_argument("--jobs", type=int, default=jobs, help="servers at the same time")
    parser.add_argument("--records", type=Path, help="add the record of every run to this file, one a line")
    parser.add_argument("--update", action="store_true", help="what --records held before counts too")
    arguments = parser.parse_args()
    try:
        sys.exit(_main(arguments))
    except ScenarioError as error:
        sys.exit(str(error))


def is_everything(arguments: argparse.Namespace) -> bool:
    return not (arguments.only or arguments.folder) and not arguments.variants


def _main(arguments: argparse.Namespace) -> int:
    is_whole = arguments.update or is_everything(arguments)
    results: dict[str, Any] = {}
    sections = []
    for name, engine in ENGINES.items():
        if arguments.engine not in ("", name) or not engine.is_installed():
            continue
        folders = [HERE, arguments.folder] if arguments.folder else [HERE]
        scenarios = chosen(read_folder(arguments.folder or HERE / engine.folder, name), arguments.only)
        schemas = read_schemas(name, *folders)
        seeds = [int(each) for each in arguments.seed.split(",")]
        variants = [each for each in arguments.variants.split(",") if each]
        jobs = [job for seed in seeds for job in jobs_of(name, scenarios, schemas, variants, seed)]
        if not jobs:
            continue
        started = time.monotonic()
        records = run_all(jobs, engine, arguments.jobs, arguments.records)
        seconds = time.monotonic() - started
        if arguments.update:
            found = {key: each for key, each in kept(arguments.records).items() if key[0] == name}
            records = sorted(found.values(), key=lambda each: (each["scenario"], VARIANTS.index(each["variant"])))
        results[name] = {**result_of(records), "whole_seconds": round(seconds), "load_average": os.getloadavg()[0]}
        now = f"{datetime.now(UTC):%Y-%m-%d}"
        machine = f"{os.cpu_count()} cores (load average {os.getloadavg()[0]:.1f} at the end)"
        facts = f"{now}, {len(records)} runs in {seconds:.0f} s on {machine}"
        sections.append(markdown(engine.title, results[name], f"make bench-faults SEED={arguments.seed}", facts))
    if not results:
        sys.exit("no scenario to run: is a server of the engine installed, and does the id exist?")
    print("\n" + "\n".join(sections))
    if is_whole:
        _publish(results, arguments.seed)
        write_into(PAGE, sections)
    return 0


def _publish(results: dict[str, Any], seed: str) -> None:
    """Engines that were not run this time keep their figures."""
    before = json.loads(RESULTS.read_text(encoding="utf-8"))["engines"] if RESULTS.exists() else {}
    written = {
        "benchmark": "faults", "at": datetime.now(UTC).isoformat(), "seed": seed,
        "machine": {"cores": os.cpu_count()}, "engines": before | results,
    }  # fmt: skip
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
