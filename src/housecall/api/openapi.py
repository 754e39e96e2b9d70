"""The machine-readable description: OpenAPI 3.1, rendered from the registry of operations. Pure.

OpenAPI tells operations apart by path, the RPC door by a header. So each operation has its own path as well,
`POST /rpc/<Operation>`, which is the RPC door with the name written into the path; that is what is described, beside
the doors that some operations have of their own. `/` itself is described once, as the door of all of them.

How a value is written (contract, 1.2) is part of the description: `content: application/json` is JSON in one query
value, `explode: false` is texts with commas between.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any, Final

from pydantic.fields import FieldInfo
from pydantic.json_schema import models_json_schema

from housecall.api.error_codes import EDGE_CODES, ERROR_CODES, ErrorCode, find_error_code
from housecall.api.operation import API_VERSION, RPC_PATH, Operation, all_operations
from housecall.api.wire import Reader, Spelling

Json = dict[str, Any]

OPENAPI_VERSION: Final = "3.1.0"
REFERENCE: Final = "#/components/schemas/{model}"
REQUEST_ID: Final = {"type": "string", "description": "Id of this request, as in the header x-acs-request-id."}

_ABOUT = """\
The RdsAi OpenAPI as Housecall serves it. The official SDKs call `POST /` with the operation's name in `x-acs-action`;
the paths under `/rpc/` are the same door with the name in the path, for tools that tell operations apart by path.

