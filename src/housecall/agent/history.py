"""Transcripts: the model's messages of a turn as JSON, and the history of a conversation within a budget.

The latest turns come back whole, tool results included, so that "show me the SQL" can be answered without asking the
server again. Turns beyond the budget shrink to question and answer, the oldest are left out.
"""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)

from housecall.agent.tools.bounded import estimate_tokens
from housecall.turn import PastTurn

HISTORY_TOKENS = 24_000
"""Of a model's context; small enough for models of 32,000 tokens beside prompt, tools and answer."""

TURN_ANSWER_CHARACTERS = 4_000


def transcript_of(messages: Sequence[ModelMessage]) -> Any:
    """Messages as plain JSON values."""
    return ModelMessagesTypeAdapter.dump_python(list(messages), mode="json")


def interrupted_transcript(messages: Sequence[ModelMessage], texts: Sequence[str], question: str) -> Any:
    """The transcript of a turn that ended early: calls without a result are dropped, the text told so far is kept."""
    answered = {part.tool_call_id for message in messages for part in message.parts if isinstance(part, ToolReturnPart)}
    kept: list[ModelMessage] = []
    for message in messages:
        if isinstance(message, ModelResponse):
            parts = [p for p in message.parts if not isinstance(p, ToolCallPart) or p.tool_call_id in answered]
            if parts:
                kept.append(ModelResponse(parts=parts, model_name=message.model_name))
        else:
            kept.append(message)
    if not kept:
        kept.append(ModelRequest(parts=[UserPromptPart(content=question)]))
    if isinstance(kept[-1], ModelRequest):
        kept.append(ModelResponse(parts=[TextPart(content=texts[-1] if texts and texts[-1] else "(stopped)")]))
    return transcript_of(kept)


def since_the_question(messages: Sequence[ModelMessage]) -> list[ModelMessage]:
    """The messages of the present turn: from the last question on."""
    for place in range(len(messages) - 1, -1, -1):
        message = messages[place]
        if isinstance(message, ModelRequest) and any(isinstance(part, UserPromptPart) for part in message.parts):
            return list(messages[place:])
    return []


def history_of(turns: Sequence[PastTurn], budget_tokens: int = HISTORY_TOKENS) -> list[ModelMessage]:
    """The messages of earlier turns, oldest first, within the budget."""
    chosen: list[list[ModelMessage]] = []
    left = budget_tokens
    for turn in reversed(turns):
        messages = _messages(turn)
        cost = _cost(messages)
        if cost > left:
            messages = _summary(turn)
            cost = _cost(messages)
        if cost > left:
            break
        left -= cost
        chosen.append(messages)
    return [message for messages in reversed(chosen) for message in messages]


def _messages(turn: PastTurn) -> list[ModelMessage]:
    """The turn's own messages; a transcript that this version cannot read counts as question and answer."""
    if not turn.transcript:
        return _summary(turn)
    try:
        return ModelMessagesTypeAdapter.validate_python(turn.transcript)
    except ValidationError:
        return _summary(turn)


def _summary(turn: PastTurn) -> list[ModelMessage]:
    question = ModelRequest(parts=[UserPromptPart(content=turn.query[:TURN_ANSWER_CHARACTERS])])
    answer = turn.answer[:TURN_ANSWER_CHARACTERS] or "(no answer)"
    return [question, ModelResponse(parts=[TextPart(content=answer)])]


def _cost(messages: Sequence[ModelMessage]) -> int:
    return estimate_tokens(transcript_of(messages))
