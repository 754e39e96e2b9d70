"""The tools: one list that the agent, ListCustomAgentTools, the docs and the tests walk.

A tool module of this package has `TOOLS`, a tuple of ToolSpecs. A tool is an async function of the pydantic-ai run
context and typed arguments that returns a pydantic model; sizes and durations carry their unit in their names.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

from pydantic_ai import Tool
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.toolsets import FunctionToolset

from housecall.agent.context import RunContext
from housecall.turn import AgentProfile, ApprovalMode
from housecall.wording import Say

ToolKind = Literal["read", "write"]


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """One tool. `descriptions` is what the model and people read, in every language."""

    name: str
    kind: ToolKind
    descriptions: Say
    function: Callable[..., Any]


@cache
def all_tools() -> tuple[ToolSpec, ...]:
    """Every tool, sorted by name."""
    from housecall.agent import tools

    specs: list[ToolSpec] = []
    for found in pkgutil.iter_modules(tools.__path__, tools.__name__ + "."):
        specs.extend(getattr(importlib.import_module(found.name), "TOOLS", ()))
    return tuple(sorted(specs, key=lambda spec: spec.name))


@cache
def write_tools() -> frozenset[str]:
    """The names of the tools that change something."""
    return frozenset(spec.name for spec in all_tools() if spec.kind == "write")


def without_writes(parameters: ModelRequestParameters) -> ModelRequestParameters:
    """A model's request without the tools that change something."""
    kept = [tool for tool in parameters.function_tools if tool.name not in write_tools()]
    return replace(parameters, function_tools=kept)


def tools_for(mode: ApprovalMode) -> tuple[ToolSpec, ...]:
    """The tools that a model may see: in `read_only` no tool that writes exists at all."""
    return tuple(spec for spec in all_tools() if spec.kind == "read" or mode != "read_only")


LOAD_SKILL = "load_skill"


def is_offered(name: str, profile: AgentProfile | None) -> bool:
    """Whether a custom agent leaves this tool to the model. Skills it has chosen need the tool that loads them."""
    if profile is None or profile.tools is None:
        return True
    return name in profile.tools or (name == LOAD_SKILL and bool(profile.tools and profile.skills))


def toolset_of(specs: Iterable[ToolSpec]) -> FunctionToolset[RunContext]:
    """The tools as pydantic-ai takes them. Models read the English descriptions best, whatever they answer in."""
    tools = [
        Tool(spec.function, takes_ctx=True, name=spec.name, description=spec.descriptions.en, sequential=True)
        for spec in specs
    ]
    return FunctionToolset(tools, id="housecall-tools")
