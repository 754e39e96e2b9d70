# ruff: noqa: E501 - a pattern is read whole
"""A request to change something, where the conversation lets changes be proposed: which tool does it, and how it went.

A remedy's statement becomes the tool that was made for it; only what no tool covers is executed as it stands.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from housecall.agent.builtin import words_of_changes as words
from housecall.agent.builtin.conversation import Call, Conversation, Done, Result
from housecall.agent.builtin.intents import Intent
from housecall.agent.builtin.plans import chosen_instance, meant_cause, refers_to_cause
from housecall.agent.builtin.text import bullets, code, end, fenced, label, paragraphs, say
from housecall.agent.tools.registry import write_tools
from housecall.wording import Language

_NAME = r'((?:"[^"]+"|`[^`]+`|[\w$]+)(?:\.(?:"[^"]+"|`[^`]+`|[\w$]+))?)'
_COLUMNS = r"\(((?:\s*(?:\"[^\"]+\"|`[^`]+`|[\w$]+)\s*(?:\(\d+\)\s*)?,?)+)\)"
_ONLINE = r"(?:\s*,?\s*(?:algorithm|lock)\s*=?\s*\w+)*"
_VALUE = re.compile(
    r"(?:\bto\b|=|设为|设成|设置为|改成|改为|调到|调成|为|成|到)\s*['\"]?([\w.+-]+\s?(?:[kMGT]?B|ms|s|min|h)?)['\"]?",
    re.I,
)


def next_change(intent: Intent, conversation: Conversation, tools: set[str]) -> Call | None:
    """The write call that the question asks for and that was not made yet; None when there is none to make."""
    made = [each.call for each in conversation.current.done if each.call.tool in write_tools()]
    failed = any(each.error for each in conversation.current.done)  # what could not be looked at is not changed
    if intent.kind != "change" or failed:
        return None
    instance_id = chosen_instance(intent, conversation)
    for call in wanted_changes(intent, conversation):
        wanted = Call(call.tool, call.arguments | ({"instance_id": instance_id} if instance_id else {}))
        if wanted.tool in tools and wanted not in made:
            return wanted
    return None


def wanted_changes(intent: Intent, conversation: Conversation) -> list[Call]:
    """The calls that would do what is asked for, in order."""
    found = intent.found
    if found.sql:
        call = call_for(found.sql)
        return [call] if call else []
    if found.pid is not None:
        if _is_victim(found.pid, conversation.current.result("show_blocking")):
            return []  # ending it mends nothing; the answer says whom to look at
        tool = "cancel_query" if re.search(r"\bcancel\b|取消", found.text) else "terminate_session"
        return [Call(tool, {"pid": found.pid})]
    if found.settings:
        value = _VALUE.search(found.text)
        reset = re.search(r"\breset\b|重置|恢复默认", found.text)
        if value is None and not reset:
            return []
        return [Call("set_parameter", {"name": found.settings[0], "value": None if reset else _upper_unit(value)})]
    if not refers_to_cause(intent):
        return _by_name(intent)
    return _of_remedy(intent, conversation)


def _upper_unit(value: re.Match[str] | None) -> str:
    """The question comes in lower case; units of parameters do not."""
    text = value[1].strip() if value else ""
    return re.sub(r"([kmgt]?)b$", lambda unit: {"k": "kB"}.get(unit[1], unit[1].upper() + "B"), text)


def _by_name(intent: Intent) -> list[Call]:
    name, text = intent.found.names[0], intent.found.text
    verbs: list[tuple[str, str, str]] = [
        (r"\bvacuum\b|清理", "vacuum_table", "table"),
        (r"\banaly[sz]e\b|收集统计", "analyze_table", "table"),
        (r"\b(?:drop|remove|delete)\b.*\bindex\b|删.*索引", "drop_index", "index"),
        (r"\b(?:reindex|rebuild)\b|重建", "rebuild_index", "index"),
        (r"\b(?:drop|remove|delete)\b.*\bslot\b|删.*复制槽", "drop_replication_slot", "slot"),
    ]
    for pattern, tool, argument in verbs:
        if re.search(pattern, text):
            return [Call(tool, {argument: name})]
    return []


def _of_remedy(intent: Intent, conversation: Conversation) -> list[Call]:
    """The statements of the cause's first remedy that has any, those for now before those for later."""
    exam = conversation.latest("examine_instance")
    cause = meant_cause(intent, conversation, exam) if exam else None
    if cause is None:
        return []
    read = conversation.current.result("read_finding") or {}
    full = read.get("cause") or cause
    remedies = sorted(full.get("remedies", []), key=lambda each: each["when"] != "now")
    for remedy in remedies:
        calls = [call for call in map(call_for, remedy["statements"]) if call is not None]
        if calls:
            return calls
    return []


def _is_victim(pid: int, blocking: Result | None) -> bool:
    return any(each["pid"] == pid for each in (blocking or {}).get("waiting", []))


