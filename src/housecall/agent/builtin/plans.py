"""Which tools to call for an intent, one after the other, from what earlier results say."""

import re
from typing import Any

from housecall.agent.builtin.conversation import Call, Conversation, Done, Result
from housecall.agent.builtin.intents import Intent
from housecall.agent.context import current_run
from housecall.agent.tools.topics import KINDS_OF_INDEXES, Topic
from housecall.engines.fingerprint import normalise
from housecall.wording import Language

SLOW = re.compile(
    r"\bslow|\bperform|\blaten|\btime-?out|\btiming out|\btakes?\b|\bhang|\bstuck\b|\bblock|\bwait|\bfaster"
    r"|慢|卡|延迟|超时|性能|响应|堵|等"
)
SIZES = {
    "shared_buffers": ("buffer_too_small", ("cache_hit",)),
    "work_mem": ("sort_spill", ("temp_spills",)),
    "max_wal_size": ("checkpoint_storm", ("checkpoint_pressure",)),
    "innodb_buffer_pool_size": ("buffer_too_small", ("buffer_pool_reads",)),
    "sort_buffer_size": ("sort_spill", ("sort_buffer", "statement_sorts")),
    "tmp_table_size": ("temporary_tables_on_disk", ("temporary_table_size", "statement_temporary_tables")),
    "innodb_log_file_size": ("redo_log_too_small", ("redo_log",)),
    "innodb_redo_log_capacity": ("redo_log_too_small", ("redo_log",)),
    "table_open_cache": ("table_cache_small", ("table_cache",)),
}
"""Settings of which one asks whether they are large enough: the cause that says no, the checks that would see it."""
_NEED_NOTHING = frozenset({"capabilities", "thanks", "greeting", "outside"})


def next_call(intent: Intent, conversation: Conversation, language: Language) -> Call | None:
    """The next tool call, or None when there is enough to answer (or nothing more to be had)."""
    instance_id = chosen_instance(intent, conversation)
    done = conversation.current.done
    if intent.kind == "table" and done and _unknown_table(done[0]):
        return _perhaps_an_instance(intent.found.names[0], done)
    for call in planned(intent, conversation, language):
        wanted = _at(call, instance_id)
        made = next((each for each in done if _same(each.call, wanted)), None)
        if made is None:
            return wanted
        if made.error and not (intent.kind in ("topic", "explain") and _may_go_on(made)):
            return None
    return None


def next_step(steps: list[Call], intent: Intent, conversation: Conversation) -> Call | None:
    """The first of these calls that was not made; a call that failed on its own does not end the list.

    None too when the instance itself cannot be asked: the other calls would fail in the same way.
    """
    instance_id = chosen_instance(intent, conversation)
    done = conversation.current.done
    if any(each.error and not _may_go_on(each) for each in done) and instance_id is None:
        return None
    if (
        done
        and done[-1].error
        and not _may_go_on(done[-1])
        and done[-1].call.arguments.get("instance_id") == instance_id
    ):
        return None
    made = [each.call for each in done]
    return next((wanted for step in steps if (wanted := _at(step, instance_id)) not in made), None)


def _unknown_table(first: Done) -> bool:
    return bool(first.error) and first.result.get("code") == "NotFound"


def _perhaps_an_instance(name: str, done: list[Done]) -> Call | None:
    """ "How is shop doing" may mean an instance: ask which there are before saying that no such table exists."""
    if len(done) == 1:
        return Call("describe_db_instances")
    ids = [each["instance_id"] for each in done[1].result.get("instances", []) if isinstance(each, dict)]
    return Call("examine_instance", {"instance_id": name}) if name in ids and len(done) == 2 else None


def _may_go_on(failed: Done) -> bool:
    """Whether the failure was the tool's alone, so that the examination may still say something."""
    return not str(failed.result.get("code", "")).startswith("Instance")


