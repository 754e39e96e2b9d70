"""CreateCustomAgent, UpdateCustomAgent, GetCustomAgent, ListCustomAgent, DeleteCustomAgent and ListCustomAgentTools.

The oddities of the wire are kept as they are (contract, 4.2): CreateCustomAgent writes CreatedAt with a blank
(`2026-01-31 12:00:00`), GetCustomAgent as `2026-01-31T12:00:00Z` beside an UpdatedAt with a blank, and
UpdateCustomAgent tells EnableTools as a text and no time at all. All times are UTC.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Literal

from housecall.api.operation import Call, Operation
from housecall.api.paging import PagedResponse, PageNumber, PageSize, place_of
from housecall.api.wire import (
    Flag,
    OptionalText,
    Success,
    Text,
    WireModel,
    WireRequest,
    WireResponse,
    json_list,
)
from housecall.chat.custom_agents import CustomAgent
from housecall.skills.directory import KnownSkill

DEFAULT_PAGE_SIZE = 10
TextList = Annotated[tuple[Text, ...] | None, json_list]


def blank_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def iso_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class AgentSkill(WireModel):
    """A skill that an agent has chosen."""

    id: str
    name: str
    description: str
    skill_type: str


class CreateCustomAgentRequest(WireRequest):
    """A new agent. With tools enabled and none named it has all of them."""

    system_prompt: Text
    """What the agent is for and how it answers; it is added to Housecall's own rules, which stand."""
    name: OptionalText = None
    """What people call it."""
    enable_tools: Flag = None
    """Whether it may use tools; true by default, and with false none is offered, whatever Tools says."""
    tools: TextList = None
    """List of the names of tools that it may use, as ListCustomAgentTools has them; empty means all."""
    skill_ids: TextList = None
    """List of the ids of skills that it may load, as ListSkill has them; empty means all."""


class CustomAgentResponse(WireResponse):
    """An agent with what it has chosen."""

    id: str
    name: str
    system_prompt: str
    enable_tools: bool
    tools: tuple[str, ...]
    skills: tuple[AgentSkill, ...]
    created_at: str
    updated_at: str | None = None


class UpdateCustomAgentRequest(WireRequest):
    """What is left out stays; an empty list clears."""

    custom_agent_id: Text
    """The agent to change."""
    name: OptionalText = None
    """Its new name."""
    system_prompt: OptionalText = None
    """Its new prompt."""
    enable_tools: Flag = None
    """Whether it may use tools."""
    tools: TextList = None
    """List of the names of tools that it may use; an empty list takes the choice back."""
    skill_ids: TextList = None
    """List of the ids of skills that it may load; an empty list takes the choice back."""


class UpdateCustomAgentResponse(WireResponse):
    """The agent after the change. `enable_tools` is a text here, as the SDKs declare it."""

    id: str
    name: str
    system_prompt: str
    enable_tools: Literal["true", "false"]
    tools: tuple[str, ...]
    skills: tuple[AgentSkill, ...]


class NamedCustomAgentRequest(WireRequest):
    """One agent by its id."""

    custom_agent_id: Text
    """The agent."""


class ListCustomAgentRequest(WireRequest):
    """A page of agents, in the order in which they were made."""

    page_number: PageNumber = None
    """Page, from 1."""
    page_size: PageSize = None
    """Agents on a page, 1 to 100; 10 by default."""


class CustomAgentItem(WireModel):
    """An agent as it is listed."""

    id: str
    name: str
    system_prompt: str
    enable_tools: bool
    tools: tuple[str, ...]
    skills: tuple[AgentSkill, ...]
    created_at: str
    updated_at: str


class ListCustomAgentResponse(PagedResponse):
    """`skills` are all that the agents of this page have chosen, where the SDKs look for them."""

    data: tuple[CustomAgentItem, ...]
    skills: tuple[AgentSkill, ...]


class ListCustomAgentToolsRequest(WireRequest):
    """It takes no parameters."""


class ToolItem(WireModel):
    """A tool, told in four languages. `type` is `get` for one that reads and `update` for one that writes."""

    name: str
    type: str
    zh: str
    en: str
    tc: str
    ja: str


class ListCustomAgentToolsResponse(WireResponse):
    """Every tool, by name."""

    data: tuple[ToolItem, ...]


def _skills(skills: Sequence[KnownSkill]) -> tuple[AgentSkill, ...]:
    return tuple(
        AgentSkill(id=each.id, name=each.name, description=each.description().render(), skill_type=each.skill_type)
        for each in skills
    )


async def create_custom_agent(call: Call, request: CreateCustomAgentRequest) -> CustomAgentResponse:
    made = await call.app.custom_agents.create(
        call.caller.account_id,
        call.caller.user_id,
        system_prompt=request.system_prompt,
        name=request.name,
        enable_tools=request.enable_tools,
        tools=request.tools,
        skill_ids=request.skill_ids,
    )
    return _response(made, blank_time(made.created_at), None)


async def get_custom_agent(call: Call, request: NamedCustomAgentRequest) -> CustomAgentResponse:
    found = await call.app.custom_agents.get(call.caller.account_id, request.custom_agent_id)
    return _response(found, iso_time(found.created_at), blank_time(found.updated_at))


