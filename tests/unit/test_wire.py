"""Parameters as the SDKs write them, read into typed requests."""

import contextlib
import json
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from housecall.api.chat import ChatMessagesRequest
from housecall.api.conversations import GetConversationsRequest, GetMessagesRequest, ModifyMessagesFeedbacksRequest
from housecall.api.operation import all_operations
from housecall.api.wire import (
    Flag,
    OptionalText,
    Text,
    WireModel,
    WireRequest,
    assemble,
    comma_list,
    json_list,
    parse_json,
)
from housecall.errors import RequestError


class Inner(WireModel):
    region_id: OptionalText = None
    kind: Text = "k"


class Sample(WireRequest):
    """One parameter of each kind that operations to come will have."""

    name: OptionalText = None
    tools: Annotated[tuple[str, ...] | None, json_list] = None
    instance_ids: Annotated[tuple[str, ...] | None, comma_list] = None
    enable_tools: Flag = None


def read(request: type[WireRequest], *query: tuple[str, str], **body: Any) -> Any:
    return request.read(assemble(query, (), body))


def error_of(request: type[WireRequest], *query: tuple[str, str], **body: Any) -> RequestError:
    with pytest.raises(RequestError) as caught:
        read(request, *query, **body)
    return caught.value


class TestTexts:
    def test_an_empty_text_means_none(self) -> None:
        assert read(ChatMessagesRequest, ("Query", "q"), ("ConversationId", "")).conversation_id is None

    def test_a_mandatory_text_that_is_missing_has_its_own_code(self) -> None:
        error = error_of(ChatMessagesRequest)
        assert error.wire_code == "MissingQuery"
        assert (
            error.message
            == 'The input parameter "Query" that is mandatory for processing this request is not supplied.'
        )

    @pytest.mark.parametrize("text", ["", "  \n"])
    def test_a_mandatory_text_that_is_blank_is_missing(self, text: str) -> None:
        assert error_of(ChatMessagesRequest, ("Query", text)).wire_code == "MissingQuery"

    @pytest.mark.parametrize("text", ["a\x00b", "lone \ud800"])
    def test_what_no_database_can_keep_is_refused(self, text: str) -> None:
        assert error_of(ChatMessagesRequest, ("Query", text)).wire_code == "InvalidParameter"

    def test_a_number_in_a_json_body_may_stand_for_a_text(self) -> None:
        assert read(ChatMessagesRequest, Query=42).query == "42"

    def test_a_list_may_not(self) -> None:
        assert "Query: ['a'] is not allowed; it must be text" in error_of(ChatMessagesRequest, Query=["a"]).message

    def test_what_is_unknown_is_ignored(self) -> None:
        assert read(ChatMessagesRequest, ("Query", "q"), ("ApiId", "app-x"), ("Whatever.1", "y")).query == "q"


class TestNumbersAndFlags:
    @pytest.mark.parametrize(("text", "number"), [("1", 1), ("100", 100), (" 7 ", 7), ("", None)])
    def test_whole_numbers(self, text: str, number: int | None) -> None:
        assert read(GetMessagesRequest, ("ConversationId", "c"), ("Limit", text)).limit == number

    @pytest.mark.parametrize("value", ["0", "101", "1.5", "ten", "1e2", "9" * 99, True, [], 1.5])
    def test_what_is_no_allowed_number_is_named_with_what_is(self, value: Any) -> None:
        error = error_of(GetMessagesRequest, ConversationId="c", Limit=value)
        assert error.wire_code == "InvalidParameter"
        assert "Limit: " in error.message
        assert "a whole number from 1 to 100" in error.message

    @pytest.mark.parametrize(
        ("value", "flag"), [("True", True), ("true", True), ("False", False), (False, False), ("", None)]
    )
    def test_flags_of_python_and_node(self, value: Any, flag: bool | None) -> None:
        assert read(Sample, EnableTools=value).enable_tools is flag
        assert read(GetConversationsRequest, Pinned=value).pinned is flag

    def test_a_flag_that_is_none(self) -> None:
        assert "true or false" in error_of(Sample, ("EnableTools", "yes")).message


class TestChoices:
    def test_a_rating_of_another_name_is_refused_with_those_allowed(self) -> None:
        error = error_of(ModifyMessagesFeedbacksRequest, ("MessageId", "m"), ("Rating", "good"))
        assert "Rating: 'good' is not allowed; it must be 'like' or 'dislike'" in error.message

    def test_an_empty_rating_revokes(self) -> None:
        assert read(ModifyMessagesFeedbacksRequest, ("MessageId", "m"), ("Rating", "")).rating is None

    def test_two_wrong_parameters_are_both_named(self) -> None:
        message = error_of(GetConversationsRequest, ("Limit", "x"), ("SortBy", "Name")).message
        assert "Limit:" in message
        assert "SortBy:" in message


