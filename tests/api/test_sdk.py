"""The official SDK against a whole installation: the calls that programs make, unchanged but for the endpoint."""

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_rdsai20250507 import models
from alibabacloud_rdsai20250507.client import Client
from alibabacloud_tea_openapi import utils_models as open_api_models
from alibabacloud_tea_openapi.exceptions import ClientException
from darabonba.exceptions import DaraException, UnretryableException
from darabonba.runtime import RuntimeOptions

from housecall.events import Happening

CALL = {"call_id": "c1", "tool_name": "list_indexes", "arguments": {"table": "orders"}}
STEPS = (
    "The cause: ",
    Happening("tool_call", fields={**CALL, "status": "start"}),
    Happening("tool_call", fields={**CALL, "status": "end", "response": {"rows": 2}, "elapsed_ms": 3}),
    "缺少索引。",
)
TEXT = "The cause: 缺少索引。"


def client_of(live: Any, **config: Any) -> Client:
    if "bearer_token" not in config:
        secret = live.key.secret.get_secret_value()
        config = {"access_key_id": live.key.access_key_id, "access_key_secret": secret} | config
    return Client(open_api_models.Config(endpoint=live.endpoint, protocol="HTTP", region_id="local", **config))


@pytest.fixture(scope="module")
def client(whole) -> Client:
    return client_of(whole)


def told(client: Client, question: str, **more: Any) -> list[Any]:
    request = models.ChatMessagesRequest(query=question, **more)
    return list(client.chat_messages_with_sse(request, RuntimeOptions()))


def text_of(chunks: list[Any]) -> str:
    return "".join(chunk.body.answer for chunk in chunks if chunk.body.event == "message")


def refused(call: Any, *arguments: Any) -> Any:
    """The SDK's exception of a refused call, whichever of its two kinds it is."""
    with pytest.raises((ClientException, UnretryableException)) as caught:
        call(*arguments)
    error = caught.value
    return error.inner_exception if isinstance(error, UnretryableException) else error


def test_the_code_of_the_guide_runs_as_it_is_written(whole, capsys) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "how-to" / "sdk.md").read_text(encoding="utf-8")
    code = guide.partition("```python\n")[2].partition("```")[0]
    secret = whole.key.secret.get_secret_value()
    code = code.replace('"…"', repr(whole.key.access_key_id), 1).replace('"…"', repr(secret), 1)
    exec(code.replace("127.0.0.1:7432", whole.endpoint), {})
    assert capsys.readouterr().out == "Why is the shop slow?"


