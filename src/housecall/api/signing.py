"""Who signed a request: the three credentials of the RdsAi OpenAPI, verified and made. Pure; no I/O, no clock.

* **V3** (`ACS3-HMAC-SHA256`, the default of every SDK): an Authorization header over method, path, query, chosen
  headers and the hash of the body.
* **V1** (RPC HMAC-SHA1): a `Signature` parameter over all parameters of query and form.
* **Bearer**: a token, which proves itself.

`read_claim` says what a request claims and whether the claim is whole; `check_time` bounds its age; `verify` compares
it with the key's secret. Looking up the key and spending the nonce lie between and after them, at the edge. A nonce is
spent only after the signature held, so that nobody without a key can fill the store with nonces.

A request is taken as decoded parameters, never as raw URL bytes (contract, 1.3): two spellings of one request have one
signature. Bytes that are not UTF-8 survive decoding and encoding, so they cannot be exchanged for others unnoticed.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from urllib.parse import quote, unquote_plus

from pydantic import SecretStr

from housecall.errors import AuthenticationError

V3_ALGORITHM: Final = "ACS3-HMAC-SHA256"
V1_METHOD: Final = "HMAC-SHA1"
CLOCK_WINDOW: Final = timedelta(minutes=15)  # Alibaba Cloud, "Request syntax and signature method V3"
EMPTY_BODY_SHA256: Final = hashlib.sha256(b"").hexdigest()

REQUIRED_SIGNED_HEADERS: Final = frozenset(
    {"host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"}
)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_MAX_NONCE_LENGTH = 256
_MAX_KEY_ID_LENGTH = 128
_SHOWN_STRING_TO_SIGN = 400

Pairs = Sequence[tuple[str, str]]
Method = Literal["v3", "v1", "bearer"]


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What of a request a signature can cover. `query` and `form` are decoded pairs; header names are lower case.

    `body_hash` stands for a body that is read later: what its SHA-256 is announced to be. Whoever reads it compares.
    """

    method: str
    path: str
    query: Pairs = ()
    headers: Pairs = ()
    body: bytes = b""
    form: Pairs = ()
    body_hash: str | None = None

    def header(self, name: str) -> str:
        """The header's value, or an empty text. A header that decides who calls must not come twice."""
        values = [value for each, value in self.headers if each == name]
        if len(values) > 1:
            raise AuthenticationError(
                f"The header {name} is there {len(values)} times; send it once", code="IncompleteSignature"
            )
        return values[0].strip() if values else ""

    def parameter(self, name: str) -> str:
        values = [value for each, value in (*self.query, *self.form) if each == name]
        if len(values) > 1:
            raise AuthenticationError(
                f"The parameter {name} is there {len(values)} times; send it once", code="IncompleteSignature"
            )
        return values[0] if values else ""


@dataclass(frozen=True, slots=True)
class Claim:
    """Who a request says it comes from. For a bearer token only `token` is set; `security_token` is STS's."""

    method: Method
    access_key_id: str = ""
    signature: str = field(default="", repr=False)
    signed_headers: tuple[str, ...] = ()
    at: datetime | None = None
    nonce: str = ""
    token: SecretStr = SecretStr("")
    security_token: SecretStr = SecretStr("")


def decode_pairs(encoded: str) -> tuple[tuple[str, str], ...]:
    """The parameters of a query or form, in order; `+` and `%20` are a blank, and a name alone has an empty value."""
    return tuple(
        (_decode(name), _decode(value))
        for name, _, value in (part.partition("=") for part in encoded.split("&") if part)
    )


def _decode(text: str) -> str:
    return unquote_plus(text, encoding="utf-8", errors="surrogateescape")


def percent_encode(text: str) -> str:
    """RFC 3986: only `A-Za-z0-9-_.~` stay as they are."""
    return quote(text, safe="-_.~", encoding="utf-8", errors="surrogateescape")


def canonical_query(pairs: Iterable[tuple[str, str]]) -> str:
    """Encoded parameters sorted by decoded name (and value, which only matters to a request that repeats a name)."""
    return "&".join(f"{percent_encode(name)}={percent_encode(value)}" for name, value in sorted(pairs))


def read_claim(request: SignedRequest) -> Claim:
    """What the request claims, complete and well formed.

    Raises:
        AuthenticationError: no credential (MissingAccessKeyId), or one that lacks a part.
    """
    authorization = request.header("authorization")
    if authorization[:7].lower() == "bearer ":
        return Claim("bearer", token=SecretStr(authorization[7:].strip()))
    if authorization:
        return _v3_claim(request, authorization)
    bearer = request.header("x-acs-bearer-token") or request.parameter("BearerToken")
    if bearer:
        return Claim("bearer", token=SecretStr(bearer))
    if request.parameter("AccessKeyId") or request.parameter("Signature"):
        return _v1_claim(request)
    raise AuthenticationError(
        "AccessKeyId is mandatory for this action. Sign the request with an access key, or send a bearer token.",
        code="MissingAccessKeyId",
    )


