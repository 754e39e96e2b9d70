"""EXPLAIN's JSON of MySQL and MariaDB, as people save it from a client, turned into the tree of `advisor.plan`.

What the `mysql` client draws around it is taken away: the frame of its tables, `\\G`'s heading, and the escapes of its
batch mode, which puts a whole plan on one line. The statement that was explained names the tables behind the aliases;
it is taken from the plan itself (MySQL's version 2), else from the text before the plan.
Source: MySQL manual, "EXPLAIN Statement" and "mysql Client Options" (--batch, --raw, --vertical).
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from housecall.advisor.plan import Plan
from housecall.advisor.plan_mysql import parse_mysql_plan
from housecall.errors import RequestError

MAX_STARTS = 20
"""Braces that are tried: each of them may be the first of the plan, or stand in the statement before it."""

_MEMBER = re.compile(
    r'\\?"(query_block|query_plan|query_optimization|query|operation|inputs|estimated_total_cost)\\?"\s*:'
)
_EXPLAINED = re.compile(
    r"\b(?:EXPLAIN|DESCRIBE|DESC|ANALYZE)\s+(?:ANALYZE\s+)?(?:FORMAT\s*=\s*\w+\s+)?"
    r"(?P<statement>(?:SELECT|WITH|UPDATE|DELETE|INSERT|REPLACE|\()(?s:.+))",
    re.I,
)
_PROMPT = re.compile(r"^\s*(?:mysql>|MariaDB \[[^\]]*\]>|->) ?", re.M)
_ENDS = re.compile(r";|\\G|\n\s*(?:\*{3,}|\+-{3,}|EXPLAIN|ANALYZE)")
_ESCAPE = re.compile(r"\\(.)", re.S)
_ESCAPED = {"n": "\n", "t": "\t", "0": "\0"}


def holds_mysql_plan(text: str) -> bool:
    """Whether the beginning of a file has the members of such a plan."""
    if "{" not in text:
        return False
    members = {found[1] for found in _MEMBER.finditer(text)}
    return bool(members & {"query_block", "query_plan"}) or members >= {"operation", "estimated_total_cost"}


def read_mysql_plan(text: str) -> Plan:
    """The first plan in a text. Raises RequestError when it is cut off or damaged."""
    for candidate in (text, unescaped(text)):
        for start in _starts(candidate):
            found = _object_at(candidate, start)
            if found is not None and ("query_block" in found or "query_plan" in found or "operation" in found):
                statement = found.get("query")
                return parse_mysql_plan(
                    found, statement if isinstance(statement, str) else statement_before(candidate[:start])
                )
    raise RequestError("The plan is not whole JSON: it is cut off or damaged.")


def _starts(text: str) -> Iterator[int]:
    """Where an object with a member of a plan may begin, the outermost first."""
    member = _MEMBER.search(text)
    place = text.find("{")
    for _ in range(MAX_STARTS):
        if place < 0 or member is None or place > member.start():
            return
        yield place
        place = text.find("{", place + 1)


def _object_at(text: str, start: int) -> Mapping[str, Any] | None:
    try:
        found = json.JSONDecoder().raw_decode(text, start)[0]
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, Mapping) else None


def unescaped(text: str) -> str:
    """The text that the client's batch mode put on one line."""
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), text)


def statement_before(text: str) -> str:
    """The statement in what stands before a plan; empty when none does."""
    explained = _EXPLAINED.search(_PROMPT.sub("", text))
    return _ENDS.split(explained["statement"], maxsplit=1)[0].strip() if explained else ""