def _bare(name: str) -> str:
    return name.strip('"`')


def _list(text: str | None) -> list[str]:
    return [part.strip().strip('"`') for part in (text or "").split(",") if part.strip()]


_EFFECT = re.compile(
    r"\bpg_(?:terminate_backend|cancel_backend|drop_\w+|advisory_unlock\w*)\b|\b(?:setval|nextval)\b", re.I
)
"""Functions by which a SELECT does something."""

_FORMS: list[tuple[str, Callable[[re.Match[str]], Call | None]]] = [
    (
        r"select\s+(?:pg_catalog\.)?pg_(terminate|cancel)_backend\(pid\)\s+from\s+(?:pg_catalog\.)?pg_stat_activity\s+where\s+pid\s*=\s*(\d+)\b(?!.*\bor\b).*",
        lambda m: Call("terminate_session" if m[1].lower() == "terminate" else "cancel_query", {"pid": int(m[2])}),
    ),
    (r"select\s+(?:pg_catalog\.)?pg_terminate_backend\((\d+)\)", lambda m: Call("terminate_session", {"pid": int(m[1])})),
    (r"select\s+(?:pg_catalog\.)?pg_cancel_backend\((\d+)\)", lambda m: Call("cancel_query", {"pid": int(m[1])})),
    (r"select\s+(?:pg_catalog\.)?pg_drop_replication_slot\('([^']+)'\)", lambda m: Call("drop_replication_slot", {"slot": m[1]})),
    (r"select\s+(?:pg_catalog\.)?pg_reload_conf\(\)", lambda _: None),  # a part of set_parameter
    (
        rf"create\s+(unique\s+)?index\s+(?:concurrently\s+)?(?:if\s+not\s+exists\s+)?(?!on\b){_NAME}?\s*on\s+{_NAME}\s*{_COLUMNS}(?:\s+include\s+{_COLUMNS})?",
        lambda m: Call(
            "create_index",
            {"table": m[3], "columns": _list(m[4])}
            | ({"unique": True} if m[1] else {})
            | ({"name": m[2].strip('"')} if m[2] else {})
            | ({"include": _list(m[5])} if m[5] else {}),
        ),
    ),
    (rf"create\s+(unique\s+)?index\s+(?:concurrently\s+)?on\s+{_NAME}\s*{_COLUMNS}",
     lambda m: Call("create_index", {"table": m[2], "columns": _list(m[3])} | ({"unique": True} if m[1] else {}))),
    (rf"drop\s+index\s+(?:concurrently\s+)?(?:if\s+exists\s+)?{_NAME}", lambda m: Call("drop_index", {"index": m[1]})),
    (rf"reindex\s+(?:\(\s*concurrently\s*\)\s+)?index\s+(?:concurrently\s+)?{_NAME}", lambda m: Call("rebuild_index", {"index": m[1]})),
    (rf"analy[sz]e\s+{_NAME}", lambda m: Call("analyze_table", {"table": m[1]})),
    (rf"vacuum\s+(?:\(\s*((?:freeze|analyze|verbose|,|\s)+)\)\s*|((?:freeze|analyze)\s+))?{_NAME}",
     lambda m: Call("vacuum_table", {"table": m[3], "analyze": "analyze" in (m[1] or m[2] or "").lower()}
                    | ({"freeze": True} if "freeze" in (m[1] or m[2] or "").lower() else {}))),
    (rf"alter\s+table\s+{_NAME}\s+set\s+\(\s*([\w.]+)\s*=\s*'?([\w.+-]+)'?\s*\)",
     lambda m: Call("set_table_option", {"table": m[1], "option": m[2], "value": m[3]})),
    (rf"alter\s+table\s+{_NAME}\s+reset\s+\(\s*([\w.]+)\s*\)",
     lambda m: Call("set_table_option", {"table": m[1], "option": m[2]})),
    (r"alter\s+system\s+set\s+([\w.]+)\s*(?:=|to)\s*'?([^',]+)'?", lambda m: Call("set_parameter", {"name": m[1], "value": m[2].strip()})),
    (r"kill\s+(?:connection\s+)?(\d+)", lambda m: Call("terminate_session", {"pid": int(m[1])})),
    (r"kill\s+query\s+(\d+)", lambda m: Call("cancel_query", {"pid": int(m[1])})),
    (rf"alter\s+table\s+{_NAME}\s+add\s+(unique\s+)?(?:index|key)\s+{_NAME}\s*{_COLUMNS}{_ONLINE}",
     lambda m: Call("create_index", {"table": m[1], "columns": _list(m[4]), "name": _bare(m[3])} | ({"unique": True} if m[2] else {}))),
    (rf"alter\s+table\s+{_NAME}\s+drop\s+(?:index|key)\s+{_NAME}{_ONLINE}",
     lambda m: Call("drop_index", {"index": f"{m[1]}.{m[2]}"})),
    (rf"drop\s+index\s+{_NAME}\s+on\s+{_NAME}{_ONLINE}", lambda m: Call("drop_index", {"index": f"{m[2]}.{m[1]}"})),
    (rf"create\s+(unique\s+)?index\s+{_NAME}\s+on\s+{_NAME}\s*{_COLUMNS}{_ONLINE}",
     lambda m: Call("create_index", {"table": m[3], "columns": _list(m[4]), "name": _bare(m[2])} | ({"unique": True} if m[1] else {}))),
    (rf"analyze\s+(?:no_write_to_binlog\s+|local\s+)?table\s+{_NAME}", lambda m: Call("analyze_table", {"table": m[1]})),
    (rf"optimize\s+table\s+{_NAME}", lambda m: Call("rebuild_index", {"index": m[1]})),
    (rf"alter\s+table\s+{_NAME}\s+(?:engine\s*=\s*innodb|force){_ONLINE}", lambda m: Call("rebuild_index", {"index": m[1]})),
    (rf"alter\s+table\s+{_NAME}\s+(stats_\w+)\s*=\s*(\w+)",
     lambda m: Call("set_table_option", {"table": m[1], "option": m[2].lower(), "value": m[3]})),
    (r"set\s+(?:global|persist|persist_only)\s+(\w+)\s*(?:=|to)\s*'?([^',;]+)'?", lambda m: Call("set_parameter", {"name": m[1], "value": m[2].strip()})),
    (r"alter\s+system\s+reset\s+([\w.]+)", lambda m: Call("set_parameter", {"name": m[1]})),
]  # fmt: skip