def check_time(claim: Claim, now: datetime) -> None:
    """Raises AuthenticationError (InvalidTimeStamp.Expired) when the claim is more than 15 minutes off."""
    if claim.at is not None and abs(now - claim.at) > CLOCK_WINDOW:
        raise AuthenticationError(
            f"Specified time stamp or date value is expired. The request says {_time_text(claim.at)},"
            f" this server's clock {_time_text(now)}; they may differ by 15 minutes. Check the clock of the caller.",
            code="InvalidTimeStamp.Expired",
        )


def verify(request: SignedRequest, claim: Claim, secret: SecretStr) -> None:
    """Raises AuthenticationError (SignatureDoesNotMatch) unless this key's secret signed exactly this request."""
    key = secret.get_secret_value()
    if claim.method == "v3":
        _check_body_hash(request)
        text = _v3_string_to_sign(request, claim.signed_headers)
        expected = _v3_signature(key, text)
    else:
        text = _v1_string_to_sign(request)
        expected = _v1_signature(key, text)
    if not hmac.compare_digest(expected.encode(), claim.signature.encode("utf-8", "surrogateescape")):
        shown = text if len(text) <= _SHOWN_STRING_TO_SIGN else text[:_SHOWN_STRING_TO_SIGN] + "..."
        raise AuthenticationError(
            f"Specified signature is not matched with our calculation. server string to sign is:{shown}",
            code="SignatureDoesNotMatch",
        )


def _incomplete(why: str) -> AuthenticationError:
    return AuthenticationError(
        f"The request signature does not conform to Aliyun standards. {why}", code="IncompleteSignature"
    )


def _v3_claim(request: SignedRequest, authorization: str) -> Claim:
    algorithm, _, rest = authorization.partition(" ")
    if algorithm != V3_ALGORITHM:
        raise AuthenticationError(
            f"The signature method {algorithm[:40]!r} is not supported; sign with {V3_ALGORITHM}.",
            code="InvalidSignatureMethod",
        )
    parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    if set(parts) != {"Credential", "SignedHeaders", "Signature"} or rest.count(",") != 2:
        raise _incomplete(
            "Authorization must be: ACS3-HMAC-SHA256 Credential=<id>,SignedHeaders=<names>,Signature=<hex>."
        )
    _check_key_id(parts["Credential"])
    if request.header("x-acs-accesskey-id") not in ("", parts["Credential"]):
        raise _incomplete("x-acs-accesskey-id and the Credential of Authorization differ.")
    return Claim(
        "v3",
        access_key_id=parts["Credential"],
        signature=parts["Signature"],
        signed_headers=_signed_headers(request, parts["SignedHeaders"]),
        at=_read_time(request.header("x-acs-date"), "x-acs-date"),
        nonce=_read_nonce(request.header("x-acs-signature-nonce"), "x-acs-signature-nonce"),
        security_token=SecretStr(request.header("x-acs-security-token")),
    )


def _signed_headers(request: SignedRequest, listed: str) -> tuple[str, ...]:
    """The names in SignedHeaders. What decides the meaning of a request must be among them, and each must come once."""
    names = tuple(listed.split(";"))
    present = [name for name, _ in request.headers]
    must = REQUIRED_SIGNED_HEADERS | {name for name in present if name.startswith("x-acs-")}
    if missing := sorted(must - set(names)):
        raise _incomplete(f"SignedHeaders lacks {', '.join(missing)[:200]}.")
    if absent := sorted(set(names) - set(present)):
        raise _incomplete(f"SignedHeaders names {', '.join(absent)[:200]}, which the request does not have.")
    if len(set(names)) != len(names):
        raise _incomplete("SignedHeaders names a header twice.")
    for name in names:
        request.header(name)
    return names


def _v1_claim(request: SignedRequest) -> Claim:
    for name in ("AccessKeyId", "Signature", "Action"):
        if not request.parameter(name):
            raise _incomplete(f"The parameter {name} is missing.")
    if request.parameter("SignatureMethod") != V1_METHOD or request.parameter("SignatureVersion") not in ("", "1.0"):
        raise AuthenticationError(
            f"SignatureMethod {request.parameter('SignatureMethod')[:40]!r} with SignatureVersion"
            f" {request.parameter('SignatureVersion')[:40]!r} is not supported;"
            f" use {V1_METHOD} with 1.0, or {V3_ALGORITHM}.",
            code="InvalidSignatureMethod",
        )
    if (request.body or request.body_hash is not None) and not request.form:
        raise _incomplete("This signature method covers query and form only; other bodies need ACS3-HMAC-SHA256.")
    _check_key_id(request.parameter("AccessKeyId"))
    return Claim(
        "v1",
        access_key_id=request.parameter("AccessKeyId"),
        signature=request.parameter("Signature"),
        at=_read_time(request.parameter("Timestamp"), "Timestamp"),
        nonce=_read_nonce(request.parameter("SignatureNonce"), "SignatureNonce"),
        security_token=SecretStr(request.parameter("SecurityToken")),
    )