def _response(agent: CustomAgent, created_at: str, updated_at: str | None) -> CustomAgentResponse:
    return CustomAgentResponse(
        id=agent.id,
        name=agent.name,
        system_prompt=agent.system_prompt,
        enable_tools=agent.enable_tools,
        tools=agent.tools,
        skills=_skills(agent.skills),
        created_at=created_at,
        updated_at=updated_at,
    )


async def update_custom_agent(call: Call, request: UpdateCustomAgentRequest) -> UpdateCustomAgentResponse:
    changed = await call.app.custom_agents.update(
        call.caller.account_id,
        request.custom_agent_id,
        name=request.name,
        system_prompt=request.system_prompt,
        enable_tools=request.enable_tools,
        tools=request.tools,
        skill_ids=request.skill_ids,
    )
    return UpdateCustomAgentResponse(
        id=changed.id,
        name=changed.name,
        system_prompt=changed.system_prompt,
        enable_tools="true" if changed.enable_tools else "false",
        tools=changed.tools,
        skills=_skills(changed.skills),
    )


async def list_custom_agent(call: Call, request: ListCustomAgentRequest) -> ListCustomAgentResponse:
    place = place_of(request, DEFAULT_PAGE_SIZE)
    page = await call.app.custom_agents.page(call.caller.account_id, **asdict(place))
    chosen = {skill.id: skill for agent in page.items for skill in agent.skills}
    return ListCustomAgentResponse(
        data=tuple(_item(each) for each in page.items),
        skills=_skills(tuple(chosen.values())),
        total_count=page.total,
        **asdict(place),
    )


def _item(agent: CustomAgent) -> CustomAgentItem:
    return CustomAgentItem(
        id=agent.id,
        name=agent.name,
        system_prompt=agent.system_prompt,
        enable_tools=agent.enable_tools,
        tools=agent.tools,
        skills=_skills(agent.skills),
        created_at=iso_time(agent.created_at),
        updated_at=blank_time(agent.updated_at),
    )


async def delete_custom_agent(call: Call, request: NamedCustomAgentRequest) -> Success:
    await call.app.custom_agents.delete(call.caller.account_id, request.custom_agent_id)
    return Success()


async def list_custom_agent_tools(call: Call, request: ListCustomAgentToolsRequest) -> ListCustomAgentToolsResponse:  # noqa: ARG001
    from housecall.agent.tools import all_tools

    return ListCustomAgentToolsResponse(
        data=tuple(
            ToolItem(
                name=each.name,
                type="get" if each.kind == "read" else "update",
                zh=each.descriptions.template("zh-CN"),
                en=each.descriptions.template("en"),
                tc=each.descriptions.template("zh-TW"),
                ja=each.descriptions.template("ja"),
            )
            for each in all_tools()
        )
    )


_EXAMPLE_ID = "3f0c5b1e-6a2d-4f7e-9b8c-1d2e3f4a5b6c"

OPERATIONS = (
    Operation(
        name="CreateCustomAgent",
        request=CreateCustomAgentRequest,
        response=CustomAgentResponse,
        summary="Make an agent of your own: a prompt with the tools and skills that it may use.",
        handler=create_custom_agent,
        access="create",
        example={
            "Name": "Index advisor",
            "SystemPrompt": "You advise on indexes only. Answer with the statement first.",
            "EnableTools": True,
            "Tools": ["explain_sql", "list_indexes", "describe_table"],
            "SkillIds": ["sys-index-tuning"],
        },
    ),
    Operation(
        name="GetCustomAgent",
        request=NamedCustomAgentRequest,
        response=CustomAgentResponse,
        summary="Read one of your agents.",
        handler=get_custom_agent,
        access="get",
        errors=("CustomAgentNotFound",),
        example={"CustomAgentId": _EXAMPLE_ID},
    ),
    Operation(
        name="ListCustomAgent",
        request=ListCustomAgentRequest,
        response=ListCustomAgentResponse,
        summary="List your agents, in the order in which they were made.",
        handler=list_custom_agent,
        example={"PageNumber": 1, "PageSize": 10},
    ),
    Operation(
        name="UpdateCustomAgent",
        request=UpdateCustomAgentRequest,
        response=UpdateCustomAgentResponse,
        summary="Change an agent: what is left out stays, an empty list clears.",
        handler=update_custom_agent,
        access="update",
        errors=("CustomAgentNotFound",),
        example={"CustomAgentId": _EXAMPLE_ID, "EnableTools": False, "Tools": []},
    ),
    Operation(
        name="DeleteCustomAgent",
        request=NamedCustomAgentRequest,
        response=Success,
        summary="Delete an agent; its conversations stay.",
        handler=delete_custom_agent,
        access="delete",
        errors=("CustomAgentNotFound",),
        example={"CustomAgentId": _EXAMPLE_ID},
    ),
    Operation(
        name="ListCustomAgentTools",
        request=ListCustomAgentToolsRequest,
        response=ListCustomAgentToolsResponse,
        summary="List the tools that an agent can be given.",
        handler=list_custom_agent_tools,
    ),
)