def call_for(statement: str) -> Call | None:
    """The write call for a statement; None for one that only looks, or that another call does along with itself."""
    text = re.sub(r"^(?:\s*--[^\n]*\n)*", "", statement).strip().rstrip(";").strip()
    for pattern, build in _FORMS:
        match = re.fullmatch(pattern, text, re.I | re.S)
        if match:
            return build(match)
    if not text or (re.match(r"\s*(?:select|show|explain)\b", text, re.I) and not _EFFECT.search(text)):
        return None
    return Call("execute_sql", {"sql": text})


def told_changes(conversation: Conversation, language: Language) -> str | None:
    """What became of the write calls of this question; None when none was made."""
    made = [each for each in conversation.current.done if each.call.tool in write_tools()]
    return paragraphs(_told(each, language) for each in made) if made else None


def _told(done: Done, language: Language) -> str:
    result = done.result
    if result.get("refused"):
        card = result.get("card", {})
        return paragraphs([say(words.READ_ONLY, language), fenced(_ended(card.get("statements", [])))])
    if result.get("outcome") == "succeeded":
        return _success(result, language)
    statements = result.get("statements", [])
    reason = str(result.get("error") or result.get("found") or "?").removeprefix(f"{done.call.tool}: ")
    left = result.get("cleanup", [])
    return paragraphs(
        [
            say(words.UNKNOWN if result.get("fate") == "unknown" else words.NOT_DONE, language),
            end(reason, language),
            fenced(_ended(statements)) if statements else None,
            paragraphs([say(words.CLEAN_UP, language), fenced(_ended(left))]) if left else None,
        ]
    )


def _success(result: Mapping[str, Any], language: Language) -> str:
    before, after = result.get("before") or {}, result.get("after") or {}
    seconds = result.get("elapsed_seconds")
    title = say(words.DONE, language, instance=result["instance_id"], seconds=seconds or 0.0)
    if seconds is None:
        title = say(words.DONE_BEFORE, language, instance=result["instance_id"])
    numbers = [
        f"{words.MEASURES[name].template(language) if name in words.MEASURES else name}: "
        f"{code(_shown(before.get(name)))} → {code(_shown(after[name]))}"
        for name in after
        if after[name] != before.get(name)
    ]
    rows = result.get("affected_rows")
    if rows is not None and not after:
        numbers.append(say(words.ROWS, language, rows=rows))
    undo = result.get("rollback") or []
    return paragraphs(
        [
            title,
            fenced(_ended(result.get("statements", []))),
            say(words.HELPED, language) if numbers and after else None,
            bullets(numbers) if numbers else say(words.NO_DIFFERENCE, language),
            say(words.RESTART, language) if result.get("needs_restart") else None,
            end(str(result["found"]), language) if result.get("found") else None,
            paragraphs([label(words.UNDO, language), fenced(_ended(undo))]) if undo else None,
            label(words.UNDO, language) + end(str(result["rollback_note"]), language)
            if result.get("rollback_note")
            else None,
        ]
    )


def _ended(statements: Any) -> list[str]:
    return [str(each).rstrip(";") + ";" for each in statements]


def _shown(value: Any) -> str:
    return "—" if value is None else str(value)
