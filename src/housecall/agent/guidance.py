"""What leads a turn beside the question: the custom agent that answers, and the skill that the question names.

Both are read once, in a step of the durable workflow: a recovered run is led by what led it before, whatever was
edited meanwhile.
"""

import dataclasses
import json
import re
from collections.abc import Iterable
from typing import Any

from housecall.agent.context import LoadedSkill, RunContext
from housecall.agent.durable import as_step
from housecall.agent.queries import named_skill
from housecall.errors import HousecallError, NotFound
from housecall.events import Happening
from housecall.skills.catalog import SkillEngine
from housecall.skills.directory import KnownSkill, engine_of
from housecall.turn import AgentProfile, AgentProfiles

SNIPPET_CHARACTERS = 300
_CHECK = re.compile(r"\b(?:postgresql|mysql)\.[a-z][a-z_]+\b")
"""The id of a check, as a user's skill names it."""


async def load_guidance(run: RunContext, profiles: AgentProfiles | None) -> None:
    """Fill in the run's custom agent, its skill and the skills that may be loaded.

    Raises:
        NotFound: the custom agent is gone (CustomAgentNotFound).
    """
    custom_agent_id = run.turn.inputs.get("custom_agent_id")
    if custom_agent_id:
        run.profile = await _profile(run, profiles, custom_agent_id)
    run.catalogue = await _catalogue(run)
    name = named_skill(run.turn.query)
    if name is not None:
        run.skill = await _named(run, name)


async def _profile(run: RunContext, profiles: AgentProfiles | None, custom_agent_id: str) -> AgentProfile:
    async def read() -> dict[str, Any]:
        try:
            if profiles is None:
                raise NotFound(f"There is no custom agent {custom_agent_id[:80]!r}.", code="CustomAgentNotFound")
            found = await profiles.profile(run.turn.account_id, custom_agent_id)
        except NotFound as error:
            return {"missing": error.message, "code": error.wire_code}
        return dataclasses.asdict(found)

    recorded = await as_step("custom_agent", read)
    if "missing" in recorded:
        raise NotFound(recorded["missing"], code=recorded["code"])
    tools = recorded["tools"]
    return AgentProfile(
        recorded["id"],
        recorded["name"],
        recorded["system_prompt"],
        None if tools is None else tuple(tools),
        tuple(recorded["skills"]),
    )


async def _catalogue(run: RunContext) -> tuple[KnownSkill, ...]:
    """The skills of the account; of a custom agent that chose some, those."""
    found = await run.skills.list_skills(run.turn.account_id)
    if run.profile is not None and run.profile.skills:
        return tuple(each for each in found if each.name in run.profile.skills)
    return found


async def _named(run: RunContext, name: str) -> LoadedSkill | None:
    async def read() -> dict[str, Any]:
        found = await run.skills.find_by_name(run.turn.account_id, name)
        if found is None:
            return {}
        loaded = await load(run, found)
        await run.sink.flush()  # before the step is recorded and not told again
        return dataclasses.asdict(loaded)

    recorded = await as_step("skill", read)
    return LoadedSkill(**recorded | {"checks": tuple(recorded["checks"])}) if recorded else None


async def load(run: RunContext, skill: KnownSkill, instance_id: str | None = None) -> LoadedSkill:
    """The skill for the engine of the instance in question; told as a `doc` event."""
    engine = await _engine(run, instance_id)
    text = skill.text(engine, run.language)
    title = skill.title().render(run.language)
    snippet = skill.description().render(run.language)[:SNIPPET_CHARACTERS]
    told = {"title": title, "source": f"skill:{skill.name}", "snippet": snippet}
    await run.sink.report(Happening("doc", json.dumps(told, ensure_ascii=False), told))
    checks = skill.builtin.checks if skill.builtin else tuple(dict.fromkeys(_CHECK.findall(text)))
    return LoadedSkill(skill.name, title, text, skill.text(engine, "en"), _of_engine(checks, engine))


def _of_engine(checks: Iterable[str], engine: SkillEngine | None) -> tuple[str, ...]:
    """The checks that can look at this engine; all of them when it is not known."""
    if engine is None:
        return tuple(checks)
    prefix = "postgresql." if engine == "PostgreSQL" else "mysql."
    return tuple(each for each in checks if each.startswith(prefix))


async def _engine(run: RunContext, instance_id: str | None) -> SkillEngine | None:
    """None when it is not clear which instance is meant: then the text for every engine is given."""
    wanted = instance_id or run.turn.instance_id
    try:
        if wanted:
            instance = await run.instances.get_instance(run.turn.account_id, wanted)
        else:
            (instance,) = await run.instances.list_instances(run.turn.account_id)
    except (HousecallError, ValueError):
        return None
    return engine_of(instance.engine, instance.version)
