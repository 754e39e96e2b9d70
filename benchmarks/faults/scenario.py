"""Scenario and schema files: TOML, read into values and checked, so that a folder of them can come from anywhere.

docs/how-to/fault-scenarios.md describes the format. Reading is strict: a key that is not known is an error that names
the file, since a misspelt `manifest` would otherwise make a scenario that tests nothing.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

HERE = Path(__file__).parent
Kind = Literal["fault", "alert", "healthy"]


class ScenarioError(ValueError):
    """A file that is not a scenario; the message names the file and what is wrong."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that the fault program does: exactly one of the actions, with what it needs.

    Actions: `sql` (to its end), `start` (without waiting), `repeat` (`times` in a row), `loop` (until the run ends),
    `reconnect` (as `loop`, a connection each time), `open` (idle sessions), `until` (wait for a true), `close` (a
    session), `restart` (with settings and offline tools), `standby` (a second server), `on_standby` (statements there),
    `until_standby` (wait for a true there), `stop_standby`. With `engine` the step is taken on these engines only.
    """

    engine: tuple[str, ...] = ()
    session: str = ""
    application: str = "app"
    role: str = ""
    sql: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    repeat: str = ""
    loop: str = ""
    reconnect: str = ""
    open: int = 0
    until: str = ""
    until_standby: str = ""
    close: str = ""
    restart: Mapping[str, Any] = field(default_factory=dict)
    standby: Mapping[str, str] = field(default_factory=dict)
    on_standby: tuple[str, ...] = ()
    stop_standby: bool = False
    tolerant: bool = False
    times: int = 1
    sessions: int = 1
    pause_seconds: float = 0.0
    may_fail: bool = False
    patience_seconds: float = 20.0

    ACTIONS = ("sql", "start", "repeat", "loop", "reconnect", "open", "until", "close", "restart", "standby",
               "on_standby", "until_standby", "stop_standby")  # fmt: skip

    @property
    def action(self) -> str:
        return next(name for name in self.ACTIONS if getattr(self, name))

    def is_for(self, engine: str) -> bool:
        return not self.engine or engine in self.engine


@dataclass(frozen=True, slots=True)
class Expected:
    """A required cause: its id (one of), its object (one of), and whether it is a root or a link of the chain."""

    id: tuple[str, ...]
    object: tuple[str, ...]
    root: bool = True


@dataclass(frozen=True, slots=True)
class Verifier:
    """How to see that a remedy helped: `time` of a statement or the figure of `sql`, after the remedy.

    `at_most_share` compares with the figure before the remedy. `advice` is for causes that only the application can
    mend: a pattern that the remedy's words must hold.
    """

    time: str = ""
    sql: str = ""
    first: tuple[str, ...] = ()
    at_most: float | None = None
    at_least: float | None = None
    at_most_share: float | None = None
    advice: str = ""
    wait_seconds: float = 8.0
    standby: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """One fault (or healthy control, or misleading alert) with everything that is needed to run and judge it."""

    id: str
    title: str
    area: str
    path: Path
    kind: Kind = "fault"
    engine: tuple[str, ...] = ("postgresql",)
    schemas: tuple[str, ...] = ()
    server: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    manifest: tuple[str, ...] = ()
    expect: tuple[Expected, ...] = ()
    allow: tuple[str, ...] = ()
    forbid: tuple[str, ...] = ()
    forbid_statements: tuple[str, ...] = ()
    may_end: tuple[str, ...] = ()
    verify: Verifier | None = None
    question: str = ""
    must_say: tuple[str, ...] = ()
    must_not_say: tuple[str, ...] = ()
    statements: bool = False
    slow: bool = False
    examine_standby: bool = False


@dataclass(frozen=True, slots=True)
class Schema:
    """A set of tables: pools of names by role, base row counts, statements that build it, harmless traffic."""

    id: str
    engine: tuple[str, ...]
    names: Mapping[str, Sequence[str]]
    rows: Mapping[str, int]
    sql: tuple[str, ...]
    traffic: tuple[str, ...]
    canaries: tuple[str, ...]


def read_scenario(path: Path) -> Scenario:
    """The scenario of a file. Raises ScenarioError."""
    found = _load(path)
    try:
        steps = tuple(_step(path, each) for each in found.pop("step", []))
        expect = tuple(_expected(path, each) for each in found.pop("expect", []))
        verify = found.pop("verify", None)
        return _build(
            Scenario, path, found, path=path, steps=steps, expect=expect,
            verify=_build(Verifier, path, verify) if verify else None,
        )  # fmt: skip
    except TypeError as error:
        raise ScenarioError(f"{path}: {error}") from error


def read_schema(path: Path) -> Schema:
    """The schema of a file. Raises ScenarioError."""
    try:
        return _build(Schema, path, _load(path))
    except TypeError as error:
        raise ScenarioError(f"{path}: {error}") from error


def read_folder(folder: Path, engine: str) -> list[Scenario]:
    """All scenarios of a folder for an engine, by id. Raises ScenarioError, also when two have one id."""
    found = [read_scenario(path) for path in sorted(folder.glob("*.toml"))]
    ids = [each.id for each in found]
    twice = {each for each in ids if ids.count(each) > 1}
    if twice:
        raise ScenarioError(f"{folder}: more than one scenario is called {', '.join(sorted(twice))}")
    return [each for each in found if engine in each.engine]


def read_schemas(engine: str, *folders: Path) -> dict[str, Schema]:
    """The schemas of these folders (each looked at below `schemas/`) for an engine, by id."""
    paths = [path for folder in folders for path in sorted((folder / "schemas").glob("*.toml"))]
    return {schema.id: schema for path in paths if engine in (schema := read_schema(path)).engine}


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ScenarioError(f"{path}: {error}") from error


def _step(path: Path, found: dict[str, Any]) -> Step:
    step = _build(Step, path, found)
    actions = [name for name in Step.ACTIONS if getattr(step, name)]
    if len(actions) != 1:
        raise ScenarioError(f"{path}: a step has one action of {', '.join(Step.ACTIONS)}, not {actions}")
    return step


def _expected(path: Path, found: dict[str, Any]) -> Expected:
    return _build(Expected, path, found)


def _build(kind: Any, source: Path, found: Mapping[str, Any], /, **more: Any) -> Any:
    known = {each.name: each for each in fields(kind)}
    unknown = set(found) - set(known)
    if unknown:
        raise ScenarioError(f"{source}: {kind.__name__.lower()} does not know {', '.join(sorted(unknown))}")
    values = {name: _value(value, str(known[name].type)) for name, value in found.items()}
    return kind(**values, **more)


def _value(value: Any, declared: str) -> Any:
    """A single text where several are possible is one of them."""
    if "tuple" in declared:
        return tuple([value] if isinstance(value, str) else value)
    return value
