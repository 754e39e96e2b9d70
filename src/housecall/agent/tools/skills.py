"""Playbooks that a model may load when a question fits one."""

from typing import Annotated

from pydantic import Field

from housecall.agent.tools.catalogue import Context, InstanceId, ToolResult
from housecall.agent.tools.registry import LOAD_SKILL, ToolSpec
from housecall.errors import NotFound
from housecall.wording import Say


class Playbook(ToolResult):
    name: str
    title: str
    text: str


async def load_skill(
    ctx: Context,
    name: Annotated[str, Field(description="Name of the skill, as the list of skills has it")],
    instance_id: InstanceId = None,
) -> Playbook:
    from housecall.agent.guidance import load

    run = ctx.deps
    wanted = name.strip().lstrip("/").lower()
    chosen = run.profile.skills if run.profile is not None else ()
    found = await run.skills.find_by_name(run.turn.account_id, wanted) if not chosen or wanted in chosen else None
    if found is None:
        known = ", ".join(each.name for each in run.catalogue[:50])
        raise NotFound(f"there is no skill {name[:64]!r}; there are {known}", code="SkillNotFound")
    loaded = await load(run, found, instance_id)
    return Playbook(name=loaded.name, title=loaded.title, text=loaded.text)


TOOLS = (
    ToolSpec(
        LOAD_SKILL,
        "read",
        Say(
            en="Load a skill: the playbook for one kind of trouble, with what to look at, in which order, and what"
            " never to do.",
            zh="加载一项技能：针对某类问题的操作手册，说明要看什么、按什么顺序看、绝不能做什么。",
            tc="載入一項技能：針對某類問題的操作手冊，說明要看什麼、按什麼順序看、絕不能做什麼。",
            ja="スキルを読み込みます。ある種の問題に対する手順書で、何をどの順に見るか、何をしてはならないかを示します。",
        ),
        load_skill,
    ),
)
