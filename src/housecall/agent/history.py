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
    RetryPromptPart,
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


def history_of(
    turns: Sequence[PastTurn], budget_tokens: int = HISTORY_TOKENS, *, resumes: bool = False
) -> list[ModelMessage]:
    """The messages of earlier turns, oldest first, within the budget.

    A turn that waited for people and those that went on with it are one. With `resumes` the last of them comes back
    whole and its calls open, whatever it costs; all other calls without a result are closed.
    """
    chosen: list[list[ModelMessage]] = []
    left = budget_tokens
    parts = _parts(turns)
    for place in range(len(parts) - 1, -1, -1):
        goes_on = resumes and place == len(parts) - 1
        messages = [message for turn in parts[place] for message in _messages(turn)]
        if not goes_on:
            messages = _closed(messages)
        cost = 0 if goes_on else _cost(messages)
        if cost > left:
            messages = _summary_of(parts[place])
            cost = _cost(messages)
        if cost > left:
            break
        left -= cost
        chosen.append(messages)
    return [message for messages in reversed(chosen) for message in messages]


def open_calls(messages: Sequence[ModelMessage]) -> set[str]:
    """The calls that have no result."""
    made = {part.tool_call_id for each in messages for part in each.parts if isinstance(part, ToolCallPart)}
    answered = {
        part.tool_call_id
        for each in messages
        for part in each.parts
        if isinstance(part, ToolReturnPart | RetryPromptPart)
    }
    return made - answered


def _parts(turns: Sequence[PastTurn]) -> list[list[PastTurn]]:
    """Turns, each with those that went on with it."""
    parts: list[list[PastTurn]] = []
    for turn in turns:
        if parts and _goes_on(turn):
            parts[-1].append(turn)
        else:
            parts.append([turn])
    return parts


def _goes_on(turn: PastTurn) -> bool:
    """Whether a transcript begins with results of calls that an earlier turn made."""
    messages = _messages(turn)
    return isinstance(messages[0], ModelRequest) and any(isinstance(part, ToolReturnPart) for part in messages[0].parts)


def _closed(messages: list[ModelMessage]) -> list[ModelMessage]:
    """The messages with a result for every call: providers refuse a history that lacks one."""
    opened = open_calls(messages)
    if not opened:
        return messages
    names = {
        part.tool_call_id: part.tool_name
        for each in messages
        for part in each.parts
        if isinstance(part, ToolCallPart) and part.tool_call_id in opened
    }
    told = "No result of this call is known here: nobody has decided on it, or the turn that went on with it ended."
    returns = [ToolReturnPart(tool_name=name, content=told, tool_call_id=each) for each, name in names.items()]
    ending = ModelResponse(parts=[TextPart(content="(waiting for a person's approval)")])
    return [*messages, ModelRequest(parts=returns), ending]


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


def _summary_of(turns: Sequence[PastTurn]) -> list[ModelMessage]:
    """Question and answer of a turn, with the answers of those that went on with it."""
    answer = "\n\n".join(turn.answer for turn in turns if turn.answer)
    return _summary(PastTurn(turns[0].query, answer, None))


def _cost(messages: Sequence[ModelMessage]) -> int:
    return estimate_tokens(transcript_of(messages))