class TestObjectsAndLists:
    def test_an_object_as_json_text(self) -> None:
        request = read(ChatMessagesRequest, ("Query", "q"), ("Inputs", '{"RegionId":"r","EnableThinking":"True"}'))
        assert (request.inputs.region_id, request.inputs.enable_thinking) == ("r", "true")

    def test_an_object_by_dots(self) -> None:
        request = read(ChatMessagesRequest, ("Query", "q"), ("Inputs.RegionId", "r"), ("Inputs.Language", "en-US"))
        assert (request.inputs.region_id, request.inputs.language) == ("r", "en-US")

    def test_an_object_as_it_is_in_a_json_body(self) -> None:
        assert read(ChatMessagesRequest, Query="q", Inputs={"InstanceId": "shop"}).inputs.instance_id == "shop"

    def test_files_by_places(self) -> None:
        request = read(ChatMessagesRequest, ("Query", "q"), ("Files.1.UploadFileId", "u1"), ("Files.1.Type", "image"))
        assert request.files[0].upload_file_id == "u1"

    def test_an_agent_beside_inputs_as_older_clients_send_it(self) -> None:
        assert read(ChatMessagesRequest, ("Query", "q"), ("CustomAgentId", "ag")).custom_agent_id == "ag"

    @pytest.mark.parametrize("text", ["{", "[]", "1", '"x"', "{'a':1}", '{"a":NaN}', '{"A":1,"A":2}', "[" * 100_000])
    def test_what_is_no_object_is_refused_by_name(self, text: str) -> None:
        error = error_of(ChatMessagesRequest, ("Query", "q"), ("Inputs", text))
        assert error.wire_code == "InvalidParameter"
        assert "Inputs: " in error.message
        assert len(error.message) < 400

    def test_a_wrong_value_inside_is_named_with_its_path(self) -> None:
        error = error_of(ChatMessagesRequest, ("Query", "q"), ("Inputs", '{"ToolApprovalMode":"yes"}'))
        assert (
            "Inputs.ToolApprovalMode: 'yes' is not allowed; it must be 'read_only' or 'manual' or 'auto'"
            in error.message
        )

    def test_a_missing_value_inside_is_named_with_its_path(self) -> None:
        error = error_of(ChatMessagesRequest, ("Query", "q"), ("Files", '[{"Type":"image"}]'))
        assert error.wire_code == "MissingParameter"
        assert '"Files.1.UploadFileId"' in error.message

    def test_a_time_zone_that_is_none(self) -> None:
        assert "Inputs.Timezone" in error_of(ChatMessagesRequest, Query="q", Inputs={"Timezone": "../etc"}).message

    @pytest.mark.parametrize(
        "query", [(("Tools", '["b","a"]'),), (("Tools.1", "b"), ("Tools.2", "a")), (("Tools.2", "a"), ("Tools.1", "b"))]
    )
    def test_a_list_in_each_form(self, query: Any) -> None:
        assert read(Sample, *query).tools == ("b", "a")

    def test_an_empty_list_is_not_the_same_as_none(self) -> None:
        assert read(Sample, ("Tools", "[]")).tools == ()
        assert read(Sample).tools is None

    @pytest.mark.parametrize("text", ["a,b", "a, b", " a ,b,", '["a","b"]'])
    def test_a_comma_list(self, text: str) -> None:
        assert read(Sample, ("InstanceIds", text)).instance_ids == ("a", "b")


class TestAssembly:
    @pytest.mark.parametrize("second", ["Inputs", "Inputs.RegionId", "Query"])
    def test_one_parameter_given_twice_is_refused(self, second: str) -> None:
        with pytest.raises(RequestError, match="given twice"):
            assemble((("Query", "q"), ("Inputs", "{}"), (second, "x")), (), {})

    def test_query_form_and_body_make_one_request(self) -> None:
        assert assemble((("A", "1"),), (("B", "2"),), {"C": 3}) == {"A": "1", "B": "2", "C": 3}

    def test_a_name_of_many_parts_is_ignored(self) -> None:
        assert assemble((("a." * 5000 + "a", "1"),), (), {}) == {}


class TestJson:
    @pytest.mark.parametrize("text", ["", "{", "nan", "Infinity", '{"a":1,"a":1}', b"\xff\xff", "9" * 5000])
    def test_is_strict(self, text: Any) -> None:
        with pytest.raises(ValueError):
            parse_json(text)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [
        "Query",
        "Inputs",
        "Inputs.Timezone",
        "Inputs.1",
        "Files",
        "Files.1",
        "Limit",
        "MessageId",
        "ConversationId",
        "SortBy",
        "TaskId",
        "Rating",
    ]
) | st.text(max_size=12)


@pytest.mark.parametrize("operation", all_operations(), ids=lambda each: each.name)
class TestArbitraryInput:
    """Few examples for each: all operations are read by the same code, and there are a hundred of them."""

    @settings(max_examples=25)
    @given(st.lists(st.tuples(NAMES, st.text() | JSON_VALUES.map(json.dumps)), max_size=6))
    def test_is_read_or_refused(self, operation: Any, query: list[tuple[str, str]]) -> None:
        with contextlib.suppress(RequestError):
            operation.request.read(assemble(query, (), {}))

    @settings(max_examples=25)
    @given(st.dictionaries(NAMES, JSON_VALUES, max_size=6))
    def test_in_a_json_body_is_read_or_refused(self, operation: Any, body: dict[str, Any]) -> None:
        with contextlib.suppress(RequestError):
            operation.request.read(assemble((), (), body))
