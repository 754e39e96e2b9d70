"""Answers from attached files: what a log or a plan shows, rendered from what `read_attachment` returned.

A file that came with the question is always read. One of an earlier question is read again when the question speaks of
files or logs.
"""

# ruff: noqa: E501 - a sentence is read whole

import re

from housecall.agent.builtin.conversation import Call, Conversation, Result
from housecall.agent.builtin.text import bullets, code, end, fenced, paragraphs, say, table
from housecall.agent.context import current_run
from housecall.turn import Attachment
from housecall.wording import Language, Say, format_count, format_duration, format_percent

TOOL = "read_attachment"
MAX_READ = 3
MAX_EVENTS = 6
_FILES = re.compile(r"\b(?:file|attach\w*|upload\w*|log|logs|plan)\b|附件|文件|上传|日志|执行计划|檔案|日誌", re.I)

_LOG = Say(
    "{name} is a {form} with {entries:count} entries{span}: {calls:count} timed executions of {different:count} different"
    " statements took {total:duration} together.",
    "{name} 是 {form}，共 {entries:count} 条记录{span}：{different:count} 种语句共 {calls:count} 次计时执行，合计耗时 {total:duration}。",
)
_LOG_WITHOUT_TIMES = Say(
    "{name} is a {form} with {entries:count} entries{span}; it has no statement times.",
    "{name} 是 {form}，共 {entries:count} 条记录{span}；其中没有语句耗时。",
)
_SPAN = Say(", {first} to {last}", "（{first} 至 {last}）")
_TOP = Say("By total time:", "按总耗时排列：")
_COLUMNS = (
    Say("Share", "占比"),
    Say("Total", "总耗时"),
    Say("Calls", "次数"),
    Say("Mean", "平均"),
    Say("Max", "最长"),
    Say("Statement", "语句"),
)
_EXAMINED = Say(
    "The first one examined {examined:count} rows to send {sent:count}: an index may save most of that reading.",
    "排第一的语句检查了 {examined:count} 行，只返回 {sent:count} 行：合适的索引可以省去大部分读取。",
)
_EVENTS = Say("Errors and warnings:", "错误与警告：")
_EVENT = Say("{count:count}× {kind}: {message}", "{count:count} 次 {kind}：{message}")
_EVENT_BYTES = Say(" ({amount:bytes} together)", "（合计 {amount:bytes}）")
_EVENT_SECONDS = Say(" (waited {amount:duration} together)", "（合计等待 {amount:duration}）")
_NO_EVENTS = Say("I recognised no errors or warnings in it.", "其中没有识别到错误或警告。")
_DEADLOCK = Say("A deadlock as the server reported it:", "服务器报告的一次死锁：")
_UNREAD = Say(
    "{count:count} of {lines:count} lines could not be understood and are not counted.",
    "{lines:count} 行中有 {count:count} 行无法识别，未计入。",
)
_PLAN_RUN = Say("{name} is a plan that was run.", "{name} 是实际执行过的执行计划。")
_PLAN_NOT_RUN = Say(
    "{name} is a plan that was not run: there are estimates only; {how} would give times, and runs the statement.",
    "{name} 是未实际执行的计划：只有估算值；用 {how} 可以得到实际耗时，但会真正执行该语句。",
)
_HOW_TO_RUN = Say("`EXPLAIN (ANALYZE, BUFFERS)`", "`EXPLAIN (ANALYZE, BUFFERS)`")
_HOW_TO_RUN_MYSQL = Say(
    "`EXPLAIN ANALYZE` (on MariaDB `ANALYZE FORMAT=JSON`)", "`EXPLAIN ANALYZE`（MariaDB 上为 `ANALYZE FORMAT=JSON`）"
)
_HOT_TIME = Say(
    "The hot step is {node}: {share:percent} of the time.", "最耗时的一步是 {node}：占时间的 {share:percent}。"
)
_HOT_COST = Say(
    "The costliest step is {node}: {share:percent} of the estimated cost.",
    "代价最高的一步是 {node}：占估算代价的 {share:percent}。",
)
_HOT_ROWS = Say(
    "The step that reads most is {node}: {share:percent} of the rows to look at.",
    "读取最多的一步是 {node}：占需要查看的行的 {share:percent}。",
)
_WHY = Say("What the plan shows:", "计划表明：")
_TEXT = Say(
    "{name} is neither a log nor a plan that I know ({form}, {lines:count} lines). It begins:",
    "{name} 不是我能识别的日志或执行计划（{form}，{lines:count} 行）。开头是：",
)
_IMAGE = Say(
    "{name} is an image, and I cannot see images; send the text of the plan or the log.",
    "{name} 是图片，而我看不了图片；请发送执行计划或日志的文本。",
)
_FAILED = Say("{name} could not be read: {reason}", "{name} 无法读取：{reason}")
_MORE = Say(
    "I read the first {count:count} files; ask about the others by name.",
    "我读了前 {count:count} 个文件；其余的请指名询问。",
)
_KINDS = {
    "crash": Say("crash", "崩溃"),
    "corruption": Say("corruption", "数据损坏"),
    "disk_full": Say("disk full", "磁盘已满"),
    "out_of_memory": Say("out of memory", "内存不足"),
    "too_many_connections": Say("too many connections", "连接数用尽"),
    "deadlock": Say("deadlock", "死锁"),
    "lock_wait": Say("lock wait", "锁等待"),
    "lock_timeout": Say("lock timeout", "锁超时"),
    "statement_timeout": Say("statement timeout", "语句超时"),
    "serialization": Say("serialization failure", "串行化冲突"),
    "autovacuum_cancelled": Say("autovacuum cancelled", "自动清理被取消"),
    "temporary_file": Say("temporary files", "临时文件"),
    "checkpoints_frequent": Say("checkpoints too frequent", "检查点过于频繁"),
    "archive_failed": Say("archiving failed", "归档失败"),
    "replication": Say("replication", "复制"),
    "login_failed": Say("login failed", "登录失败"),
    "connection_lost": Say("connection lost", "连接断开"),
    "idle_timeout": Say("idle timeout", "空闲超时"),
    "duplicate_key": Say("duplicate key", "唯一键冲突"),
    "foreign_key": Say("foreign key violation", "外键冲突"),
    "constraint": Say("constraint violation", "约束冲突"),
    "undefined_object": Say("unknown object", "对象不存在"),
    "syntax": Say("syntax error", "语法错误"),
    "permission": Say("permission denied", "权限不足"),
    "cancelled": Say("cancelled", "被取消"),
    "other": Say("other", "其他"),
}


