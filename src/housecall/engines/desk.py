"""Where the agent brings the changes that its model asks for: the desk proposes, waits for a decision, carries out.

The agent knows no rules and no ledger; it tells the desk what the model wants and gives the model what the desk says.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from housecall.engines.instance import Instance
from housecall.turn import Turn
from housecall.wording import Language

ApprovalStatus = Literal["pending", "approved", "rejected", "expired"]


@dataclass(frozen=True, slots=True)
class WantedCall:
    """A write call of a model. `tool_call_id` is the model's own, unique within its run at most.

    `wants_person`: the model asks for a person whatever the rules would let pass.
    """

    tool_name: str
    tool_call_id: str
    arguments: Mapping[str, Any]
    wants_person: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """What became of a wanted call. `content` is what the model may read of it when it is refused."""

    verdict: Literal["refused", "waiting", "allowed"]
    call_id: str = ""
    round_id: str = ""
    content: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CallCard:
    """A stored call as people and the stream see it. `changed` says that a person gave other arguments."""

    call_id: str
    round_id: str
    tool_call_id: str
    tool_name: str
    instance_id: str
    arguments: Mapping[str, Any]
    description: str
    status: ApprovalStatus
    comment: str = ""
    changed: bool = False


class ChangeDesk(Protocol):
    """The ledger of changes, as the agent sees it."""

    async def propose(self, turn: Turn, call: WantedCall, instance: Instance, language: Language) -> Proposal:
        """Compose the change, judge it by the turn's mode, and store it. The same call of a run is stored once.

        Raises RequestError, NotFound or InstanceError when it cannot be composed.
        """

    async def waiting(self, turn: Turn) -> tuple[CallCard, ...]:
        """The calls of this run that wait for a person, in the order they were made."""

    async def resumed(self, turn: Turn) -> tuple[CallCard, ...]:
        """The calls of the round that this turn goes on with (`Turn.inputs["resume_call_id"]`), all decided."""

    async def find(self, turn: Turn, tool_call_id: str) -> CallCard:
        """The call of the model that this turn may carry out now. Raises NotFound (ApprovalNotFound)."""

    async def carry_out(
        self,
        turn: Turn,
        call_id: str,
        instance: Instance,
        watch: Callable[[Any], None],
    ) -> Mapping[str, Any]:
        """Make the change, once, if it is approved and everything is as it was seen. The result is for the model.

        `watch` is told of whatever can be cancelled while it runs. Goes on to its record when its caller is cancelled.
        """
