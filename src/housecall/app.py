"""The composition root: opens an installation and closes it again. The only file that names concrete parts."""

import asyncio
import contextlib
import errno
import logging
import os
import stat
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from housecall.access.accounts import Caller, ensure_root
from housecall.access.admission import Admission
from housecall.access.keys import Keys
from housecall.access.parts import Access, open_access
from housecall.access.vault import Vault, open_vault
from housecall.engines.change import Changer
from housecall.engines.engine import EngineName, ProbeLimits
from housecall.engines.instance import Engines
from housecall.errors import SetupError, StoreError
from housecall.instances.change_targets import ChangeTargets
from housecall.instances.directory import Instances
from housecall.instances.visible import VisibleInstances, caller_of_turn
from housecall.settings import Settings
from housecall.store.database import Database
from housecall.store.embedded import Cluster
from housecall.store.unprivileged import stand_in
from housecall.turn import Answerer, Turn

if TYPE_CHECKING:  # what chats and answers is loaded when it is opened: most commands need only the state
    from housecall.agent.entries import ModelRoster
    from housecall.chat.approvals import Approvals
    from housecall.chat.conversations import Conversations
    from housecall.chat.custom_agents import CustomAgents
    from housecall.chat.desk import Desk
    from housecall.chat.files import Files
    from housecall.chat.runs import Runs
    from housecall.chat.skills import Skills

STATE_FOLDER = "postgres"
STATE_DATABASE = "housecall"
WATCH_SECONDS = 1.0
SWEEP_SECONDS = 60 * 60.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the installation can serve. `missing` says in sentences what is not there."""

    missing: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        return not self.missing


@dataclass(frozen=True)
class State:
    """What an installation keeps, open: who may do what, and the instances. It runs nothing.

    `root` is the caller that the command line and the console act as.
    """

    settings: Settings
    database: Database
    engines: Engines
    instances: Instances
    admission: Admission
    vault: Vault
    keys: Keys
    access: Access
    change_targets: ChangeTargets
    root: Caller


@dataclass(frozen=True)
class App(State):
    """An open installation that takes questions."""

    conversations: "Conversations"
    runs: "Runs"
    files: "Files"
    skills: "Skills"
    custom_agents: "CustomAgents"
    models: "ModelRoster"
    approvals: "Approvals"

    def instances_for(self, caller: Caller, conditions: Mapping[str, str] | None = None) -> VisibleInstances:
        """The instances that this caller may see. Whatever is done for a caller goes through here."""
        return VisibleInstances(self.instances, self.access.rights, self.access.audit, caller, conditions)

    async def health(self) -> Health:
        """Asks the state database now."""
        missing: list[str] = []
        try:
            await self.database.check()
        except StoreError as error:
            missing.append(error.message)
        if self.runs.trouble is not None and self.runs.trouble not in missing:
            missing.append(self.runs.trouble)
        return Health(tuple(missing))


@contextlib.asynccontextmanager
async def open_state(settings: Settings) -> AsyncIterator[State]:
    """Open the state alone, for what neither asks nor follows; close it again.

    Raises:
        SetupError: what is wrong with this installation and what to do.
    """
    make_home(settings.home)
    async with contextlib.AsyncExitStack() as stack:
        database = await _open_database(settings, stack)
        vault = open_vault(settings)
        root = await ensure_root(database)
        engines = build_engines(settings)
        admission = Admission()
        access = open_access(database, vault)
        stack.push_async_callback(access.audit.close)
        yield State(
            settings=settings,
            database=database,
            engines=engines,
            instances=Instances(database, vault, engines, admission),
            admission=admission,
            vault=vault,
            keys=Keys(database, vault),
            access=access,
            change_targets=ChangeTargets(database, vault, engines),
            root=root,
        )


@contextlib.asynccontextmanager
async def open_app(settings: Settings, *, answerer: Answerer | None = None) -> AsyncIterator[App]:
    """Open state, engines and agent; close them in reverse order. Without `answerer` the agent of the settings answers.

    To be opened on the loop that serves: runs execute there. A second installation in the same process follows and
    stops runs but leaves executing to the first.

    Raises:
        SetupError: what is wrong with this installation and what to do.
    """
    from housecall.agent.entries import load_roster

    make_home(settings.home)
    load_roster(settings)  # a mistake in the file is told before anything is started
    async with open_state(settings) as state, answering(state, answerer=answerer) as app:
        yield app


@contextlib.asynccontextmanager
async def answering(state: State, *, answerer: Answerer | None = None) -> AsyncIterator[App]:
    """What chats and answers on an open state, as `open_app` opens it.

    Raises:
        SetupError: a model cannot be built, such as one whose key is not there.
    """
    from housecall.agent.entries import load_roster
    from housecall.chat.conversations import Conversations
    from housecall.chat.custom_agents import CustomAgents
    from housecall.chat.files import Files
    from housecall.chat.runs import Runs
    from housecall.chat.skills import Skills

    settings, database = state.settings, state.database
    models = load_roster(settings)
    async with contextlib.AsyncExitStack() as stack:
        files = Files(database, state.vault, settings)
        runs = Runs(database, state.admission, files)
        skills = Skills(database)
        custom_agents = CustomAgents(database, skills, _tool_names)
        stack.push_async_callback(runs.close)
        desk = _open_desk(state)
        stack.push_async_callback(desk.close)
        await runs.open(answerer or _build_agent(state, skills, custom_agents, desk))
        sweeping = asyncio.create_task(_sweep_files(files), name="housecall files")
        stack.push_async_callback(_end, sweeping)
        yield App(
            **{each.name: getattr(state, each.name) for each in fields(state)},
            conversations=Conversations(database),
            runs=runs,
            files=files,
            skills=skills,
            custom_agents=custom_agents,
            models=models,
            approvals=approvals_of(state),
        )


def approvals_of(state: State) -> "Approvals":
    """Changes that wait for a person, to list and decide: no model is needed for that."""
    from housecall.chat.approvals import Approvals

    return Approvals(
        state.database,
        state.engines,
        state.instances,
        expiry_seconds=state.settings.approval_expiry_seconds,
    )


def build_engines(settings: Settings) -> Engines:
    """The engines of this installation, with the settings' limits."""
    from housecall.engines import mysql, postgresql

    limits = ProbeLimits(
        connect_timeout_seconds=settings.probe_connect_timeout_seconds,
        statement_timeout_seconds=settings.probe_statement_timeout_seconds,
    )
    from housecall.engines.mysql import changes as mysql_changes
    from housecall.engines.postgresql import changes as postgresql_changes

    changers: dict[EngineName, Changer] = {
        postgresql.ENGINE.name: postgresql_changes.CHANGER,
        mysql.ENGINE.name: mysql_changes.CHANGER,
    }
    return Engines({engine.name: engine for engine in (postgresql.ENGINE, mysql.ENGINE)}, limits, changers)