Parameters may be in the query, in a form body or in a JSON body, each at one place only. Every parameter may also be
sent empty, which means that it is not given. Every error has the same JSON shape, whatever its status."""

_V3_ABOUT = """\
`ACS3-HMAC-SHA256 Credential=<id>,SignedHeaders=<names>,Signature=<hex>`, over method, path, query, the named headers
and the hash of the body. Signed headers are at least host, x-acs-action, x-acs-version, x-acs-date,
x-acs-signature-nonce and x-acs-content-sha256, and every x-acs- header that is sent. The SDKs do this; `GET /samples/
<Operation>` shows it in shell."""

_V1_ABOUT = """\
The older signature: `Signature` is the HMAC-SHA1 over all parameters, with Action, Version, AccessKeyId, Timestamp,
SignatureNonce, SignatureMethod=HMAC-SHA1 and SignatureVersion=1.0 among them."""

SECURITY_SCHEMES: Final[Json] = {
    "SignatureV3": {"type": "apiKey", "in": "header", "name": "Authorization", "description": _V3_ABOUT},
    "SignatureV1": {"type": "apiKey", "in": "query", "name": "Signature", "description": _V1_ABOUT},
    "Bearer": {"type": "http", "scheme": "bearer", "description": "A token of `housecall key create --bearer`."},
    "BearerHeader": {
        "type": "apiKey",
        "in": "header",
        "name": "x-acs-bearer-token",
        "description": "The same token as the SDKs send it.",
    },
}


_FILE_BODY: Final[Json] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["File"],
                "properties": {"File": {"type": "string", "contentMediaType": "application/octet-stream"}},
            }
        }
    },
}


def describe() -> Json:
    """The whole document."""
    return {
        "openapi": OPENAPI_VERSION,
        "info": {"title": "RdsAi on Housecall", "version": API_VERSION, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{name: []} for name in SECURITY_SCHEMES],
        "paths": _paths(),
        "components": {"schemas": _schemas() | _OWN_SCHEMAS, "securitySchemes": SECURITY_SCHEMES},
    }


def _paths() -> Json:
    paths: Json = {"/": _root_door()}
    for operation in all_operations():
        paths[RPC_PATH + operation.name] = {"post": _operation(operation, "rpc")}
        if operation.route is not None:
            door = paths.setdefault(operation.route.path, {})
            door[operation.route.method.lower()] = _operation(operation, "rest")
    return paths | _open_doors()


def _operation(operation: Operation, door: str) -> Json:
    in_path = _names_in_path(operation) if door == "rest" else ()
    body: Json = {"requestBody": _FILE_BODY} if operation.takes_file else {}
    where = f"`POST /` with `x-acs-action: {operation.name}`"
    return {
        "operationId": operation.name if door == "rpc" else f"{operation.name}Rest",
        "summary": operation.summary,
        "description": f"The same as {where}." if door == "rpc" else f"The door of its own of {operation.name}.",
        "tags": [operation.name],
        "x-action": operation.name,
        "x-ram-action": operation.ram_action,
        "x-access-level": operation.access,
        "x-resource": "*",
        "x-error-codes": [each.code for each in _errors_of(operation)],
        "parameters": list(_parameters(operation, in_path)),
        "responses": {"200": _success(operation, door)} | _failures(_errors_of(operation)),
    } | body


def _names_in_path(operation: Operation) -> tuple[str, ...]:
    assert operation.route is not None
    parts = operation.route.path.split("/")
    return tuple(part.strip("{}") for part in parts if part.startswith("{"))


def spelling_of(field: FieldInfo) -> Spelling:
    """How a parameter is written as text."""
    return next((each.spelling for each in field.metadata if isinstance(each, Reader)), "plain")


def _parameters(operation: Operation, in_path: Sequence[str]) -> Iterator[Json]:
    schema = _request_schema(operation)
    example = operation.example or {}
    for name, field in operation.request.model_fields.items():
        wire = field.alias or name
        described = dict(schema["properties"][wire])
        about = described.pop("description", "")
        parameter: Json = {
            "name": wire,
            "in": "path" if wire in in_path else "query",
            "required": wire in in_path or wire in schema.get("required", ()),
            "description": about,
        }
        spelling = spelling_of(field)
        if spelling == "json":
            media: Json = {"schema": described}
            if wire in example:
                media["example"] = example[wire]
            yield parameter | {"content": {"application/json": media}}
            continue
        if spelling == "comma":
            parameter |= {"style": "form", "explode": False}
        if wire in example:
            value = example[wire]
            is_text = described.get("type") == "string" and not isinstance(value, str)
            parameter["example"] = json.dumps(value, ensure_ascii=False) if is_text else value
        yield parameter | {"schema": described}


def _success(operation: Operation, door: str) -> Json:
    answer = {"schema": {"$ref": REFERENCE.format(model=_response_name(operation))}}
    stream = {
        "schema": {
            "type": "string",
            "description": "Server-sent events; `data` of each is one JSON object in the form of StreamEvent.",
            "x-event-schema": REFERENCE.format(model="StreamEvent"),
        }
    }
    if not operation.streams:
        return _answer("The answer.", {"application/json": answer})
    about = "The run as server-sent events; `id` is what Last-Event-ID resumes from."
    if "response_mode" not in operation.request.model_fields:
        return _answer(about, {"text/event-stream": stream})
    default = "ask by Accept or ResponseMode" if door == "rest" else "unless ResponseMode is blocking"
    return _answer(f"{about} ({default}); or one object.", {"text/event-stream": stream, "application/json": answer})


def _answer(about: str, content: Json) -> Json:
    return {"description": about, "headers": {"x-acs-request-id": {"schema": {"type": "string"}}}, "content": content}


def _errors_of(operation: Operation) -> list[ErrorCode]:
    names = dict.fromkeys([*operation.errors, *EDGE_CODES])
    return list(dict.fromkeys(found for name in names if (found := find_error_code(name)) is not None))


def _failures(codes: Iterable[ErrorCode]) -> Json:
    by_status: dict[int, list[ErrorCode]] = {}
    for each in codes:
        by_status.setdefault(each.status, []).append(each)
    return {str(status): _failure(status, by_status[status]) for status in sorted(by_status)}


def _failure(status: int, codes: Sequence[ErrorCode]) -> Json:
    told = "\n".join(f"* `{each.code}`: {each.meaning} {each.recommend}" for each in codes)
    title = HTTPStatus(status).phrase
    content = {"application/json": {"schema": {"$ref": REFERENCE.format(model="Error")}}}
    return {"description": f"{title}\n\n{told}", "content": content}


def _root_door() -> Json:
    names = [operation.name for operation in all_operations()]
    common = [ERROR_CODES[name] for name in EDGE_CODES]
    every = list(dict.fromkeys([*common, *(code for each in all_operations() for code in _errors_of(each))]))
    action = {
        "name": "x-acs-action",
        "in": "header",
        "required": True,
        "description": "The operation.",
        "schema": {"type": "string", "enum": names},
    }
    parameters = {
        "name": "Parameters",
        "in": "query",
        "description": "The operation's parameters, as its own path describes them.",
        "style": "form",
        "explode": True,
        "schema": {"type": "object", "additionalProperties": {"type": "string"}},
    }
    either = {"application/json": {"schema": {"type": "object"}}, "text/event-stream": {"schema": {"type": "string"}}}

    def by(method: str) -> Json:
        return {
            "operationId": f"{method}Any",
            "summary": "The RPC door of every operation, as the SDKs call it.",
            "tags": ["RPC door"],
            "parameters": [action, parameters],
            "responses": {"200": _answer("The answer of the operation.", either)} | _failures(every),
        }

    return {"post": by("post"), "get": by("get")}


def _open_doors() -> Json:
    """The doors that need no credential."""
    limits = [ERROR_CODES[name] for name in ("RequestURITooLarge", "RequestHeaderTooLarge", "InternalError")]
    asks = [ERROR_CODES["InvalidParameter"], ERROR_CODES["InvalidAction.NotFound"], *limits]
    names = [operation.name for operation in all_operations()]
    text = {"type": "string"}

    def reads(
        name: str, summary: str, schema: Json, codes: Sequence[ErrorCode], parameters: Sequence[Json] = ()
    ) -> Json:
        return {
            "get": {
                "operationId": name,
                "summary": summary,
                "tags": ["Without a credential"],
                "security": [],
                "parameters": list(parameters),
                "responses": {"200": _answer(summary, {"application/json": {"schema": schema}})} | _failures(codes),
            }
        }

    sample_parameters: list[Json] = [
        {"name": "Operation", "in": "path", "required": True, "schema": {"type": "string", "enum": names}},
        {"name": "Parameters", "in": "query", "content": {"application/json": {"schema": {"type": "object"}}}},
        {"name": "Language", "in": "query", "schema": {"type": "string", "enum": list(_sample_languages())}},
        {"name": "Endpoint", "in": "query", "schema": text, "example": "http://127.0.0.1:7432"},
    ]
    ready = {"type": "object", "required": ["RequestId", "Status"], "properties": {"RequestId": text, "Status": text}}
    sample = {
        "type": "object",
        "required": ["RequestId", "Operation", "Samples"],
        "properties": {
            "RequestId": text,
            "Operation": text,
            "Samples": {"type": "object", "additionalProperties": text},
        },
    }
    unready = ERROR_CODES["ServiceUnavailable"]
    return {
        "/health": reads("Health", "Whether the server is ready.", ready, [unready, *limits]),
        "/openapi.json": reads("Describe", "This document.", {"type": "object"}, limits),
        "/samples/{Operation}": reads(
            "SampleCode", "Sample code for a call, by language.", sample, asks, sample_parameters
        ),
    }


def _sample_languages() -> tuple[str, ...]:
    from housecall.api.samples import LANGUAGES

    return LANGUAGES


_OWN_SCHEMAS: Final[Json] = {
    "Error": {
        "type": "object",
        "description": "Every error.",
        "required": ["RequestId", "HostId", "Code", "Message", "Recommend"],
        "properties": {
            "RequestId": REQUEST_ID,
            "HostId": {"type": "string", "description": "The host that was called."},
            "Code": {"type": "string", "description": "What kind of error; also Missing<Name> for a parameter."},
            "Message": {"type": "string", "description": "What went wrong with this request."},
            "Recommend": {"type": "string", "description": "What to do about it."},
            "AccessDeniedDetail": {"type": "object", "description": "What no policy allowed, or which one denied."},
        },
    },
    "StreamEvent": {
        "type": "object",
        "description": "One event of a run. Event says what the others mean.",
        "required": [
            "RequestId",
            "ConversationId",
            "MessageId",
            "Id",
            "TaskId",
            "CreatedAt",
            "Mode",
            "Event",
            "Answer",
        ],
        "properties": {
            "RequestId": REQUEST_ID,
            "ConversationId": {"type": "string"},
            "MessageId": {"type": "string"},
            "Id": {"type": "string"},
            "TaskId": {"type": "string", "description": "What ChatMessagesTaskStop takes."},
            "CreatedAt": {"type": "integer", "description": "Unix seconds."},
            "Mode": {"type": "string"},
            "Event": {
                "type": "string",
                "enum": [
                    *("workflow_started", "message", "thinking", "tool_call", "doc", "tool_approval"),
                    *("message_replace", "error", "message_end", "workflow_finished"),
                ],
            },
            "Answer": {"type": "string", "description": "A piece of the text, or the JSON text of what happened."},
        },
    },
}


@cache
def _generated() -> tuple[Mapping[Any, Json], Json]:
    """The schemas of all requests and responses together, so that one model has one name."""
    inputs = [(operation.request, "validation") for operation in all_operations()]
    outputs = [(operation.response, "serialization") for operation in all_operations()]
    named, document = models_json_schema([*inputs, *outputs], by_alias=True, ref_template=REFERENCE)  # type: ignore[list-item]
    return named, {name: tidy(schema) for name, schema in document.get("$defs", {}).items()}


def _schema_name(model: Any, mode: str) -> str:
    return str(_generated()[0][(model, mode)]["$ref"]).rpartition("/")[2]


def _response_name(operation: Operation) -> str:
    return _schema_name(operation.response, "serialization")


def _request_schema(operation: Operation) -> Json:
    schema: Json = _generated()[1][_schema_name(operation.request, "validation")]
    return {"properties": {}, **schema}


def _schemas() -> Json:
    """What parameters and answers refer to. Answers have RequestId, and leave out what has no value."""
    requests = {_schema_name(operation.request, "validation") for operation in all_operations()}
    answers = {_response_name(operation) for operation in all_operations()}
    schemas: Json = {}
    for name, schema in _generated()[1].items():
        if name in answers:
            properties = {"RequestId": REQUEST_ID} | schema.get("properties", {})
            schemas[name] = schema | {"properties": properties, "required": ["RequestId", *schema.get("required", ())]}
        elif name not in requests:
            schemas[name] = schema
    return schemas


def tidy(schema: Any) -> Any:
    """A schema without what its making left: titles from names, and null for what is simply left out."""
    if isinstance(schema, list):
        return [tidy(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    properties = schema.get("properties", {})
    cleaned: Json = {}
    for key, value in schema.items():
        if key == "properties":
            cleaned[key] = {name: tidy(_without_null(each)) for name, each in value.items()}
        elif key == "required":
            cleaned[key] = [name for name in value if not _may_be_null(properties.get(name, {}))]
        elif not (key == "title" or (key == "default" and value is None)):
            cleaned[key] = tidy(value)
    if "required" in cleaned and not cleaned["required"]:
        del cleaned["required"]
    return cleaned


def _may_be_null(schema: Json) -> bool:
    return any(each.get("type") == "null" for each in schema.get("anyOf", ()))


def _without_null(schema: Json) -> Json:
    if not _may_be_null(schema):
        return schema
    others = [each for each in schema["anyOf"] if each.get("type") != "null"]
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return rest | others[0] if len(others) == 1 else rest | {"anyOf": others}
