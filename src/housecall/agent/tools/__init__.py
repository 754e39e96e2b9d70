"""Read-only tools: one file a topic, one registry."""

from housecall.agent.tools.registry import ToolSpec, all_tools, tools_for

__all__ = ["ToolSpec", "all_tools", "tools_for"]
