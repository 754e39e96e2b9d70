"""Following a skill, and answering with only some of the tools: what was looked at, step by step, and what was not.

The diagnostician does what a skill names: its tools in their order and the statements it writes out. What else the text
says is for a reader or a language model; where it names no tool at all, this says so and answers as without it.
"""

from collections.abc import Callable, Sequence

from housecall.agent.builtin import live, objects, words
from housecall.agent.builtin.conversation import Conversation, Done, Result
from housecall.agent.builtin.diagnosis import Cause, beside, missed, numbered, one_line, whole
from housecall.agent.builtin.text import bullets, code, end, fenced, paragraphs, say
from housecall.agent.context import LoadedSkill
from housecall.wording import Language, Say

FOLLOWING = Say("**Following the skill “{title}”.**", "**按技能“{title}”执行。**")
NO_STEPS = Say(
    "The skill “{title}” names no tool that I have, so I cannot follow it by myself; a language model could. What I can"
    " say without it:",
    "技能“{title}”没有提到我拥有的任何工具，因此我无法自行执行它（语言模型可以）。以下是不依赖该技能的回答：",
)
LEFT_OUT = Say(
    "Not done of this skill: {tools}. Either this agent may not use it, or the question names no table or statement"
    " for it.",
    "该技能中未执行：{tools}。原因是当前智能体无权使用，或问题中没有给出对应的表或语句。",
)
NO_CAUSE = Say(
    "None of the {count} checks of this skill points to a cause of trouble on {instance}.",
    "该技能的 {count} 项检查在 {instance} 上均未发现故障原因。",
)
NO_CAUSE_PARTLY = Say(
    "None of this skill's checks that could look points to a cause of trouble on {instance}; {missed} of {count} could"
    " not.",
    "该技能中可执行的检查在 {instance} 上没有发现故障原因；{count} 项中有 {missed} 项无法执行。",
)
NO_TOOLS = Say(
    "**This agent has no tools**, so I cannot look at any server, and without looking I do not guess. Ask without this"
    " agent, or let its owner enable tools for it.",
    "**该智能体没有启用任何工具**，因此我无法查看任何服务器；没有查看就不作猜测。请不使用该智能体提问，或让其所有者启用工具。",
)
NOT_OFFERED = Say(
    "**This agent may not use {tools}**, which an answer to this needs; its owner can add it.",
    "**该智能体无权使用 {tools}**，而回答此问题需要它；可由其所有者添加。",
)
COULD_NOT = Say("{tool} could not look: {reason}", "{tool} 未能执行：{reason}")

_Render = Callable[[Result, Language], str]


def _parameters(found: Result, language: Language) -> str:
    return live.settings(found, language)


_RENDER: dict[str, _Render] = {
    "show_blocking": live.blocking,
    "list_sessions": live.connections,
    "top_statements": live.statements,
    "describe_db_instance_parameters": _parameters,
    "describe_db_instance_attribute": live.attributes,
    "describe_db_instances": objects.instances,
    "describe_table": lambda found, language: objects.described(found, None, language),
    "list_indexes": lambda found, language: objects.indexes(found, None, language),
    "show_create_table": lambda found, _: objects.definition(found),
    "explain_sql": live.plan,
    "query_sql": objects.rows,
    "get_current_time": lambda found, language: say(
        words.TIME, language, local=found["local"], zone=found["time_zone"], utc=found["utc"]
    ),
}


def followed(skill: LoadedSkill, conversation: Conversation, unable: Sequence[str], language: Language) -> str:
    """The answer that a skill led to."""
    done = conversation.current.done
    exam = conversation.current.result("examine_instance")
    return paragraphs(
        [
            say(FOLLOWING, language, title=skill.title),
            *_told(done, language),
            _examined(skill, exam, language) if exam else None,
            say(LEFT_OUT, language, tools=", ".join(map(code, unable))) if unable else None,
        ]
    )


def without_steps(skill: LoadedSkill, language: Language) -> str:
    """What stands before an answer that a skill could not lead."""
    return say(NO_STEPS, language, title=skill.title)


def restricted(conversation: Conversation, tools: set[str], lacking: Sequence[str], language: Language) -> str:
    """The answer of an agent that may not use all that an answer needs."""
    if not tools:
        return say(NO_TOOLS, language)
    exam = conversation.current.result("examine_instance")
    told = [*_told(conversation.current.done, language), whole(exam, language) if exam else None]
    names = ", ".join(map(code, dict.fromkeys(lacking)))
    return paragraphs([*told, say(NOT_OFFERED, language, tools=names)])


def _told(done: Sequence[Done], language: Language) -> list[str]:
    """Each step but the examination, whose causes come last."""
    well = {each.call.tool for each in done if not each.error}
    return [
        _step(each, language)
        for each in done
        if (each.call.tool not in well if each.error else each.call.tool != "examine_instance")
    ]


def _step(done: Done, language: Language) -> str:
    if done.error:
        reason = str(done.error).removeprefix(f"{done.call.tool}: ")
        return end(say(COULD_NOT, language, tool=code(done.call.tool), reason=reason), language)
    render = _RENDER.get(done.call.tool)
    if render is None:
        return f"{code(done.call.tool)}"
    told = render(done.result, language)
    if done.call.tool == "query_sql":
        return paragraphs([fenced(str(done.call.arguments.get("sql", "")).splitlines()), told])
    return told


def _examined(skill: LoadedSkill, exam: Result, language: Language) -> str:
    """The causes that the skill's checks lead to; of a skill without checks all of them."""
    if not skill.checks:
        return whole(exam, language)
    causes = [each for each in _causes(exam) if _rests_on(each, skill.checks)]
    full = [each for each in causes if "remedies" in each and each["severity"] != "info"][:3]
    rest = [one_line(each, language) for each in causes if each not in full]
    unseen = _not_evaluated(exam, skill.checks)
    count = sum(len(group["checks"]) for group in unseen)
    none = None
    if not causes:
        sentence = NO_CAUSE_PARTLY if count else NO_CAUSE
        none = say(sentence, language, count=len(skill.checks), missed=count, instance=exam["instance_id"])
    return paragraphs(
        [none, *numbered(full, language), bullets(rest), missed({"not_evaluated": unseen}, language),
         beside(exam, causes, language)]
    )  # fmt: skip


def _causes(exam: Result) -> list[Cause]:
    return [*exam.get("causes", []), *exam.get("more_causes", [])]


def _rests_on(cause: Cause, checks: Sequence[str]) -> bool:
    from housecall.diagnosis.cause import all_causes

    rests_on = next((each.rule.checks for each in all_causes() if each.rule.id == cause["id"]), ())
    return any(check in checks for check in rests_on)


def _not_evaluated(exam: Result, checks: Sequence[str]) -> list[Result]:
    """What could not look, of these checks only."""
    found = []
    for group in exam.get("not_evaluated", []):
        names = [each for each in group["checks"] if each in checks]
        if names:
            found.append({**group, "checks": names, "checks_total": len(names)})
    return found
