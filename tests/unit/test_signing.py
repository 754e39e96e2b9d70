"""Signatures: what the official SDKs send holds, and nothing else does."""

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from housecall.api.signing import (
    AccessKey,
    SignedRequest,
    canonical_query,
    check_time,
    decode_pairs,
    percent_encode,
    read_claim,
    sign_v1,
    sign_v3,
    verify,
)
from housecall.errors import AuthenticationError

VECTORS = json.loads((Path(__file__).parents[1] / "api" / "vectors" / "signing.json").read_text(encoding="utf-8"))
KEY = AccessKey("LTAItestkeyid", SecretStr("testsecret0123456789"))
NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


def arrived(vector: dict[str, Any]) -> SignedRequest:
    path, _, query = vector["target"].partition("?")
    headers = tuple((name, value) for name, value in vector["headers"])
    is_form = dict(headers).get("content-type", "").startswith("application/x-www-form-urlencoded")
    form = decode_pairs(vector["body"]) if is_form else ()
    return SignedRequest(vector["method"], path, decode_pairs(query), headers, vector["body"].encode(), form)


def holds(request: SignedRequest) -> bool:
    try:
        verify(request, read_claim(request), KEY.secret)
    except AuthenticationError:
        return False
    return True


def code_of(request: SignedRequest) -> str:
    with pytest.raises(AuthenticationError) as caught:
        verify(request, read_claim(request), KEY.secret)
    return caught.value.wire_code


def signed(**changes: Any) -> SignedRequest:
    """A request that holds, then changed."""
    base = SignedRequest("POST", "/", (("Query", "why slow?"), ("EventMode", "inline")), (("host", "localhost:1"),))
    headers = sign_v3(base, KEY, action="ChatMessages", version="2025-05-07", at=NOW, nonce="n1")
    whole = dataclasses.replace(base, headers=tuple((name.lower(), value) for name, value in headers.items()))
    return dataclasses.replace(whole, **changes)


def with_header(request: SignedRequest, name: str, value: str | None) -> SignedRequest:
    others = [pair for pair in request.headers if pair[0] != name]
    return dataclasses.replace(request, headers=(*others, *([(name, value)] if value is not None else [])))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda each: each["name"])
class TestRecordedRequests:
    def test_hold(self, vector: dict[str, Any]) -> None:
        assert holds(arrived(vector))

    def test_name_the_key(self, vector: dict[str, Any]) -> None:
        assert read_claim(arrived(vector)).access_key_id == KEY.access_key_id

    def test_do_not_hold_for_another_secret(self, vector: dict[str, Any]) -> None:
        request = arrived(vector)
        with pytest.raises(AuthenticationError, match="not matched"):
            verify(request, read_claim(request), SecretStr("another"))

    def test_do_not_hold_for_another_method(self, vector: dict[str, Any]) -> None:
        assert not holds(dataclasses.replace(arrived(vector), method="PUT"))

    def test_do_not_hold_for_another_path(self, vector: dict[str, Any]) -> None:
        assert not holds(dataclasses.replace(arrived(vector), path="/other"))

    def test_do_not_hold_with_one_more_parameter(self, vector: dict[str, Any]) -> None:
        request = arrived(vector)
        assert not holds(dataclasses.replace(request, query=(*request.query, ("Extra", ""))))

    @given(data=st.data())
    def test_do_not_hold_after_one_altered_character(self, vector: dict[str, Any], data: st.DataObject) -> None:
        request = arrived(vector)
        assert not holds(altered(request, data))


def altered(request: SignedRequest, data: st.DataObject) -> SignedRequest:
    """The request with one character of one signed thing exchanged."""
    claim = read_claim(request)
    signed_names = claim.signed_headers
    places: list[tuple[str, int]] = [("query", place) for place in range(len(request.query))]
    places += [("headers", place) for place, (name, _) in enumerate(request.headers) if name in signed_names]
    places += [("body", 0)] if request.body and claim.method == "v3" else []
    part, place = data.draw(st.sampled_from(places) if places else st.just(("method", 0)))
    if part == "method":
        return dataclasses.replace(request, method="GOT")
    if part == "body":
        return dataclasses.replace(request, body=exchange(request.body.decode(), data).encode())
    pairs = list(getattr(request, part))
    name, value = pairs[place]
    change_name = part == "query" and (not value or data.draw(st.booleans()))
    pairs[place] = (exchange(name, data), value) if change_name else (name, exchange(value, data))
    return dataclasses.replace(request, **{part: tuple(pairs)})