class TestStreaming:
    def test_gives_typed_events_from_started_to_finished(self, whole, client) -> None:
        chunks = told(client, whole.script(*STEPS), event_mode="separate")
        assert [chunk.body.event for chunk in chunks] == [
            "workflow_started", "message", "tool_call", "tool_call", "message", "message_end", "workflow_finished",
        ]  # fmt: skip
        assert all(chunk.event == chunk.body.event for chunk in chunks)
        assert [chunk.id for chunk in chunks] == [str(number) for number in range(1, 8)]
        assert text_of(chunks) == TEXT

    def test_every_event_carries_the_ids_of_its_run(self, whole, client) -> None:
        bodies = [chunk.body for chunk in told(client, whole.script("a"))]
        for name in ("request_id", "conversation_id", "message_id", "id", "task_id", "created_at", "mode"):
            assert len({getattr(body, name) for body in bodies}) == 1
            assert getattr(bodies[0], name)

    def test_a_tool_call_has_its_typed_fields(self, whole, client) -> None:
        chunks = told(client, whole.script(*STEPS), event_mode="separate")
        body = next(chunk.body for chunk in chunks if chunk.body.event == "tool_call")
        assert (body.call_id, body.tool_name, body.tool_arguments) == ("c1", "list_indexes", {"table": "orders"})
        assert json.loads(body.answer)["status"] == "start"

    def test_inline_is_the_default_and_embeds_tool_calls(self, whole, client) -> None:
        chunks = told(client, whole.script(*STEPS))
        assert {chunk.body.event for chunk in chunks} == {
            "workflow_started",
            "message",
            "message_end",
            "workflow_finished",
        }
        assert "\n```tool_call\n{" in text_of(chunks)
        assert text_of(told(client, whole.script(*STEPS), event_mode="inline")) == text_of(chunks)

    @pytest.mark.anyio
    async def test_the_asynchronous_client_hears_the_same(self, whole) -> None:
        request = models.ChatMessagesRequest(query=whole.script(*STEPS), event_mode="separate")
        stream = client_of(whole).chat_messages_with_sse_async(request, RuntimeOptions())
        assert text_of([chunk async for chunk in stream]) == TEXT

    def test_thirty_kilobytes_of_chinese_arrive_whole(self, whole, client) -> None:
        answer = "索引缺失导致全表扫描，" * 1000
        deltas = [answer[place : place + 700] for place in range(0, len(answer), 700)]
        assert len(answer.encode()) > 30_000
        assert text_of(told(client, whole.script(*deltas))) == answer

    def test_one_delta_of_a_megabyte_arrives_whole(self, whole, client) -> None:
        answer = "索引😀" * 100_000
        assert text_of(told(client, whole.script(answer))) == answer

    def test_a_run_that_fails_ends_with_an_error_for_people(self, whole, client) -> None:
        chunks = told(client, whole.script("half", Happening("error", "The model is silent.", {"code": "ModelError"})))
        assert [chunk.body.event for chunk in chunks][-2:] == ["error", "workflow_finished"]
        assert chunks[-2].body.answer == "The model is silent."

    def test_inputs_reach_the_agent(self, whole, client) -> None:
        question = whole.script("a")
        inputs = models.ChatMessagesRequestInputs(
            language="zh-CN", timezone="Asia/Shanghai", region_id="local", enable_thinking="true", think_effort="high"
        )
        told(client, question, inputs=inputs)
        turn = whole.answerer.turns[question]
        assert (turn.language, turn.timezone) == ("zh-CN", "Asia/Shanghai")
        asked = {name: value for name, value in turn.inputs.items() if name != "caller"}
        assert asked == {"region_id": "local", "enable_thinking": True, "think_effort": "high"}


class TestNotStreaming:
    NINE = ("request_id", "answer", "conversation_id", "created_at", "message_id", "mode", "event", "id", "task_id")

    def test_one_object_has_the_nine_fields(self, whole) -> None:
        client = blocking_client(whole)
        body = client.chat_messages(models.ChatMessagesRequest(query=whole.script(*STEPS))).body
        assert all(getattr(body, name) for name in self.NINE)
        assert (body.answer, body.event, body.mode) == (TEXT, "message", "chat")

    @pytest.mark.anyio
    async def test_by_the_asynchronous_client(self, whole) -> None:
        client = blocking_client(whole)
        response = await client.chat_messages_async(models.ChatMessagesRequest(query=whole.script(*STEPS)))
        assert response.body.answer == TEXT

    def test_a_conversation_goes_on(self, whole) -> None:
        client = blocking_client(whole)
        first = client.chat_messages(models.ChatMessagesRequest(query="first")).body
        again = models.ChatMessagesRequest(query="second", conversation_id=first.conversation_id)
        assert client.chat_messages(again).body.conversation_id == first.conversation_id
        assert [turn.query for turn in whole.answerer.turns["second"].history] == ["first"]

    def test_a_branch_starts_at_its_parent(self, whole) -> None:
        client = blocking_client(whole)
        first = client.chat_messages(models.ChatMessagesRequest(query="root of branches")).body
        place = {"conversation_id": first.conversation_id, "parent_message_id": first.message_id}
        for question in ("one branch", "another branch"):
            client.chat_messages(models.ChatMessagesRequest(query=question, **place))
        assert [turn.query for turn in whole.answerer.turns["another branch"].history] == ["root of branches"]


def blocking_client(live: Any, **config: Any) -> Client:
    blocking = open_api_models.GlobalParameters(queries={"ResponseMode": "blocking"})
    return client_of(live, global_parameters=blocking, **config)


