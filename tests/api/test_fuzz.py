"""Whatever bytes arrive, the answer is one of ours: never a 500, never another shape, never silence."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_from_bytes, urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from housecall.api.operation import all_operations

# the server shares this process, and its threads draw random numbers whenever they like
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module")
NO_LINE_ENDS = st.characters(max_codepoint=255, exclude_characters="\r\n\x00")
TARGETS = st.binary(max_size=60).map(lambda raw: quote_from_bytes(raw, safe="/?&=%+;:@!$'()*,#[]"))
HEADER_NAMES = [
    *("authorization", "x-acs-action", "x-acs-date", "x-acs-signature-nonce", "x-acs-bearer-token", "x-acs-version"),
    *(
        "content-type",
        "accept",
        "last-event-id",
        "content-length",
        "transfer-encoding",
        "expect",
        "connection",
        "x-odd",
    ),
]
HALF_SIGNED = "ACS3-HMAC-SHA256 Credential=key,SignedHeaders=host,Signature=0"
HEADERS = st.lists(
    st.tuples(st.sampled_from(HEADER_NAMES), st.text(NO_LINE_ENDS, max_size=40) | st.just(HALF_SIGNED)), max_size=4
)
VALUES = st.text(max_size=30) | st.sampled_from(
    ["{}", "[]", '{"Timezone":"."}', "\x00", "00000000-0000-4000-8000-000000000000"]
)
PARAMETER_NAMES = [
    *("ConversationId", "MessageId", "TaskId", "Rating", "Content", "Limit", "LastId", "FirstId", "Pinned", "SortBy"),
    *("EventMode", "LastEventId", "Inputs", "ParentMessageId", "Files", "WorkspaceId", "Inputs.InstanceId"),
]
PARAMETERS = st.dictionaries(st.sampled_from(PARAMETER_NAMES), VALUES, max_size=5)
FUZZ = settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])


def checked(answer: bytes) -> int:
    """The status of a raw answer, after its shape was checked; of the first, when the bytes were several requests."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    assert status < 500, answer
    if status >= 400 and body:
        told, _ = json.JSONDecoder().raw_decode(body.decode())
        assert set(told) >= {
            "RequestId",
            "HostId",
            "Code",
            "Message",
            "Recommend",
        }
    return status


@FUZZ
@given(st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "PUT"]), TARGETS, HEADERS, st.binary(max_size=40))
def test_arbitrary_requests_are_refused_in_shape(edge, method: str, target: str, headers: Any, body: bytes) -> None:
    lines = [
        f"{method} /{target} HTTP/1.1",
        "host: h",
        "connection: close",
        *(f"{name}: {value}" for name, value in headers),
    ]
    request = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
    answer = edge.raw(request, half_close=True)
    if answer:  # a body that was announced and never came is nobody's question any more
        checked(answer)


@FUZZ
@given(st.binary(min_size=1, max_size=200))
def test_arbitrary_bytes_are_refused_in_shape(edge, request_: bytes) -> None:
    answer = edge.raw(request_ + b"\r\n\r\n", half_close=True)
    if answer:
        checked(answer)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client() as opened:
        yield opened


@pytest.mark.parametrize(
    "operation", [each for each in all_operations() if each.name != "ChatMessages"], ids=lambda each: each.name
)
@FUZZ
@given(PARAMETERS, st.sampled_from(["query", "form", "json"]))
def test_arbitrary_parameters_of_a_known_caller_are_answered_or_refused(
    whole, client, operation, parameters: Any, place: str
) -> None:
    headers = {"x-acs-action": operation.name, "x-acs-bearer-token": whole.bearer}
    send: dict[str, Any] = {
        "query": {"params": {name: value.encode("utf-8", "replace") for name, value in parameters.items()}},
        "form": {
            "content": urlencode(parameters, errors="replace"),
            "headers": {"content-type": "application/x-www-form-urlencoded"},
        },
        "json": {"content": json.dumps(parameters), "headers": {"content-type": "application/json"}},
    }[place]
    answer = client.post(whole.url, **(send | {"headers": headers | send.get("headers", {})}))
    assert answer.status_code < 500, answer.text
