"""The answer to an intent, from the tool results of the conversation."""

import re

from housecall.agent.builtin import live, objects, words
from housecall.agent.builtin.compare import compared
from housecall.agent.builtin.conversation import Conversation, Result
from housecall.agent.builtin.diagnosis import (
    Cause,
    also,
    beside,
    costs,
    in_full,
    is_urgent,
    looked_at,
    missed,
    of_topic,
    one_line,
    remedy,
    split,
    topical,
    whole,
    word_count,
)
from housecall.agent.builtin.intents import Intent, Suspect
from housecall.agent.builtin.plans import SIZES, dropped_index, meant_cause, refers_to_cause, waits_with
from housecall.agent.builtin.text import bullets, code, colon, end, fenced, joined, label, paragraphs, say
from housecall.agent.context import current_run
from housecall.agent.tools.topics import KINDS_OF_INDEXES, Topic, belongs, check_belongs
from housecall.wording import Language

_PLAIN = {"capabilities": words.CAN_DO, "thanks": words.WELCOME}


def answer(intent: Intent, conversation: Conversation, language: Language) -> str:
    """The text. Failures of tools are told first: nothing may look fine that could not be looked at."""
    if intent.kind in _PLAIN:
        return say(_PLAIN[intent.kind], language)
    if intent.kind in ("greeting", "outside"):
        first = words.HELLO if intent.kind == "greeting" else words.OUTSIDE
        return paragraphs([say(first, language), say(words.OFFER, language)])
    failure = _failure(conversation, language)
    if failure is not None:
        return failure
    return _of_results(intent, conversation, language)


def _failure(conversation: Conversation, language: Language) -> str | None:
    done = conversation.current.done
    failed = done[-1] if done and done[-1].error else None
    if len(done) == 2 and done[0].error and done[1].call.tool == "describe_db_instances":
        failed = done[0]  # no table, and no instance of that name either
    if failed is None:
        return None
    listed = failed.result.get("instances")
    if isinstance(listed, list):
        ids = ", ".join(code(each) for each in listed)
        return say(words.WHICH, language, ids=ids) if listed else say(words.INSTANCES_NONE, language)
    reason = str(failed.error).removeprefix(f"{failed.call.tool}: ")
    told = say(words.FAILED, language, reason=end(reason, language))
    if failed.result.get("next"):
        return paragraphs([told, _what_the_account_needs(conversation, language)])
    unreachable = str(failed.result.get("code", "")).startswith("Instance")
    return paragraphs([told, say(words.TRY_AGAIN, language) if unreachable else None])


def _what_the_account_needs(conversation: Conversation, language: Language) -> str:
    """For a statement or a plan that the server refused to Housecall's account."""
    return say(words.DENIED_MYSQL if on_mysql(conversation) else words.DENIED, language)


