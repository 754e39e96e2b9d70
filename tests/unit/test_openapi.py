"""The description of the API: valid OpenAPI 3.1, complete, and in the words of the wire."""

import json
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from openapi_spec_validator.validation.exceptions import OpenAPIValidationError

from housecall.api.error_codes import EDGE_CODES, find_error_code
from housecall.api.openapi import describe, tidy
from housecall.api.operation import all_operations

DOCUMENT = describe()
EVERY = pytest.mark.parametrize("operation", all_operations(), ids=lambda each: each.name)


def rpc_of(name: str) -> dict[str, Any]:
    return DOCUMENT["paths"][f"/rpc/{name}"]["post"]


def parameter(operation: str, name: str) -> dict[str, Any]:
    return next(each for each in rpc_of(operation)["parameters"] if each["name"] == name)


def test_it_is_valid() -> None:
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []


def test_the_validator_would_notice() -> None:
    broken = json.loads(json.dumps(DOCUMENT))
    broken["paths"]["/rpc/GetMessages"]["post"]["responses"] = {}
    with pytest.raises(OpenAPIValidationError):
        OpenAPIV31SpecValidator(broken).validate()


@EVERY
def test_every_operation_has_a_path_its_ram_action_and_every_parameter(operation) -> None:
    described = rpc_of(operation.name)
    assert described["x-ram-action"] == operation.ram_action
    assert described["x-access-level"] == operation.access
    assert [each["name"] for each in described["parameters"]] == [
        field.alias for field in operation.request.model_fields.values()
    ]
    assert all(each["description"] for each in described["parameters"]), "a parameter says nothing of itself"


@EVERY
def test_every_error_of_an_operation_stands_under_its_status(operation) -> None:
    responses = rpc_of(operation.name)["responses"]
    for code in (*operation.errors, *EDGE_CODES):
        entry = find_error_code(code)
        assert entry is not None, f"{code} stands not in api/error_codes.py"
        assert f"`{entry.code}`" in responses[str(entry.status)]["description"]


@EVERY
def test_every_operation_that_needs_parameters_has_an_example_that_it_reads(operation) -> None:
    if any(field.is_required() for field in operation.request.model_fields.values()):
        assert operation.example is not None, f"{operation.name} needs parameters and has no example; give it one"
    operation.request.read(operation.example or {})
    assert set(operation.example or {}) <= {field.alias for field in operation.request.model_fields.values()}


def test_a_door_of_its_own_has_the_names_of_its_path_as_path_parameters() -> None:
    described = DOCUMENT["paths"]["/v1/messages/{MessageId}/events"]["get"]
    where = {each["name"]: (each["in"], each["required"]) for each in described["parameters"]}
    assert where["MessageId"] == ("path", True)
    assert where["EventMode"] == ("query", False)


def test_an_object_is_json_in_one_value() -> None:
    inputs = parameter("ChatMessages", "Inputs")
    assert inputs["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ChatInputs"}
    assert "schema" not in inputs


def test_a_number_has_its_bounds_and_a_choice_its_values() -> None:
    assert parameter("GetMessages", "Limit")["schema"] == {"type": "integer", "minimum": 1, "maximum": 100}
    assert parameter("GetMessages", "EventMode")["schema"]["enum"] == ["inline", "separate"]
    assert parameter("GetConversations", "Pinned")["schema"] == {"type": "boolean"}


def test_a_text_that_must_be_given_is_required_and_not_empty() -> None:
    query = parameter("ChatMessages", "Query")
    assert query["required"]
    assert query["schema"]["minLength"] == 1


def test_what_an_answer_leaves_out_is_not_required_and_never_null() -> None:
    item = DOCUMENT["components"]["schemas"]["MessageItem"]
    assert "Feedback" in item["properties"]
    assert "Feedback" not in item["required"]
    assert '"null"' not in json.dumps(DOCUMENT)


def test_every_answer_has_its_request_id() -> None:
    for operation in all_operations():
        content = rpc_of(operation.name)["responses"]["200"]["content"]
        name = content.get("application/json", {}).get("schema", {}).get("$ref", "").rpartition("/")[2]
        if name:
            assert "RequestId" in DOCUMENT["components"]["schemas"][name]["required"]


def test_a_chat_answers_as_stream_or_object() -> None:
    assert set(rpc_of("ChatMessages")["responses"]["200"]["content"]) == {"text/event-stream", "application/json"}
    assert set(rpc_of("SubscribeMessage")["responses"]["200"]["content"]) == {"text/event-stream"}


def test_only_what_tells_nothing_about_anybody_needs_no_credential() -> None:
    open_paths = {
        path for path, doors in DOCUMENT["paths"].items() if any(d.get("security") == [] for d in doors.values())
    }
    assert open_paths == {"/health", "/openapi.json", "/samples/{Operation}"}


def test_the_credentials_are_described() -> None:
    assert set(DOCUMENT["components"]["securitySchemes"]) == {"SignatureV3", "SignatureV1", "Bearer", "BearerHeader"}


def test_a_property_named_title_is_kept() -> None:
    schema = {"title": "X", "properties": {"title": {"title": "Title", "type": "string"}}}
    assert tidy(schema) == {"properties": {"title": {"type": "string"}}}
