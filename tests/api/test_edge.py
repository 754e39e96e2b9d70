"""What the edge answers whatever the state behind it: errors of one shape, limits, methods, health."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from alibabacloud_rdsai20250507 import models
from alibabacloud_rdsai20250507.client import Client
from alibabacloud_tea_openapi import utils_models as open_api_models
from alibabacloud_tea_openapi.exceptions import ServerException
from pydantic import SecretStr

from housecall.api.signing import AccessKey, sign_v1
from housecall.app import Health
from housecall.errors import InstanceTimeout, InstanceUnreachable, LimitReached, NotAllowed, RequestError, StoreError

MEGABYTE = 1024 * 1024
UUID = r"[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[0-9A-F]{4}-[0-9A-F]{12}"


def error_of(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The body of an error, after its shape was checked."""
    body = json.loads(response.content)
    assert (response.status_code, body["Code"]) == (status, code), body
    assert set(body) >= {"RequestId", "HostId", "Code", "Message", "Recommend"}
    assert all(isinstance(body[name], str) for name in ("RequestId", "HostId", "Code", "Message", "Recommend"))
    assert response.headers["x-acs-request-id"] == body["RequestId"]
    assert response.headers["content-type"] == "application/json;charset=utf-8"
    return body


def raw_error(answer: bytes) -> tuple[int, dict[str, Any]]:
    head, _, body = answer.partition(b"\r\n\r\n")
    parsed = json.loads(body)
    assert set(parsed) >= {"RequestId", "HostId", "Code", "Message", "Recommend"}
    assert f"x-acs-request-id: {parsed['RequestId']}".encode() in head
    return int(head.split()[1]), parsed


class TestPathsAndMethods:
    def test_an_unknown_path_is_not_found(self, edge) -> None:
        error_of(httpx.get(f"{edge.url}/nowhere"), 404, "InvalidAction.NotFound")

    def test_a_path_with_a_slash_too_many_is_not_found_rather_than_redirected(self, edge) -> None:
        error_of(httpx.post(f"{edge.url}/v1/chat-messages/"), 404, "InvalidAction.NotFound")

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "BREW"])
    def test_a_wrong_method_is_told_the_right_ones(self, edge, method: str) -> None:
        response = httpx.request(method, edge.url)
        body = error_of(response, 405, "UnsupportedHTTPMethod")
        assert "POST" in response.headers["allow"]
        assert "POST" in body["Message"]

    @pytest.mark.parametrize("path", ["/", "/v1/chat-messages", "/v1/messages/x/events"])
    def test_head_starts_nothing(self, edge, path: str) -> None:
        response = httpx.head(edge.url + path)
        assert (response.status_code, response.content) == (405, b"")
        assert "HEAD" not in response.headers["allow"]
        assert "x-acs-request-id" in response.headers

    @pytest.mark.parametrize(("path", "method"), [("/", "POST"), ("/v1/chat-messages", "POST"), ("/health", "GET")])
    def test_options_names_the_methods(self, edge, path: str, method: str) -> None:
        response = httpx.options(edge.url + path)
        assert response.status_code == 204
        assert method in response.headers["allow"]

    def test_every_answer_has_its_own_upper_case_request_id(self, edge) -> None:
        import re

        seen = {httpx.get(f"{edge.url}/health").headers["x-acs-request-id"] for _ in range(3)}
        assert len(seen) == 3
        assert all(re.fullmatch(UUID, each) for each in seen)


