"""Runs: one execution of the agent for one message, durable, streamed and stoppable from any process.

What is promised:
* `start` stores message, run and event number 1 in one transaction before it returns; a crash after that loses
  nothing, since the run goes on in whichever process lives or comes next;
* `subscribe` gives every event of a run once and in order, wherever the run executes;
* `workflow_finished` is stored in the transaction that closes the run, so there is exactly one and it is the last.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from housecall.events import Event, RunStatus
from housecall.turn import ApprovalMode


@dataclass(frozen=True, slots=True)
class NewQuestion:
    """A question as the edges hand it in. Empty texts for the ids mean "none", as on the wire."""

    account_id: str
    user_id: str
    query: str
    conversation_id: str | None = None
    parent_message_id: str | None = None
    language: str | None = None
    timezone: str | None = None
    instance_id: str | None = None
    approval_mode: ApprovalMode | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class StartedRun:
    """What a caller needs to follow a run: its id is the TaskId of the wire."""

    run_id: str
    conversation_id: str
    message_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it stands now. `finished_at` is None while it lives."""

    run_id: str
    conversation_id: str
    message_id: str
    account_id: str
    status: RunStatus
    created_at: datetime
    finished_at: datetime | None
    input_tokens: int
    output_tokens: int


class Runs:
    """Starts, follows and stops runs."""

    async def start(self, question: NewQuestion) -> StartedRun:
        """Store the question and set its run going.

        Raises:
            NotFound: ConversationNotFound or MessageNotFound, also for another account's.
            RequestError: PermissionDenied, when the account has no valid plan.
            LimitReached: TooManyRequests or MoQuotaExceeded, by the account's plan.
            StoreError: nothing was accepted.
        """
        raise NotImplementedError

    def subscribe(self, run_id: str, after: int = 0) -> AsyncIterator[Event]:
        """The run's events with a number above `after`, stored ones first, then live; ends after `workflow_finished`.

        The iterator may be left at any time (`aclose`) without harm to the run or to other subscribers.
        """
        raise NotImplementedError

    async def stop(self, account_id: str, run_id: str) -> None:
        """End a run within a second, wherever it executes; its status becomes `stopped`.

        Returns when the wish is stored. Stopping a finished run does nothing.

        Raises:
            NotFound: TaskNotFound.
        """
        raise NotImplementedError

    async def get_run(self, account_id: str, run_id: str) -> Run:
        """Raises NotFound (TaskNotFound)."""
        raise NotImplementedError

    async def run_of_message(self, account_id: str, message_id: str) -> Run:
        """The newest run of a message. Raises NotFound (MessageNotFound)."""
        raise NotImplementedError

    async def wait(self, run_id: str) -> RunStatus:
        """Wait until the run has ended and say how."""
        raise NotImplementedError