def planned(intent: Intent, conversation: Conversation, language: Language) -> list[Call]:
    """The calls that an intent takes, in order, without the instance."""
    names = intent.found.names
    if intent.kind == "change" and not refers_to_cause(intent):
        return _before_a_change(intent)
    match intent.kind:
        case kind if kind in _NEED_NOTHING:
            return []
        case "instances":
            return [Call("describe_db_instances")]
        case "attributes":
            return [Call("describe_db_instance_attribute")]
        case "time":
            return [Call("get_current_time")]
        case "explain":
            return _about_statement(intent, conversation)
        case "query":
            return [Call("query_sql", {"sql": _statement(intent)})]
        case "settings":
            return [
                Call("describe_db_instance_parameters", {"names": list(intent.found.settings)}),
                *([Call("list_sessions")] if "max_connections" in intent.found.settings else []),
                _examine(topic_of_settings(intent.found.settings)),
            ]
        case "definition":
            return [Call("show_create_table", {"table": names[0]})]
        case "table":
            return _about_table(intent, names[0])
        case "topic":
            assert intent.topic is not None
            return _about_topic(intent.topic)
        case "ordinal" | "sql" | "why" | "rest" | "change":
            return _from_history(intent, conversation, language)
        case "diagnose" if SLOW.search(intent.found.text):
            return [_examine("slowness")]
        case _:
            return [_examine(None)]


def topic_of_settings(names: tuple[str, ...]) -> Topic:
    """What an examination looks at first for a question about settings."""
    if "max_connections" in names:
        return "connections"
    return "memory" if any(name in SIZES for name in names) else "configuration"


def _about_statement(intent: Intent, conversation: Conversation) -> list[Call]:
    """Of one that is called slow first whether it waits for a lock: then there is nothing to mend in its plan."""
    explained = [Call("explain_sql", {"sql": _statement(intent)}), _examine("statements")]
    if not SLOW.search(intent.found.text):
        return explained
    waits = waits_with(intent.found.sql, conversation.current.result("show_blocking")) is not None
    return [Call("show_blocking"), *([_examine("locks")] if waits else explained)]


def waits_with(sql: str | None, blocking: Result | None) -> Result | None:
    """The session that waits for a lock with this statement, whatever its values. Tools cut long statements."""
    if not sql or not blocking:
        return None
    wanted = normalise(sql, "postgresql")
    for waiter in blocking["waiting"]:
        seen = normalise((waiter.get("statement") or "").rstrip(" .…"), "postgresql")
        if seen and (wanted.startswith(seen) or seen.startswith(wanted)):
            return dict(waiter)
    return None


def _before_a_change(intent: Intent) -> list[Call]:
    """What to know before telling how to do it: whether the session blocks or waits, what the index is there for."""
    dropped = dropped_index(intent)
    if dropped:
        return [Call("list_indexes", {"table": dropped})]
    if intent.found.settings:
        return [Call("describe_db_instance_parameters", {"names": list(intent.found.settings)})]
    if intent.found.pid is None:
        return []
    return [Call("list_sessions", {"pid": intent.found.pid}), Call("show_blocking")]


def dropped_index(intent: Intent) -> str | None:
    """The index that the question would drop."""
    found = re.match(
        r"\s*drop\s+index\s+(?:concurrently\s+)?(?:if\s+exists\s+)?([\w.\"]+)", intent.found.sql or "", re.I
    )
    return found[1] if found else None


def _about_table(intent: Intent, name: str) -> list[Call]:
    tool = "list_indexes" if intent.topic in ("indexes", *KINDS_OF_INDEXES) else "describe_table"
    return [Call(tool, {"table": name}), _examine(intent.topic)]


def _about_topic(topic: Topic) -> list[Call]:
    first: dict[Topic, Call] = {
        "locks": Call("show_blocking"),
        "connections": Call("list_sessions"),
        "statements": Call("top_statements"),
        "configuration": Call("describe_db_instance_parameters"),
        "disk": Call("describe_db_instance_attribute"),
    }
    return [*([first[topic]] if topic in first else []), _examine(topic)]


def _from_history(intent: Intent, conversation: Conversation, language: Language) -> list[Call]:
    """A follow-up about causes that were shown: read from the conversation what it holds, ask for the rest."""
    shown = conversation.latest("examine_instance")
    if shown is None:
        return [_examine(None)]
    if shown.get("language") != language:
        return [_examine(shown.get("focus"))]
    if intent.kind == "rest":
        return []
    cause = meant_cause(intent, conversation, shown)
    if cause is None or "remedies" in cause:
        return []
    return [Call("read_finding", {"reference": cause["reference"]})]


