"""What the diagnostician does next: the step that a skill asks for, else the step that the question asks for.

Only tools that this agent was given are called; an answer that needs others says so.
"""

from housecall.agent.builtin.answers import answer
from housecall.agent.builtin.changing import next_change, told_changes
from housecall.agent.builtin.conversation import Call, Conversation
from housecall.agent.builtin.extract import extract
from housecall.agent.builtin.guided import followed, restricted, without_steps
from housecall.agent.builtin.intents import Intent, understand
from housecall.agent.builtin.plans import next_call, next_step, planned
from housecall.agent.builtin.steps import steps_of, unable_of
from housecall.agent.builtin.text import paragraphs
from housecall.agent.context import LoadedSkill, current_run
from housecall.agent.queries import without_name
from housecall.agent.tools import all_tools
from housecall.wording import Language


def decide(conversation: Conversation, tools: set[str], language: Language) -> Call | str:
    """The next call, or the text of the answer."""
    run = current_run()
    skill = run.skill if run is not None else None
    if skill is None:
        return _by_intent(conversation, tools, language)
    led = _by_skill(skill, conversation, tools, language) if tools else None
    if led is not None:
        return led
    conversation.current.question = without_name(conversation.current.question) or skill.title
    decided = _by_intent(conversation, tools, language)
    if isinstance(decided, str) and tools:
        return paragraphs([without_steps(skill, language), decided])
    return decided


def _by_skill(skill: LoadedSkill, conversation: Conversation, tools: set[str], language: Language) -> Call | str | None:
    """The next step of the skill, or the answer when all are done; None when it names no step."""
    found = extract(without_name(conversation.current.question))
    reading = {each.name for each in all_tools() if each.kind == "read"}
    steps = steps_of(skill.plan_text, tools & reading, found)  # no text of a user makes this model write
    if skill.checks and "examine_instance" in tools and all(step.tool != "examine_instance" for step in steps):
        steps.append(Call("examine_instance"))
    if not steps:
        return None
    step = next_step(steps, Intent("diagnose", found), conversation)
    return step or followed(skill, conversation, unable_of(skill.plan_text, reading, steps), language)


def _by_intent(conversation: Conversation, tools: set[str], language: Language) -> Call | str:
    follows = any(exchange.result("examine_instance") for exchange in conversation.past)
    intent = understand(conversation.current.question, follows=follows)
    call = None if told_changes(conversation, language) else next_call(intent, conversation, language)
    if call is not None and call.tool in tools:
        return call
    change = next_change(intent, conversation, tools)
    if change is not None:
        return change
    told = told_changes(conversation, language)
    if told is not None:
        return told
    wanted = planned(intent, conversation, language)
    lacking = [each.tool for each in wanted if each.tool not in tools]
    if call is not None:  # it is one of those that lack; go on with what there is
        step = next_step([each for each in wanted if each.tool in tools], intent, conversation)
        return step or restricted(conversation, tools, lacking, language)
    if lacking and conversation.current.done:
        return restricted(conversation, tools, lacking, language)
    if intent.kind == "capabilities" and not tools:
        return restricted(conversation, tools, [], language)
    return answer(intent, conversation, language)
