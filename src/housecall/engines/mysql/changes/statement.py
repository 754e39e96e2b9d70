"""Any single statement, as it stands. What is known of its effects is what the optimizer says, and the card says so."""

import re
from typing import Any

from pydantic import Field

from housecall.engines.change import Change, Json, Told
from housecall.engines.engine import Probe
from housecall.engines.mysql.changes._common import LOCK_SECONDS, Arguments, words
from housecall.engines.tokens import TokenError, mysql_tokens
from housecall.errors import HousecallError, RequestError
from housecall.wording import Message, Say

_SESSION_WORDS = words(
    """begin start commit end rollback savepoint release prepare execute deallocate use set lock unlock handler xa
    delimiter reset flush help"""
)
_NEVER = {
    "shutdown": "it stops the server",
    "restart": "it stops the server",
    "clone": "it replaces the data of the server",
    "load": "it reads files of the machine",
}
_LOADS_CODE = re.compile(r"\bsoname\b|\binstall\s+(?:plugin|component|soname)\b", re.I)
_FILES = re.compile(r"\binto\s+(?:outfile|dumpfile)\b|\bload_file\s*\(", re.I)
_DROPS = re.compile(r"\s*(?:drop|truncate)\b", re.I)

TITLE = Say("Execute a statement as given", "按原样执行语句")
LOCK = Say(
    "depends on the statement; it waits for a lock at most {seconds:duration}, then gives up; DDL commits by itself",
    "取决于语句；等待锁最多 {seconds:duration}，超时则放弃；DDL 会自动提交",
)
UNKNOWN = Say("not known; it is ended at the statement time limit", "未知；达到语句时限会被终止")
PLANNED = Say(
    "not known; the optimizer expects to look at {rows:count} row{rows:|s}", "未知；优化器估计需要检查 {rows:count} 行"
)
UNDO = Say("cannot be undone once it is committed, which happens at its end", "执行结束即提交，之后无法撤销")
CAUTION = Say("nobody has checked what this statement does: read it whole", "没有人检查过这条语句的作用：请完整阅读")
VERIFY = Say("the number of rows that it touched is told", "会告知影响的行数")


class StatementArguments(Arguments):
    """One statement; a second one is refused, and so are those that only mean something within a session."""

    sql: str = Field(min_length=1, max_length=20_000)


async def compose(probe: Probe, arguments: StatementArguments, instance_id: str) -> Change:
    sql = single(arguments.sql)
    return Change(
        tool="execute_sql",
        instance_id=instance_id,
        arguments={"sql": sql},
        statements=(sql,),
        title=TITLE(),
        lock=LOCK(seconds=LOCK_SECONDS),
        duration=await _planned(probe, sql),
        risk="high",
        verify=VERIFY(),
        state={"database": probe.facts.database},
        facts={"drops": bool(_DROPS.match(sql)), "free": True},
        rollback_note=UNDO(),
        caution=CAUTION(),
        lock_timeout_seconds=LOCK_SECONDS,
    )


def single(sql: str) -> str:
    """The statement without its semicolon. Raises RequestError."""
    text = sql.strip().rstrip(";").strip()
    if "\0" in text or not text:
        raise RequestError("The statement is empty or has a zero byte")
    if re.search(r"/\*M?!", text):
        raise RequestError("A comment that some versions execute hides what is done; write the statement out")
    try:
        tokens = list(mysql_tokens(text))
    except TokenError as error:
        raise RequestError(f"The statement cannot be read: {error}") from None
    if any(token.text == ";" for token in tokens):
        raise RequestError("One statement at a time: propose each on its own")
    word = tokens[0].text.lower() if tokens else ""
    if word in _SESSION_WORDS or not word:
        raise RequestError("Only a statement that stands by itself can be executed, not one for a session")
    if word in _NEVER:
        raise RequestError(f"{word.upper()} is never executed from here: {_NEVER[word]}")
    bare = " ".join(token.text for token in tokens if token.kind not in ("string", "quoted"))
    if _LOADS_CODE.search(bare):
        raise RequestError("Loading a library runs its code on the server's machine; it is never done from here")
    if _FILES.search(bare):
        raise RequestError("Reading or writing files of the server's machine is never done from here")
    return text


async def _planned(probe: Probe, sql: str) -> Message:
    try:
        plan = await probe.explain(sql)
    except HousecallError:
        return UNKNOWN()
    rows = _rows(plan)
    return PLANNED(rows=max(rows)) if rows else UNKNOWN()


def _rows(plan: Any) -> list[int]:
    if isinstance(plan, list):
        return [rows for each in plan for rows in _rows(each)]
    if not isinstance(plan, dict):
        return []
    own = [plan[name] for name in ("rows_examined_per_scan", "rows") if isinstance(plan.get(name), int)]
    return own + [rows for each in plan.values() for rows in _rows(each)]


async def measure(_probe: Probe, _change: Change) -> dict[str, Any]:
    return {}


async def look_up(_probe: Probe, _tool: str, _arguments: Json, _state: Json, _since: str) -> Told:
    return Told(
        "unknown", "Whether the statement was carried out cannot be seen from outside; look at what it changes."
    )
