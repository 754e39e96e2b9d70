"""Custom agents of an account: a prompt, a choice of tools and a choice of skills, under a name.

They belong to conversations: a question names the agent that answers it. With tools enabled and none chosen an agent
has all of them; with tools disabled it has none, whatever is chosen.
"""

import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, func, insert, select, update

from housecall.chat.questions import is_id
from housecall.chat.skills import Skills
from housecall.errors import NotFound, RequestError
from housecall.skills.directory import KnownSkill
from housecall.store.database import Database
from housecall.store.tables.agents import CustomAgentRow
from housecall.turn import AgentProfile

MAX_NAME = 128
MAX_PROMPT = 100_000


@dataclass(frozen=True, slots=True)
class CustomAgent:
    """One agent as it is now; a skill that was deleted since it was chosen is left out."""

    id: str
    name: str
    system_prompt: str
    enable_tools: bool
    tools: tuple[str, ...]
    skills: tuple[KnownSkill, ...]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class AgentPage:
    """Some agents and how many there are in all."""

    items: tuple[CustomAgent, ...]
    total: int


class CustomAgents:
    """Implements AgentProfiles. `tool_names` gives the tools that may be chosen."""

    def __init__(self, database: Database, skills: Skills, tool_names: Callable[[], Collection[str]]) -> None:
        self._database = database
        self._skills = skills
        self._tool_names = tool_names

    async def create(
        self,
        account_id: str,
        user_id: str,
        *,
        system_prompt: str,
        name: str | None = None,
        enable_tools: bool | None = None,
        tools: Sequence[str] | None = None,
        skill_ids: Sequence[str] | None = None,
    ) -> CustomAgent:
        """Tools are enabled unless it says otherwise. Raises RequestError (InvalidParameter)."""
        values = await self._checked(
            account_id,
            name=name or "",
            system_prompt=system_prompt,
            enable_tools=enable_tools is not False,
            tools=tools or (),
            skill_ids=skill_ids or (),
        )
        statement = insert(CustomAgentRow).values(
            id=str(uuid.uuid4()), account_id=account_id, user_id=user_id, **values
        )
        async with self._database.begin("storing a custom agent") as connection:
            row = (await connection.execute(statement.returning(CustomAgentRow.__table__))).one()
        return (await self._agents(account_id, [row]))[0]

    async def get(self, account_id: str, custom_agent_id: str) -> CustomAgent:
        """Raises NotFound (CustomAgentNotFound)."""
        if is_id(custom_agent_id):
            async with self._database.begin("reading a custom agent") as connection:
                rows = await connection.execute(
                    select(CustomAgentRow.__table__).where(_mine(account_id, custom_agent_id))
                )
                row = rows.one_or_none()
            if row is not None:
                return (await self._agents(account_id, [row]))[0]
        raise _not_found(custom_agent_id)

    async def page(self, account_id: str, *, page_number: int = 1, page_size: int = 10) -> AgentPage:
        """A page in the order in which they were made: what is added meanwhile comes last."""
        mine = CustomAgentRow.account_id == account_id
        async with self._database.begin("listing custom agents") as connection:
            count = select(func.count()).select_from(CustomAgentRow).where(mine)
            total = (await connection.execute(count)).scalar_one()
            found = await connection.execute(
                select(CustomAgentRow.__table__)
                .where(mine)
                .order_by(CustomAgentRow.number)
                .offset((page_number - 1) * page_size)
                .limit(page_size)
            )
            rows = found.all()
        return AgentPage(tuple(await self._agents(account_id, rows)), total)

    async def update(
        self,
        account_id: str,
        custom_agent_id: str,
        *,
        name: str | None = None,
        system_prompt: str | None = None,
        enable_tools: bool | None = None,
        tools: Sequence[str] | None = None,
        skill_ids: Sequence[str] | None = None,
    ) -> CustomAgent:
        """Change what is given; an empty list clears, None keeps.

        Raises NotFound (CustomAgentNotFound), RequestError (InvalidParameter).
        """
        given = {
            "name": name,
            "system_prompt": system_prompt,
            "enable_tools": enable_tools,
            "tools": tools,
            "skill_ids": skill_ids,
        }
        await self.get(account_id, custom_agent_id)
        values = await self._checked(account_id, **{name: value for name, value in given.items() if value is not None})
        statement = update(CustomAgentRow).where(_mine(account_id, custom_agent_id))
        async with self._database.begin("changing a custom agent") as connection:
            changed = await connection.execute(
                statement.values(**values, updated_at=func.now()).returning(CustomAgentRow.__table__)
            )
            row = changed.one_or_none()
        if row is None:
            raise _not_found(custom_agent_id)
        return (await self._agents(account_id, [row]))[0]

    async def delete(self, account_id: str, custom_agent_id: str) -> None:
        """Raises NotFound (CustomAgentNotFound)."""
        if is_id(custom_agent_id):
            async with self._database.begin("deleting a custom agent") as connection:
                gone = await connection.execute(
                    delete(CustomAgentRow).where(_mine(account_id, custom_agent_id)).returning(CustomAgentRow.id)
                )
                if gone.one_or_none() is not None:
                    return
        raise _not_found(custom_agent_id)

    async def profile(self, account_id: str, custom_agent_id: str) -> AgentProfile:
        found = await self.get(account_id, custom_agent_id)
        tools: tuple[str, ...] | None = found.tools or None
        return AgentProfile(
            found.id,
            found.name,
            found.system_prompt,
            tools if found.enable_tools else (),
            tuple(each.name for each in found.skills),
        )

    async def _checked(self, account_id: str, **values: Any) -> dict[str, Any]:
        if len(values.get("name", "")) > MAX_NAME:
            raise _invalid("Name", f"it has {len(values['name'])} characters and may have {MAX_NAME}")
        if len(values.get("system_prompt", "")) > MAX_PROMPT:
            raise _invalid(
                "SystemPrompt", f"it has {len(values['system_prompt'])} characters and may have {MAX_PROMPT}"
            )
        if "tools" in values:
            values["tools"] = self._checked_tools(values["tools"])
        if "skill_ids" in values:
            values["skill_ids"] = await self._checked_skills(account_id, values["skill_ids"])
        return values

    def _checked_tools(self, tools: Sequence[str]) -> list[str]:
        known = self._tool_names()
        unknown = [each for each in tools if each not in known]
        if unknown:
            raise _invalid("Tools", f"there is no tool {unknown[0][:80]!r}; there are {', '.join(sorted(known))}")
        return list(dict.fromkeys(tools))

    async def _checked_skills(self, account_id: str, skill_ids: Sequence[str]) -> list[str]:
        wanted = list(dict.fromkeys(skill_ids))
        found = await self._skills.those_of(account_id, wanted)
        unknown = [each for each in wanted if each not in found]
        if unknown:
            known = await self._skills.list_skills(account_id)
            ids = ", ".join(each.id for each in known[:50])
            raise _invalid("SkillIds", f"there is no skill {unknown[0][:80]!r}; there are {ids}")
        return [found[each].id for each in wanted]

    async def _agents(self, account_id: str, rows: Sequence[Any]) -> list[CustomAgent]:
        chosen = list(dict.fromkeys(skill_id for row in rows for skill_id in row.skill_ids))
        known = await self._skills.those_of(account_id, chosen)
        return [
            CustomAgent(
                id=row.id,
                name=row.name,
                system_prompt=row.system_prompt,
                enable_tools=row.enable_tools,
                tools=tuple(row.tools),
                skills=tuple(known[skill_id] for skill_id in row.skill_ids if skill_id in known),
                created_at=row.created_at,
                updated_at=row.updated_at,
            )
            for row in rows
        ]


def _mine(account_id: str, custom_agent_id: str) -> Any:
    return and_(CustomAgentRow.account_id == account_id, CustomAgentRow.id == custom_agent_id)


def _invalid(parameter: str, why: str) -> RequestError:
    return RequestError(f"The provided parameter is invalid. {parameter}: {why}.")


def _not_found(custom_agent_id: str) -> NotFound:
    return NotFound(
        f"There is no custom agent {custom_agent_id[:80]!r}; ListCustomAgent has those that there are.",
        code="CustomAgentNotFound",
    )
