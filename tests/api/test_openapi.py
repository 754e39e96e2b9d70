"""The description as it is served, and that what it describes is served."""

import json

import httpx
import pytest

from housecall.api.openapi import describe
from housecall.api.operation import all_operations

BEARER = {"x-acs-bearer-token": "bearer"}


def test_it_is_served_without_a_credential_and_may_be_kept(edge) -> None:
    response = httpx.get(f"{edge.url}/openapi.json")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json;charset=utf-8"
    assert "max-age" in response.headers["cache-control"]
    assert response.json() == json.loads(json.dumps(describe()))


def test_its_head_is_empty_and_its_options_name_the_methods(edge) -> None:
    assert httpx.head(f"{edge.url}/openapi.json").content == b""
    assert "GET" in httpx.options(f"{edge.url}/openapi.json").headers["allow"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_it_cannot_be_written(edge, method: str) -> None:
    response = httpx.request(method, f"{edge.url}/openapi.json")
    assert (response.status_code, response.json()["Code"]) == (405, "UnsupportedHTTPMethod")


@pytest.mark.parametrize("path", [path for path in describe()["paths"] if "{" not in path])
def test_every_described_path_is_served(edge, path: str) -> None:
    methods = describe()["paths"][path]
    assert httpx.options(edge.url + path).status_code == 204
    assert all(method.upper() in httpx.options(edge.url + path).headers["allow"] for method in methods)


@pytest.mark.parametrize("operation", all_operations(), ids=lambda each: each.name)
def test_a_path_of_an_operation_asks_for_a_credential(edge, operation) -> None:
    response = httpx.post(f"{edge.url}/rpc/{operation.name}")
    assert response.json()["Code"] == "MissingAccessKeyId"


def test_the_path_of_an_operation_is_its_rpc_door(whole) -> None:
    headers = {"x-acs-bearer-token": whole.bearer}
    by_path = httpx.post(f"{whole.url}/rpc/GetConversations?Limit=1", headers=headers).json()
    by_header = httpx.post(f"{whole.url}/?Limit=1", headers=headers | {"x-acs-action": "GetConversations"}).json()
    assert by_path | {"RequestId": ""} == by_header | {"RequestId": ""}


def test_a_signed_request_may_use_the_path(whole) -> None:
    assert whole.send("GetConversations", "/rpc/GetConversations?Limit=1").status_code == 200


def test_a_path_and_a_header_that_name_different_operations_are_refused(edge) -> None:
    response = edge.send("GetMessages", "/rpc/GetConversations")
    assert (response.status_code, response.json()["Code"]) == (404, "InvalidAction.NotFound")


def test_the_path_of_an_unknown_operation_is_not_found(edge) -> None:
    assert httpx.post(f"{edge.url}/rpc/DropEverything").json()["Code"] == "InvalidAction.NotFound"


class TestSampleDoor:
    def test_it_writes_the_example_for_this_server(self, edge) -> None:
        body = httpx.get(f"{edge.url}/samples/GetMessages").json()
        assert body["Operation"] == "GetMessages"
        assert set(body["Samples"]) == {"python", "typescript", "java", "go", "curl"}
        assert edge.endpoint in body["Samples"]["python"]

    def test_it_takes_parameters_language_and_endpoint(self, edge) -> None:
        asked = {
            "Parameters": '{"Query":"why \'now\'?"}',
            "Language": "housecall",
            "Endpoint": "https://db.example.com",
        }
        body = httpx.get(f"{edge.url}/samples/ChatMessages", params=asked).json()
        assert body["Samples"] == {"housecall": "housecall ask -- 'why '\\''now'\\''?'\n"}

    @pytest.mark.parametrize(
        ("asked", "told"),
        [
            ({"Parameters": '{"Colour":"red"}'}, "Colour"),
            ({"Parameters": "[]"}, "Parameters"),
            ({"Parameters": '{"Query":{"a":1}}'}, "Query"),
            ({"Language": "cobol"}, "Language"),
            ({"Endpoint": "evil'; rm -rf /"}, "Endpoint"),
            ({"Endpoint": "host:80/path"}, "Endpoint"),
        ],
    )
    def test_what_cannot_be_written_is_refused_by_name(self, edge, asked, told: str) -> None:
        response = httpx.get(f"{edge.url}/samples/ChatMessages", params=asked)
        assert (response.status_code, response.json()["Code"]) == (400, "InvalidParameter")
        assert told in response.json()["Message"]

    def test_an_unknown_operation_is_not_found(self, edge) -> None:
        assert httpx.get(f"{edge.url}/samples/Nothing").json()["Code"] == "InvalidAction.NotFound"

    def test_a_host_that_is_none_is_refused_rather_than_written(self, edge) -> None:
        request = b"GET /samples/GetMessages HTTP/1.1\r\nHost: a'$(id)`b`\r\nConnection: close\r\n\r\n"
        answer = edge.raw(request)
        assert b"400" in answer.split(b"\r\n")[0]


@pytest.fixture(scope="module")
def schema(edge):
    import schemathesis

    return schemathesis.openapi.from_dict(describe())


DESCRIBED = [
    (path, method)
    for path, methods in describe()["paths"].items()
    for method in methods
    if path not in ("/rpc/ChatMessages", "/v1/chat-messages", "/rpc/UploadFile", "/v1/files/upload")
    and "SubscribeMessage" not in json.dumps(methods)
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("path", "method"), DESCRIBED)
def test_what_the_description_generates_is_answered_as_described(whole, schema, path: str, method: str) -> None:
    """schemathesis draws calls from the description and compares status, type and body of the answers with it."""
    from hypothesis import HealthCheck, Phase, given, settings
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    checks = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)

    @settings(max_examples=10, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None)
    @given(case=schema[path][method.upper()].as_strategy())
    def check(case) -> None:
        headers = {"x-acs-bearer-token": whole.bearer}
        case.call_and_validate(base_url=whole.url, headers=headers, checks=checks)

    check()