def refers_to_cause(intent: Intent) -> bool:
    """Whether a request to change means a cause that was shown ("fix it", "drop that index"), not a thing it names."""
    found = intent.found
    return not found.sql and found.pid is None and not found.names and not found.settings


def meant_cause(intent: Intent, conversation: Conversation, shown: Result) -> dict[str, Any] | None:
    """The cause that a follow-up means: by its number, by what it is about, else the one spoken of last."""
    causes: list[dict[str, Any]] = [*shown.get("causes", []), *shown.get("more_causes", [])]
    if not causes:
        return None
    number = intent.found.ordinal
    if number is None:
        by_words = _cause_by_words(intent.found.text, causes)
        if by_words is not None:
            return by_words
        number = last_spoken(conversation)
    elif number == 0:
        number = last_spoken(conversation) + 1
    if number == -1:
        return causes[-1]
    return causes[number - 1] if 0 < number <= len(causes) else None


def last_spoken(conversation: Conversation) -> int:
    """The number of the cause that the conversation is at: 1 after a diagnosis, n after "the n-th one"."""
    from housecall.agent.builtin.intents import understand

    for exchange in reversed(conversation.past):
        if exchange.result("examine_instance"):
            return 1
        earlier = understand(exchange.question, follows=True)
        if earlier.kind in ("ordinal", "sql", "why") and (earlier.found.ordinal or 0) > 0:
            return earlier.found.ordinal or 1
    return 1


_WORDS_OF_CAUSES = {
    r"\bindex|索引": ("index",),
    r"\bsession|\bblocker|\block|会话|阻塞|锁": ("blocker", "lock", "transaction"),
    r"\bvacuum|bloat|清理|膨胀": ("vacuum", "bloat"),
    r"\bslot|复制槽": ("slot",),
    r"\bsequence|\bkey\b|序列|主键": ("key",),
    r"\bstatistic|统计": ("statistics",),
}


def _cause_by_words(text: str, causes: list[dict[str, Any]]) -> dict[str, Any] | None:
    """ "Drop that index" means a cause about dropping an index before one that lacks an index."""
    for pattern, parts in _WORDS_OF_CAUSES.items():
        if re.search(pattern, text):
            fitting = [cause for cause in causes if any(part in cause["id"] for part in parts)]
            if re.search(r"\bdrop|\bremove|\bdelete|删", text):
                fitting.sort(key=lambda cause: cause["id"] not in ("duplicate_index", "unused_index", "invalid_index"))
            if fitting:
                return fitting[0]
    return None


def chosen_instance(intent: Intent, conversation: Conversation) -> str | None:
    """The instance to name in calls: the question's, one of those a tool listed, or the conversation's."""
    if intent.found.instance_id:
        return intent.found.instance_id
    for done in conversation.current.done:
        listed = done.result.get("instances") if done.error else None
        if isinstance(listed, list):
            text = conversation.current.question.lower()
            mentioned = [each for each in listed if str(each).lower() in text]
            if mentioned:
                return str(max(mentioned, key=len))
    run = current_run()
    if run is not None and run.turn.instance_id:
        return None  # the caller bound this question to an instance, which the tools take by themselves
    past = Conversation(conversation.past) if conversation.past else None
    return past.last_instance() if past else None


def last_failure(done: list[Done]) -> Done | None:
    """The failure that ends the plan: the last call failed."""
    return done[-1] if done and done[-1].error else None


def _statement(intent: Intent) -> str:
    return re.sub(r"^\s*explain\s+(\([^)]*\)\s*|analy[sz]e\s+|verbose\s+)*", "", intent.found.sql or "", flags=re.I)


def _examine(topic: Topic | None) -> Call:
    return Call("examine_instance", {"focus": topic} if topic else {})


def _at(call: Call, instance_id: str | None) -> Call:
    if instance_id is None or call.tool in ("describe_db_instances", "get_current_time"):
        return call
    return Call(call.tool, {**call.arguments, "instance_id": instance_id})


def _same(one: Call, other: Call) -> bool:
    return one.tool == other.tool and one.arguments == other.arguments
