"""Skills through the official SDK: an account's own beside the system's."""

import itertools
import re
from typing import Any

import pytest
from alibabacloud_rdsai20250507 import models
from alibabacloud_rdsai20250507.client import Client
from tests.api.test_sdk import client_of, refused
from tests.api.test_types import mismatches

from housecall.skills.catalog import builtin_skills

_numbers = itertools.count(1)
SYSTEM = len(builtin_skills())


@pytest.fixture(scope="module")
def client(whole: Any) -> Client:
    return client_of(whole)


def new(**values: Any) -> Any:
    defaults = {
        "name": f"my-check-{next(_numbers)}",
        "description": "What we look at on Mondays.",
        "dbtypes": ["MySQL", "PostgreSQL"],
        "content": {"MySQL": "指南", "PostgreSQL": "1. `show_blocking`"},
    }
    return models.CreateSkillRequest(**defaults | values)


def made(client: Client, **values: Any) -> Any:
    return client.create_skill(new(**values)).body


def read(client: Client, skill_id: str, **values: Any) -> Any:
    return client.get_skill(models.GetSkillRequest(skill_id=skill_id, **values)).body


def listed(client: Client, **values: Any) -> Any:
    return client.list_skill(models.ListSkillRequest(**values)).body


class TestCreating:
    def test_answers_the_skill(self, client: Client) -> None:
        body = made(client)
        assert (body.skill_type, body.dbtypes) == ("user", ["MySQL", "PostgreSQL"])
        assert body.content == {"MySQL": "指南", "PostgreSQL": "1. `show_blocking`"}
        assert body.id == body.skill_id
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", body.created_at)
        assert mismatches(body.to_map(), models.CreateSkillResponseBody) == []

    @pytest.mark.parametrize("name", ["Upper", "under_score", "-x", "x-", "a--b", "ä", "a b", "x" * 65, "a/b"])
    def test_refuses_a_name_that_slash_could_not_call(self, client: Client, name: str) -> None:
        error = refused(client.create_skill, new(name=name))
        assert error.code == "InvalidParameter"
        assert "Name" in error.message

    @pytest.mark.parametrize("description", ['{"Timezone": "../x"}', "50 % of {what:count}", "}{"])
    def test_takes_a_description_as_it_stands(self, client: Client, description: str) -> None:
        body = made(client, description=description)
        assert body.description == description
        assert read(client, body.id, language="zh-CN").description == description
        client.delete_skill(models.DeleteSkillRequest(skill_id=body.id))

    def test_takes_a_name_of_sixty_four_letters(self, client: Client) -> None:
        assert made(client, name="x" * 64).name == "x" * 64

    @pytest.mark.parametrize("missing", ["name", "description", "dbtypes"])
    def test_needs_name_description_and_database_types(self, client: Client, missing: str) -> None:
        error = refused(client.create_skill, new(**{missing: None}))
        assert error.code == f"Missing{missing.capitalize()}"

    def test_a_description_has_up_to_a_thousand_characters(self, client: Client) -> None:
        assert made(client, description="x" * 1000).description == "x" * 1000
        assert refused(client.create_skill, new(description="x" * 1001)).code == "InvalidParameter"

    def test_refuses_a_database_type_that_is_none_and_names_those_that_are(self, client: Client) -> None:
        error = refused(client.create_skill, new(dbtypes=["Oracle"], content=None))
        assert "'Oracle'" in error.message
        assert "PostgreSQL, MySQL, MariaDB" in error.message

    def test_refuses_content_for_a_type_that_it_is_not_for(self, client: Client) -> None:
        error = refused(client.create_skill, new(dbtypes=["MySQL"], content={"PostgreSQL": "x"}))
        assert "Content" in error.message

    def test_a_name_is_taken_once(self, client: Client) -> None:
        name = made(client).name
        error = refused(client.create_skill, new(name=name))
        assert (error.code, error.status_code) == ("SkillAlreadyExists", 409)

    def test_a_name_of_the_system_is_taken(self, client: Client) -> None:
        assert refused(client.create_skill, new(name="sql-review")).code == "SkillAlreadyExists"


class TestReading:
    def test_one_of_the_account(self, client: Client) -> None:
        before = made(client)
        body = read(client, before.id)
        assert (body.name, body.content, body.scope) == (before.name, before.content, "private")
        assert (body.capabilities.edit, body.capabilities.delete) == (True, True)
        assert mismatches(body.to_map(), models.GetSkillResponseBody) == []

    @pytest.mark.parametrize(
        ("language", "title"), [("zh-CN", "锁与阻塞"), ("zh-TW", "鎖定與封鎖"), ("en-US", "Locks and blocking")]
    )
    def test_one_of_the_system_in_the_language_that_is_asked_for(
        self, client: Client, language: str, title: str
    ) -> None:
        body = read(client, "sys-locks", language=language)
        assert (body.display_name, body.skill_type) == (title, "system")
        assert set(body.content) == {"PostgreSQL", "MySQL", "MariaDB"}
        assert body.capabilities.edit is False

    @pytest.mark.parametrize("skill_id", ["x", "sys-cooking", "3f0c5b1e-6a2d-4f7e-9b8c-1d2e3f4a5b6c"])
    def test_an_unknown_one_is_not_found(self, client: Client, skill_id: str) -> None:
        error = refused(client.get_skill, models.GetSkillRequest(skill_id=skill_id))
        assert (error.code, error.status_code) == ("SkillNotFound", 404)