class TestCredentials:
    def test_the_old_signature(self, whole) -> None:
        client = blocking_client(whole, signature_algorithm="v2")
        assert client.chat_messages(models.ChatMessagesRequest(query="慢 +~*")).body.answer == "慢 +~*"
        assert client.get_conversations(models.GetConversationsRequest(limit="1")).body.limit == 1

    def test_a_bearer_token(self, whole) -> None:
        client = client_of(whole, bearer_token=whole.bearer)
        assert text_of(told(client, whole.script("a"))) == "a"
        assert client.get_conversations(models.GetConversationsRequest(limit="1")).body.limit == 1

    def test_a_wrong_secret(self, whole) -> None:
        error = refused(told, client_of(whole, access_key_secret="wrong"), "q")
        assert (error.code, error.status_code if hasattr(error, "status_code") else 400) == (
            "SignatureDoesNotMatch",
            400,
        )

    def test_an_unknown_key(self, whole) -> None:
        request = models.GetConversationsRequest()
        error = refused(client_of(whole, access_key_id="nobody").get_conversations, request)
        assert (error.code, error.status_code) == ("InvalidAccessKeyId.NotFound", 404)
        assert error.request_id

    @pytest.mark.parametrize("minutes", [-16, 16])
    def test_a_clock_that_is_off(self, whole, client, minutes: int) -> None:
        real = whole.clock.now
        whole.clock.now = lambda: datetime.now(UTC) + timedelta(minutes=minutes)
        try:
            error = refused(client.get_conversations, models.GetConversationsRequest())
        finally:
            whole.clock.now = real
        assert error.code == "InvalidTimeStamp.Expired"

    def test_a_request_sent_again_is_refused(self, whole) -> None:
        headers = whole.headers("GetConversations")
        answers = [whole.send("GetConversations", nonce=headers["x-acs-signature-nonce"]) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 400]
        assert answers[1].json()["Code"] == "SignatureNonceUsed"


class TestRefusals:
    @pytest.mark.parametrize(
        ("fields", "code", "status"),
        [
            ({}, "MissingQuery", 400),
            ({"query": ""}, "MissingQuery", 400),
            ({"query": "q", "event_mode": "both"}, "InvalidParameter", 400),
            ({"query": "q", "conversation_id": "nothing"}, "ConversationNotFound", 404),
            ({"query": "q", "conversation_id": "00000000-0000-4000-8000-000000000000"}, "ConversationNotFound", 404),
            ({"query": "q", "parent_message_id": "nothing"}, "MessageNotFound", 404),
            ({"query": "q", "inputs": models.ChatMessagesRequestInputs(model_id="qwen")}, "InvalidParameter", 400),
            (
                {"query": "q", "inputs": models.ChatMessagesRequestInputs(custom_agent_id="a")},
                "CustomAgentNotFound",
                404,
            ),
            (
                {"query": "q", "inputs": models.ChatMessagesRequestInputs(tool_approval_mode="x")},
                "InvalidParameter",
                400,
            ),
            ({"query": "q", "files": [models.ChatMessagesRequestFiles(upload_file_id="u")]}, "FileNotFound", 404),
        ],
    )
    def test_of_a_question_carry_our_codes(self, client, fields: dict[str, Any], code: str, status: int) -> None:
        request = models.ChatMessagesRequest(**fields)
        for call in (client.chat_messages, lambda each: list(client.chat_messages_with_sse(each, RuntimeOptions()))):
            error = refused(call, request)
            assert (error.code, error.data["Code"]) == (code, code)
            assert str(status) in str(error.data.get("statusCode", status))

    def test_of_an_unknown_instance_name_it(self, whole) -> None:
        answer = whole.send("ChatMessages", '/?Query=q&Inputs={"InstanceId":"nowhere"}')
        assert (answer.status_code, answer.json()["Code"]) == (404, "InstanceNotFound")
        assert "nowhere" in answer.json()["Message"]

    def test_of_an_operation_that_this_release_does_not_have(self, client) -> None:
        error = refused(client.get_stand_alone_reports, models.GetStandAloneReportsRequest())
        assert (error.code, error.status_code) == ("InvalidAction.NotFound", 404)

    def test_of_a_question_of_a_megabyte(self, client) -> None:
        error = refused(client.chat_messages, models.ChatMessagesRequest(query="x" * 1024 * 1024))
        assert (error.code, error.status_code) == ("RequestURITooLarge", 414)

    def test_a_question_of_180_kilobytes_of_chinese_is_taken(self, client) -> None:
        question = "慢" * 60_000
        assert text_of(told(client, question)) == question

    @pytest.mark.parametrize("limit", ["0", "101", "ten"])
    def test_of_a_wrong_limit_say_what_is_allowed(self, client, limit: str) -> None:
        error = refused(client.get_conversations, models.GetConversationsRequest(limit=limit))
        assert error.code == "InvalidParameter"
        assert "a whole number from 1 to 100" in error.message


