"""Custom agents through the official SDK: what is made, read, changed, listed and deleted, and who answers then."""

import re
from typing import Any

import pytest
from alibabacloud_rdsai20250507 import models
from alibabacloud_rdsai20250507.client import Client
from tests.api.test_sdk import client_of, refused, told
from tests.api.test_types import mismatches

BLANK_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
ISO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture(scope="module")
def client(whole: Any) -> Client:
    return client_of(whole)


def made(client: Client, **values: Any) -> Any:
    request = models.CreateCustomAgentRequest(**{"system_prompt": "You advise on indexes.", "name": "advisor"} | values)
    return client.create_custom_agent(request).body


def read(client: Client, custom_agent_id: str) -> Any:
    return client.get_custom_agent(models.GetCustomAgentRequest(custom_agent_id=custom_agent_id)).body


def changed(client: Client, custom_agent_id: str, **values: Any) -> Any:
    return client.update_custom_agent(models.UpdateCustomAgentRequest(custom_agent_id=custom_agent_id, **values)).body


def listed(client: Client, **paging: Any) -> Any:
    return client.list_custom_agent(models.ListCustomAgentRequest(**paging)).body


class TestCreating:
    def test_answers_the_agent_with_its_tools_and_skills(self, client: Client) -> None:
        body = made(client, enable_tools=True, tools=["list_indexes", "explain_sql"], skill_ids=["sys-index-tuning"])
        assert (body.name, body.system_prompt, body.enable_tools) == ("advisor", "You advise on indexes.", True)
        assert body.tools == ["list_indexes", "explain_sql"]
        (skill,) = body.skills
        assert (skill.id, skill.name, skill.skill_type) == ("sys-index-tuning", "index-tuning", "system")
        assert skill.description
        assert mismatches(body.to_map(), models.CreateCustomAgentResponseBody) == []

    def test_writes_its_time_with_a_blank(self, client: Client) -> None:
        assert BLANK_TIME.fullmatch(made(client).created_at)

    def test_enables_tools_unless_it_says_otherwise(self, client: Client) -> None:
        assert made(client).enable_tools is True
        assert made(client, enable_tools=False).enable_tools is False

    def test_needs_a_prompt(self, client: Client) -> None:
        error = refused(client.create_custom_agent, models.CreateCustomAgentRequest(name="x"))
        assert error.code == "MissingSystemPrompt"

    def test_takes_a_chinese_prompt_of_sixty_thousand_characters(self, client: Client) -> None:
        prompt = "你是一名数据库专家。" * 6000
        assert read(client, made(client, system_prompt=prompt).id).system_prompt == prompt

    def test_refuses_a_tool_that_is_not_there_and_names_those_that_are(self, client: Client) -> None:
        error = refused(
            client.create_custom_agent, models.CreateCustomAgentRequest(system_prompt="x", tools=["reboot"])
        )
        assert (error.code, error.status_code) == ("InvalidParameter", 400)
        assert "'reboot'" in error.message
        assert "list_indexes" in error.message

    def test_refuses_a_skill_that_is_not_there_and_names_those_that_are(self, client: Client) -> None:
        request = models.CreateCustomAgentRequest(system_prompt="x", skill_ids=["sys-cooking"])
        error = refused(client.create_custom_agent, request)
        assert error.code == "InvalidParameter"
        assert "'sys-cooking'" in error.message
        assert "sys-sql-review" in error.message


class TestReading:
    def test_tells_both_times_in_their_two_forms(self, client: Client) -> None:
        body = read(client, made(client).id)
        assert ISO_TIME.fullmatch(body.created_at)
        assert BLANK_TIME.fullmatch(body.updated_at)
        assert mismatches(body.to_map(), models.GetCustomAgentResponseBody) == []

    @pytest.mark.parametrize("custom_agent_id", ["x", "3f0c5b1e-6a2d-4f7e-9b8c-1d2e3f4a5b6c", "'; DROP TABLE x --"])
    def test_an_unknown_agent_is_not_found(self, client: Client, custom_agent_id: str) -> None:
        request = models.GetCustomAgentRequest(custom_agent_id=custom_agent_id)
        error = refused(client.get_custom_agent, request)
        assert (error.code, error.status_code) == ("CustomAgentNotFound", 404)