class TestActions:
    @pytest.mark.parametrize("action", ["CreateWorkspace", "chatmessages", ""])
    def test_an_unknown_action_is_not_found(self, edge, action: str) -> None:
        error_of(edge.send(action), 404, "InvalidAction.NotFound")

    def test_the_action_may_be_a_parameter(self, edge) -> None:
        response = httpx.post(f"{edge.url}/?Action=ChatMessagesTaskStop", headers={"x-acs-bearer-token": "bearer"})
        error_of(response, 400, "MissingTaskId")

    def test_header_and_parameter_must_not_name_different_actions(self, edge) -> None:
        parameters = sign_v1(
            "GET", {}, edge.key, action="GetMessages", version="2025-05-07", at=datetime.now(UTC), nonce="other-action"
        )
        response = httpx.get(edge.url, params=parameters, headers={"x-acs-action": "ChatMessagesTaskStop"})
        error_of(response, 400, "InvalidParameter")

    def test_another_action_at_the_door_of_chat_is_not_found(self, edge) -> None:
        error_of(edge.send("GetMessages", "/v1/chat-messages"), 404, "InvalidAction.NotFound")

    def test_another_version_is_refused(self, edge) -> None:
        error_of(edge.send("GetMessages", version="2014-08-15"), 400, "InvalidVersion")


class TestCredentials:
    def test_none(self, edge) -> None:
        error_of(httpx.post(edge.url, headers={"x-acs-action": "ChatMessages"}), 400, "MissingAccessKeyId")

    @pytest.mark.parametrize(
        ("key_id", "secret", "status", "code"),
        [
            ("nobody", "secret", 404, "InvalidAccessKeyId.NotFound"),
            ("disabled", "secret", 400, "InvalidAccessKeyId.Inactive"),
            ("key", "wrong", 400, "SignatureDoesNotMatch"),
            ("orphan", "secret", 404, "UserNotFound"),
        ],
    )
    def test_a_key_that_does_not_serve(self, edge, key_id: str, secret: str, status: int, code: str) -> None:
        error_of(edge.send("GetMessages", key=AccessKey(key_id, SecretStr(secret))), status, code)

    def test_a_bearer_token_that_is_unknown(self, edge) -> None:
        headers = {"x-acs-action": "GetMessages", "x-acs-bearer-token": "stolen"}
        error_of(httpx.post(edge.url, headers=headers), 400, "InvalidBearerToken")

    def test_a_security_token_is_refused(self, edge) -> None:
        headers = {"x-acs-security-token": "t", "x-acs-accesskey-id": "key"}
        error_of(edge.send("GetMessages", headers=headers), 400, "InvalidSecurityToken.MismatchWithAccessKey")

    def test_a_nonce_serves_once(self, edge) -> None:
        error_of(edge.send("GetMessages", nonce="used-twice"), 400, "MissingConversationId")
        error_of(edge.send("GetMessages", nonce="used-twice"), 400, "SignatureNonceUsed")

    def test_a_wrong_signature_does_not_spend_the_nonce(self, edge) -> None:
        wrong = AccessKey("key", SecretStr("wrong"))
        error_of(edge.send("GetMessages", nonce="not-spent", key=wrong), 400, "SignatureDoesNotMatch")
        error_of(edge.send("GetMessages", nonce="not-spent"), 400, "MissingConversationId")

    @pytest.mark.parametrize("minutes", [-16, 16])
    def test_a_time_outside_the_window_is_expired(self, edge, minutes: int) -> None:
        at = datetime.now(UTC) + timedelta(minutes=minutes)
        error_of(edge.send("GetMessages", at=at), 400, "InvalidTimeStamp.Expired")

    @pytest.mark.parametrize("minutes", [-14, 14])
    def test_a_time_inside_the_window_serves(self, edge, minutes: int) -> None:
        at = datetime.now(UTC) + timedelta(minutes=minutes)
        error_of(edge.send("GetMessages", at=at), 400, "MissingConversationId")