def _of_results(intent: Intent, conversation: Conversation, language: Language) -> str:
    now = conversation.current
    exam = now.result("examine_instance")
    match intent.kind:
        case "instances":
            return objects.instances(now.result("describe_db_instances") or {"total": 0}, language)
        case "time":
            found = now.result("get_current_time") or {}
            return say(words.TIME, language, local=found["local"], zone=found["time_zone"], utc=found["utc"])
        case "attributes":
            return live.attributes(now.result("describe_db_instance_attribute") or {}, language)
        case "query":
            return objects.rows(now.result("query_sql") or {}, language)
        case "definition":
            return objects.definition(now.result("show_create_table") or {})
        case "explain":
            return _explained(intent, conversation, exam, language)
        case "settings":
            found = now.result("describe_db_instance_parameters") or {}
            sessions = now.result("list_sessions")
            raised = bool(sessions and exam and RAISES.search(intent.found.text))
            fills = _fills_connections(exam) if exam and raised else []
            causes = [*fills, *(each for each in _causes_about(intent.found.settings, exam) if each not in fills)]
            told = [in_full(each, language) for each in causes if "remedies" in each][:2]
            if sessions and exam and raised:
                advice = live.more_connections(sessions, exam, language)
                return paragraphs([advice, *told, live.settings(found, language)])
            used = live.connections(sessions, language) if sessions else None
            doubted = intent.found.settings if exam and _ENOUGH.search(intent.found.text) else ()
            judged = [_judged_size(name, exam or {}, language) for name in doubted if name in SIZES]
            if any(judged):
                return paragraphs([live.settings(found, language), used, *judged])
            return paragraphs([live.settings(found, language), used, *told])
        case "table" if now.result("describe_table") is None and now.result("list_indexes") is None:
            return whole(exam or {}, language)
        case "table":
            listed = now.result("list_indexes")
            if listed:
                return objects.indexes(listed, exam, language)
            found = now.result("describe_table") or {}
            return objects.described(found, exam, language, bloat_asked=bool(BLOAT.search(intent.found.text)))
        case "topic":
            assert intent.topic is not None
            return _topical(intent, intent.topic, conversation, language)
        case "fixed":
            before = _examined_before(conversation, exam)
            return compared(before, exam or {}, language) if before else whole(exam or {}, language)
        case "ordinal" | "sql" | "why" | "rest" | "change":
            return _follow_up(intent, conversation, language)
        case _:
            assert exam is not None
            return paragraphs([whole_with_suspects(intent, exam, language)])


def _examined_before(conversation: Conversation, exam: Result | None) -> Result | None:
    """The earlier examination of the same instance."""
    for exchange in reversed(conversation.past):
        found = exchange.result("examine_instance")
        if found and exam and found["instance_id"] == exam["instance_id"]:
            return found
    return None


def whole_with_suspects(intent: Intent, exam: Result, language: Language) -> str:
    supposed = suspicions(intent.suspects, exam, language)
    return paragraphs([supposed, whole(exam, language, words_before=word_count(supposed or ""))])


_SUSPECT_TOPICS: dict[Suspect, Topic] = {
    "memory": "memory", "disk": "disk", "locks": "locks", "replication": "replication", "connections": "connections",
    "vacuum": "vacuum", "indexes": "indexes",
}  # fmt: skip


def suspicions(suspects: tuple[Suspect, ...], exam: Result, language: Language) -> str | None:
    """What the question supposes, confirmed or dismissed by what was found."""
    lines = []
    for suspect in suspects:
        asked = say(words.SUSPICION, language, what=say(words.TOPIC_NAMES[suspect], language))
        lines.append(joined([asked, _judged(suspect, exam, language)], language))
    return bullets(end(line, language) for line in lines) if lines else None


_NOBODY_WAITS_FOR_A_CLIENT = re.compile(r"of [1-9][\d,]* sightings?\b.*\b0 waited|活动会话 [1-9][\d,]* 次，其中 0 次")
"""Working sessions were seen, and none of them in a wait for its client: the sentences of `looked`."""


def _judged(suspect: Suspect, exam: Result, language: Language) -> str:
    topic = _SUSPECT_TOPICS.get(suspect)
    if suspect == "cpu":
        every = [*exam.get("causes", []), *exam.get("more_causes", [])]
        crowd = next((each for each in every if each["id"] == "external_cpu_contention" and not each["past"]), None)
        if crowd is not None:
            return say(words.SUSPECT_CONFIRMED, language, rank=every.index(crowd) + 1, summary=crowd["summary"])
    if topic is None:
        look = exam.get("looked_at", {}).get(suspect)
        if suspect == "network" and look and _NOBODY_WAITS_FOR_A_CLIENT.search(look):
            return say(words.NOT_THE_NETWORK, language, look=look)
        untold = say(words.SUSPECT_UNSEEN, language)
        return joined([end(untold, language), say(words.LOOKED_AT, language, looks=look)], language) if look else untold
    causes = [cause for cause in of_topic(exam, topic) if not cause["past"]]
    if causes:
        every = [*exam.get("causes", []), *exam.get("more_causes", [])]
        return say(words.SUSPECT_CONFIRMED, language, rank=every.index(causes[0]) + 1, summary=causes[0]["summary"])
    unseen = any(check_belongs(topic, check) for group in exam.get("not_evaluated", []) for check in group["checks"])
    verdict = say(words.SUSPECT_NOT_ALL if unseen else words.SUSPECT_NOT_FOUND, language)
    look = looked_at(exam, topic, language)
    return joined([end(verdict, language), look], language) if look else verdict


