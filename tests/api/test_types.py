"""Every field of an answer has the type that the SDKs declare; Node's refuses an answer otherwise."""

import inspect
import json
import typing
from typing import Any

import pytest
from alibabacloud_rdsai20250507 import models
from darabonba.model import DaraModel
from pydantic.alias_generators import to_pascal

from housecall.events import Happening

CALL = {"call_id": "c1", "tool_name": "list_indexes", "arguments": {"table": "orders"}, "status": "start"}
APPROVAL = {
    "call_id": "c2",
    "round_id": "r",
    "tool_name": "t",
    "arguments": {},
    "description": "d",
    "approval_status": "pending",
}
STEPS = (
    "text",
    Happening("tool_call", fields=CALL),
    Happening("doc", '{"title":"t","source":"s","snippet":"x"}'),
    Happening("tool_approval", fields=APPROVAL),
    Happening("thinking", "hm"),
)


def mismatches(body: dict[str, Any], model: type[DaraModel], place: str = "") -> list[str]:
    """Where the answer has another type than the SDK's model says."""
    declared = {to_pascal(name): kind for name, kind in typing.get_type_hints(model.__init__).items()}
    declared |= {"event": str, "answer": str}  # history has these two in lower case
    return [
        found
        for name, value in body.items()
        if name in declared
        for found in mismatches_of_value(value, declared[name], f"{place}.{name}")
    ]


def mismatches_of_value(value: Any, declared: Any, place: str) -> list[str]:
    origin, arguments = typing.get_origin(declared), typing.get_args(declared)
    if origin is list:
        if not isinstance(value, list):
            return [f"{place} is {value!r}, not a list"]
        return [found for each in value for found in mismatches_of_value(each, arguments[0], f"{place}[]")]
    if inspect.isclass(declared) and issubclass(declared, DaraModel):
        return mismatches(value, declared, place)
    expected = dict if origin is dict else declared if declared in (str, int, bool) else object
    exact = type(value) is expected or expected is object or (expected is dict and isinstance(value, dict))
    return [] if exact else [f"{place} is {value!r}, not {expected.__name__}"]


def test_a_field_of_another_type_would_be_found() -> None:
    body = {"Data": [{"CreatedAt": 1, "Events": [{"answer": {}}]}], "HasMore": "true", "Limit": "1"}
    assert len(mismatches(body, models.GetMessagesResponseBody)) == 4


@pytest.fixture(scope="module")
def events(whole) -> list[dict[str, Any]]:
    question = whole.script(*STEPS)
    with whole.stream("ChatMessages", f"/?Query={question.replace(' ', '+')}&EventMode=separate") as frames:
        return frames.rest()


def test_of_stream_events(events) -> None:
    assert [found for event in events for found in mismatches(event, models.ChatMessagesResponseBody)] == []
    assert {"CallId", "RoundId", "ToolArguments", "ApprovalStatus"} <= {name for event in events for name in event}


@pytest.mark.parametrize(
    ("action", "parameters", "model"),
    [
        ("GetConversations", "", models.GetConversationsResponseBody),
        ("GetMessages", "ConversationId={ConversationId}&EventMode=separate", models.GetMessagesResponseBody),
        ("GetMessages", "ConversationId={ConversationId}", models.GetMessagesResponseBody),
        ("ModifyMessagesFeedbacks", "MessageId={MessageId}&Rating=like", models.ModifyMessagesFeedbacksResponseBody),
        ("ChatMessagesTaskStop", "TaskId={TaskId}", models.ChatMessagesTaskStopResponseBody),
        ("ChatMessages", "Query=q&ResponseMode=blocking", models.ChatMessagesResponseBody),
    ],
)
def test_of_answers(whole, events, action: str, parameters: str, model: type[DaraModel]) -> None:
    answer = whole.send(action, "/?" + parameters.format(**events[0]))
    body = json.loads(answer.content)
    assert answer.status_code == 200
    assert mismatches(body, model) == []
    assert body["RequestId"] == answer.headers["x-acs-request-id"]