class TestLimits:
    def test_a_url_of_a_megabyte_is_too_long(self, edge) -> None:
        target = "/?Query=" + "x" * MEGABYTE
        body = error_of(edge.send("ChatMessages", target), 414, "RequestURITooLarge")
        assert "1048576" in body["Message"]

    def test_a_url_of_540_kilobytes_is_not(self, edge) -> None:
        target = "/?Content=" + "%E6%85%A2" * 60_000
        error_of(edge.send("ModifyMessagesFeedbacks", target), 400, "MissingMessageId")

    def test_a_body_over_a_megabyte_is_too_large(self, edge) -> None:
        body = b'{"Query":"' + b"x" * MEGABYTE + b'"}'
        error_of(edge.send("ChatMessages", body=body), 413, "RequestEntityTooLarge")

    def test_a_body_of_unknown_length_over_a_megabyte_is_too_large(self, edge) -> None:
        def parts() -> Any:
            for _ in range(40):
                yield b"x" * 65536

        error_of(httpx.post(edge.url, content=parts()), 413, "RequestEntityTooLarge")

    def test_headers_over_a_megabyte_are_too_large(self, edge) -> None:
        request = b"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX-Long: " + b"x" * (MEGABYTE + 100) + b"\r\n\r\n"
        status, body = raw_error(edge.raw(request))
        assert (status, body["Code"]) == (431, "RequestHeaderTooLarge")

    @pytest.mark.parametrize("size", [MEGABYTE + 100, 8 * MEGABYTE])
    def test_a_request_line_that_never_ends_is_too_long(self, edge, size: int) -> None:
        status, body = raw_error(
            edge.raw(b"POST /?Query=" + b"x" * size + b" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        )
        assert (status, body["Code"]) == (414, "RequestURITooLarge")

    def test_a_client_that_asks_before_it_sends_is_told_at_once(self, edge) -> None:
        head = b"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
        request = head + b"Expect: 100-continue\r\nContent-Length: 9000000\r\n\r\n"
        status, body = raw_error(edge.raw(request))
        assert (status, body["Code"]) == (413, "RequestEntityTooLarge")


class TestPatience:
    def test_a_body_that_does_not_come_is_not_awaited_for_ever(self, edge, monkeypatch) -> None:
        monkeypatch.setattr("housecall.api.inbound.BODY_SECONDS", 0.05)
        request = b"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 9\r\n\r\n"
        status, body = raw_error(edge.raw(request))
        assert (status, body["Code"]) == (408, "RequestTimeout")

    def test_a_connection_that_never_asks_is_closed(self, edge, monkeypatch) -> None:
        monkeypatch.setattr("housecall.api.protocol.HEAD_SECONDS", 0.05)
        assert edge.raw(b"POST / HTTP/1.1\r\n") == b""

    def test_health_does_not_hang_with_the_store(self, own_edge, monkeypatch) -> None:
        async def never() -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr("housecall.api.doors.HEALTH_SECONDS", 0.05)
        monkeypatch.setattr(own_edge.app, "health", never)
        body = error_of(httpx.get(f"{own_edge.url}/health"), 503, "ServiceUnavailable")
        assert "did not answer" in body["Message"]


class TestBodies:
    @pytest.mark.parametrize("body", [b"{", b"[]", b"nonsense", b'{"Query":NaN}', b"\xff\xfe", b'"x"', b"[" * 200_000])
    def test_malformed_json_is_an_invalid_parameter(self, edge, body: bytes) -> None:
        headers = {"content-type": "application/json"}
        error_of(edge.send("ChatMessages", body=body, headers=headers), 400, "InvalidParameter")

    def test_another_content_type_is_unsupported(self, edge) -> None:
        headers = {"content-type": "text/xml"}
        body = error_of(edge.send("ChatMessages", body=b"<a/>", headers=headers), 415, "UnsupportedMediaType")
        assert "application/json" in body["Message"]

    @pytest.mark.parametrize(
        "request_",
        [
            b"\x16\x03\x01\x02",
            b"GET\r\n\r\n",
            b"POST / HTTP/1.1\r\n\r\n",
            b"A B C D\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        ],
    )
    def test_what_is_not_http_gets_the_one_error_shape(self, edge, request_: bytes) -> None:
        status, body = raw_error(edge.raw(request_, half_close=True))
        assert (status, body["Code"]) == (400, "InvalidRequest")

    def test_garbage_in_a_chunked_body_gets_the_one_error_shape(self, edge) -> None:
        request = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n"
        status, body = raw_error(edge.raw(request, half_close=True))
        assert (status, body["Code"]) == (400, "InvalidRequest")


class TestFailures:
    def test_an_unexpected_exception_says_nothing_of_itself_and_is_logged_with_the_request_id(
        self, edge, caplog
    ) -> None:
        body = error_of(edge.send("ChatMessagesTaskStop", "/?TaskId=t"), 500, "InternalError")
        assert "hunter2" not in json.dumps(body)
        assert any(body["RequestId"] in record.getMessage() and record.exc_info for record in caplog.records)

    def test_the_log_holds_neither_question_nor_credentials(self, edge, caplog) -> None:
        caplog.set_level("DEBUG")
        headers = {"x-acs-action": "GetMessages", "x-acs-bearer-token": "bearer"}
        httpx.post(f"{edge.url}/?Query=my-secret-question&BearerToken=bearer", headers=headers)

        def told() -> str:
            ours = [each for each in list(caplog.records) if each.name.startswith(("housecall", "uvicorn"))]
            return "\n".join(record.getMessage() for record in ours)

        edge.wait_until(lambda: "GetMessages account 400" in told())  # the line comes after the answer
        assert "my-secret-question" not in told()
        assert "bearer" not in told().lower()


class TestRefusals:
    @pytest.mark.parametrize(
        ("error", "status", "code"),
        [
            (LimitReached("Two questions at once are the plan's limit."), 429, "TooManyRequests"),
            (LimitReached("The tokens are used up.", code="MoQuotaExceeded"), 429, "MoQuotaExceeded"),
            (
                RequestError("No valid order found or permission denied.", code="PermissionDenied"),
                400,
                "PermissionDenied",
            ),
            (NotAllowed("A policy says no."), 403, "NoPermission"),
            (StoreError("The state store is full."), 503, "ServiceUnavailable"),
            (InstanceUnreachable("Instance 'shop': nothing listens."), 502, "InstanceUnreachable"),
            (InstanceTimeout("Instance 'shop': no answer in 5 s."), 504, "InstanceTimeout"),
        ],
    )
    def test_before_a_run_starts_are_http_errors_on_both_kinds_of_call(
        self, edge, error, status: int, code: str
    ) -> None:
        question = edge.script()
        edge.app.runs.refusals[question] = error
        target = f"/?Query={question.replace(' ', '+')}"
        for mode in ("streaming", "blocking"):
            body = error_of(edge.send("ChatMessages", f"{target}&ResponseMode={mode}"), status, code)
            assert body["Message"] == error.message

    def test_of_the_server_are_the_sdks_server_exception(self, edge) -> None:
        question = edge.script()
        edge.app.runs.refusals[question] = StoreError("The state store is full.")
        config = open_api_models.Config(
            endpoint=edge.endpoint, protocol="HTTP", access_key_id="key", access_key_secret="secret", region_id="local"
        )
        with pytest.raises(ServerException) as caught:
            Client(config).chat_messages(models.ChatMessagesRequest(query=question))
        assert (caught.value.code, caught.value.status_code) == ("ServiceUnavailable", 503)
        assert caught.value.request_id


class TestHealth:
    def test_ready(self, edge) -> None:
        response = httpx.get(f"{edge.url}/health")
        assert (response.status_code, response.json()["Status"]) == (200, "ready")

    def test_not_ready_names_what_is_missing(self, own_edge) -> None:
        own_edge.app.answer = Health(("The model 'x' does not answer.",))
        body = error_of(httpx.get(f"{own_edge.url}/health"), 503, "ServiceUnavailable")
        assert body["Missing"] == ["The model 'x' does not answer."]
        assert "The model 'x' does not answer." in body["Message"]

    def test_a_store_that_fails_is_what_is_missing(self, own_edge) -> None:
        own_edge.app.answer = StoreError("The state store is full.")
        assert "full" in error_of(httpx.get(f"{own_edge.url}/health"), 503, "ServiceUnavailable")["Message"]

    def test_head_has_no_body(self, edge) -> None:
        response = httpx.head(f"{edge.url}/health")
        assert (response.status_code, response.content) == (200, b"")
