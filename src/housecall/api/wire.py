"""The wire's way of writing values, and reading them back into typed requests (contract, 1.2). Pure.

An operation's request is a `WireRequest`: fields in our words, PascalCase names on the wire. SDKs write everything as
text in the query, so a field says with one of the readers below how its text is read: `Text`, `OptionalText`, `Flag`,
`Timezone`, `whole_number`, `choice`, `json_object`, `json_list`, `comma_list`. Values that a JSON body already typed
are taken as they are.

An empty text means "none", whatever the type. Unknown parameters are ignored. What cannot be read is a RequestError
that names the parameter, what came and what is allowed; a mandatory one that is not there has a code of its own.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetJsonSchemaHandler, ValidationError
from pydantic.alias_generators import to_pascal
from pydantic_core import CoreSchema, PydanticCustomError

from housecall.errors import RequestError

RequestT = TypeVar("RequestT", bound="WireRequest")
Spelling = Literal["plain", "json", "comma"]
"""How a value is written as one text: as it is, as JSON, or as texts with commas between."""

_WHOLE = re.compile(r"[+-]?\d{1,15}", re.ASCII)
_INDEX = re.compile(r"[1-9]\d{0,3}", re.ASCII)
_MAX_NAME_PARTS = 4
_SHOWN_ERRORS = 5


class WireModel(BaseModel):
    """Base of what crosses the wire: snake_case here, PascalCase there.

    The text below a field is its description on the reference page.
    """

    model_config = ConfigDict(
        alias_generator=to_pascal,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
    )


class WireRequest(WireModel):
    """Base of an operation's parameters."""

    @classmethod
    def read(cls, parameters: Mapping[str, Any]) -> Self:
        """Raises RequestError: InvalidParameter, or Missing<Name> with the name of the first that is not there."""
        try:
            return cls.model_validate(parameters)
        except ValidationError as error:
            raise _as_request_error(error) from None


class WireResponse(WireModel):
    """Base of an operation's answer. `RequestId` is added at the edge, since every answer has it."""

    def to_wire(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class Success(WireResponse):
    """The answer of operations that only do something."""

    result: str = "success"


def _as_request_error(error: ValidationError) -> RequestError:
    found = error.errors(include_url=False, include_context=False)
    for each in found:
        if each["type"] == "missing":
            name = _dotted(each["loc"])
            return RequestError(
                f'The input parameter "{name}" that is mandatory for processing this request is not supplied.',
                code=f"Missing{name}" if "." not in name else "MissingParameter",
            )
    told = "; ".join(f"{_dotted(each['loc'])}: {each['msg']}" for each in found[:_SHOWN_ERRORS])
    return RequestError(f"The provided parameter is invalid. {told}.", code="InvalidParameter")


def _dotted(location: tuple[int | str, ...]) -> str:
    """`Files.1.Type`: the form in which the parameter could have been sent, with list places counted from 1."""
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in location)


def _invalid(value: Any, allowed: str) -> PydanticCustomError:
    shown = repr(value) if len(repr(value)) <= 60 else repr(value)[:57] + "..."
    text = f"{shown} is not allowed; it must be {allowed}"
    return PydanticCustomError("wire_value", "{text}", {"text": text})


MISSING = PydanticCustomError("missing", "is missing")


def _is_none(value: Any) -> bool:
    return value is None or value == ""


def _clean(value: str) -> str:
    """The text, unless a database cannot keep it or JSON cannot carry it."""
    if "\x00" in value:
        raise PydanticCustomError("wire_value", "holds a NUL character, which no text may")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise PydanticCustomError("wire_value", "is not valid UTF-8") from None
    return value


def _read_text(value: Any) -> str | None:
    if _is_none(value):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str):
        raise _invalid(value, "text")
    return _clean(value)


def _read_required_text(value: Any) -> str:
    text = _read_text(value)
    if text is None or not text.strip():
        raise MISSING
    return text


@dataclass(frozen=True)
class Reader(BeforeValidator):
    """How a field's text is read. `schema` describes what may be sent; without it the field's own type does."""

    spelling: Spelling = "plain"
    schema: Mapping[str, Any] | None = None

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return dict(self.schema) if self.schema is not None else handler(core_schema)


def _reader(
    read: Callable[[Any], Any], schema: Mapping[str, Any] | None = None, spelling: Spelling = "plain"
) -> BeforeValidator:
    return Reader(read, spelling=spelling, schema=schema)


Text = Annotated[str, _reader(_read_required_text, {"type": "string", "minLength": 1})]
OptionalText = Annotated[str | None, _reader(_read_text, {"type": "string"})]


