"""Which `rds:` action a tool needs on the instance that it is used on, as policies grant it.

Tools that do what an operation of the cloud does need that operation's action; the others have actions of their own in
the same style. A tool that is not in the table needs `rds:` and its name in that style (`cancel_query`:
`rds:CancelQuery`), so a new one is never free.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

from housecall.access.audit import statement_hash

ACTIONS: Final[Mapping[str, str]] = {
    "describe_db_instances": "rds:DescribeDBInstances",
    "describe_db_instance_attribute": "rds:DescribeDBInstanceAttribute",
    "describe_db_instance_parameters": "rds:DescribeParameters",
    "examine_instance": "rds:DescribeDBInstancePerformance",
    "read_finding": "rds:DescribeDBInstancePerformance",
    "list_sessions": "rds:DescribeDBInstancePerformance",
    "show_blocking": "rds:DescribeDBInstancePerformance",
    "top_statements": "rds:DescribeSlowLogRecords",
    "describe_table": "rds:DescribeTables",
    "list_indexes": "rds:DescribeTables",
    "show_create_table": "rds:DescribeTables",
    "explain_sql": "rds:DescribeStatementPlan",
    "query_sql": "rds:QuerySQL",
}


def action_of(tool: str) -> str:
    """The action that this tool needs."""
    return ACTIONS.get(tool) or "rds:" + "".join(
        "DB" if word == "db" else "SQL" if word == "sql" else word.capitalize() for word in tool.split("_")
    )


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool at work: its action, and the hash of the statement that it was given, if any."""

    action: str
    statement_hash: str | None = None


_USE: ContextVar[ToolUse | None] = ContextVar("housecall_tool_use", default=None)


def begin_use(tool: str, arguments: Mapping[str, Any]) -> None:
    """From here on, in this task and those it starts, instances are used by this tool."""
    statement = arguments.get("sql") or arguments.get("statement")
    _USE.set(ToolUse(action_of(tool), statement_hash(statement) if isinstance(statement, str) else None))


def current_use() -> ToolUse:
    """The tool at work; outside of one whatever asks is taken to examine."""
    return _USE.get() or ToolUse("rds:DescribeDBInstancePerformance")