_HOW_MANY = re.compile(r"\b(?:top|first|worst|slowest)\s+(\d{1,2})\b|前\s*(\d{1,2})\s*[条个名]?")


def _asked_for(text: str) -> int:
    """How many statements the question asks for; five unless it says."""
    found = _HOW_MANY.search(text)
    return int(found[1] or found[2]) if found else 5


def _topical(intent: Intent, topic: Topic, conversation: Conversation, language: Language) -> str:
    now = conversation.current
    exam = now.result("examine_instance") or {}
    leads = {
        "show_blocking": live.blocking,
        "list_sessions": live.connections,
        "top_statements": live.statements,
        "describe_db_instance_parameters": live.settings,
        "describe_db_instance_attribute": live.size,
    }
    lead = None
    for tool, render in leads.items():
        found = now.result(tool)
        if found:
            lead = render(found, language)
        if found and tool == "top_statements":
            lead = live.statements(found, language, most=_asked_for(intent.found.text))
    if topic == "disk" and _LARGEST.search(intent.found.text):
        return paragraphs([lead, beside(exam, [], language) if exam else None])
    if topic in KINDS_OF_INDEXES and topic in exam.get("looked_at", {}):
        listed = say(words.LIST_OF, language, instance=exam["instance_id"], look=exam["looked_at"][topic])
        return topical(listed, exam, topic, language)
    others = tuple(suspect for suspect in intent.suspects if _SUSPECT_TOPICS.get(suspect) != topic)
    return paragraphs([lead, suspicions(others, exam, language), topical(None, exam, topic, language)])


_LARGEST = re.compile(
    r"\b(?:biggest|largest|big|large|huge)\b.{0,20}\b(?:tables?|relations?)\b"
    r"|\btables?\b.{0,25}\b(?:biggest|largest|(?:most|more) (?:disk |storage )?space|by size)\b"
    r"|最大的?.{0,4}表|表.{0,6}最大|大表"
)
RAISES = re.compile(
    r"\b(?:rais|increas|bump|higher|more|enough|too (?:many|few|low|small)|should|change|set to)"
    r"|[调增加提][大高多]|够|太[多少小低]|不足|应该|要不要"
)
"""Words of somebody who thinks of another value, not of one who asks for the present one."""
_ENOUGH = re.compile(rf"{RAISES.pattern}|\b(?:right|appropriate|sensible|good|big|large|small)\b|合适|合理|太小|偏小")
BLOAT = re.compile(r"\bbloat\w*|\bshrink\w*|\bdead (?:rows?|tuples?)\b|膨胀|死元组|收缩|瘦身")


def _fills_connections(exam: Result) -> list[Cause]:
    """What is urgent among locks and connections: sessions that wait, or never leave, are what fills a server."""
    every = [*exam.get("causes", []), *exam.get("more_causes", [])]
    return [
        each
        for each in every
        if is_urgent(each) and (belongs("locks", each["id"]) or belongs("connections", each["id"]))
    ]


def _judged_size(name: str, exam: Result, language: Language) -> str:
    """Whether a setting is large enough: its cause, else what its checks found, else that nothing speaks against it.

    The figures of memory stand beside in any case.
    """
    cause_id, checks = SIZES[name]
    every = [*exam.get("causes", []), *exam.get("more_causes", [])]
    causes = [each for each in every if each["id"] == cause_id and not each["past"]]
    look = looked_at(exam, "memory", language) or ""
    if causes:
        told = in_full(causes[0], language) if "remedies" in causes[0] else one_line(causes[0], language)
        return paragraphs([say(words.TOO_SMALL, language, name=name), told, look])
    found = [
        end(each["summary"], language)
        for each in exam.get("findings", [])
        if each["object"] == name or each["check"].partition(".")[2] in checks
    ]
    if found:
        return paragraphs([say(words.SPEAKS_AGAINST, language, name=name), bullets(found), look])
    unseen = [check.partition(".")[2] for group in exam.get("not_evaluated", []) for check in group["checks"]]
    sentence = words.LARGE_ENOUGH_PARTLY if set(unseen) & set(checks) else words.LARGE_ENOUGH
    return say(sentence, language, name=name, look=look.rstrip(".。"))


