"""Hostile input at the edge: signatures that are not what they were, smuggling, and secrets that must not get out."""

import dataclasses
import importlib
import json
import logging
import pkgutil
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from benchmarks.api.client import Key
from benchmarks.api.fuzz import Drawer, fuzz
from pydantic import SecretStr

import housecall.access
from housecall.api.signing import AccessKey

PLANTED = "Zx9PlantedSecret7qW"
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module")


def code_of(response: httpx.Response) -> str:
    return str(json.loads(response.content)["Code"])


def request_bytes(edge, change: dict[str, str] | None = None, target: str = "/", line: str = "") -> bytes:
    headers = edge.headers("GetConversations", target) | (change or {}) | {"content-length": "0", "connection": "close"}
    lines = [line or f"POST {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def refused(answer: bytes) -> str:
    """The code of a raw refusal in our shape."""
    head, _, body = answer.partition(b"\r\n\r\n")
    told = json.loads(body)
    assert set(told) >= {"RequestId", "HostId", "Code", "Message", "Recommend"}
    assert 400 <= int(head.split()[1]) < 500
    return str(told["Code"])


class TestSignatures:
    def test_a_replayed_request_is_refused(self, whole) -> None:
        headers = whole.headers("GetConversations")
        assert httpx.post(whole.url, headers=headers).status_code == 200
        assert code_of(httpx.post(whole.url, headers=headers)) == "SignatureNonceUsed"

    def test_a_replay_at_another_path_or_query_is_refused(self, edge) -> None:
        headers = edge.headers("GetConversations")
        assert code_of(httpx.post(f"{edge.url}/rpc/GetConversations", headers=headers)) == "SignatureDoesNotMatch"
        assert code_of(httpx.post(f"{edge.url}/?Limit=1", headers=headers)) == "SignatureDoesNotMatch"
        assert code_of(httpx.get(edge.url, headers=headers)) == "SignatureDoesNotMatch"

    @pytest.mark.parametrize("keep", [0, 1, 32, 63])
    def test_a_truncated_signature_is_refused(self, edge, keep: int) -> None:
        headers = edge.headers("GetConversations")
        before, _, signature = headers["Authorization"].partition("Signature=")
        headers["Authorization"] = f"{before}Signature={signature[:keep]}"
        assert code_of(httpx.post(edge.url, headers=headers)) == "SignatureDoesNotMatch"

    def test_another_host_than_was_signed_is_refused(self, edge) -> None:
        assert refused(edge.raw(request_bytes(edge, {"host": "evil.example.com"}))) == "SignatureDoesNotMatch"

    @pytest.mark.parametrize(
        "name", ["x-acs-security-token", "x-acs-accesskey-id", "x-acs-anything", "X-ACS-Bearer-Token"]
    )
    def test_an_unsigned_header_of_ours_is_refused(self, edge, name: str) -> None:
        assert refused(edge.raw(request_bytes(edge, {name: "x"}))) == "IncompleteSignature"

    def test_another_action_than_was_signed_is_refused(self, edge) -> None:
        assert refused(edge.raw(request_bytes(edge, {"x-acs-action": "GetMessages"}))) == "SignatureDoesNotMatch"

    def test_an_unsigned_body_is_refused(self, edge) -> None:
        response = httpx.post(edge.url, headers=edge.headers("GetConversations"), content=b"Limit=1")
        assert code_of(response) in ("SignatureDoesNotMatch", "UnsupportedMediaType")

    def test_a_header_and_a_bearer_token_do_not_mix(self, edge) -> None:
        headers = edge.headers("GetConversations") | {"x-acs-bearer-token": "bearer"}
        assert code_of(httpx.post(edge.url, headers=headers)) == "IncompleteSignature"


class TestSmuggling:
    @pytest.mark.parametrize(
        "lines",
        [
            "Content-Length: 0\r\nContent-Length: 5",
            "Content-Length: 5, 6",
            "Content-Length: -1",
            "Content-Length: +5",
            "Content-Length: 0x5",
            "Transfer-Encoding: chunked, identity",
            "Transfer-Encoding: xchunked",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "X-Folded: a\r\n b\x00c",
            "X-Nul: a\x00b",
            "X Space: a",
            "X-Colon : a",
            ": nameless",
            "X-Bare: a\rb",
        ],
    )
    def test_headers_that_proxies_read_differently_are_refused(self, edge, lines: str) -> None:
        request = f"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{lines}\r\n\r\n".encode("latin-1")
        assert refused(edge.raw(request, half_close=True)) == "InvalidRequest"

    @pytest.mark.parametrize(
        ("request_bytes", "told"),
        [
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "this port speaks HTTP and not HTTPS"),
            (b"hello there\r\n\r\n", "illegal request line."),
            (b"GET / HTTP/1.1\r\nHost: h\r\nX Key: s3cret\r\n\r\n", "illegal header line."),
            (b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", "bad Content-Length."),
        ],
    )
    def test_bytes_that_are_no_http_are_told_in_words(self, edge, request_bytes: bytes, told: str) -> None:
        answer = edge.raw(request_bytes, half_close=True)
        message = json.loads(answer.partition(b"\r\n\r\n")[2])["Message"]
        assert message.startswith(f"The request is not valid HTTP/1.1: {told}")
        assert "b'" not in message
        assert "s3cret" not in message

    def test_a_length_beside_chunks_does_not_hide_a_second_request(self, edge) -> None:
        hidden = b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n"
        head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        answer = edge.raw(head % (5 + len(hidden)) + hidden, half_close=True)
        assert answer.count(b"HTTP/1.1 ") == 1
        assert refused(answer) == "InvalidRequest"

    @pytest.mark.parametrize(
        "line", ["GET http://other.example.com/ HTTP/1.1", "CONNECT h:1 HTTP/1.1", "GET * HTTP/1.1"]
    )
    def test_targets_for_proxies_reach_nothing(self, edge, line: str) -> None:
        request = f"{line}\r\nHost: h\r\nConnection: close\r\n\r\n".encode()
        assert refused(edge.raw(request)) in ("InvalidAction.NotFound", "UnsupportedHTTPMethod", "InvalidRequest")

    @pytest.mark.parametrize(
        "path",
        ["//", "/.", "/../", "/%2e%2e/", "/v1//chat-messages", "/rpc/", "/rpc/../health", "/rpc/GetMessages/", "/%00"],
    )
    def test_path_tricks_find_no_other_door(self, edge, path: str) -> None:
        answer = edge.raw(f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        assert refused(answer) == "InvalidAction.NotFound"

    @pytest.mark.parametrize("query", ["Limit=1&Limit=2", "Limit=1&Limit", "Inputs=%7B%7D&Inputs.Language=en"])
    def test_a_parameter_given_twice_is_refused(self, whole, query: str) -> None:
        headers = {"x-acs-bearer-token": whole.bearer}
        response = httpx.post(f"{whole.url}/rpc/GetConversations?{query}", headers=headers)
        assert code_of(response) == "InvalidParameter"

    def test_a_line_end_in_a_value_makes_no_header(self, edge) -> None:
        request = b"POST /%0d%0aX-Evil:1 HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        head, _, _ = edge.raw(request).partition(b"\r\n\r\n")
        assert b"x-evil" not in head.lower()


class TestSecrets:
    def test_a_planted_secret_reaches_no_log_and_no_answer(self, edge, caplog) -> None:
        caplog.set_level(logging.DEBUG)
        key = AccessKey("key", SecretStr(PLANTED))
        told = [
            edge.send("GetConversations", key=key).text,
            httpx.post(f"{edge.url}/", headers={"x-acs-bearer-token": PLANTED}).text,
            httpx.post(
                f"{edge.url}/", headers={"authorization": f"Bearer {PLANTED}", "x-acs-action": "GetMessages"}
            ).text,
            edge.send("GetConversations", headers={"x-acs-security-token": PLANTED}).text,
            edge.send(
                "GetConversations", at=datetime(2020, 1, 1, tzinfo=UTC), headers={"x-acs-security-token": PLANTED}
            ).text,
        ]
        assert not [answer for answer in told if PLANTED in answer]
        assert PLANTED not in caplog.text

    def test_no_dataclass_of_access_shows_a_secret(self) -> None:
        shown = []
        for name in (found.name for found in pkgutil.iter_modules(housecall.access.__path__, "housecall.access.")):
            for kind in vars(importlib.import_module(name)).values():
                if isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind.__module__ == name:
                    shown.append(kind)
                    for field in dataclasses.fields(kind):
                        is_secret = any(word in field.name for word in ("secret", "password", "token_text"))
                        if is_secret and field.repr:
                            assert "SecretStr" in str(field.type), f"{name}.{kind.__name__}.{field.name} shows itself"
        assert shown


def test_thousands_of_random_requests_get_an_answer_of_ours(whole) -> None:
    key = Key(whole.key.access_key_id, whole.key.secret.get_secret_value())
    port = int(whole.url.rpartition(":")[2])

    async def both() -> Any:
        return await fuzz(port, Drawer(4, port, whole.bearer, key), 2_000)

    import asyncio

    told = asyncio.run(both())
    assert told.faults == []
    assert told.statuses["200"] > 20, "hardly any request reached an operation"
