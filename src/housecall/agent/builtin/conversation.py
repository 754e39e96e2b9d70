"""The conversation as the diagnostician sees it: questions, tool results and answers, read from the messages."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    RetryPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)

Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call to make."""

    tool: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Done:
    """A tool call that was made. `error` is the tool's own sentence when it failed."""

    call: Call
    result: Result

    @property
    def error(self) -> str | None:
        return self.result.get("error")


@dataclass
class Exchange:
    """One question with what was done for it."""

    question: str
    done: list[Done] = field(default_factory=list)
    answer: str = ""

    def result(self, tool: str) -> Result | None:
        """The last successful result of a tool in this exchange."""
        return next((each.result for each in reversed(self.done) if each.call.tool == tool and not each.error), None)


@dataclass
class Conversation:
    """All exchanges, the present one last."""

    exchanges: list[Exchange]

    @property
    def current(self) -> Exchange:
        return self.exchanges[-1]

    @property
    def past(self) -> list[Exchange]:
        return self.exchanges[:-1]

    def latest(self, tool: str, *, before_now: bool = False) -> Result | None:
        """The latest successful result of a tool."""
        for exchange in reversed(self.past if before_now else self.exchanges):
            found = exchange.result(tool)
            if found:
                return found
        return None

    def last_instance(self) -> str | None:
        """The instance that the last successful result was about."""
        for exchange in reversed(self.exchanges):
            for done in reversed(exchange.done):
                if isinstance(done.result.get("instance_id"), str):
                    return str(done.result["instance_id"])
        return None


def read_conversation(messages: Sequence[ModelMessage]) -> Conversation:
    """The exchanges of these messages. Results that are not JSON objects count as errors."""
    exchanges: list[Exchange] = []
    calls: dict[str, Call] = {}
    for message in messages:
        if isinstance(message, ModelRequest):
            for part in message.parts:
                _read_request_part(part, exchanges, calls)
        elif isinstance(message, ModelResponse) and exchanges:
            exchanges[-1].answer += "".join(part.content for part in message.parts if isinstance(part, TextPart))
            calls.update(_calls(message))
    return Conversation(exchanges or [Exchange("")])


def _read_request_part(part: Any, exchanges: list[Exchange], calls: dict[str, Call]) -> None:
    if isinstance(part, UserPromptPart):
        exchanges.append(Exchange(_text(part.content)))
    elif isinstance(part, ToolReturnPart | RetryPromptPart) and exchanges and part.tool_name:
        call = calls.get(part.tool_call_id, Call(part.tool_name))
        exchanges[-1].done.append(Done(call, _result(part)))


def _calls(message: ModelResponse) -> Iterator[tuple[str, Call]]:
    for part in message.parts:
        if isinstance(part, ToolCallPart):
            yield part.tool_call_id, Call(part.tool_name, part.args_as_dict())


def _result(part: ToolReturnPart | RetryPromptPart) -> Result:
    if isinstance(part, RetryPromptPart):
        return {"error": f"{part.tool_name}: {part.model_response()[:300]}"}
    content: Any = part.content
    if isinstance(content, str):
        try:
            content = json.loads(content)
        except ValueError:
            return {"error": content[:300]}
    return content if isinstance(content, dict) else {"error": f"{part.tool_name} returned no object"}


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(each for each in content if isinstance(each, str))
