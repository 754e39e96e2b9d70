"""What `doctor` looks at. Each function gives lines; one that cannot look says so in a line of its own."""

import os
import platform
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from housecall import __version__
from housecall.app import State, answering, build_engines, open_state
from housecall.cli.targets import instance_of_dsn
from housecall.diagnosis.snapshot import Snapshot, take_snapshot
from housecall.engines.engine import Unavailable
from housecall.engines.instance import Engines, Instance
from housecall.errors import HousecallError, SetupError
from housecall.settings import Settings

Level = Literal["ok", "warn", "fail"]
LEAST_FREE_BYTES = 512 * 1024 * 1024
"""Below this the state store may fill the disk in the middle of an answer."""

WANTED_EXTENSIONS = {
    "pg_stat_statements": "without it statements are known from samples of running sessions only; "
    "add it to shared_preload_libraries, restart, then: CREATE EXTENSION pg_stat_statements;",
    "hypopg": "without it the gain of an index is estimated, not planned; "
    "install the package hypopg on the server, then: CREATE EXTENSION hypopg;",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One fact. `remedy` says what to do about it; None when there is nothing to do."""

    level: Level
    what: str
    remedy: str | None = None


def of_programs() -> Iterator[Line]:
    import psycopg

    libpq = psycopg.pq.version()
    yield Line(
        "ok",
        f"Housecall {__version__}, Python {platform.python_version()}, psycopg {psycopg.__version__},"
        f" libpq {libpq // 10000}.{libpq % 10000}",
    )


def of_home(settings: Settings) -> Iterator[Line]:
    home = settings.home
    nearest = _nearest_existing(home)
    if not os.access(nearest, os.W_OK | os.X_OK) or not nearest.is_dir():
        yield Line(
            "fail",
            f"Home {home} cannot be used: no right to write into {nearest}",
            "Choose another folder with HOUSECALL_HOME, or change its owner",
        )
        return
    free = shutil.disk_usage(nearest).free
    told = f"Home {home}{'' if home.exists() else ' (will be made)'}, {free / 1024**3:.1f} GB free"
    if free < LEAST_FREE_BYTES:
        yield Line("warn", told, "Make room, or choose another disk with HOUSECALL_HOME")
    else:
        yield Line("ok", told)


async def of_installation(settings: Settings) -> AsyncIterator[Line]:
    """State store and registered instances."""
    kind = "HOUSECALL_DATABASE_URL" if settings.database_url else "embedded PostgreSQL"
    try:
        async with open_state(settings) as state:
            yield Line("ok", f"State store: {kind}")
            async for line in _of_runs(state):
                yield line
            instances = await state.instances.list_instances(state.root.account_id)
            if not instances:
                yield Line(
                    "warn",
                    "No instance is registered",
                    "housecall instance add ID --dsn postgresql://user@host:5432/database",
                )
            for instance in instances:
                async for line in of_instance(state.engines, instance):
                    yield line
    except HousecallError as error:
        yield Line("fail", f"State store: {kind}: {error.message}")


async def _of_runs(state: State) -> AsyncIterator[Line]:
    """What keeps this installation from answering, a model that cannot be built included."""
    try:
        async with answering(state) as app:
            for missing in (await app.health()).missing:
                yield Line("fail", missing)
    except SetupError as error:
        yield Line("fail", f"Questions cannot be answered: {error.message}")


async def of_dsn(settings: Settings, dsn: str) -> AsyncIterator[Line]:
    engines = build_engines(settings)
    try:
        instance = instance_of_dsn(engines, dsn)
    except HousecallError as error:
        yield Line("fail", error.message)
        return
    async for line in of_instance(engines, instance):
        yield line


async def of_instance(engines: Engines, instance: Instance) -> AsyncIterator[Line]:
    """Version, rights and extensions of one server; then every reading is tried, and what it lacks is told."""
    try:
        async with engines.open_probe(instance) as probe:
            snapshot = await take_snapshot(probe, instance.id, engines.engine(instance.engine))
    except HousecallError as error:
        yield Line("fail", error.message)
        return
    facts = snapshot.facts
    yield Line("ok", f"Instance '{instance.id}': {facts.version.text} at {instance.target.address}")
    for line in _rights(instance, snapshot):
        yield line
    for extension, why in WANTED_EXTENSIONS.items():
        if extension in facts.extensions:
            yield Line("ok", f"Instance '{instance.id}': extension {extension}")
        else:
            yield Line("warn", f"Instance '{instance.id}': no extension {extension} in database {facts.database}", why)


def _rights(instance: Instance, snapshot: Snapshot) -> Iterator[Line]:
    facts = snapshot.facts
    if facts.is_superuser:
        yield Line(
            "warn",
            f"Instance '{instance.id}': role '{facts.user}' is a superuser, which is more than Housecall needs",
            "Use a role of its own: CREATE ROLE housecall LOGIN PASSWORD '...'; GRANT pg_monitor TO housecall;",
        )
    elif facts.has_monitor_role:
        yield Line("ok", f"Instance '{instance.id}': role '{facts.user}' has pg_monitor")
    else:
        yield Line(
            "warn",
            f"Instance '{instance.id}': role '{facts.user}' lacks pg_monitor and sees little of other sessions",
            f"GRANT pg_monitor TO {facts.user};",
        )
    denied = [
        found
        for found in snapshot.readings.values()
        if isinstance(found, Unavailable) and found.kind in ("privilege", "error", "timeout")
    ]
    for found in denied:
        yield Line("warn", f"Instance '{instance.id}': reading {found.reading}: {found.reason}", found.remedy)
    if not denied:
        yield Line("ok", f"Instance '{instance.id}': no reading is denied ({len(snapshot.readings)} tried)")


async def of_model(settings: Settings) -> Line:
    """The model that answers by default. Its fallback makes a failure something to look at, not the end."""
    from housecall.agent.entries import load_roster
    from housecall.agent.models import entry_reachable
    from housecall.configuration import BUILTIN

    try:
        entry = load_roster(settings).default
    except SetupError as error:
        return Line("fail", error.message)
    if entry.id == BUILTIN:
        return Line("ok", "Model: the built-in diagnostician, which needs no network")
    wrong = await entry_reachable(entry)
    if wrong is None:
        return Line("ok", f"Model: {entry.id} answers")
    return Line("warn", f"{wrong}; {entry.fallback} answers instead") if entry.fallback else Line("fail", wrong)


def _nearest_existing(folder: Path) -> Path:
    return next(each for each in (folder, *folder.absolute().parents) if each.exists())