def exchange(text: str, data: st.DataObject) -> str:
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(exclude_categories=["Cs", "Zs", "Cc"], exclude_characters=text[place]))
    return text[:place] + other + text[place + 1 :]


class TestOwnSignatures:
    def test_v3_holds(self) -> None:
        assert holds(signed())

    @given(
        st.lists(
            st.tuples(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.text()),
            unique_by=lambda p: p[0],
        ),
        st.binary(),
    )
    def test_v3_holds_for_any_parameters_and_body(self, query: list[tuple[str, str]], body: bytes) -> None:
        query = [(name, value.encode("utf-8", "ignore").decode()) for name, value in query]
        base = SignedRequest("POST", "/", tuple(query), (("host", "h"),), body)
        headers = sign_v3(base, KEY, action="A", version="V", at=NOW, nonce="n")
        arrived_query = decode_pairs(canonical_query(query))
        lower = tuple((name.lower(), value) for name, value in headers.items())
        assert holds(dataclasses.replace(base, query=arrived_query, headers=lower))

    def test_v1_holds(self) -> None:
        parameters = sign_v1("GET", {"Query": "慢 +"}, KEY, action="A", version="V", at=NOW, nonce="n")
        assert holds(SignedRequest("GET", "/", tuple(parameters.items())))

    def test_the_secret_never_shows(self) -> None:
        assert "testsecret" not in repr(KEY)
        claim = read_claim(SignedRequest("POST", "/", headers=(("x-acs-bearer-token", "opensesame"),)))
        assert "opensesame" not in repr(claim)


class TestCanonicalForm:
    def test_plus_and_percent_20_are_the_same_blank(self) -> None:
        assert canonical_query(decode_pairs("a=x+y")) == canonical_query(decode_pairs("a=x%20y")) == "a=x%20y"

    def test_only_unreserved_characters_stay(self) -> None:
        assert percent_encode("aZ9-_.~*'()! /") == "aZ9-_.~%2A%27%28%29%21%20%2F"

    def test_sorted_by_name_not_by_pair(self) -> None:
        assert canonical_query([("a-b", "1"), ("a", "2")]) == "a=2&a-b=1"

    def test_a_name_alone_has_an_empty_value(self) -> None:
        assert canonical_query(decode_pairs("a")) == "a="

    def test_bytes_that_are_no_text_stay_apart(self) -> None:
        assert canonical_query(decode_pairs("a=%ff")) == "a=%FF" != canonical_query(decode_pairs("a=%fe"))

    @given(
        st.lists(
            st.tuples(
                st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
                st.text(st.characters(exclude_categories=["Cs"])),
            )
        )
    )
    def test_decoding_undoes_encoding(self, pairs: list[tuple[str, str]]) -> None:
        assert sorted(decode_pairs(canonical_query(pairs))) == sorted(pairs)


class TestWhatMustBeSigned:
    @pytest.mark.parametrize("name", ["host", "x-acs-action", "x-acs-date", "x-acs-version", "x-acs-content-sha256"])
    def test_a_required_header_outside_the_signature_is_refused(self, name: str) -> None:
        request = signed()
        authorization = request.header("authorization").replace(f"{name};", "").replace(f";{name},", ",")
        assert code_of(with_header(request, "authorization", authorization)) == "IncompleteSignature"

    def test_an_acs_header_outside_the_signature_is_refused(self) -> None:
        assert code_of(with_header(signed(), "x-acs-security-token", "slipped in")) == "IncompleteSignature"

    def test_other_headers_may_be_outside(self) -> None:
        assert holds(with_header(signed(), "accept-encoding", "gzip"))

    def test_a_signed_header_that_comes_twice_is_refused(self) -> None:
        request = signed()
        twice = dataclasses.replace(request, headers=(*request.headers, ("x-acs-action", "DeleteSkill")))
        assert code_of(twice) == "IncompleteSignature"

    def test_a_signed_header_that_is_absent_is_refused(self) -> None:
        assert code_of(with_header(signed(), "x-acs-date", None)) == "IncompleteSignature"

    def test_a_body_with_another_hash_is_refused(self) -> None:
        assert code_of(signed(body=b"{}")) == "SignatureDoesNotMatch"

    def test_a_json_body_is_refused_with_the_old_signature(self) -> None:
        parameters = sign_v1("POST", {}, KEY, action="A", version="V", at=NOW, nonce="n")
        assert code_of(SignedRequest("POST", "/", tuple(parameters.items()), body=b"{}")) == "IncompleteSignature"

    def test_an_old_signature_without_action_is_refused(self) -> None:
        parameters = sign_v1("POST", {}, KEY, action="", version="V", at=NOW, nonce="n")
        assert code_of(SignedRequest("POST", "/", tuple(parameters.items()))) == "IncompleteSignature"


