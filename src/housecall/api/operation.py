"""What an operation of the API is, and the registry that routes, reference pages, the explorer and tests walk.

To add an operation, write one module in this package with its request, its response, its handler, and

    OPERATIONS = (Operation(name="GetThing", request=..., response=..., summary=..., handler=..., ...),)

Nothing else names it. The RPC door finds it by name; a `Route` adds a door of its own.
"""

import importlib
import pkgutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal

import housecall.api
from housecall.access.accounts import Caller
from housecall.api.sse import Envelope, EventMode
from housecall.api.wire import WireRequest, WireResponse
from housecall.app import App
from housecall.errors import NotFound
from housecall.events import Event

if TYPE_CHECKING:
    from housecall.api.uploads import Upload

API_VERSION: Final = "2025-05-07"
PRODUCT: Final = "rdsai"
RPC_PATH: Final = "/rpc/"
"""What the name of an operation follows where its RPC door has a path of its own."""

AccessLevel = Literal["none", "read", "list", "get", "create", "update", "delete"]
Door = Literal["rpc", "rest"]


@dataclass(slots=True)
class Subject:
    """What a call is about, for its line in the audit log: what its parameters say, and what its handler found out."""

    instance_id: str | None = None
    call_id: str | None = None
    statement_hash: str | None = None
    result: str = "ok"


@dataclass(frozen=True, slots=True)
class Call:
    """One request that may be served: who calls, through which door, and what the handler needs besides parameters.

    `accepts_stream` is what the Accept header says; `last_event_id` is the header of that name, or an empty text.
    `conditions` are what policies may ask about the request (`acs:SourceIp` and so on).
    """

    app: App
    caller: Caller
    request_id: str
    door: Door = "rpc"
    accepts_stream: bool = False
    last_event_id: str = ""
    conditions: Mapping[str, str] = field(default_factory=dict)
    upload: "Upload | None" = None
    subject: Subject = field(default_factory=Subject)


@dataclass(frozen=True, slots=True)
class EventStream:
    """A run to tell. `skip_parts` are parts of the first event that the client has already.

    With `gather` it is not told as it happens: the edge waits for the end and answers what `gather` makes of it.
    """

    events: AsyncIterator[Event]
    envelope: Envelope
    mode: EventMode
    skip_parts: int = 0
    gather: Callable[[Sequence[Event]], WireResponse] | None = None


Answer = WireResponse | EventStream
Handler = Callable[[Call, Any], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Route:
    """A door of an operation beside the RPC one. Names in braces are parameters."""

    method: Literal["GET", "POST"]
    path: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One action of the API. `errors` are the codes of its own, beside those that every operation may answer.

    `example` holds parameters of a call that makes sense, by their wire names and as values (not as text): the
    description shows them, and the samples that tests execute are made from them. None: it takes none.
    Where it `asks_itself`, the handler asks the policies about a resource of its own instead of the door about all.
    One that `takes_file` reads its body itself, a form with a file (`Call.upload`), through the doors of its own path.
    """

    name: str
    request: type[WireRequest]
    response: type[WireResponse]
    summary: str
    handler: Handler
    access: AccessLevel = "none"
    errors: tuple[str, ...] = ()
    streams: bool = False
    route: Route | None = None
    example: Mapping[str, Any] | None = None
    takes_file: bool = False
    ram_code: str = PRODUCT
    asks_itself: bool = False

    @property
    def ram_action(self) -> str:
        """The action that a RAM policy grants or denies, on all resources."""
        return f"{self.ram_code}:{self.name}"

    async def run(self, call: Call, parameters: Mapping[str, Any]) -> Answer:
        return await self.handler(call, self.request.read(parameters))


@cache
def all_operations() -> tuple[Operation, ...]:
    """Every operation of this package's modules, sorted by name."""
    found: dict[str, Operation] = {}
    for module in pkgutil.iter_modules(housecall.api.__path__, prefix="housecall.api."):
        for operation in getattr(importlib.import_module(module.name), "OPERATIONS", ()):
            if operation.name in found:
                raise ValueError(f"operation {operation.name} is registered twice, again in {module.name}")
            found[operation.name] = operation
    return tuple(found[name] for name in sorted(found))


def find_operation(name: str) -> Operation:
    """Raises NotFound (InvalidAction.NotFound)."""
    for operation in all_operations():
        if operation.name == name:
            return operation
    names = [operation.name for operation in all_operations()]
    near = get_close_matches(name[:60], names, n=3) or ["ChatMessages", "GetConversations"]
    shown = (
        f"{name[:60]!r} is none of this server's" if name else "The request names none (x-acs-action) of this server's"
    )
    raise NotFound(
        f"Specified api is not found, please check your url and method. {shown} {len(names)} operations, such as"
        f" {', '.join(near)}; GET /openapi.json lists them.",
        code="InvalidAction.NotFound",
    )
