"""Events on the wire: bodies, the two event modes, and frames byte for byte as the SDKs read them. Pure.

Contract, 1.6, in short: line ends are LF only; one `data:` line an event; the JSON is ASCII, since the Python SDK drops
what arrives in a chunk that ends inside a character; `event:` on every event and equal to the body's `Event`; comments
keep a quiet stream alive; no event comes near 1 MB, where the asynchronous SDK discards.

`id:` is the event's number in its run. A text that is too long for one frame is told in parts; all but the last have
the id `<number>.<part>`, so that a client which comes back after any of them misses nothing and gets nothing twice.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Literal

from housecall.errors import RequestError
from housecall.events import Event, Happening

EventMode = Literal["inline", "separate"]
EVENT_MODES: Final[tuple[EventMode, ...]] = ("inline", "separate")
MODE: Final = "chat"

KEEP_ALIVE: Final = b": ping\n\n"
KEEP_ALIVE_SECONDS: Final = 2.0  # contract, 1.6: Node's idle timeout is 3 s, Python's 10 s
MAX_TEXT_BYTES: Final = 64 * 1024

_EMBEDDED: Final = frozenset({"tool_call", "doc", "tool_approval"})
_USAGE: Final = ("input_tokens", "output_tokens", "model", "ungrounded", "unsafe")
_POSITION = re.compile(r"(\d{1,9})(?:\.(\d{1,6}))?", re.ASCII)


@dataclass(frozen=True)
class Envelope:
    """What every event of a run repeats."""

    request_id: str
    conversation_id: str
    message_id: str
    run_id: str
    created_at: datetime

    def fields(self) -> dict[str, Any]:
        return {
            "RequestId": self.request_id,
            "ConversationId": self.conversation_id,
            "MessageId": self.message_id,
            "Id": self.message_id,
            "TaskId": self.run_id,
            "CreatedAt": int(self.created_at.timestamp()),
            "Mode": MODE,
        }

    @cached_property
    def opening(self) -> str:
        """The fields as the beginning of a JSON object, made once for all events of the stream."""
        return _json(self.fields())[:-1]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a client was: the last whole event, and how many parts of the next one it has."""

    number: int = 0
    parts: int = 0


def read_position(last_event_id: str | None) -> Position:
    """The position that a `Last-Event-ID` names: `7` is after event 7, `7.2` after two parts of event 7.

    Raises RequestError (InvalidParameter).
    """
    if not last_event_id or not last_event_id.strip():
        return Position()
    match = _POSITION.fullmatch(last_event_id.strip())
    if match is None:
        raise RequestError(
            f"The provided parameter is invalid. Last-Event-ID: {last_event_id[:40]!r} is not allowed;"
            " it must be the id of an event of this stream, such as 7."
        )
    number, parts = int(match[1]), int(match[2] or 0)
    return Position(max(number - 1, 0), parts) if parts else Position(number)


_json: Final = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def frame(event_id: str, envelope: Envelope, body: Mapping[str, Any]) -> bytes:
    """One event as bytes, with its closing blank line."""
    return f"id: {event_id}\nevent: {body['Event']}\ndata: {envelope.opening},{_json(body)[1:]}\n\n".encode("ascii")


def frames(event: Event, envelope: Envelope, mode: EventMode) -> tuple[bytes, ...]:
    """The frames of one event; more than one only when its text is long."""
    bodies = event_bodies(event.happening, mode)
    if len(bodies) == 1:
        return (frame(str(event.number), envelope, bodies[0]),)
    ids = [f"{event.number}.{part}" for part in range(1, len(bodies))] + [str(event.number)]
    return tuple(frame(event_id, envelope, body) for event_id, body in zip(ids, bodies, strict=True))


def event_bodies(happening: Happening, mode: EventMode) -> Sequence[dict[str, Any]]:
    """What one event says beyond the envelope: Event, Answer and the fields of its kind."""
    if mode == "inline" and happening.name in _EMBEDDED:
        return [{"Event": "message", "Answer": part} for part in split_text(embedded(happening))]
    if happening.name in ("message", "thinking", "error"):
        return [{"Event": happening.name, "Answer": part} | _typed(happening) for part in split_text(happening.answer)]
    return [{"Event": happening.name, "Answer": payload(happening)} | _typed(happening)]


