"""Any single statement, as it stands. What is known of its effects is what the planner says, and the card says so."""

import re
from typing import Any

import sqlglot
from pydantic import Field
from sqlglot.errors import SqlglotError

from housecall.engines.change import Change, Json, Told
from housecall.engines.engine import Probe
from housecall.engines.postgresql.changes._common import Arguments, words
from housecall.errors import HousecallError, RequestError
from housecall.wording import Message, Say

_SESSION_WORDS = words(
    """BEGIN START COMMIT END ROLLBACK ABORT SAVEPOINT RELEASE PREPARE EXECUTE DEALLOCATE DECLARE FETCH MOVE CLOSE
    SET RESET LISTEN UNLISTEN LOCK DISCARD"""
)
_WORD = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/|\()*([A-Za-z]+)", re.S)
_COPY_STREAM = re.compile(r"\bcopy\b.*\b(?:from\s+stdin|to\s+stdout)\b", re.I | re.S)
_PROGRAM = re.compile(r"\bcopy\b.*\bprogram\b", re.I | re.S)
_DROPS = re.compile(r"\s*(?:drop|truncate)\b", re.I)

TITLE = Say("Execute a statement as given", "按原样执行语句")
LOCK = Say(
    "depends on the statement; it waits for a lock at most {seconds:duration}, then gives up",
    "取决于语句；等待锁最多 {seconds:duration}，超时则放弃",
)
UNKNOWN = Say("not known; it is ended at the statement time limit", "未知；达到语句时限会被终止")
PLANNED = Say(
    "not known; the planner expects {rows:count} row{rows:|s} at a cost of {cost:number}",
    "未知；优化器估计 {rows:count} 行，代价 {cost:number}",
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
        lock=LOCK(seconds=3.0),
        duration=await _planned(probe, sql),
        risk="high",
        verify=VERIFY(),
        state={"database": probe.facts.database},
        facts={"drops": bool(_DROPS.match(sql)), "free": True},
        rollback_note=UNDO(),
        caution=CAUTION(),
    )


def single(sql: str) -> str:
    """The statement without its semicolon. Raises RequestError."""
    text = sql.strip().rstrip(";").strip()
    if "\0" in text or not text:
        raise RequestError("The statement is empty or has a zero byte")
    word = _WORD.match(text)
    if word is None or word[1].upper() in _SESSION_WORDS:
        raise RequestError("Only a statement that stands by itself can be executed, not one for a session")
    if _COPY_STREAM.search(text):
        raise RequestError("COPY to or from the client needs a client; it cannot be executed here")
    if _PROGRAM.search(text):
        raise RequestError("COPY ... PROGRAM runs a program on the server's machine; it is never executed from here")
    try:
        count = sum(each is not None for each in sqlglot.parse(text, read="postgres"))
    except (SqlglotError, RecursionError):
        count = 1  # not understood here; the server takes one statement alone in any case
    if count > 1:
        raise RequestError("One statement at a time: propose each on its own")
    return text


async def _planned(probe: Probe, sql: str) -> Message:
    word = _WORD.match(sql)
    if word and word[1].upper() in ("INSERT", "UPDATE", "DELETE", "MERGE", "SELECT", "WITH"):
        try:
            plan: Any = await probe.explain(sql)
        except HousecallError:
            return UNKNOWN()
        root = plan[0]["Plan"]
        inner = (root.get("Plans") or [root])[0] if root["Node Type"] == "ModifyTable" else root
        return PLANNED(rows=inner["Plan Rows"], cost=root["Total Cost"])
    return UNKNOWN()


async def measure(_probe: Probe, _change: Change) -> dict[str, Any]:
    return {}


async def look_up(_probe: Probe, _tool: str, _arguments: Json, _state: Json, _since: str) -> Told:
    return Told(
        "unknown", "Whether the statement was carried out cannot be seen from outside; look at what it changes."
    )
