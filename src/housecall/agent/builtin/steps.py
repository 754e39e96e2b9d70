"""The steps that a skill's text asks for: the tools it names, in order, and the statements it writes out.

A step is taken from what comes before the parts about doing and verifying, since those speak of later. A tool that
needs a table or a statement is a step when the question names one. Statements about one named object are examples.
"""

import re
from collections.abc import Collection, Iterator
from typing import Any

from housecall.agent.builtin.conversation import Call
from housecall.agent.builtin.extract import Extracted
from housecall.agent.tools.topics import TOPICS

MAX_STEPS = 12
"""Of one turn: each costs a request, and a turn has 20."""

NEEDS_TABLE = frozenset({"describe_table", "show_create_table"})
NEEDS_MORE = frozenset({"query_sql", "read_finding", "load_skill"})

_LATER = re.compile(r"^#+\s*(?:do|never|verify|remedies|处理|禁止|切勿|验证|對策|処置|確認)\s*$", re.I | re.M)
_STATEMENT = re.compile(r"^```sql[ \t]*\n(.*?)^```", re.M | re.S)
_READS = re.compile(r"\s*(?:select|with|show|explain|table)\b", re.I)
_ONE_OBJECT = re.compile(
    r"\b(?:schemaname|tablename|relname|indexname|table_schema|table_name|object_schema|object_name)\s*(?:=|IN\s*\()\s*'",
    re.I,
)
_ARGUMENT = re.compile(
    r"[`\s]*(?:\w+\s+|[,，(（]\s*)?\b(focus|search|state|names|order)\b[\s:=：]*"
    r"(?:`([^`\n]{1,200})`|'([^'\n]{1,200})'|([\w, ]{1,400}))"
)
_ORDERS = ("total_time", "mean_time", "calls", "rows", "reads")


def steps_of(text: str, tools: Collection[str], found: Extracted) -> list[Call]:
    """The calls, each once, in the order of the text; `found` is what the question names."""
    steps: list[Call] = []
    for call in _mentioned(_before_doing(text), tools, found):
        if call not in steps:
            steps.append(call)
    with_arguments = {step.tool for step in steps if step.arguments}
    bare_too = {"examine_instance", "describe_db_instance_parameters"}
    return [step for step in steps if step.arguments or step.tool not in with_arguments & bare_too][:MAX_STEPS]


def unable_of(text: str, known: Collection[str], steps: Collection[Call]) -> list[str]:
    """Of the known tools those that the text names and that no step uses."""
    used = {step.tool for step in steps}
    names = _tools_pattern(known)
    mentioned = dict.fromkeys(match[1] for match in names.finditer(_before_doing(text)))
    return [name for name in mentioned if name not in used and name != "load_skill"]


def _before_doing(text: str) -> str:
    """The text up to the first heading about doing; all of it when it begins with one."""
    later = _LATER.search(text)
    before = text[: later.start()] if later else text
    return before if before.strip() else text


def _tools_pattern(tools: Collection[str]) -> re.Pattern[str]:
    names = "|".join(re.escape(each) for each in sorted(tools, key=len, reverse=True))
    return re.compile(rf"(?<![\w`])`?({names})`?(?!\w)") if names else re.compile(r"(?!)()")


def _mentioned(text: str, tools: Collection[str], found: Extracted) -> Iterator[Call]:
    """Mentions and statements by their place."""
    places: list[tuple[int, list[Call]]] = []
    fences = [(match.start(), match.end()) for match in re.finditer(r"^```.*?^```", text, re.M | re.S)]
    places += [
        (match.start(), list(_calls(match[1], text[match.end() :], found)))
        for match in _tools_pattern(tools).finditer(text)
        if not any(start <= match.start() < end for start, end in fences)
    ]
    if "query_sql" in tools:
        for match in _STATEMENT.finditer(text):
            sql = match[1].strip().rstrip(";")
            if _READS.match(sql) and not _ONE_OBJECT.search(sql):
                places.append((match.start(), [Call("query_sql", {"sql": sql})]))
    for _, calls in sorted(places, key=lambda each: each[0]):
        yield from calls


def _calls(tool: str, after: str, found: Extracted) -> Iterator[Call]:
    if tool in NEEDS_TABLE:
        yield from (Call(tool, {"table": name}) for name in found.names[:3])
    elif tool == "list_indexes":
        names = found.names[:3]
        yield from (Call(tool, {"table": name}) for name in names) if names else iter([Call(tool)])
    elif tool == "explain_sql":
        if found.sql is not None:
            yield Call(tool, {"sql": found.sql})
    elif tool not in NEEDS_MORE:
        yield Call(tool, _arguments(tool, after))


def _arguments(tool: str, after: str) -> dict[str, Any]:
    match = _ARGUMENT.match(after)
    if match is None:
        return {}
    name, value = match[1], (match[2] or match[3] or match[4] or "").strip()
    if tool == "examine_instance" and name == "focus" and value in TOPICS:
        return {"focus": value}
    if tool == "describe_db_instance_parameters" and name == "search" and value:
        return {"search": value.split(",")[0].strip()}
    if tool == "describe_db_instance_parameters" and name == "names":
        names = [each for each in map(str.strip, value.split(",")) if re.fullmatch(r"[a-z_]\w*[a-z]", each)]
        return {"names": names} if len(names) > 1 or match[2] else {}
    if tool == "list_sessions" and name == "state":
        return {"state": value}
    return {"order": value} if tool == "top_statements" and name == "order" and value in _ORDERS else {}
