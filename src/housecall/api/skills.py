"""CreateSkill, GetSkill, ListSkill, UpdateSkill and DeleteSkill: playbooks, the account's own beside the system's.

The fields of the cloud's other product (WorkspaceId, Upload…, Version…, Path, Download, Sort, Source) are accepted and
ignored (contract, decision 12). Skills of the system can be read by everybody and changed by nobody.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from housecall.api.custom_agents import TextList, iso_time
from housecall.api.operation import Call, Operation
from housecall.api.paging import PagedResponse, PageNumber, PageSize, place_of
from housecall.api.wire import (
    Flag,
    OptionalText,
    Text,
    WireModel,
    WireRequest,
    WireResponse,
    choice,
    json_list,
    json_object,
)
from housecall.chat.skills import Scope
from housecall.skills.directory import KnownSkill
from housecall.wording import DEFAULT_LANGUAGE, Language, language_of_tag

DEFAULT_PAGE_SIZE = 20
Content = Annotated[Mapping[Text, Text] | None, json_object]
DISPLAY_LANGUAGES = ("zh-CN", "zh-TW", "en-US", "ja-JP")
LanguageTag = Annotated[str | None, choice(*DISPLAY_LANGUAGES, ignore_case=True)]


class CreateSkillRequest(WireRequest):
    """A new skill. `/name` at the start of a question loads it."""

    name: Text
    """Lower-case letters, digits and hyphens, up to 64; unique among yours and the system's."""
    description: Text
    """What it is for, up to 1000 characters: a model chooses by it."""
    dbtypes: Annotated[tuple[Text, ...], json_list]
    """List of the database types that it is for: PostgreSQL, MySQL, MariaDB."""
    content: Content = None
    """Object of what to do, in Markdown, by database type."""
    workspace_id: OptionalText = None
    """Accepted and ignored."""
    upload_id: OptionalText = None
    """Accepted and ignored."""
    upload_token: OptionalText = None
    """Accepted and ignored."""
    update_note: OptionalText = None
    """Accepted and ignored."""


class CreateSkillResponse(WireResponse):
    """The new skill."""

    id: str
    skill_id: str
    name: str
    description: str
    dbtypes: tuple[str, ...]
    content: Mapping[str, str]
    skill_type: str
    created_at: str | None


class GetSkillRequest(WireRequest):
    """One skill, in one of the languages that it has."""

    skill_id: Text
    """The skill: one of yours, or of the system."""
    language: LanguageTag = None
    """Language of a system skill's texts: zh-CN, zh-TW, en-US or ja-JP; en-US by default."""
    path: OptionalText = None
    """Accepted and ignored."""
    version_id: OptionalText = None
    """Accepted and ignored."""
    download: Flag = None
    """Accepted and ignored."""
    workspace_id: OptionalText = None
    """Accepted and ignored."""


class Capabilities(WireModel):
    """What the caller's account may do with a skill."""

    edit: bool
    delete: bool


class GetSkillResponse(WireResponse):
    """A skill. One of the system has no times: it comes with the installation."""

    id: str
    skill_id: str
    name: str
    display_name: str
    description: str
    dbtypes: tuple[str, ...]
    content: Mapping[str, str]
    skill_type: str
    scope: str
    category: str | None
    capabilities: Capabilities
    created_at: str | None
    updated_at: str | None


class ListSkillRequest(WireRequest):
    """A page: the system's skills by name, then yours in the order in which they were made."""

    language: LanguageTag = None
    """Language of the system skills' texts: zh-CN, zh-TW, en-US or ja-JP; en-US by default."""
    page_number: PageNumber = None
    """Page, from 1."""
    page_size: PageSize = None
    """Skills on a page, 1 to 100; 20 by default."""
    query: OptionalText = None
    """Only those whose name or description holds this text."""
    scope: Annotated[Scope | None, choice("all", "private", "system")] = None
    """private (yours), system or all; all by default."""
    sort: OptionalText = None
    """Accepted and ignored."""
    source: OptionalText = None
    """Accepted and ignored."""
    workspace_id: OptionalText = None
    """Accepted and ignored."""


class SkillItem(WireModel):
    """A skill as it is listed."""

    id: str
    name: str
    display_name: str
    description: str
    skill_type: str
    scope: str
    category: str | None
    dbtypes: tuple[str, ...]
    content: Mapping[str, str]
    created_at: str | None
    updated_at: str | None


class ListSkillResponse(PagedResponse):
    """A page of skills."""

    data: tuple[SkillItem, ...]


class UpdateSkillRequest(WireRequest):
    """What is left out stays. Content, when it is given, takes the place of all that was there."""

    skill_id: Text
    """The skill to change: one of yours."""
    name: OptionalText = None
    """Its new name."""
    description: OptionalText = None
    """Its new description."""
    dbtypes: TextList = None
    """List of the database types that it is for."""
    content: Content = None
    """Object of what to do, by database type."""
    workspace_id: OptionalText = None
    """Accepted and ignored."""
    upload_id: OptionalText = None
    """Accepted and ignored."""
    upload_token: OptionalText = None
    """Accepted and ignored."""
    update_note: OptionalText = None
    """Accepted and ignored."""


class UpdateSkillResponse(WireResponse):
    """The skill after the change."""

    id: str
    skill_id: str
    name: str
    description: str
    dbtypes: tuple[str, ...]
    content: Mapping[str, str]
    skill_type: str
    updated_at: str | None


