"""Answers from what a server does at this moment: lock waits, connections, statements, settings."""

import re
from typing import Any

from housecall.agent.builtin import words
from housecall.agent.builtin.conversation import Result
from housecall.agent.builtin.text import bullets, code, fenced, paragraphs, say
from housecall.wording import Language, Say

MAX_LINES = 8


def blocking(found: Result, language: Language) -> str:
    """Who waits for whom, the root first."""
    instance = found["instance_id"]
    if not found["total_waiting"]:
        return paragraphs([say(words.LOCKS_NONE, language, instance=instance), _hidden(found, language)])
    roots = [_root(each, language) for each in found["root_blockers"][:4]]
    waiting = [_waiter(each, language) for each in found["waiting"][:MAX_LINES]]
    title = say(words.LOCKS_SOME, language, count=found["total_waiting"], instance=instance)
    return paragraphs([f"{title}\n\n{bullets(roots)}", bullets(waiting), _hidden(found, language)])


def _root(blocker: Result, language: Language) -> str:
    waiting = blocker["waiting_sessions"]
    if not blocker["pid"]:
        return say(words.BLOCKER_PREPARED, language, waiting=waiting)
    who = ", ".join(str(blocker[name]) for name in ("user", "application", "client_address") if blocker.get(name))
    text = say(
        words.BLOCKER, language, pid=blocker["pid"], who=who or "?", state=blocker.get("state"),
        age=blocker.get("transaction_seconds"), waiting=waiting,
    )  # fmt: skip
    if blocker.get("statement"):
        text += f"\n  {say(words.LAST_STATEMENT, language, statement=code(blocker['statement']))}"
    return text


def _waiter(waiter: Result, language: Language) -> str:
    return say(
        words.WAITER, language, pid=waiter["pid"], what=waiter.get("waits_for"),
        blockers=", ".join(map(str, waiter["blocked_by"])) or "?", age=waiter.get("waiting_seconds"),
    )  # fmt: skip


def _hidden(found: Result, language: Language) -> str | None:
    if not found.get("statements_hidden"):
        return None
    return say(words.HIDDEN, language, count=found["statements_hidden"], grant=found.get("to_see_them"))


def connections(found: Result, language: Language) -> str:
    states = ", ".join(f"{each['state']} {each['sessions']}" for each in found["by_state"])
    lead = say(
        words.CONNECTIONS, language, instance=found["instance_id"], used=found["connections"],
        maximum=found["max_connections"], share=found["used_share"], states=states,
    )  # fmt: skip
    return paragraphs([lead, _hidden(found, language)])


def more_connections(found: Result, exam: Result, language: Language) -> str:
    """Whether to raise max_connections: what is used, by whom, and what helps instead."""
    by_state = {each["state"]: each["sessions"] for each in found["by_state"]}
    idle = by_state.get("idle", 0)
    now = exam.get("looked_at", {}).get("connections")
    used = say(words.USED_OF, language, used=found["connections"], maximum=found["max_connections"])
    sentence = words.RAISE_CONNECTIONS_MYSQL if found.get("engine") == "mysql" else words.RAISE_CONNECTIONS
    return say(
        sentence, language, now=now or used, active=by_state.get("active", 0),
        leaked=say(words.IDLE_CONNECTIONS, language, idle=idle) if idle else "",
    )  # fmt: skip


_NO_STATISTICS = {"extension": words.NO_STATISTICS_EXTENSION, "privilege": words.NO_STATISTICS_PRIVILEGE}


def statements(found: Result, language: Language, *, most: int = 5) -> str:
    """The costliest statements; without statistics the statements of this moment, and why."""
    instance = found["instance_id"]
    parts: list[str | None] = []
    if found.get("not_available"):
        sentence = _NO_STATISTICS.get(found["missing"], words.NO_STATISTICS)
        if found.get("engine") == "mysql" and found["missing"] == "extension":
            sentence = words.NO_STATISTICS_MYSQL
        parts.append(say(sentence, language, instance=instance, reason=found["not_available"].rstrip(".")))
        parts.append(say(words.REMEDY, language, remedy=code(found["remedy"])) if found.get("remedy") else None)
    if found["statements"]:
        parts.append(say(words.STATEMENTS, language, instance=instance, total=found["total"]))
        parts.append(
            "\n".join(_statement(number, each, language) for number, each in enumerate(found["statements"][:most], 1))
        )
    running = found["running_now"][:5]
    if running:
        parts.append(say(words.RUNNING, language) + "\n\n" + bullets(_running(each, language) for each in running))
    elif found.get("not_available") and not found["sessions_hidden"]:
        parts.append(say(words.RUNNING_NONE, language))
    if found["sessions_hidden"]:
        hidden = words.RUNNING_HIDDEN_MYSQL if found.get("engine") == "mysql" else words.RUNNING_HIDDEN
        parts.append(say(hidden, language, count=found["sessions_hidden"]))
    return paragraphs(parts)


def _statement(number: int, each: Result, language: Language) -> str:
    bare = each.get("calls_without_index") or 0
    figures = say(
        words.STATEMENT if each.get("rows_examined") is None else words.STATEMENT_EXAMINED, language,
        share=each.get("share_of_time"), calls=each["calls"], mean=each["mean_ms"], total=each["total_seconds"],
        examined=each.get("rows_examined"), rows=each["rows"],
        scans=say(words.STATEMENT_NO_INDEX, language, count=bare) if bare else "",
    )  # fmt: skip
    return f"{number}. {figures}\n   {code(each['statement'])}"


def _running(each: Result, language: Language) -> str:
    waits = f", {each['waits_on']}" if each.get("waits_on") else ""
    text = say(words.RUNNING_LINE, language, pid=each["pid"], age=each.get("running_seconds"), waits=waits)
    return f"{text}\n  {code(each['statement'])}"