class TestChanging:
    def test_keeps_what_is_left_out(self, client: Client) -> None:
        before = made(client, tools=["explain_sql"], skill_ids=["sys-locks"])
        body = changed(client, before.id, name="other")
        assert (body.name, body.system_prompt, body.tools) == ("other", before.system_prompt, ["explain_sql"])
        assert [skill.name for skill in body.skills] == ["locks"]

    def test_an_empty_list_clears(self, client: Client) -> None:
        before = made(client, tools=["explain_sql"], skill_ids=["sys-locks"])
        body = changed(client, before.id, tools=[], skill_ids=[])
        assert (body.tools, body.skills) == ([], [])
        assert read(client, before.id).tools == []

    def test_tells_enable_tools_as_a_text_and_no_time(self, client: Client) -> None:
        before = made(client)
        body = changed(client, before.id, enable_tools=False)
        assert body.enable_tools == "false"
        assert "CreatedAt" not in body.to_map()
        assert mismatches(body.to_map(), models.UpdateCustomAgentResponseBody) == []
        assert changed(client, before.id, enable_tools=True).enable_tools == "true"

    def test_an_unknown_tool_changes_nothing(self, client: Client) -> None:
        before = made(client, tools=["explain_sql"])
        request = models.UpdateCustomAgentRequest(custom_agent_id=before.id, name="n", tools=["reboot"])
        assert refused(client.update_custom_agent, request).code == "InvalidParameter"
        assert read(client, before.id).name == "advisor"


class TestListing:
    def test_pages_stay_what_they_are_while_agents_are_added(self, client: Client) -> None:
        for _ in range(4):
            made(client)
        first = listed(client, page_number=1, page_size=2)
        made(client)
        assert [each.id for each in listed(client, page_number=1, page_size=2).data] == [each.id for each in first.data]
        assert listed(client, page_number=1, page_size=2).total_count == first.total_count + 1

    def test_every_agent_stands_on_one_page(self, client: Client) -> None:
        total = listed(client, page_size=1).total_count
        ids = [
            each.id for page in range(1, total // 3 + 2) for each in listed(client, page_number=page, page_size=3).data
        ]
        assert len(ids) == len(set(ids)) == total

    def test_tells_the_page_the_total_and_the_skills(self, client: Client) -> None:
        made(client, skill_ids=["sys-memory"])
        body = listed(client, page_size=100)
        assert (body.page_number, body.page_size) == (1, 100)
        assert "sys-memory" in {skill.id for skill in body.skills}
        assert mismatches(body.to_map(), models.ListCustomAgentResponseBody) == []

    def test_a_page_behind_the_last_is_empty(self, client: Client) -> None:
        assert listed(client, page_number=100_000).data == []


class TestDeleting:
    def test_says_success_and_the_agent_is_gone(self, client: Client) -> None:
        custom_agent_id = made(client).id
        request = models.DeleteCustomAgentRequest(custom_agent_id=custom_agent_id)
        assert client.delete_custom_agent(request).body.result == "success"
        assert refused(client.delete_custom_agent, request).code == "CustomAgentNotFound"


class TestTools:
    def test_are_listed_in_four_languages_with_what_they_do(self, client: Client) -> None:
        body = client.list_custom_agent_tools().body
        by_name = {tool.name: tool for tool in body.data}
        assert by_name["describe_db_instances"].type == "get"
        assert all(tool.zh and tool.en and tool.tc and tool.ja for tool in body.data)
        assert mismatches(body.to_map(), models.ListCustomAgentToolsResponseBody) == []

    def test_are_all_of_the_registry(self, client: Client) -> None:
        from housecall.agent.tools import all_tools

        kinds = {tool.name: tool.type for tool in client.list_custom_agent_tools().body.data}
        assert kinds == {tool.name: "get" if tool.kind == "read" else "update" for tool in all_tools()}


class TestChat:
    def test_the_agent_is_handed_to_the_run(self, whole: Any, client: Client) -> None:
        custom_agent_id, question = made(client).id, whole.script("fine")
        told(client, question, inputs=models.ChatMessagesRequestInputs(custom_agent_id=custom_agent_id))
        assert whole.answerer.turns[question].inputs["custom_agent_id"] == custom_agent_id

    def test_an_unknown_agent_is_not_found_before_anything_starts(self, client: Client) -> None:
        request = models.ChatMessagesRequest(
            query="hi", inputs=models.ChatMessagesRequestInputs(custom_agent_id="ag-1")
        )
        error = refused(lambda: list(client.chat_messages_with_sse(request, _runtime())))
        assert (error.code, error.statusCode) == ("CustomAgentNotFound", 404)

    def test_older_clients_name_it_beside_the_inputs(self, whole: Any, client: Client) -> None:
        custom_agent_id, question = made(client).id, whole.script("fine")
        target = f"/?Query={question.replace(' ', '+')}&CustomAgentId={custom_agent_id}&ResponseMode=blocking"
        assert whole.send("ChatMessages", target).status_code == 200
        assert whole.answerer.turns[question].inputs["custom_agent_id"] == custom_agent_id


def _runtime() -> Any:
    from darabonba.runtime import RuntimeOptions

    return RuntimeOptions()