def _explained(intent: Intent, conversation: Conversation, exam: Result | None, language: Language) -> str:
    """Whether the statement waits for a lock; else its plan, and the causes that concern what it reads whole."""
    now = conversation.current
    blocking = now.result("show_blocking")
    waiter = waits_with(intent.found.sql, blocking)
    if waiter is not None and blocking is not None:
        return _held_up(waiter, blocking, exam, language)
    found = now.result("explain_sql")
    if found is None:
        return _without_plan(intent, conversation, exam, language)
    causes = [each for each in _causes_about(tuple(found["sequential_scans"]), exam) if "remedies" in each]
    conditions = " ".join(str(line.get("condition") or "") for line in found["plan"])
    causes.sort(key=lambda each: not _is_about_columns_of(each, conditions))
    told = [each for each in causes if _is_about_columns_of(each, conditions) or each["severity"] != "info"]
    return paragraphs(
        [_nobody_waits(blocking, language), live.plan(found, language), *(in_full(each, language) for each in told[:1])]
    )


def _nobody_waits(blocking: Result | None, language: Language) -> str | None:
    if blocking is None or blocking["total_waiting"]:
        return None
    return say(words.LOCKS_NONE, language, instance=blocking["instance_id"])


def _held_up(waiter: Result, blocking: Result, exam: Result | None, language: Language) -> str:
    """A statement that waits: for whom, and the cause at the root of the queue."""
    lead = say(
        words.STATEMENT_WAITS, language, instance=blocking["instance_id"], pid=waiter["pid"],
        age=waiter.get("waiting_seconds"), behind=", ".join(map(str, waiter["blocked_by"])),
    )  # fmt: skip
    roots = {f"pid {each['pid']}" for each in blocking["root_blockers"]}
    every = [*(exam or {}).get("causes", []), *(exam or {}).get("more_causes", [])]
    about = [each for each in every if each["object"] in roots and not each["past"]] or [
        each for each in every if belongs("locks", each["id"]) and not each["past"]
    ]
    told = in_full(about[0], language) if about else live.blocking(blocking, language)
    return paragraphs([lead, told, beside(exam, about[:1], language) if exam else None])


def _without_plan(intent: Intent, conversation: Conversation, exam: Result | None, language: Language) -> str:
    """The server refused the plan: why, what would allow it, and all the same the causes about its tables."""
    failed = next((each for each in conversation.current.done if each.error and each.call.tool == "explain_sql"), None)
    reason = str(failed.error).removeprefix("explain_sql: ") if failed else None
    names = tuple(re.findall(r"\b(?:from|join|update|into)\s+([\w.\"]+)", intent.found.sql or "", re.I))
    causes = [each for each in _causes_about(names, exam) if "remedies" in each and each["severity"] != "info"]
    return paragraphs(
        [
            say(words.NO_PLAN, language, reason=end(reason, language)) if reason else None,
            _what_the_account_needs(conversation, language) if failed and failed.result.get("next") else None,
            *(in_full(each, language, brief=True) for each in causes[:1]),
            beside(exam, causes[:1], language) if exam else None,
        ]
    )


def _is_about_columns_of(cause: Cause, conditions: str) -> bool:
    """Whether a cause names columns, as in `public.orders(customer_id)`, and the plan filters by one of them."""
    listed = re.search(r"\(([^()]+)\)", cause["object"])
    columns = [column.strip() for column in listed[1].split(",")] if listed else []
    return any(re.search(rf"(?<!\w){re.escape(column)}(?!\w)", conditions) for column in columns)


