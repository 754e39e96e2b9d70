"""Events on the wire: frames byte for byte, the two modes, and resuming."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from housecall.api.sse import (
    MAX_TEXT_BYTES,
    Envelope,
    Position,
    event_bodies,
    frame,
    frames,
    join_answer,
    read_position,
    split_text,
)
from housecall.errors import RequestError
from housecall.events import Event, Happening

AT = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
ENVELOPE = Envelope("REQ", "conv", "msg", "run", AT)
BLOCK = re.compile(r"\n```(?:tool_call|doc|tool_approval)\n\{[^\n]*\}\n```\n")
TEXT = Happening("message", "慢的原因")
CALL = Happening(
    "tool_call",
    fields={
        "call_id": "c1",
        "tool_name": "list_indexes",
        "status": "end",
        "arguments": {"table": "t"},
        "response": [1],
        "elapsed_ms": 3,
    },
)
APPROVAL = Happening(
    "tool_approval",
    fields={
        "call_id": "c2",
        "round_id": "r1",
        "tool_name": "drop_index",
        "arguments": {"name": "i"},
        "description": "d",
        "approval_status": "pending",
    },
)


def event(happening: Happening, number: int = 7) -> Event:
    return Event("run", number, AT, happening)


def body_of(block: bytes) -> dict[str, Any]:
    return json.loads(block.decode().split("\ndata: ")[1])


class TestFrames:
    def test_are_id_event_data_and_a_blank_line(self) -> None:
        told = frame("7", ENVELOPE, {"Event": "message", "Answer": "x"})
        assert told.startswith(b'id: 7\nevent: message\ndata: {"RequestId":"REQ",')
        assert told.endswith(b',"Event":"message","Answer":"x"}\n\n')
        assert json.loads(told.partition(b"data: ")[2]) == ENVELOPE.fields() | {"Event": "message", "Answer": "x"}

    def test_are_ascii_without_carriage_returns(self) -> None:
        (block,) = frames(event(Happening("message", "慢\r\n\u2028😀")), ENVELOPE, "inline")
        assert block.isascii()
        assert b"\r" not in block
        assert block.count(b"\n") == 4

    def test_say_everything_that_the_contract_wants(self) -> None:
        (block,) = frames(event(TEXT), ENVELOPE, "inline")
        assert body_of(block) == {
            "RequestId": "REQ",
            "ConversationId": "conv",
            "MessageId": "msg",
            "Id": "msg",
            "TaskId": "run",
            "CreatedAt": 1795435200,
            "Mode": "chat",
            "Event": "message",
            "Answer": "慢的原因",
        }

    @pytest.mark.parametrize("mode", ["inline", "separate"])
    @pytest.mark.parametrize(
        "happening",
        [
            Happening("workflow_started"),
            TEXT,
            Happening("thinking", "hm"),
            CALL,
            APPROVAL,
            Happening("doc", '{"title":"t"}'),
            Happening("message_replace"),
            Happening("error", "x", {"code": "ModelError"}),
            Happening("message_end", fields={"input_tokens": 1}),
            Happening("workflow_finished", fields={"status": "succeeded"}),
        ],
        ids=lambda each: each.name,
    )
    def test_name_the_event_alike_in_frame_and_body_with_a_text_answer(self, happening: Happening, mode: Any) -> None:
        (block,) = frames(event(happening), ENVELOPE, mode)
        body = body_of(block)
        assert f"\nevent: {body['Event']}\n".encode() in block
        assert isinstance(body["Answer"], str)


class TestSeparateMode:
    def test_tool_call_carries_json_and_typed_fields(self) -> None:
        (body,) = event_bodies(CALL, "separate")
        assert json.loads(body.pop("Answer")) == {
            "tool_call_id": "c1",
            "tool_call_name": "list_indexes",
            "status": "end",
            "arguments": {"table": "t"},
            "response": [1],
            "elapsed_ms": 3,
        }
        assert body == {
            "Event": "tool_call",
            "CallId": "c1",
            "ToolName": "list_indexes",
            "ToolArguments": {"table": "t"},
        }

    def test_tool_approval_carries_its_round_and_status(self) -> None:
        (body,) = event_bodies(APPROVAL, "separate")
        assert (body["RoundId"], body["ApprovalStatus"], body["Description"]) == ("r1", "pending", "d")

    def test_error_has_a_text_for_people_and_a_code(self) -> None:
        (body,) = event_bodies(Happening("error", "The model is silent.", {"code": "ModelError"}), "separate")
        assert body == {"Event": "error", "Answer": "The model is silent.", "Code": "ModelError"}

    def test_a_huge_tool_result_is_cut_and_says_so(self) -> None:
        huge = Happening(
            "tool_call", fields={"call_id": "c", "response": "慢" * 400_000, "arguments": {"sql": "x" * 900_000}}
        )
        (block,) = frames(event(huge), ENVELOPE, "separate")
        assert len(block) < 512 * 1024
        assert json.loads(body_of(block)["Answer"])["response"]["truncated"] is True


class TestInlineMode:
    def test_a_tool_call_becomes_a_fenced_block_in_a_message(self) -> None:
        (body,) = event_bodies(CALL, "inline")
        assert body["Event"] == "message"
        assert body["Answer"].startswith('\n```tool_call\n{"tool_call_id":"c1"')
        assert BLOCK.fullmatch(body["Answer"])

    @given(st.lists(st.one_of(st.text().map(lambda t: Happening("message", t)), st.sampled_from([CALL, APPROVAL]))))
    def test_the_text_between_the_blocks_is_that_of_separate_mode(self, happenings: list[Happening]) -> None:
        told = [event(happening, number) for number, happening in enumerate(happenings, 1)]
        inline = [body["Answer"] for each in happenings for body in event_bodies(each, "inline")]
        separate = [
            body["Answer"]
            for each in happenings
            for body in event_bodies(each, "separate")
            if body["Event"] == "message"
        ]
        assert "".join(inline) == join_answer(told, "inline")
        assert BLOCK.sub("", "".join(inline)) == "".join(separate) == join_answer(told, "separate")

    def test_text_before_a_replacement_is_void_with_its_blocks(self) -> None:
        told = [event(each) for each in (TEXT, CALL, Happening("message_replace"), Happening("message", "again"))]
        assert join_answer(told, "inline") == "again"


class TestLongTexts:
    @given(st.text(min_size=1), st.integers(1, 40_000))
    def test_the_pieces_make_the_text_and_stay_small(self, text: str, times: int) -> None:
        whole = (text * times)[:200_000]
        pieces = split_text(whole)
        assert "".join(pieces) == whole
        assert all(len(json.dumps(piece)) - 2 <= MAX_TEXT_BYTES for piece in pieces)

    def test_all_parts_but_the_last_have_ids_of_their_own(self) -> None:
        blocks = frames(event(Happening("message", "慢" * 30_000)), ENVELOPE, "inline")
        assert [block.split(b"\n")[0] for block in blocks] == [b"id: 7.1", b"id: 7.2", b"id: 7"]

    def test_an_empty_text_is_one_event(self) -> None:
        assert split_text("") == [""]


class TestPositions:
    @pytest.mark.parametrize(
        ("text", "position"),
        [
            ("", Position()),
            (None, Position()),
            ("7", Position(7)),
            (" 7 ", Position(7)),
            ("7.2", Position(6, 2)),
            ("0", Position()),
        ],
    )
    def test_say_what_the_client_has(self, text: str | None, position: Position) -> None:
        assert read_position(text) == position

    @pytest.mark.parametrize("text", ["x", "-1", "7.", "7.2.1", "9" * 10, "٧"])
    def test_that_are_none_are_refused(self, text: str) -> None:
        with pytest.raises(RequestError, match="Last-Event-ID"):
            read_position(text)