def _check_key_id(key_id: str) -> None:
    if not key_id:
        raise AuthenticationError("AccessKeyId is mandatory for this action.", code="MissingAccessKeyId")
    if len(key_id) > _MAX_KEY_ID_LENGTH or not key_id.isascii() or not key_id.isprintable():
        raise AuthenticationError("Specified access key is not found.", code="InvalidAccessKeyId.NotFound", status=404)


def _read_nonce(text: str, name: str) -> str:
    if not text:
        raise _incomplete(f"{name} is missing; send a fresh random text with every request.")
    if len(text) > _MAX_NONCE_LENGTH or not text.isprintable():
        raise _incomplete(f"{name} must be printable and at most {_MAX_NONCE_LENGTH} characters.")
    return text


def _read_time(text: str, name: str) -> datetime:
    try:
        if _TIME.fullmatch(text):
            return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        pass  # a 13th month has the form of a time and is none; told below
    raise AuthenticationError(
        f"Specified time stamp or date value is not well formatted. {name} is {text[:40]!r};"
        " it must be UTC like 2026-01-31T12:00:00Z.",
        code="InvalidTimeStamp.Format",
    )


def _check_body_hash(request: SignedRequest) -> None:
    claimed = request.header("x-acs-content-sha256")
    actual = _hash_of_body(request)
    if not hmac.compare_digest(claimed.encode("utf-8", "surrogateescape"), actual.encode()):
        raise AuthenticationError(
            "Specified signature is not matched with our calculation. x-acs-content-sha256 is not the SHA-256 of the"
            f" body ({len(request.body)} bytes) that arrived.",
            code="SignatureDoesNotMatch",
        )


def _hash_of_body(request: SignedRequest) -> str:
    return hashlib.sha256(request.body).hexdigest() if request.body_hash is None else request.body_hash


def _v3_string_to_sign(request: SignedRequest, signed_headers: Sequence[str]) -> str:
    lines = [request.method, request.path or "/", canonical_query(request.query)]
    lines += [f"{name}:{request.header(name)}" for name in signed_headers]
    lines += ["", ";".join(signed_headers), _hash_of_body(request)]
    canonical = "\n".join(lines).encode("utf-8", "surrogateescape")
    return f"{V3_ALGORITHM}\n{hashlib.sha256(canonical).hexdigest()}"


def _v3_signature(secret: str, string_to_sign: str) -> str:
    return hmac.new(secret.encode(), string_to_sign.encode(), hashlib.sha256).hexdigest()


def _v1_string_to_sign(request: SignedRequest) -> str:
    signed = [(name, value) for name, value in (*request.query, *request.form) if name != "Signature"]
    return f"{request.method}&{percent_encode(request.path or '/')}&{percent_encode(canonical_query(signed))}"


def _v1_signature(secret: str, string_to_sign: str) -> str:
    digest = hmac.new(f"{secret}&".encode(), string_to_sign.encode("utf-8", "surrogateescape"), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def _time_text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A key to sign with. The secret never shows in a repr."""

    access_key_id: str
    secret: SecretStr


def sign_v3(
    request: SignedRequest, key: AccessKey, *, action: str, version: str, at: datetime, nonce: str
) -> dict[str, str]:
    """The headers to send with the request: those of it, the `x-acs-*` ones, and Authorization over all of them.

    The request must have its `host` header, since that is signed.
    """
    headers = dict(request.headers) | {
        "x-acs-action": action,
        "x-acs-version": version,
        "x-acs-date": _time_text(at),
        "x-acs-signature-nonce": nonce,
        "x-acs-content-sha256": hashlib.sha256(request.body).hexdigest(),
    }
    names = tuple(sorted(headers))
    whole = SignedRequest(request.method, request.path, request.query, tuple(headers.items()), request.body)
    signature = _v3_signature(key.secret.get_secret_value(), _v3_string_to_sign(whole, names))
    credential = f"Credential={key.access_key_id},SignedHeaders={';'.join(names)},Signature={signature}"
    return headers | {"Authorization": f"{V3_ALGORITHM} {credential}"}


def sign_v1(
    method: str, parameters: Mapping[str, str], key: AccessKey, *, action: str, version: str, at: datetime, nonce: str
) -> dict[str, str]:
    """The parameters to send: those given, the signature's own, and `Signature` over all of them."""
    signed = dict(parameters) | {
        "Action": action,
        "Version": version,
        "Format": "json",
        "AccessKeyId": key.access_key_id,
        "SignatureMethod": V1_METHOD,
        "SignatureVersion": "1.0",
        "SignatureNonce": nonce,
        "Timestamp": _time_text(at),
    }
    text = _v1_string_to_sign(SignedRequest(method, "/", tuple(signed.items())))
    return signed | {"Signature": _v1_signature(key.secret.get_secret_value(), text)}