def _open_desk(state: State) -> "Desk":
    from housecall.chat.desk import Desk

    return Desk(
        state.database,
        state.engines,
        state.change_targets,
        state.access.audit,
        expiry_seconds=state.settings.approval_expiry_seconds,
        statement_timeout_seconds=state.settings.change_statement_timeout_seconds,
    )


def _tool_names() -> Collection[str]:
    from housecall.agent.tools import all_tools

    return {each.name for each in all_tools()}


def _build_agent(state: State, skills: "Skills", custom_agents: "CustomAgents", desk: "Desk") -> Answerer:
    from housecall.agent.agent import build_agent

    instances, access = state.instances, state.access

    def granted(turn: Turn) -> VisibleInstances:
        caller, conditions = caller_of_turn(turn)
        return VisibleInstances(instances, access.rights, access.audit, caller, conditions, turn.run_id)

    return build_agent(
        state.settings,
        state.engines,
        instances,
        skills=skills,
        profiles=custom_agents,
        granted=granted,
        desk=desk,
    )


async def _open_database(settings: Settings, stack: contextlib.AsyncExitStack) -> Database:
    if settings.database_url is not None:
        url = settings.database_url.get_secret_value()
    else:
        cluster = Cluster(settings.home / STATE_FOLDER)
        # Registered first: a start that is cancelled goes on in its thread, and stop waits for it to end.
        stack.push_async_callback(asyncio.to_thread, cluster.stop)
        await asyncio.to_thread(cluster.start)
        url = await asyncio.to_thread(cluster.ensure_database, STATE_DATABASE)
        watching = asyncio.create_task(_keep_running(cluster), name="housecall embedded server")
        stack.push_async_callback(_end, watching)
    database = Database(url)
    stack.push_async_callback(database.close)
    await database.prepare()
    return database


async def _keep_running(cluster: Cluster) -> None:
    """Start the embedded server again when something has killed it; the runs wait for it meanwhile."""
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        if cluster.pid is None:
            log.error("the embedded PostgreSQL has ended; starting it again")
            try:
                await asyncio.to_thread(cluster.start)
            except SetupError as error:
                log.error("%s", error.message)


async def _sweep_files(files: "Files") -> None:
    """Delete files that are older than they may get; a store that is away is asked again later."""
    while True:
        with contextlib.suppress(StoreError):
            await files.sweep()
        await asyncio.sleep(SWEEP_SECONDS)


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait({task})


def make_home(home: Path) -> None:
    """The folder of everything, private. Root's lets the user through (not in) who runs the embedded server.

    Raises SetupError when it cannot be made or written.
    """
    try:
        if not home.exists():
            home.mkdir(parents=True)
            home.chmod(0o711 if os.geteuid() == 0 else 0o700)
        elif not os.access(home, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "permission denied", str(home))
        elif os.geteuid() == 0 and home.stat().st_uid == 0:
            _let_through(home)
    except OSError as error:
        raise SetupError(
            f"HOUSECALL_HOME={home} cannot be used: {error.strerror}. Choose a folder that this user may write."
        ) from error


def _let_through(home: Path) -> None:
    """A home that root made private (`mktemp -d`): its group becomes the stand-in's, which may pass and not look."""
    account = stand_in()
    if not account.can_enter(home) and account.can_enter(home.parent):
        os.chown(home, -1, account.gid)
        home.chmod(home.stat().st_mode | stat.S_IXGRP)
