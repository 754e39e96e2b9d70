"""Sample code for any call: the official SDK in four languages, curl with a signature made in shell, and `housecall`.

Secrets are read from environment variables by the code and never stand in it. Every value is written so that it is
read as it was meant, whatever it holds.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from housecall.api.operation import Operation
from housecall.api.samples import command, curl, go, java, python, typescript
from housecall.api.samples.call import SampleCall, Target, plan_call

Language = Literal["python", "typescript", "java", "go", "curl", "housecall"]

_WRITERS: Final[Mapping[Language, Callable[[SampleCall], str | None]]] = {
    "python": python.write,
    "typescript": typescript.write,
    "java": java.write,
    "go": go.write,
    "curl": curl.write,
    "housecall": command.write,
}
LANGUAGES: Final[tuple[Language, ...]] = tuple(_WRITERS)


def samples(
    operation: Operation, parameters: Mapping[str, Any] | None = None, target: Target | None = None
) -> dict[Language, str]:
    """The call by language; `housecall` is there when a command does it. Without parameters the operation's example.

    A call that sends a file is written for curl alone: the SDKs have no call with a file.

    Raises:
        RequestError: a parameter that the operation does not have, or one that cannot be written.
    """
    call = plan_call(operation, parameters, target or Target())
    writers = {language: write for language, write in _WRITERS.items() if language == "curl" or not call.file_path}
    texts = {language: write(call) for language, write in writers.items()}
    return {language: text for language, text in texts.items() if text is not None}


__all__ = ["LANGUAGES", "Language", "Target", "samples"]
