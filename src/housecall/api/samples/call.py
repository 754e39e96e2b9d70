"""A call to write sample code for: the operation, its parameters as values, and the server."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic.fields import FieldInfo

from housecall.api.openapi import spelling_of
from housecall.api.operation import API_VERSION, Operation
from housecall.api.wire import Reader, Spelling, parse_json
from housecall.errors import RequestError

KEY_ID_VARIABLE: Final = "ALIBABA_CLOUD_ACCESS_KEY_ID"
KEY_SECRET_VARIABLE: Final = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"  # noqa: S105 - where the secret is, not the secret
STREAM_SECONDS: Final = 600
"""How long samples read a stream; longer than an answer takes."""

_ENDPOINT: Final = re.compile(r"(?:(https?)://)?((?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?)/?")


@dataclass(frozen=True, slots=True)
class Target:
    """The server that a sample calls. Only what a host may look like, so that it is harmless in any language."""

    scheme: str = "http"
    host: str = "127.0.0.1:7432"

    @classmethod
    def read(cls, endpoint: str) -> "Target":
        """Raises RequestError unless it is `host[:port]`, with http:// or https:// before it or not."""
        found = _ENDPOINT.fullmatch(endpoint)
        if found is None:
            raise RequestError(
                f"The provided parameter is invalid. Endpoint: {endpoint[:60]!r} is no host and port,"
                " such as 127.0.0.1:7432 or https://housecall.example.com."
            )
        return cls(found[1] or "http", found[2])


@dataclass(frozen=True, slots=True)
class SampleCall:
    """What a sample does. `parameters` are values, `texts` the same as they stand in the query."""

    action: str
    parameters: Mapping[str, Any]
    texts: Mapping[str, str]
    target: Target
    streams: bool
    file_path: str = ""
    """Path of the door that takes a file; empty for calls without one."""
    version: str = API_VERSION


def plan_call(operation: Operation, parameters: Mapping[str, Any] | None, target: Target) -> SampleCall:
    """The call of an operation; without parameters that of its example.

    Raises:
        RequestError: a parameter that the operation does not have, or one that cannot be written.
    """
    fields = {field.alias or name: field for name, field in operation.request.model_fields.items()}
    given = dict((operation.example or {}) if parameters is None else parameters)
    for name in given:
        if name not in fields:
            known = ", ".join(fields) or "none"
            raise RequestError(
                f"The provided parameter is invalid. {operation.name} has no parameter {name[:60]!r}; it has {known}."
            )
    values = {name: _value(name, value, fields[name]) for name, value in given.items() if value is not None}
    texts = {name: _text(value, spelling_of(fields[name])) for name, value in values.items()}
    for name, text in texts.items():
        _check_text(name, text)
    blocking = texts.get("ResponseMode") == "blocking"
    file_path = operation.route.path if operation.takes_file and operation.route is not None else ""
    return SampleCall(operation.name, values, texts, target, operation.streams and not blocking, file_path)


def _value(name: str, value: Any, field: FieldInfo) -> Any:
    """The value as it is meant. A reader of an operation's own may take objects as text, as policy documents are."""
    spelling = spelling_of(field)
    if isinstance(value, str) and spelling == "json" and value:
        try:
            return parse_json(value)
        except ValueError as error:
            raise RequestError(f"The provided parameter is invalid. {name}: is not JSON ({error}).") from None
    if isinstance(value, str) and spelling == "comma":
        return [part.strip() for part in value.split(",") if part.strip()]
    if spelling == "plain" and isinstance(value, list | dict):
        if not any(isinstance(each, Reader) for each in field.metadata):
            return json.dumps(value, ensure_ascii=False)
        raise RequestError(f"The provided parameter is invalid. {name}: takes one value, not {str(value)[:60]!r}.")
    return value


def _text(value: Any, spelling: Spelling) -> str:
    if spelling == "json" and not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if spelling == "comma":
        return ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check_text(name: str, text: str) -> None:
    if "\x00" in text:
        raise RequestError(f"The provided parameter is invalid. {name}: holds a NUL character, which no text may.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise RequestError(f"The provided parameter is invalid. {name}: is not valid Unicode.") from None
