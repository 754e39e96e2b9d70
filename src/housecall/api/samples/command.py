"""A call as a command of `housecall`, where there is one that does the same."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from housecall.api.samples import literals
from housecall.api.samples.call import SampleCall

_ASK_PARAMETERS: Final = frozenset({"Query", "ConversationId", "EventMode", "ResponseMode", "Inputs"})
_ASK_INPUTS: Final = {"InstanceId": "--instance", "Language": "--language"}
_LEFT_OUT: Final = frozenset({"RegionId", "Timezone"})
"""Inputs that a command has no need of: it runs where its person is."""


def write(call: SampleCall) -> str | None:
    """The command line, or None when no command does this."""
    make = _COMMANDS.get(call.action)
    words = make(call.parameters) if make is not None else None
    return (
        None
        if words is None
        else " ".join(literals.bash(word) if _needs_quotes(word) else word for word in words) + "\n"
    )


def _needs_quotes(word: str) -> bool:
    return not word or not all(each.isascii() and (each.isalnum() or each in "-_./:=") for each in word)


def _ask(parameters: Mapping[str, Any]) -> list[str] | None:
    inputs = parameters.get("Inputs") or {}
    if set(parameters) - _ASK_PARAMETERS or set(inputs) - _LEFT_OUT - set(_ASK_INPUTS):
        return None
    words = ["housecall", "ask"]
    if parameters.get("ConversationId"):
        words += ["--conversation", str(parameters["ConversationId"])]
    for name, option in _ASK_INPUTS.items():
        if inputs.get(name):
            words += [option, str(inputs[name])]
    return [*words, "--", str(parameters.get("Query", ""))]


_COMMANDS: Final[Mapping[str, Callable[[Mapping[str, Any]], list[str] | None]]] = {"ChatMessages": _ask}