def payload(happening: Happening) -> str:
    """The Answer of one event: text, or JSON text for the kinds that carry an object (contract, decisions 3 and 4)."""
    fields = happening.fields
    if happening.name == "tool_call":
        return _json(
            _without_none(
                {
                    "tool_call_id": fields.get("call_id"),
                    "tool_call_name": fields.get("tool_name"),
                    "status": fields.get("status"),
                    "arguments": _bounded(fields.get("arguments")),
                    "response": _bounded(fields.get("response")),
                    "elapsed_ms": fields.get("elapsed_ms"),
                }
            )
        )
    if happening.name == "tool_approval":
        return _json(
            _without_none(
                {
                    "tool_call_id": fields.get("call_id"),
                    "round_id": fields.get("round_id"),
                    "tool_call_name": fields.get("tool_name"),
                    "arguments": _bounded(fields.get("arguments")),
                    "description": fields.get("description"),
                    "status": fields.get("approval_status"),
                }
            )
        )
    if happening.name == "message_end" and not happening.answer:
        usage = {name: fields[name] for name in _USAGE if name in fields}
        return _json(usage) if usage else ""
    return happening.answer


def embedded(happening: Happening) -> str:
    """An event as a fenced block whose info word is its name.

    It brings its own line ends, so that taking the blocks out of an inline answer leaves exactly the text of separate
    mode; the JSON is one line, so no fence can be inside.
    """
    body = payload(happening)
    line = body if body.startswith("{") else _json({"text": body})
    return f"\n```{happening.name}\n{line}\n```\n"


def _typed(happening: Happening) -> dict[str, Any]:
    """The fields that the SDKs' typed body knows beside Answer; Code and Status are for people and other clients."""
    fields = happening.fields
    if happening.name in ("tool_call", "tool_approval"):
        return _without_none(
            {
                "CallId": fields.get("call_id"),
                "RoundId": fields.get("round_id"),
                "ToolName": fields.get("tool_name"),
                "ToolArguments": _bounded(fields.get("arguments")),
                "Description": fields.get("description"),
                "ApprovalStatus": fields.get("approval_status"),
            }
        )
    if happening.name == "error":
        return _without_none({"Code": fields.get("code")})
    if happening.name == "workflow_finished":
        return _without_none({"Status": fields.get("status")})
    return {}


def _without_none(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _bounded(response: Any) -> Any:
    """A tool's result or arguments as they are, or the beginning of their JSON text when they are too large to send."""
    if response is None or len(text := _json(response)) <= MAX_TEXT_BYTES:
        return response
    return {"truncated": True, "characters": len(text), "beginning": text[: MAX_TEXT_BYTES // 2]}


def split_text(text: str) -> list[str]:
    """The text in pieces whose ASCII JSON stays within MAX_TEXT_BYTES; one empty piece for an empty text.

    The cut depends on the text alone, so a client that resumes inside an event finds the same pieces.
    """
    if len(text) * 12 <= MAX_TEXT_BYTES:  # no character becomes longer than the two escapes of a surrogate pair
        return [text]
    return list(_pieces(text))


def _pieces(text: str) -> Iterator[str]:
    start = size = 0
    for place, letter in enumerate(text):
        length = 1 if " " <= letter <= "~" and letter not in '"\\' else 12 if letter > "\uffff" else 6
        if size + length > MAX_TEXT_BYTES:
            yield text[start:place]
            start, size = place, 0
        size += length
    yield text[start:]


def join_answer(events: Sequence[Event], mode: EventMode) -> str:
    """The deltas of a run put together; `message_replace` voids what came before it, blocks and all."""
    pieces: list[str] = []
    for event in events:
        happening = event.happening
        if happening.name == "message_replace":
            pieces = [happening.answer]
        elif happening.name == "message":
            pieces.append(happening.answer)
        elif mode == "inline" and happening.name in _EMBEDDED:
            pieces.append(embedded(happening))
    return "".join(pieces)