def next_attachment_call(conversation: Conversation) -> Call | None:
    """The next file to read, or None."""
    read = {done.call.arguments.get("attachment") for done in conversation.current.done if done.call.tool == TOOL}
    for number, attachment in _wanted(conversation)[:MAX_READ]:
        if attachment.kind == "document" and number not in read:
            return Call(TOOL, {"attachment": number, "topic": "summary", "limit": 5})
    return None


def attachment_answer(conversation: Conversation, language: Language) -> str | None:
    """What the files show; None when the question is not about files."""
    wanted = _wanted(conversation)
    if not wanted:
        return None
    results = {
        done.call.arguments.get("attachment"): done.result
        for done in conversation.current.done
        if done.call.tool == TOOL
    }
    parts: list[str | None] = []
    for number, attachment in wanted[:MAX_READ]:
        name = code(attachment.name)
        found = results.get(number)
        if attachment.kind == "image":
            parts.append(say(_IMAGE, language, name=name))
        elif found is None or found.get("error"):
            reason = str((found or {}).get("error", "?")).removeprefix(f"{TOOL}: ")
            parts.append(say(_FAILED, language, name=name, reason=end(reason, language)))
        else:
            parts.append(_told(name, found, language))
    if len(wanted) > MAX_READ:
        parts.append(say(_MORE, language, count=MAX_READ))
    return paragraphs(parts)


def _wanted(conversation: Conversation) -> list[tuple[int, Attachment]]:
    """The files that the question is about, with their numbers."""
    run = current_run()
    if run is None:
        return []
    numbered = list(enumerate(run.turn.attachments, start=1))
    new = [each for each in numbered if each[1].is_new]
    question = conversation.current.question
    named = [each for each in numbered if not each[1].is_new and each[1].name.lower() in question.lower()]
    if new or named:
        return [*new, *named]
    return numbered[:1] if _FILES.search(question) else []