class TestClaims:
    def test_no_credential(self) -> None:
        assert code_of(SignedRequest("POST", "/")) == "MissingAccessKeyId"

    @pytest.mark.parametrize("algorithm", ["ACS3-HMAC-SM3", "ACS3-RSA-SHA256", "Basic"])
    def test_another_algorithm_is_named(self, algorithm: str) -> None:
        authorization = signed().header("authorization").replace("ACS3-HMAC-SHA256", algorithm)
        assert code_of(with_header(signed(), "authorization", authorization)) == "InvalidSignatureMethod"

    @pytest.mark.parametrize(
        "text", ["ACS3-HMAC-SHA256", "ACS3-HMAC-SHA256 x", "ACS3-HMAC-SHA256 Credential=a,Signature=b"]
    )
    def test_a_half_authorization_is_incomplete(self, text: str) -> None:
        assert code_of(with_header(signed(), "authorization", text)) == "IncompleteSignature"

    @pytest.mark.parametrize(
        "text", ["", "now", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00+00:00", "2026-01-01 00:00:00"]
    )
    def test_an_ill_formed_time_is_told(self, text: str) -> None:
        assert code_of(with_header(signed(), "x-acs-date", text)) == "InvalidTimeStamp.Format"

    def test_sha256_of_the_old_signature_is_refused(self) -> None:
        parameters = sign_v1("POST", {}, KEY, action="A", version="V", at=NOW, nonce="n")
        changed = parameters | {"SignatureMethod": "HMAC-SHA256"}
        assert code_of(SignedRequest("POST", "/", tuple(changed.items()))) == "InvalidSignatureMethod"

    @pytest.mark.parametrize(
        "request_",
        [
            SignedRequest("POST", "/", headers=(("x-acs-bearer-token", "t"),)),
            SignedRequest("POST", "/", headers=(("authorization", "Bearer t"),)),
            SignedRequest("POST", "/", query=(("BearerToken", "t"), ("SignatureType", "BEARERTOKEN"))),
        ],
    )
    def test_a_bearer_token_is_taken_from_where_the_sdk_puts_it(self, request_: SignedRequest) -> None:
        claim = read_claim(request_)
        assert (claim.method, claim.token.get_secret_value()) == ("bearer", "t")

    def test_the_error_shows_what_to_compare(self) -> None:
        request = with_header(signed(), "host", "other")
        with pytest.raises(AuthenticationError, match=r"server string to sign is:ACS3-HMAC-SHA256\n[0-9a-f]{64}$"):
            verify(request, read_claim(request), KEY.secret)

    @given(
        st.lists(st.tuples(st.sampled_from(["authorization", "x-acs-date", "accept"]), st.text())),
        st.lists(st.tuples(st.text(), st.text())),
    )
    def test_nothing_but_an_authentication_error_comes_out(self, headers: Any, query: Any) -> None:
        assert not holds(SignedRequest("GET", "/", tuple(query), tuple(headers)))


class TestClockWindow:
    @pytest.mark.parametrize("seconds", [-15 * 60, 0, 15 * 60])
    def test_fifteen_minutes_are_allowed(self, seconds: int) -> None:
        check_time(read_claim(signed()), NOW + timedelta(seconds=seconds))

    @pytest.mark.parametrize("seconds", [-15 * 60 - 1, 15 * 60 + 1])
    def test_a_second_more_is_not(self, seconds: int) -> None:
        with pytest.raises(AuthenticationError) as caught:
            check_time(read_claim(signed()), NOW + timedelta(seconds=seconds))
        assert caught.value.wire_code == "InvalidTimeStamp.Expired"
