"""What happens in a run, as numbered events: the one vocabulary of store, stream and history.

An event is stored first and streamed second. Its number is unique and rising within its run and starts at 1.
Contract, decision 3: `workflow_started`, `message` (a text delta), `thinking`, `tool_call`, `doc`, `tool_approval`,
`message_replace` (the text so far is void), `error`, `message_end` (usage), `workflow_finished` (always the last).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

EventName = Literal[
    "workflow_started",
    "message",
    "thinking",
    "tool_call",
    "doc",
    "tool_approval",
    "message_replace",
    "error",
    "message_end",
    "workflow_finished",
]

RunStatus = Literal["queued", "running", "succeeded", "failed", "stopped", "pending_approval"]
FINAL_STATUSES: frozenset[RunStatus] = frozenset({"succeeded", "failed", "stopped", "pending_approval"})


@dataclass(frozen=True, slots=True)
class Happening:
    """An event before it has a number: what the agent says of itself.

    `answer` is the text of the event: a delta for `message` and `thinking`, a sentence for a person for `error`,
    JSON text for the others. `fields` holds what belongs to the kind, in our words:
    tool_call: call_id, tool_name, status (start|end|error), arguments, response, elapsed_ms;
    tool_approval: call_id, round_id, tool_name, arguments, description, approval_status;
    message_end: input_tokens, output_tokens, model, and for models other than the built-in diagnostician ungrounded
    (numbers and names of the answer that no tool returned) and unsafe (advice that was cautioned against);
    error: code; workflow_finished: status.
    """

    name: EventName
    answer: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """A happening with its place in its run."""

    run_id: str
    number: int
    at: datetime
    happening: Happening


class EventSink(Protocol):
    """Where a run reports to. `report` returns once the happening is queued in order; it never blocks on a client.

    `flush` returns when everything reported so far is stored. Raises StoreError when it cannot be.
    """

    async def report(self, happening: Happening) -> None: ...

    async def flush(self) -> None: ...
