"""Conversations that are pinned, renamed, sorted, paged and deleted; messages that are read while they are written."""

import json
import time
from typing import Any

import httpx
import pytest
from alibabacloud_rdsai20250507 import models
from darabonba.runtime import RuntimeOptions
from sqlalchemy import text
from tests.api.test_files import uploaded
from tests.api.test_sdk import STEPS, TEXT, client_of

from housecall.access.accounts import Caller
from housecall.events import Happening

CALL = {"call_id": "c9", "tool_name": "list_indexes", "arguments": {"table": "orders"}}


@pytest.fixture(scope="module")
def client(whole):
    return client_of(whole)


def send(live: Any, action: str, **parameters: Any) -> httpx.Response:
    return live.send(action, f"/?{httpx.QueryParams({name: str(each) for name, each in parameters.items()})}")


def code_of(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    return str(answer.json()["Code"])


def asked(client: Any, question: str, **more: Any) -> Any:
    """The body of the last event of a finished answer."""
    request = models.ChatMessagesRequest(query=question, **more)
    return list(client.chat_messages_with_sse(request, RuntimeOptions()))[-1].body


def listed(client: Any, **parameters: Any) -> Any:
    return client.get_conversations(models.GetConversationsRequest(**parameters)).body


def messages_of(client: Any, conversation_id: str, **parameters: Any) -> Any:
    return client.get_messages(models.GetMessagesRequest(conversation_id=conversation_id, **parameters)).body


def ids(page: Any) -> list[str]:
    return [each.id for each in page.data]


class TestPinning:
    def test_a_pinned_conversation_is_among_the_pinned_and_not_among_the_others(self, whole, client) -> None:
        one = asked(client, whole.script("a")).conversation_id
        other = asked(client, whole.script("b")).conversation_id
        told = send(whole, "PinConversation", ConversationId=one).json()["Conversation"]
        assert told["Pinned"] is True
        assert one in ids(listed(client, pinned="true"))
        assert other not in ids(listed(client, pinned="true"))
        assert one not in ids(listed(client, pinned="false"))
        assert {one, other} <= set(ids(listed(client)))

    def test_a_pin_is_taken_away(self, whole, client) -> None:
        one = asked(client, whole.script("a")).conversation_id
        send(whole, "PinConversation", ConversationId=one)
        send(whole, "PinConversation", ConversationId=one, Pinned="False")
        assert one not in ids(listed(client, pinned="true"))

    def test_pinning_does_not_count_as_an_update(self, whole, client) -> None:
        first = asked(client, whole.script("a")).conversation_id
        second = asked(client, whole.script("b")).conversation_id
        send(whole, "PinConversation", ConversationId=first)
        order = ids(listed(client, sort_by="-UpdatedAt"))
        assert order.index(second) < order.index(first)

    def test_pinned_ones_are_paged_in_their_order(self, whole, client) -> None:
        made = [asked(client, whole.script(f"p{n}")).conversation_id for n in range(3)]
        for each in made:
            send(whole, "PinConversation", ConversationId=each)
        page = listed(client, pinned="true", limit="2")
        assert (ids(page), page.has_more, page.limit) == ([made[2], made[1]], "true", 2)
        assert ids(listed(client, pinned="true", limit="2", last_id=made[1]))[0] == made[0]

    @pytest.mark.parametrize("action", ["PinConversation", "RenameConversation", "DeleteConversation"])
    def test_an_unknown_or_foreign_conversation_is_not_found(self, whole, action) -> None:
        theirs = whole.run(_conversation_of_another_account(whole.app))
        for each in ("8227be22-5c94-4d0e-9b1a-0f3c2d7e6a51", "nonsense", theirs):
            assert code_of(send(whole, action, ConversationId=each, Name="x"), 404) == "ConversationNotFound"


async def _conversation_of_another_account(app: Any) -> str:
    from housecall.chat.runs import NewQuestion

    other = Caller("88", "89")
    async with app.database.begin("making an account") as connection:
        await connection.execute(
            text("INSERT INTO housecall.accounts (id, name) VALUES ('88', 'other') ON CONFLICT DO NOTHING")
        )
        await connection.execute(
            text("INSERT INTO housecall.plans (account_id, name) VALUES ('88', 'unlimited') ON CONFLICT DO NOTHING")
        )
    started = await app.runs.start(NewQuestion(other.account_id, other.user_id, "theirs"))
    await app.runs.wait(started.run_id)
    return str(started.conversation_id)


class TestRenaming:
    def test_changes_name_and_introduction(self, whole, client) -> None:
        one = asked(client, whole.script("a")).conversation_id
        send(whole, "RenameConversation", ConversationId=one, Name="慢查询", Introduction="about orders")
        found = next(each for each in listed(client).data if each.id == one)
        assert (found.name, found.introduction) == ("慢查询", "about orders")

    def test_what_is_left_out_stays(self, whole, client) -> None:
        one = asked(client, whole.script("a")).conversation_id
        send(whole, "RenameConversation", ConversationId=one, Name="kept")
        send(whole, "RenameConversation", ConversationId=one, Introduction="new")
        found = next(each for each in listed(client).data if each.id == one)
        assert (found.name, found.introduction) == ("kept", "new")

    @pytest.mark.parametrize(("length", "status"), [(200, 200), (201, 400)])
    def test_a_name_has_a_longest_length(self, whole, client, length, status) -> None:
        one = asked(client, whole.script("a")).conversation_id
        assert send(whole, "RenameConversation", ConversationId=one, Name="x" * length).status_code == status


class TestDeleting:
    def test_takes_messages_events_and_files_along(self, whole, client) -> None:
        file_id = uploaded(whole)["Id"]
        files = [models.ChatMessagesRequestFiles(upload_file_id=file_id)]
        body = asked(client, whole.script("a"), files=files)
        assert send(whole, "DeleteConversation", ConversationId=body.conversation_id).json()["Result"] == "success"
        assert code_of(send(whole, "GetMessages", ConversationId=body.conversation_id), 404) == "ConversationNotFound"
        assert whole.run(_count(whole.app, "run_events", "run_id", body.task_id)) == 0
        assert whole.run(_count(whole.app, "files", "id", file_id)) == 0

    def test_a_file_of_another_conversation_stays(self, whole, client) -> None:
        file_id = uploaded(whole)["Id"]
        files = [models.ChatMessagesRequestFiles(upload_file_id=file_id)]
        first = asked(client, whole.script("a"), files=files).conversation_id
        asked(client, whole.script("b"), files=files)
        send(whole, "DeleteConversation", ConversationId=first)
        assert whole.run(_count(whole.app, "files", "id", file_id)) == 1

    def test_stops_an_answer_that_is_being_written(self, whole, client, hold) -> None:
        question = whole.script("a", hold, "b")
        target = f"/?{httpx.QueryParams({'Query': question})}"
        with whole.stream("ChatMessages", target) as frames:
            conversation_id = frames.next()["ConversationId"]
            hold.reached.wait(30)
            answer = send(whole, "DeleteConversation", ConversationId=conversation_id)
            assert answer.status_code == 200, answer.text
        assert conversation_id not in ids(listed(client))


async def _count(app: Any, table: str, column: str, value: str) -> int:
    async with app.database.begin("counting") as connection:
        query = text(f"SELECT count(*) FROM housecall.{table} WHERE {column} = CAST(:value AS uuid)")
        return int((await connection.execute(query, {"value": value})).scalar_one())


class TestOrder:
    def test_sort_keys_order_both_ways(self, whole, client) -> None:
        first = asked(client, whole.script("a")).conversation_id
        second = asked(client, whole.script("b")).conversation_id
        asked(client, whole.script("c"), conversation_id=first)
        everything = {"limit": "100"}
        created, updated = (
            ids(listed(client, sort_by="-CreatedAt", **everything)),
            ids(listed(client, sort_by="-UpdatedAt", **everything)),
        )
        assert created.index(second) < created.index(first)
        assert updated.index(first) < updated.index(second)
        whole_list = listed(client, sort_by="CreatedAt", **everything)
        if whole_list.has_more == "false":
            assert ids(whole_list) == created[::-1]

    def test_pages_stay_while_conversations_are_added(self, whole, client) -> None:
        made = [asked(client, whole.script(f"s{n}")).conversation_id for n in range(4)]
        page = ids(listed(client, limit="2"))
        assert page == [made[3], made[2]]
        asked(client, whole.script("new"))
        assert ids(listed(client, limit="2", last_id=page[-1])) == [made[1], made[0]]

    @pytest.mark.parametrize("limit", ["0", "101", "-1", "many"])
    def test_limits_have_bounds(self, whole, limit) -> None:
        assert code_of(send(whole, "GetConversations", Limit=limit), 400) == "InvalidParameter"

    @pytest.mark.parametrize("sort_by", ["createdat", "Name", "--CreatedAt"])
    def test_other_sort_keys_are_refused_by_name(self, whole, sort_by) -> None:
        answer = send(whole, "GetConversations", SortBy=sort_by)
        assert code_of(answer, 400) == "InvalidParameter"
        assert "SortBy" in answer.json()["Message"]


class TestMessages:
    def test_pages_backwards_by_the_first_id_while_messages_are_added(self, whole, client) -> None:
        body = asked(client, whole.script("m0"))
        conversation_id = body.conversation_id
        for number in range(1, 4):
            asked(client, whole.script(f"m{number}"), conversation_id=conversation_id)
        page = messages_of(client, conversation_id, limit=2)
        assert ([each.answer for each in page.data], page.has_more) == (["m2", "m3"], True)
        asked(client, whole.script("m4"), conversation_id=conversation_id)
        earlier = messages_of(client, conversation_id, limit=2, first_id=page.data[0].id)
        assert ([each.answer for each in earlier.data], earlier.has_more) == (["m0", "m1"], False)

    def test_events_have_lower_case_event_and_answer_on_the_wire(self, whole, client) -> None:
        conversation_id = asked(client, whole.script(*STEPS)).conversation_id
        answer = send(whole, "GetMessages", ConversationId=conversation_id, EventMode="separate").json()
        (message,) = answer["Data"]
        events = message["Events"]
        assert {"event", "answer", "ConversationId", "MessageId"} <= set(events[1])
        calls = [each for each in events if each["event"] == "tool_call"]
        assert [json.loads(each["answer"])["status"] for each in calls] == ["start", "end"]
        assert {each["CallId"] for each in calls} == {"c1"}
        assert message["Answer"] == TEXT

    def test_inline_embeds_tool_calls_and_lists_no_events(self, whole, client) -> None:
        conversation_id = asked(client, whole.script(*STEPS)).conversation_id
        (message,) = messages_of(client, conversation_id, event_mode="inline").data
        assert "```tool_call" in message.answer
        assert not message.events

    def test_a_finished_message_tells_when_it_was_written(self, whole, client) -> None:
        before = int(time.time())
        conversation_id = asked(client, whole.script("a")).conversation_id
        (message,) = messages_of(client, conversation_id).data
        assert message.generation_status == "succeeded"
        started, finished = int(message.generation_started_at), int(message.generation_finished_at)
        assert before - 1 <= started <= finished <= int(time.time()) + 1

    def test_a_message_that_is_being_written_has_no_end(self, whole, client, hold) -> None:
        question = whole.script("so far", hold)
        with whole.stream("ChatMessages", f"/?{httpx.QueryParams({'Query': question})}") as frames:
            conversation_id = frames.next()["ConversationId"]
            while frames.next()["Event"] != "message":
                pass
            answer = send(whole, "GetMessages", ConversationId=conversation_id).json()["Data"][0]
            assert answer["GenerationStatus"] == "running"
            assert "GenerationFinishedAt" not in answer
            assert answer["Answer"] == "so far"
            hold.let_go()
            frames.rest()


class TestResuming:
    def test_stream_key_and_last_sent_entry_id_go_on_exactly_where_the_page_ended(self, whole, client, hold) -> None:
        steps = ("one ", Happening("tool_call", fields={**CALL, "status": "start"}), hold, "two")
        question = whole.script(*steps)
        with whole.stream("ChatMessages", f"/?{httpx.QueryParams({'Query': question})}") as frames:
            conversation_id = frames.next()["ConversationId"]
            while frames.next()["Event"] == "workflow_started":
                pass
            hold.reached.wait(30)
            page = send(whole, "GetMessages", ConversationId=conversation_id, EventMode="separate").json()["Data"][0]
            target = httpx.QueryParams(
                {
                    "StreamKey": page["StreamKey"],
                    "LastSentEntryId": page["LastSentEntryId"],
                    "EventMode": "separate",
                }
            )
            with whole.stream("SubscribeMessage", f"/?{target}") as followed:
                hold.let_go()
                rest = followed.rest()
            frames.rest()
        texts = [each["answer"] for each in page["Events"] if each["event"] == "message"]
        texts += [each["Answer"] for each in rest if each["Event"] == "message"]
        assert "".join(texts) == "one two"
        assert rest[-1]["Event"] == "workflow_finished"
        everything = send(whole, "GetMessages", ConversationId=conversation_id, EventMode="separate").json()["Data"][0]
        names = [each["event"] for each in everything["Events"]]
        assert [each["event"] for each in page["Events"]] + [each["Event"] for each in rest] == names

    def test_a_finished_stream_has_nothing_left(self, whole, client) -> None:
        conversation_id = asked(client, whole.script("a")).conversation_id
        page = send(whole, "GetMessages", ConversationId=conversation_id).json()["Data"][0]
        target = httpx.QueryParams({"StreamKey": page["StreamKey"], "LastSentEntryId": page["LastSentEntryId"]})
        with whole.stream("SubscribeMessage", f"/?{target}") as followed:
            assert followed.rest() == []

    def test_a_stream_of_another_message_is_not_found(self, whole, client) -> None:
        one, other = asked(client, whole.script("a")), asked(client, whole.script("b"))
        answer = send(whole, "SubscribeMessage", MessageId=one.message_id, StreamKey=other.task_id)
        assert code_of(answer, 404) == "MessageNotFound"
        assert code_of(send(whole, "SubscribeMessage", StreamKey="nonsense"), 404) == "MessageNotFound"

    def test_neither_message_nor_stream_is_a_missing_parameter(self, whole) -> None:
        assert code_of(send(whole, "SubscribeMessage"), 400) == "MissingMessageId"