class TestListing:
    def test_gives_the_systems_and_the_accounts_own(self, client: Client) -> None:
        name = made(client).name
        body = listed(client, page_size=100)
        types = {each.name: each.skill_type for each in body.data}
        assert (types["sql-review"], types[name]) == ("system", "user")
        assert body.total_count == len(body.data)
        assert mismatches(body.to_map(), models.ListSkillResponseBody) == []

    def test_scope_leaves_one_kind(self, client: Client) -> None:
        made(client)
        assert listed(client, scope="system").total_count == SYSTEM
        assert {each.skill_type for each in listed(client, scope="private", page_size=100).data} == {"user"}

    def test_a_page_goes_over_from_the_systems_to_the_accounts(self, client: Client) -> None:
        made(client)
        total = listed(client).total_count
        names = [
            each.name
            for page in range(1, total // 5 + 2)
            for each in listed(client, page_number=page, page_size=5).data
        ]
        assert len(names) == len(set(names)) == total

    def test_pages_stay_what_they_are_while_skills_are_added(self, client: Client) -> None:
        made(client)
        page = {"page_number": SYSTEM + 1, "page_size": 1}
        before = listed(client, **page).data[0].id
        made(client)
        assert listed(client, **page).data[0].id == before

    def test_a_query_is_found_in_names_and_descriptions(self, client: Client) -> None:
        name = made(client, description="Everything about 100% of hamsters_").name
        assert [each.name for each in listed(client, query="HAMSTERS_").data] == [name]
        assert [each.name for each in listed(client, query="100% of").data] == [name]
        assert listed(client, query="hamstersX").total_count == 0
        assert "locks" in {each.name for each in listed(client, query="锁", language="zh-CN").data}


class TestChanging:
    def test_keeps_what_is_left_out(self, client: Client) -> None:
        before = made(client)
        body = client.update_skill(models.UpdateSkillRequest(skill_id=before.id, description="new")).body
        assert (body.description, body.name, body.content) == ("new", before.name, before.content)
        assert mismatches(body.to_map(), models.UpdateSkillResponseBody) == []

    def test_types_without_their_content_are_refused(self, client: Client) -> None:
        request = models.UpdateSkillRequest(skill_id=made(client).id, dbtypes=["MySQL"])
        assert refused(client.update_skill, request).code == "InvalidParameter"

    def test_a_name_that_another_skill_has_is_refused(self, client: Client) -> None:
        one, other = made(client), made(client)
        request = models.UpdateSkillRequest(skill_id=one.id, name=other.name)
        assert refused(client.update_skill, request).code == "SkillAlreadyExists"

    def test_its_own_name_is_no_conflict(self, client: Client) -> None:
        one = made(client)
        assert client.update_skill(models.UpdateSkillRequest(skill_id=one.id, name=one.name)).body.name == one.name

    def test_one_of_the_system_stays_as_it_is(self, client: Client) -> None:
        error = refused(client.update_skill, models.UpdateSkillRequest(skill_id="sys-locks", description="x"))
        assert (error.code, error.status_code) == ("InvalidParameter", 400)
        assert "system" in error.message


class TestDeleting:
    def test_says_success_and_the_skill_is_gone(self, client: Client) -> None:
        request = models.DeleteSkillRequest(skill_id=made(client).id)
        assert client.delete_skill(request).body.result == "success"
        assert refused(client.delete_skill, request).code == "SkillNotFound"

    def test_one_of_the_system_cannot_be_deleted(self, client: Client) -> None:
        assert refused(client.delete_skill, models.DeleteSkillRequest(skill_id="sys-locks")).code == "InvalidParameter"

    def test_an_agent_that_had_chosen_it_has_it_no_more(self, client: Client) -> None:
        skill_id = made(client).id
        agent = client.create_custom_agent(
            models.CreateCustomAgentRequest(system_prompt="x", skill_ids=[skill_id, "sys-cpu"])
        ).body
        client.delete_skill(models.DeleteSkillRequest(skill_id=skill_id))
        found = client.get_custom_agent(models.GetCustomAgentRequest(custom_agent_id=agent.id)).body
        assert [skill.name for skill in found.skills] == ["cpu"]