class DeleteSkillRequest(WireRequest):
    """One skill by its id."""

    skill_id: Text
    """The skill to delete: one of yours."""
    workspace_id: OptionalText = None
    """Accepted and ignored."""


class DeleteSkillResponse(WireResponse):
    """The skill is gone; agents that had chosen it have it no more."""

    result: str = "success"
    skill_id: str
    deleted: bool = True


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else iso_time(moment)


def _language(tag: str | None) -> Language:
    return language_of_tag(tag) or DEFAULT_LANGUAGE


def _texts(skill: KnownSkill, language: Language) -> dict[str, Any]:
    """What every answer about a skill holds."""
    return {
        "id": skill.id,
        "name": skill.name,
        "description": skill.description().render(language),
        "dbtypes": skill.engines,
        "content": dict(skill.content_in(language)),
        "skill_type": skill.skill_type,
    }


def _shown(skill: KnownSkill, language: Language) -> dict[str, Any]:
    return _texts(skill, language) | {
        "display_name": skill.title().render(language),
        "scope": "system" if skill.skill_type == "system" else "private",
        "category": skill.category,
        "created_at": _time(skill.created_at),
        "updated_at": _time(skill.updated_at),
    }


async def create_skill(call: Call, request: CreateSkillRequest) -> CreateSkillResponse:
    made = await call.app.skills.create(
        call.caller.account_id,
        call.caller.user_id,
        name=request.name,
        description=request.description,
        engines=request.dbtypes,
        content=request.content,
    )
    texts = _texts(made, DEFAULT_LANGUAGE)
    return CreateSkillResponse(**texts, skill_id=made.id, created_at=_time(made.created_at))


async def get_skill(call: Call, request: GetSkillRequest) -> GetSkillResponse:
    found = await call.app.skills.get(call.caller.account_id, request.skill_id)
    own = found.skill_type == "user"
    shown = _shown(found, _language(request.language))
    return GetSkillResponse(**shown, skill_id=found.id, capabilities=Capabilities(edit=own, delete=own))


async def list_skill(call: Call, request: ListSkillRequest) -> ListSkillResponse:
    place = place_of(request, DEFAULT_PAGE_SIZE)
    language = _language(request.language)
    page = await call.app.skills.page(
        call.caller.account_id,
        language=language,
        query=request.query,
        scope=request.scope or "all",
        **asdict(place),
    )
    return ListSkillResponse(
        data=tuple(SkillItem(**_shown(each, language)) for each in page.items),
        total_count=page.total,
        **asdict(place),
    )


async def update_skill(call: Call, request: UpdateSkillRequest) -> UpdateSkillResponse:
    changed = await call.app.skills.update(
        call.caller.account_id,
        request.skill_id,
        name=request.name,
        description=request.description,
        engines=request.dbtypes,
        content=request.content,
    )
    texts = _texts(changed, DEFAULT_LANGUAGE)
    return UpdateSkillResponse(**texts, skill_id=changed.id, updated_at=_time(changed.updated_at))


async def delete_skill(call: Call, request: DeleteSkillRequest) -> DeleteSkillResponse:
    await call.app.skills.delete(call.caller.account_id, request.skill_id)
    return DeleteSkillResponse(skill_id=request.skill_id)


_EXAMPLE_ID = "9a6b2c4d-8e1f-4a3b-b5c7-0d9e8f7a6b5c"

OPERATIONS = (
    Operation(
        name="CreateSkill",
        request=CreateSkillRequest,
        response=CreateSkillResponse,
        summary="Write a skill: a playbook that the diagnostician and models follow.",
        handler=create_skill,
        access="create",
        errors=("SkillAlreadyExists",),
        example={
            "Name": "monday-check",
            "Description": "What we look at every Monday morning.",
            "Dbtypes": ["PostgreSQL"],
            "Content": {
                "PostgreSQL": "1. `show_blocking`\n2. `list_sessions`\n3. `examine_instance` with focus `vacuum`"
            },
        },
    ),
    Operation(
        name="GetSkill",
        request=GetSkillRequest,
        response=GetSkillResponse,
        summary="Read a skill, one of yours or of the system.",
        handler=get_skill,
        access="get",
        errors=("SkillNotFound",),
        example={"SkillId": "sys-sql-review", "Language": "zh-CN"},
    ),
    Operation(
        name="ListSkill",
        request=ListSkillRequest,
        response=ListSkillResponse,
        summary="List skills: the system's, then yours.",
        handler=list_skill,
        access="list",
        example={"Language": "en-US", "PageNumber": 1, "PageSize": 20, "Scope": "all"},
    ),
    Operation(
        name="UpdateSkill",
        request=UpdateSkillRequest,
        response=UpdateSkillResponse,
        summary="Change a skill of yours: what is left out stays.",
        handler=update_skill,
        access="update",
        errors=("SkillNotFound", "SkillAlreadyExists"),
        example={"SkillId": _EXAMPLE_ID, "Description": "What we look at every Monday and Friday."},
    ),
    Operation(
        name="DeleteSkill",
        request=DeleteSkillRequest,
        response=DeleteSkillResponse,
        summary="Delete a skill of yours.",
        handler=delete_skill,
        access="delete",
        errors=("SkillNotFound",),
        example={"SkillId": _EXAMPLE_ID},
    ),
)