def settings(found: Result, language: Language) -> str:
    named = found["selection"] == "by name"
    changed = found["selection"].startswith("changed")
    chosen = words.SELECTION_NAMED if named else words.SELECTION_CHANGED if changed else words.SELECTION_SEARCHED
    selection = say(chosen, language)
    shown = found["parameters"] if named else found["parameters"][:12]
    title = say(
        words.SETTINGS, language, instance=found["instance_id"], shown=len(shown), total=found["total"],
        selection=selection,
    )  # fmt: skip
    unknown = ", ".join(code(name) for name in found.get("not_found", []))
    return paragraphs(
        [
            f"{title}\n\n{bullets(_setting(each, language) for each in shown)}" if shown else None,
            say(words.UNKNOWN_SETTING, language, names=unknown) if unknown else None,
        ]
    )


def _unit(each: Result) -> str:
    """`4096 kB`, but `16384 × 8kB`, since PostgreSQL counts some settings in pages; then what that makes in all."""
    unit = each.get("unit") or ""
    return f" × {unit}{_in_all(each.get('value'), unit)}" if unit[:1].isdigit() else f" {unit}".rstrip()


def _in_all(value: object, unit: str) -> str:
    pages = _PAGES.fullmatch(unit)
    if pages is None or not str(value).isdigit():
        return ""
    size = Say("{size:bytes}", "{size:bytes}")
    return f" = {say(size, 'en', size=int(str(value)) * int(pages[1]) * _FACTORS[pages[2]])}"


_PAGES = re.compile(r"(\d+)(kB|MB)")
_FACTORS = {"kB": 1024, "MB": 1024**2}
_NEEDS = {
    "restart": words.NEEDS_RESTART, "reload": words.NEEDS_RELOAD, "session": words.NEEDS_SESSION,
}  # fmt: skip


def _needs(each: Result, language: Language) -> str:
    needs = _NEEDS.get(each["needs"])
    return say(needs, language) if needs else str(each["needs"])


def _setting(each: Result, language: Language) -> str:
    sentence = words.SETTING if each.get("built_in_value") is not None else words.SETTING_BARE
    text = say(
        sentence, language, name=each["name"], value=each.get("value"), needs=_needs(each, language),
        unit=_unit(each), built_in=each.get("built_in_value"),
    )  # fmt: skip
    return f"{text} — **{say(words.PENDING, language)}**" if each["pending_restart"] else text


def size(found: Result, language: Language) -> str:
    """How big the database is, and its largest tables."""
    lead = say(
        words.SIZE, language, instance=found["instance_id"], database=found["database"],
        size=found["database_bytes"], tables=found["tables"],
    )  # fmt: skip
    lines = [_table_size(each, language) for each in found.get("largest_tables", [])]
    return paragraphs([lead, f"{say(words.LARGEST, language)}\n\n{bullets(lines)}" if lines else None])


def _table_size(each: Result, language: Language) -> str:
    known = each.get("indexes_bytes") is not None
    return say(
        words.LARGEST_TABLE if known else words.LARGEST_TABLE_LOCKED, language, table=each["table"],
        size=each["total_bytes"], indexes=each.get("indexes_bytes"),
    )  # fmt: skip


def attributes(found: Result, language: Language) -> str:
    return say(
        words.ATTRIBUTES, language, instance=found["instance_id"], version=found["version"],
        uptime=found["uptime_seconds"], database=found["database"], size=found["database_bytes"],
        address=found["address"],
    )  # fmt: skip


def plan(found: Result, language: Language) -> str:
    """What the planner would do with a statement, the whole-table reads and the costliest step named."""
    lines: list[dict[str, Any]] = found["plan"]
    without_cost = found.get("total_cost") is None
    head = say(
        words.PLAN_NO_COST if without_cost else words.PLAN, language, cost=found.get("total_cost"),
        rows=found["estimated_rows"], instance=found["instance_id"],
    )  # fmt: skip
    scans = [_scan(each, language) for each in lines if each["node"] in ("Seq Scan", "Table scan")][:4]
    told = [*(scans or [say(words.PLAN_NO_SCAN, language)])]
    told += [say(words.PLAN_NOTE, language, note=note) for note in found.get("notes", [])]
    if len(lines) > 1 and not without_cost:
        costliest = max(lines, key=lambda each: each.get("own_cost") or 0.0)
        node = " ".join(code(each) for each in (costliest["node"], costliest.get("relation")) if each)
        told.append(
            say(words.PLAN_COSTLIEST, language, node=node, cost=costliest.get("own_cost"), total=found["total_cost"])
        )
    tree = [_node(each) for each in lines[:20]]
    title = say(words.PLAN_TREE_NO_COST if without_cost else words.PLAN_TREE, language)
    return paragraphs([head, bullets(told), title, fenced(tree, "text")])


def _scan(node: dict[str, Any], language: Language) -> str:
    condition = str(node.get("condition") or "").removeprefix("Filter: ")
    told = say(words.PLAN_FILTER, language, condition=code(condition)) if condition else ""
    sentence = words.PLAN_SCAN if node["node"] == "Seq Scan" else words.PLAN_SCAN_MYSQL
    return say(sentence, language, relation=code(node.get("relation")), rows=node["rows"], filter=told)


def _node(node: dict[str, Any]) -> str:
    name = " ".join(str(each) for each in (node["node"], node.get("relation"), node.get("index")) if each)
    cost = "" if node.get("total_cost") is None else f" cost={node['total_cost']:.2f}"
    return f"{'  ' * node['depth']}{name}  rows={node['rows']:.0f}{cost}"
