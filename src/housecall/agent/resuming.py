"""Going on with a turn that waited for people: what they decided, as pydantic-ai takes it. Pure."""

from collections.abc import Iterable, Sequence

from pydantic_ai.messages import ModelMessage, ModelResponse, ToolCallPart
from pydantic_ai.tools import DeferredToolResults, ToolApproved, ToolDenied

from housecall.agent.history import open_calls
from housecall.engines.desk import CallCard


def decisions(cards: Sequence[CallCard], history: Sequence[ModelMessage]) -> DeferredToolResults:
    """The results of a round. A call of the history that no card answers is denied, never run."""
    by_id = {card.tool_call_id: card for card in cards}
    return DeferredToolResults(
        approvals={call_id: _decision(by_id.get(call_id)) for call_id in sorted(open_calls(history))}
    )


def _decision(card: CallCard | None) -> ToolApproved | ToolDenied:
    if card is None:
        return ToolDenied("Not run: nobody was asked about this call.")
    if card.status == "approved":
        return ToolApproved()
    if card.status == "expired":
        return ToolDenied(
            "Not run: nobody decided in time, so the approval expired. Propose it again if it is still wanted."
        )
    said = f" The person says: {card.comment}" if card.comment else ""
    return ToolDenied(f"Not run: a person rejected it. Do not propose the same again unasked.{said}")


def after_calls(messages: Sequence[ModelMessage], call_ids: Iterable[str]) -> list[ModelMessage]:
    """The messages behind the response that made these calls: those of a turn that goes on."""
    wanted = set(call_ids)
    for place in range(len(messages) - 1, -1, -1):
        message = messages[place]
        if isinstance(message, ModelResponse) and any(
            isinstance(part, ToolCallPart) and part.tool_call_id in wanted for part in message.parts
        ):
            return list(messages[place + 1 :])
    return list(messages)
