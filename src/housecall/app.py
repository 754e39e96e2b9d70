"""The composition root: opens an installation and closes it again. The only file that names concrete parts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from housecall.access.keys import Keys
from housecall.chat.conversations import Conversations
from housecall.chat.runs import Runs
from housecall.settings import Settings
from housecall.turn import Answerer


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the installation can serve. `missing` says in sentences what is not there."""

    ready: bool
    missing: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class App:
    """An open installation."""

    settings: Settings
    runs: Runs
    conversations: Conversations
    keys: Keys

    async def health(self) -> Health:
        raise NotImplementedError


@asynccontextmanager
async def open_app(settings: Settings, *, answerer: Answerer | None = None) -> AsyncIterator[App]:
    """Open state, engines and agent; close them in reverse order.

    Raises:
        SetupError: what is wrong with this installation and what to do.
    """
    raise NotImplementedError
    yield