def _causes_about(names: tuple[str, ...], exam: Result | None) -> list[Cause]:
    if exam is None:
        return []
    every = [*exam.get("causes", []), *exam.get("more_causes", [])]
    bare = [name.rpartition(".")[2] for name in names]
    return [
        cause
        for cause in every
        if any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", f"{cause['object']} {cause['summary']}") for name in bare)
    ]


def _follow_up(intent: Intent, conversation: Conversation, language: Language) -> str:
    exam = conversation.latest("examine_instance")
    if intent.kind == "change" and not refers_to_cause(intent):
        return _own_change(intent, conversation, language)
    if exam is None:
        return say(words.READ_ONLY_BARE, language)
    if not exam["causes_total"]:
        none = say(words.NO_CAUSES, language)
        return paragraphs(
            [say(words.READ_ONLY_BARE, language) if intent.kind == "change" else none, missed(exam, language)]
        )
    if intent.kind == "rest":
        return _rest(exam, language)
    cause = _meant(intent, conversation, exam)
    if cause is None:
        return say(words.NO_SUCH_CAUSE, language, count=exam["causes_total"])
    if intent.kind == "why":
        return _why(cause, language)
    if intent.kind == "ordinal":
        return in_full(cause, language)
    told = _sql_of(cause, language)
    return paragraphs([say(words.READ_ONLY, language), told]) if intent.kind == "change" else told


def _meant(intent: Intent, conversation: Conversation, exam: Result) -> Cause | None:
    """The cause that is meant, in full where it was read in full."""
    cause = meant_cause(intent, conversation, exam)
    if cause is None or "remedies" in cause:
        return cause
    read = conversation.current.result("read_finding") or {}
    full = read.get("cause")
    return full if isinstance(full, dict) and full["reference"] == cause["reference"] else cause


def _rest(exam: Result, language: Language) -> str:
    _, briefly = split(exam, language)
    listed = also(exam, briefly, language, all_of_them=True) or say(words.NO_MORE, language, count=exam["causes_total"])
    return paragraphs([listed, missed(exam, language)])


def _why(cause: Cause, language: Language) -> str:
    lines = [end(each, language) for each in cause.get("because", [])]
    measured = [f"{say(words.MEASURED, language)}{colon(language)}{code(each)}" for each in cause.get("evidence", [])]
    confidence = say(words.CONFIDENCE, language, share=cause["confidence"]) if "confidence" in cause else None
    symptoms = [f"{say(words.EXPLAINS, language)}{colon(language)}{each}" for each in cause.get("symptoms", [])]
    title = say(words.WHY_TITLE, language, summary=end(cause["summary"], language))
    return paragraphs([title, bullets([*lines, *symptoms, *measured]), confidence])


def _sql_of(cause: Cause, language: Language) -> str:
    """Every remedy of a cause with its statements."""
    remedies = cause.get("remedies", [])
    if not remedies:
        return paragraphs([one_line(cause, language), say(words.NO_REMEDY, language)])
    told = [remedy(each, language, words.NOW if each["when"] == "now" else words.LATER) for each in remedies]
    return paragraphs([say(words.THE_SQL, language, summary=end(cause["summary"], language)), *told])


