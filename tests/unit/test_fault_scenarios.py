"""The scenario files of the fault benchmark: all can be read, rendered, and say what they must."""

import random
from pathlib import Path

import pytest
from benchmarks.faults.engines import ENGINES
from benchmarks.faults.names import render, repetition, scenario_values, schema_values
from benchmarks.faults.scenario import HERE, Scenario, ScenarioError, Step, read_folder, read_scenario, read_schemas

from housecall.diagnosis.cause import all_causes

FOLDERS = sorted({engine.folder for engine in ENGINES.values()})
SCENARIOS = {
    (each.path.parent.name, each.id): each
    for name, engine in ENGINES.items()
    for each in read_folder(HERE / engine.folder, name)
}
HINTS = ("missing", "bloat", "fault", "broken", "slow", "stale", "orphan", "dead", "leak", "wrong", "unused")


@pytest.fixture(params=SCENARIOS.values(), ids=lambda each: each.id)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    found: Scenario = request.param
    return found


def texts(step: Step) -> list[str]:
    return [*step.sql, *step.start, *step.on_standby, step.repeat, step.loop, step.reconnect, step.until,
            step.until_standby]  # fmt: skip


def test_every_placeholder_is_filled_by_each_schema(scenario: Scenario) -> None:
    for engine in scenario.engine:
        for schema in read_schemas(engine, HERE).values():
            known = schema_values(schema, 7) | ENGINES[engine].words
            values = scenario_values(scenario, known, 7, "quiet")
            for step in scenario.steps:
                for text in texts(step):
                    render(text, values)
            for wanted in scenario.expect:
                assert all(render(each, values) for each in wanted.object)


def test_every_file_in_the_folders_is_for_an_engine_of_that_folder() -> None:
    files = {(folder, path.stem) for folder in FOLDERS for path in (HERE / folder).glob("*.toml")}

    assert files == set(SCENARIOS)


def test_a_fault_has_an_expected_cause_and_a_healthy_control_has_none(scenario: Scenario) -> None:
    assert bool(scenario.expect) == (scenario.kind != "healthy")


def test_names_carry_no_hint_of_the_fault() -> None:
    for engine in ENGINES:
        for schema in read_schemas(engine, HERE).values():
            names = [name for pool in schema.names.values() for name in pool]
            assert not [name for name in names if any(hint in name for hint in HINTS)]


DAMAGE = "a recipe has no step that damages a file of the server"
KILL = "a recipe has no step that ends a process of the server"
BESIDE = "a recipe has no step that runs programs beside the server"
SIZE = "what it takes is larger or longer than a scenario may be"
LACKING = {
    "postgresql": {
        "catalog_bloat": SIZE,
        "collation_version_mismatch": "the library of collations would have to be exchanged",
        "damaged_pages": DAMAGE,
        "external_cpu_contention": BESIDE,
        "index_bloat": SIZE,
        "lock_manager_contention": SIZE,
        "login_failures": "a recipe has no step that logs in with a wrong password",
        "out_of_memory_kill": KILL,
        "server_crash": KILL,
        "standby_feedback_bloat": "a recipe has no step that keeps a query open on the standby",
    },
    "mysql": {
        "damaged_pages": DAMAGE,
        "external_cpu_contention": BESIDE,
        "disk_full": "a recipe has no step that fills a disk, and no statement makes the server say that one is full",
        "file_limit_reached": "the limit is the operating system's, set before the server starts",
        "memory_overcommitted": "how much is too much depends on the machine that the scenario runs on",
        "out_of_memory_kill": KILL,
        "unclean_shutdown": KILL,
    },
}
"""The causes that no recipe makes, and why."""


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_cause_that_can_be_concluded_has_a_recipe_or_is_listed_as_lacking_one(folder: str) -> None:
    scenarios = [each for (place, _), each in SCENARIOS.items() if place == folder]
    tried = {each for scenario in scenarios for wanted in scenario.expect for each in wanted.id}
    concluded = {
        each.rule.id for each in all_causes() if any(name.startswith(f"{folder}.") for name in each.rule.checks)
    }
    assert concluded - tried == set(LACKING[folder])  # one that has a recipe by now is taken off the list


def test_the_same_seed_gives_the_same_names_and_another_gives_others() -> None:
    schema = read_schemas("postgresql", HERE)["shop"]

    assert schema_values(schema, 3) == schema_values(schema, 3)
    assert schema_values(schema, 3) != schema_values(schema, 4)


def test_row_counts_stay_within_half_of_the_base() -> None:
    schema = read_schemas("postgresql", HERE)["shop"]
    for seed in range(30):
        values = schema_values(schema, seed)
        assert all(0.5 * base <= int(values[role]) <= 1.5 * base for role, base in schema.rows.items())


def test_a_key_that_the_format_does_not_know_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text('id = "X"\ntitle = "t"\narea = "a"\nmanifets = []\n', encoding="utf-8")

    with pytest.raises(ScenarioError, match=r"x\.toml.*manifets"):
        read_scenario(path)


def test_a_step_has_exactly_one_action(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(
        'id = "X"\ntitle = "t"\narea = "a"\n[[step]]\nsql = "SELECT 1"\nloop = "SELECT 2"\n', encoding="utf-8"
    )

    with pytest.raises(ScenarioError, match="one action"):
        read_scenario(path)


def test_two_scenarios_with_one_id_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.toml").write_text('id = "X"\ntitle = "t"\narea = "a"\n', encoding="utf-8")

    with pytest.raises(ScenarioError, match="more than one scenario is called X"):
        read_folder(tmp_path, "postgresql")


def test_random_numbers_of_a_repetition_stay_in_their_range() -> None:
    chance = random.Random(1)
    seen = {int(repetition("{random:3:5}", 1, chance)) for _ in range(60)}

    assert seen == {3, 4, 5}


def test_a_placeholder_that_nothing_fills_is_an_error_and_a_session_may_come_later() -> None:
    assert render("pid {pid:holder}", {}) == "pid {pid:holder}"
    with pytest.raises(ScenarioError, match="nothing fills"):
        render("{tabel}", {"table": "x"})


def test_a_series_is_a_derived_table_of_so_many_numbers() -> None:
    text = render("SELECT n FROM {series:{parents}}", {"parents": "40"})

    assert text == (
        "SELECT n FROM (WITH RECURSIVE g (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < 40)"
        " SELECT n FROM g) AS g"
    )


def test_a_step_of_one_engine_is_not_taken_on_another() -> None:
    step = Step(engine=("mysql",), sql=("SELECT 1",))

    assert step.is_for("mysql")
    assert not step.is_for("mariadb")
    assert Step(sql=("SELECT 1",)).is_for("mariadb")
