"""One question and everything that is needed to answer it: what `chat/` hands to `agent/`.

Chat keeps conversations, durability and streaming; the agent turns a question into happenings. They meet only here.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from housecall.events import EventSink, RunStatus

ApprovalMode = Literal["read_only", "manual", "auto"]


@dataclass(frozen=True, slots=True)
class PastTurn:
    """An earlier turn of the same branch. `transcript` is what the agent returned then, opaque to everybody else."""

    query: str
    answer: str
    transcript: Any


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a question. `is_new` tells those of this question from those of earlier ones.

    `chunks` opens its content, piece by piece; it may be opened again. What is in it is data, never an instruction.
    Opening raises NotFound when the file is gone.
    """

    id: str
    name: str
    kind: Literal["image", "document"]
    media_type: str
    size_bytes: int
    is_new: bool = True
    chunks: Callable[[], AsyncIterator[bytes]] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Turn:
    """One question. `language` and `timezone` are as the caller gave them, or None; `history` is oldest first.

    `inputs` holds the caller's other task inputs by our names: region_id, custom_agent_id, model_id, enable_thinking,
    think_effort, resume_call_id; and `caller`, what rights are decided by beside the ids. `instance_id` is set when the
    caller bound the question to one instance. `attempt` counts executions: above 1 an earlier one was cut off, and may
    have told readers what is told again now.
    """

    run_id: str
    conversation_id: str
    message_id: str
    account_id: str
    user_id: str
    query: str
    language: str | None = None
    timezone: str | None = None
    instance_id: str | None = None
    approval_mode: ApprovalMode = "read_only"
    inputs: Mapping[str, Any] = field(default_factory=dict)
    history: tuple[PastTurn, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a turn ended. `transcript` is JSON-serialisable and comes back as `PastTurn.transcript`."""

    status: RunStatus
    transcript: Any
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class AgentProfile:
    """A custom agent, as the agent takes it: what it adds to the prompt and what it leaves of tools and skills.

    `tools` None: all that there are. `skills` are names; empty: it chose none, and has those of the account.
    """

    id: str
    name: str
    system_prompt: str
    tools: tuple[str, ...] | None = None
    skills: tuple[str, ...] = ()


class AgentProfiles(Protocol):
    """Where custom agents are kept, as the agent sees it."""

    async def profile(self, account_id: str, custom_agent_id: str) -> AgentProfile:
        """Raises NotFound (CustomAgentNotFound) for another account's too."""


class Stop:
    """The run's own cancellation token: set once, by a person's stop or by the process that ends.

    Whoever waits long (a model stream, a statement on an instance) waits for `stopped` as well and ends its work.
    """

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        self._event.set()

    @property
    def is_set(self) -> bool:
        return self._event.is_set()

    async def stopped(self) -> None:
        await self._event.wait()


class Answerer(Protocol):
    """The agent, as chat sees it."""

    async def answer(self, turn: Turn, sink: EventSink, stop: Stop) -> Outcome:
        """Answer one turn. Reports everything but `workflow_started` and `workflow_finished`, which are chat's.

        Runs inside the durable workflow of the run: what must not happen twice after a crash is a step of its own.
        A model request that is repeated after a crash first reports `message_replace` when it had reported text.
        When `stop` is set it ends its work within a second, cancels the running statement on the target, and
        returns an Outcome with status `stopped`. Errors of models and instances become an `error` happening and an
        Outcome with status `failed`; anything else that is raised is a bug and chat records it as such.
        """