class TestStop:
    def test_ends_a_run_that_is_being_answered(self, whole, client, hold) -> None:
        question = whole.script("half", hold, "never")
        stream = client.chat_messages_with_sse(models.ChatMessagesRequest(query=question), RuntimeOptions())
        first = next(stream).body
        assert hold.reached.wait(20)
        answer = client.chat_messages_task_stop(models.ChatMessagesTaskStopRequest(task_id=first.task_id))
        assert answer.body.result == "success"
        rest = list(stream)
        assert rest[-1].body.event == "workflow_finished"
        assert text_of(rest) == "half"

    def test_of_a_run_that_is_over_is_a_success(self, whole, client) -> None:
        task_id = told(client, whole.script("a"))[0].body.task_id
        request = models.ChatMessagesTaskStopRequest(task_id=task_id)
        assert client.chat_messages_task_stop(request).body.result == "success"

    @pytest.mark.parametrize(("task_id", "code"), [("nothing", "TaskNotFound"), (None, "MissingTaskId")])
    def test_of_nothing_is_told(self, client, task_id: str | None, code: str) -> None:
        request = models.ChatMessagesTaskStopRequest(task_id=task_id)
        assert refused(client.chat_messages_task_stop, request).code == code


class TestHistory:
    def test_a_conversation_is_listed_first_with_its_wire_types(self, whole, client) -> None:
        conversation_id = told(client, whole.script("a"))[0].body.conversation_id
        body = client.get_conversations(models.GetConversationsRequest(limit="1")).body
        (item,) = body.data
        assert item.id == conversation_id
        assert (item.is_running, item.status, body.has_more, body.limit) == (False, "idle", "true", 1)
        assert item.created_at.isdigit()
        assert item.updated_at.isdigit()

    def test_pages_of_conversations_follow_each_other(self, whole, client) -> None:
        told(client, whole.script("a"))
        both = client.get_conversations(models.GetConversationsRequest(limit="2")).body.data
        second = client.get_conversations(models.GetConversationsRequest(limit="1", last_id=both[0].id)).body.data
        assert [item.id for item in second] == [both[1].id]

    def test_a_running_conversation_says_so(self, whole, client, hold) -> None:
        request = models.ChatMessagesRequest(query=whole.script(hold))
        stream = client.chat_messages_with_sse(request, RuntimeOptions())
        conversation_id = next(stream).body.conversation_id
        listed = client.get_conversations(models.GetConversationsRequest(limit="1")).body.data[0]
        assert (listed.id, listed.is_running, listed.status) == (conversation_id, True, "running")
        hold.let_go()
        list(stream)

    def test_messages_have_the_answer_and_how_it_was_made(self, whole, client) -> None:
        chunks = told(client, whole.script(*STEPS), event_mode="separate")
        first = chunks[0].body
        body = client.get_messages(models.GetMessagesRequest(conversation_id=first.conversation_id)).body
        (item,) = body.data
        assert (item.id, item.answer, body.has_more, body.limit) == (first.message_id, TEXT, False, 100)
        assert (item.stream_key, item.last_sent_entry_id) == (first.task_id, chunks[-1].id)
        assert item.generation_status == "succeeded"
        assert all(
            each.isdigit() for each in (item.created_at, item.generation_started_at, item.generation_finished_at)
        )
        assert not item.events

    def test_events_of_history_are_those_of_the_stream(self, whole, client) -> None:
        chunks = told(client, whole.script(*STEPS), event_mode="separate")
        request = models.GetMessagesRequest(conversation_id=chunks[0].body.conversation_id, event_mode="separate")
        (item,) = client.get_messages(request).body.data
        streamed = [(chunk.body.event, chunk.body.answer, chunk.body.call_id) for chunk in chunks]
        assert [(event.event, event.answer, event.call_id) for event in item.events] == streamed

    def test_the_inline_answer_of_history_is_that_of_the_stream(self, whole, client) -> None:
        chunks = told(client, whole.script(*STEPS), event_mode="inline")
        request = models.GetMessagesRequest(conversation_id=chunks[0].body.conversation_id, event_mode="inline")
        (item,) = client.get_messages(request).body.data
        assert item.answer == text_of(chunks)

    @pytest.mark.parametrize(("rating", "kept"), [("like", "like"), ("dislike", "dislike"), ("", None)])
    def test_feedback_is_kept_and_taken_back(self, whole, client, rating: str, kept: str | None) -> None:
        first = told(client, whole.script("a"))[0].body
        for each in ("like", rating):
            request = models.ModifyMessagesFeedbacksRequest(message_id=first.message_id, rating=each, content="好")
            assert client.modify_messages_feedbacks(request).body.result == "success"
        (item,) = client.get_messages(models.GetMessagesRequest(conversation_id=first.conversation_id)).body.data
        assert item.feedback == kept

    def test_another_rating_is_refused(self, whole, client) -> None:
        message_id = told(client, whole.script("a"))[0].body.message_id
        request = models.ModifyMessagesFeedbacksRequest(message_id=message_id, rating="good")
        error = refused(client.modify_messages_feedbacks, request)
        assert "it must be 'like' or 'dislike'" in error.message

    def test_feedback_on_nothing_is_not_found(self, client) -> None:
        request = models.ModifyMessagesFeedbacksRequest(message_id="nothing", rating="like")
        assert refused(client.modify_messages_feedbacks, request).code == "MessageNotFound"

    def test_messages_of_nothing_are_not_found(self, client) -> None:
        assert (
            refused(client.get_messages, models.GetMessagesRequest(conversation_id="nothing")).code
            == "ConversationNotFound"
        )
        assert refused(client.get_messages, models.GetMessagesRequest()).code == "MissingConversationId"