def whole_number(minimum: int, maximum: int) -> BeforeValidator:
    """Reads `10` or `"10"`; None when not given."""
    allowed = f"a whole number from {minimum} to {maximum}"

    def read(value: Any) -> int | None:
        if _is_none(value):
            return None
        if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
            raise _invalid(value, allowed)
        return value

    return _reader(read, {"type": "integer", "minimum": minimum, "maximum": maximum})


def choice(*values: str, ignore_case: bool = False) -> BeforeValidator:
    """Reads one of the values; None when not given."""
    by_text = {(each.lower() if ignore_case else each): each for each in values}

    def read(value: Any) -> str | None:
        text = _read_text(value)
        if text is None:
            return None
        known = by_text.get(text.lower() if ignore_case else text)
        if known is None:
            raise _invalid(value, " or ".join(repr(each) for each in values))
        return known

    return _reader(read, {"type": "string", "enum": list(values)})


def _read_flag(value: Any) -> bool | None:
    """Python's SDK writes `True`, Node's `true`."""
    if _is_none(value) or isinstance(value, bool):
        return value if isinstance(value, bool) else None
    lowered = value.strip().lower() if isinstance(value, str) else value
    if lowered not in ("true", "false"):
        raise _invalid(value, "true or false")
    return bool(lowered == "true")


def _read_timezone(value: Any) -> str | None:
    name = _read_text(value)
    if name is None:
        return None
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _invalid(value, "an IANA time zone such as Asia/Shanghai") from None
    return name


Flag = Annotated[bool | None, _reader(_read_flag, {"type": "boolean"})]
Timezone = Annotated[str | None, _reader(_read_timezone, {"type": "string", "examples": ["Asia/Shanghai"]})]


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON parsers disagree on which of two equal names counts, so there must be one."""
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name is there twice")
    return result


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON value")


def parse_json(text: str | bytes) -> Any:
    """Strict JSON: no NaN, no name twice. Raises ValueError saying what is wrong and where."""
    try:
        return json.loads(text, object_pairs_hook=_unique_names, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None


def _from_json_text(value: Any, allowed: str) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return parse_json(value)
    except ValueError as error:
        text = f"is not JSON ({error}); it must be {allowed}"
        raise PydanticCustomError("wire_value", "{text}", {"text": text}) from None


def _read_object(value: Any) -> Any:
    if _is_none(value):
        return None
    parsed = _from_json_text(value, 'a JSON object such as {"RegionId":"local"}')
    if parsed is not None and not isinstance(parsed, Mapping):
        raise _invalid(parsed, "a JSON object")
    return parsed


def _read_list(value: Any) -> Any:
    """A list, its JSON text, or the repeated form `Name.1=a&Name.2=b`."""
    if _is_none(value):
        return None
    parsed = _from_json_text(value, 'a JSON list such as ["a","b"]')
    if isinstance(parsed, Mapping) and parsed and all(_INDEX.fullmatch(str(name)) for name in parsed):
        return [parsed[name] for name in sorted(parsed, key=int)]
    if parsed is not None and not isinstance(parsed, list):
        raise _invalid(parsed, "a JSON list")
    return parsed


def _read_comma_list(value: Any) -> Any:
    if isinstance(value, str) and not value.lstrip().startswith("["):
        return [part.strip() for part in value.split(",") if part.strip()] or None
    return _read_list(value)


json_object = _reader(_read_object, spelling="json")
json_list = _reader(_read_list, spelling="json")
comma_list = _reader(_read_comma_list, spelling="comma")


def assemble(
    query: Iterable[tuple[str, str]], form: Iterable[tuple[str, str]], body: Mapping[str, Any]
) -> dict[str, Any]:
    """All parameters of a request as one object; `Inputs.RegionId=x` becomes an object within.

    Raises:
        RequestError: the same parameter came twice, so that nobody can say which was meant.
    """
    result: dict[str, Any] = {}
    for name, value in (*query, *form, *body.items()):
        parts = name.split(".", _MAX_NAME_PARTS)
        if len(parts) <= _MAX_NAME_PARTS:
            _place(result, parts, value, name)
    return result


def _place(target: dict[str, Any], parts: list[str], value: Any, name: str) -> None:
    for part in parts[:-1]:
        inner = target.setdefault(part, {})
        if not isinstance(inner, dict):
            raise _twice(name)
        target = inner
    if parts[-1] in target:
        raise _twice(name)
    target[parts[-1]] = value


def _twice(name: str) -> RequestError:
    shown = name if len(name) <= 60 else name[:57] + "..."
    return RequestError(f"The provided parameter is invalid. {shown!r} is given twice; send it once.")