def _told(name: str, found: Result, language: Language) -> str:
    if "executions" in found:
        return _log(name, found, language)
    if "plan_was_run" in found:
        return _plan(name, found, language)
    text = str(found.get("text", ""))[:800]
    lead = say(_TEXT, language, name=name, form=found["form"], lines=found["lines"])
    return paragraphs([lead, found.get("trouble"), fenced(text.splitlines()[:12], "text") if text.strip() else None])


def _log(name: str, found: Result, language: Language) -> str:
    span = ""
    if found.get("first_at"):
        span = say(_SPAN, language, first=found["first_at"], last=found.get("last_at"))
    lead = say(
        _LOG if found["executions"] else _LOG_WITHOUT_TIMES, language, name=name, form=found["form"],
        entries=found["entries"], span=span, calls=found["executions"], different=found["different_statements"],
        total=found["total_seconds"],
    )  # fmt: skip
    return paragraphs([lead, _top(found, language), _errors(found, language), _unread(found, language)])


def _top(found: Result, language: Language) -> str | None:
    statements = [each for each in found.get("statements", []) if isinstance(each, dict)]
    if not statements:
        return None
    rows = [
        (
            format_percent(each["share_of_time"]), format_duration(each["total_seconds"]), format_count(each["calls"]),
            format_duration(each["mean_ms"] / 1000), format_duration(each["max_ms"] / 1000), code(each["statement"]),
        )
        for each in statements
    ]  # fmt: skip
    shown = table([say(column, language) for column in _COLUMNS], rows)
    return paragraphs([f"{say(_TOP, language)}\n\n{shown}", _reading(statements[0], language)])


def _reading(first: Result, language: Language) -> str | None:
    """A statement that looks at far more rows than it sends: a hundred for one, and ten thousand at the least."""
    examined, sent = first.get("rows_examined"), first.get("rows_sent")
    if examined is None or sent is None or examined < 10_000 or examined < 100 * max(sent, 1):
        return None
    return say(_EXAMINED, language, examined=examined, sent=sent)


def _errors(found: Result, language: Language) -> str:
    events = [each for each in found.get("events", []) if isinstance(each, dict)][:MAX_EVENTS]
    if not events:
        return say(_NO_EVENTS, language)
    lines = [_event(each, language) for each in events]
    reports = found.get("deadlocks") or []
    deadlock = f"{say(_DEADLOCK, language)}\n\n{fenced([str(reports[0])], 'text')}" if reports else None
    return paragraphs([f"{say(_EVENTS, language)}\n\n{bullets(lines)}", deadlock])


def _event(event: Result, language: Language) -> str:
    kind = _KINDS.get(str(event["kind"]), _KINDS["other"])
    text = say(_EVENT, language, count=event["count"], kind=say(kind, language), message=code(event["message"]))
    amount = event.get("amount")
    if amount and event["kind"] == "temporary_file":
        text += say(_EVENT_BYTES, language, amount=amount)
    elif amount and event["kind"] == "lock_wait":
        text += say(_EVENT_SECONDS, language, amount=amount)
    return f"**{text}**" if event.get("serious") else text


def _unread(found: Result, language: Language) -> str | None:
    count = found.get("lines_not_understood")
    return say(_UNREAD, language, count=count, lines=found["lines"]) if count else None


def _plan(name: str, found: Result, language: Language) -> str:
    how = say(_HOW_TO_RUN_MYSQL if found.get("plan_engine") == "mysql" else _HOW_TO_RUN, language)
    lead = say(_PLAN_RUN if found["plan_was_run"] else _PLAN_NOT_RUN, language, name=name, how=how)
    hot = None
    if found.get("hot_node"):
        by = _HOT_TIME if found.get("hot_by_time") else _HOT_ROWS if found.get("hot_by_rows") else _HOT_COST
        hot = say(by, language, node=code(found["hot_node"]), share=found["hot_share"])
    remarks = [str(each) for each in found.get("remarks", [])]
    why = f"{say(_WHY, language)}\n\n{bullets(remarks)}" if remarks else None
    return paragraphs([lead, hot, why])