def _own_change(intent: Intent, conversation: Conversation, language: Language) -> str:
    """A change that the question itself names: its statement for a person to run, with lock, risk and undo."""
    found, now = intent.found, conversation.current
    known: str | None = None
    if found.settings:
        told = live.settings(now.result("describe_db_instance_parameters") or {}, language)
        return paragraphs([say(words.READ_ONLY_BARE, language), told])
    mysql = on_mysql(conversation)
    if found.sql:
        known = _index_to_drop(dropped_index(intent), now.result("list_indexes"), language)
        statement, lock = found.sql.rstrip(";") + ";", _lock_of(found.sql)
        body = paragraphs([say(words.YOUR_STATEMENT, language), fenced([statement])])
        locks, undo = (words.OWN_LOCK_MYSQL, words.OWN_UNDO_MYSQL) if mysql else (words.OWN_LOCK, words.OWN_UNDO)
        facts = {"lock": say(locks[lock], language), "rollback_note": say(undo, language)}
        risk = say(words.PLAIN_RISK, language)
    elif found.pid is not None:
        sessions = now.result("list_sessions")
        if sessions and sessions.get("asked_for_pid") and not sessions["sessions"]:
            return say(
                words.PID_UNKNOWN, language, pid=found.pid, instance=sessions["instance_id"],
                total=sessions["connections"],
            )  # fmt: skip
        known = _role_of(found.pid, now.result("show_blocking"), language)
        look, end_it = _KILL["mysql" if mysql else "postgresql"]
        caution = label(words.CAUTION, language) + say(words.KILL_CAUTION, language)
        body = paragraphs([caution, fenced([look.format(pid=found.pid)]), fenced([end_it.format(pid=found.pid)])])
        undo = words.KILL_UNDO_MYSQL if mysql else words.KILL_UNDO
        facts = {"lock": say(words.KILL_LOCK, language), "rollback_note": say(undo, language)}
        risk = say(words.RISKS["medium"], language)
    else:
        return say(words.READ_ONLY_BARE, language)
    told = costs({**facts, "risk": "medium"}, language).replace(say(words.RISKS["medium"], language), risk)
    return paragraphs([say(words.READ_ONLY, language), known, body, told])


_KILL = {
    "postgresql": (
        "SELECT pid, state, xact_start, query FROM pg_stat_activity WHERE pid = {pid};",
        "SELECT pg_terminate_backend({pid});",
    ),
    "mysql": (
        "SELECT ID, USER, HOST, COMMAND, TIME, STATE, INFO FROM information_schema.PROCESSLIST WHERE ID = {pid};",
        "KILL CONNECTION {pid};",
    ),
}


def on_mysql(conversation: Conversation) -> bool:
    """Whether what was looked at last is a MySQL or MariaDB server, as far as the results tell."""
    run = current_run()
    if run is not None and run.last_engine is not None:
        return run.last_engine == "mysql"
    for exchange in reversed(conversation.exchanges):
        for done in reversed(exchange.done):
            engine = done.result.get("server") or done.result.get("engine")
            if engine:
                return bool(engine == "mysql")
    return False


def _role_of(pid: int, blocking: Result | None, language: Language) -> str | None:
    """Whether a session blocks others, waits, or neither: ending one that waits helps nobody."""
    if blocking is None:
        return None
    root = next((each for each in blocking["root_blockers"] if each["pid"] == pid), None)
    if root:
        return say(words.PID_BLOCKS, language, pid=pid, waiting=root["waiting_sessions"])
    waiter = next((each for each in blocking["waiting"] if each["pid"] == pid), None)
    if waiter:
        behind = ", ".join(map(str, waiter["blocked_by"]))
        return say(words.PID_WAITS, language, pid=pid, blockers=behind)
    return say(words.PID_NEITHER, language, pid=pid)


def _index_to_drop(name: str | None, listed: Result | None, language: Language) -> str | None:
    """What an index is there for, before somebody drops it."""
    bare = (name or "").rpartition(".")[2].strip('"').lower()
    index = next((each for each in (listed or {}).get("indexes", []) if each["name"].strip('"`').lower() == bare), None)
    if index is None:
        return None
    serves = index["backs_constraint"] or index["is_unique"]
    warning = say(words.INDEX_SERVES, language, name=code(index["name"])) if serves else None
    return paragraphs([bullets([objects.index_line(index, language)]), warning])


def _lock_of(statement: str) -> str:
    shapes = {
        r"\s*create\s+(unique\s+)?index": "index",
        r"\s*drop\b|\s*truncate\b": "drop",
        r"\s*alter\s+table": "alter",
        r"\s*(insert|update|delete|merge)\b": "rows",
    }
    return next((kind for shape, kind in shapes.items() if re.match(shape, statement, re.I)), "other")
