"""What a command is about: a registered instance, or a server named by its DSN.

A DSN needs no server, no store and no registration: it becomes an instance that only this process knows.
"""

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from housecall.cli.options import DSN_VARIABLE
from housecall.errors import NotFound, RequestError

if TYPE_CHECKING:
    from housecall.engines.instance import Engines, Instance
    from housecall.settings import Settings


@dataclass(frozen=True, slots=True)
class Choice:
    """Either an instance's id or a DSN, or neither. The DSN never shows in a repr."""

    instance_id: str | None
    dsn: str | None

    def __repr__(self) -> str:
        return f"Choice(instance_id={self.instance_id!r}, dsn={'***' if self.dsn else None})"


def choose(instance_id: str | None, dsn: str | None) -> Choice:
    """What the options say; the environment's DSN counts only when they say nothing.

    Raises RequestError when they name two servers.
    """
    if instance_id and dsn:
        raise RequestError(f"Name one server: the instance '{instance_id}' or a --dsn, not both")
    if instance_id or dsn:
        return Choice(instance_id or None, dsn or None)
    return Choice(None, os.environ.get(DSN_VARIABLE) or None)


def choose_one(instance_id: str | None, dsn: str | None) -> Choice:
    """As `choose`, for a command that cannot do without a server."""
    choice = choose(instance_id, dsn)
    if choice.instance_id is None and choice.dsn is None:
        raise RequestError(
            "Name a server: an instance's id, --dsn postgresql://user@host:5432/database"
            f" (mysql:// and mariadb:// likewise), or {DSN_VARIABLE}"
        )
    return choice


def instance_of_dsn(engines: "Engines", dsn: str) -> "Instance":
    """The instance that a DSN stands for; its id is made from the database's name."""
    from housecall.engines.instance import Instance

    target = engines.parse_dsn(dsn)
    slug = re.sub(r"[^a-z0-9_.-]+", "-", target.database.lower()).strip("-.") or target.engine
    return Instance(id=slug, engine=target.engine, target=target)


class SingleInstance:
    """An InstanceDirectory of one instance, the same for everybody."""

    def __init__(self, instance: "Instance") -> None:
        self._instance = instance

    async def list_instances(self, account_id: str) -> "tuple[Instance, ...]":  # noqa: ARG002 - part of the seam
        return (self._instance,)

    async def get_instance(self, account_id: str, instance_id: str) -> "Instance":  # noqa: ARG002 - part of the seam
        if instance_id == self._instance.id:
            return self._instance
        raise NotFound(
            f"Instance '{instance_id}' is not known here; the only one is '{self._instance.id}'",
            code="InstanceNotFound",
        )


@asynccontextmanager
async def open_choice(settings: "Settings", choice: Choice) -> "AsyncIterator[tuple[Engines, Instance]]":
    """The chosen instance and the engines to reach it with. Opens the state store only for a registered instance."""
    from housecall.app import build_engines, open_state

    if choice.dsn is not None:
        engines = build_engines(settings)
        yield engines, instance_of_dsn(engines, choice.dsn)
        return
    assert choice.instance_id is not None
    async with open_state(settings) as state:
        yield state.engines, await state.instances.get_instance(state.root.account_id, choice.instance_id)