class TestResuming:
    def test_after_any_event_gives_exactly_the_rest(self, whole, client) -> None:
        chunks = told(client, whole.script(*STEPS), event_mode="separate")
        target = f"/v1/messages/{chunks[0].body.message_id}/events?EventMode=separate"
        for place, chunk in enumerate(chunks):
            with whole.stream("SubscribeMessage", target, "GET", headers={"last-event-id": chunk.id}) as frames:
                assert [frame["id"] for frame in frames.rest()] == [each.id for each in chunks[place + 1 :]]

    def test_while_the_run_goes_on_misses_nothing(self, whole, client, hold) -> None:
        question = whole.script("half ", hold, "and half")
        stream = client.chat_messages_with_sse(models.ChatMessagesRequest(query=question), RuntimeOptions())
        message_id = next(stream).body.message_id
        stream.close()
        threading.Timer(0.2, hold.let_go).start()
        with whole.stream(
            "SubscribeMessage", f"/v1/messages/{message_id}/events", "GET", headers={"last-event-id": "1"}
        ) as frames:
            told = frames.rest()
        assert "".join(frame["Answer"] for frame in told if frame["Event"] == "message") == "half and half"
        assert told[-1]["Event"] == "workflow_finished"


def test_health_of_a_whole_installation_is_ready(whole) -> None:
    import httpx

    assert httpx.get(f"{whole.url}/health").json()["Status"] == "ready"


def test_dara_exceptions_are_what_the_stream_raises(whole) -> None:
    error = refused(told, client_of(whole, access_key_secret="wrong"), "q")
    assert isinstance(error, DaraException)


def test_a_place_beyond_the_end_of_a_run_gives_nothing_more(whole, client) -> None:
    message_id = told(client, whole.script("a"))[0].body.message_id
    target = f"/v1/messages/{message_id}/events?LastEventId=999999999"
    with whole.stream("SubscribeMessage", target, "GET") as frames:
        assert frames.rest() == []
