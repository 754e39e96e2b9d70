"""From a request to its caller: the order in which credentials are checked, and what is looked up on the way.

Order (contract, section 5): a credential is there and whole; its time is near; its key exists and is active; the
signature holds; the nonce is fresh; the security token of a temporary key is its own and not expired; the user exists.
The nonce comes after the signature, so that only holders of a key write to the store.
"""

import hmac
from datetime import datetime, timedelta

from housecall.access.accounts import Caller
from housecall.access.keys import Credential, Keys
from housecall.access.roles import is_token, token_hash
from housecall.api.signing import CLOCK_WINDOW, Claim, SignedRequest, check_time, read_claim, verify
from housecall.errors import AuthenticationError, NotFound

_NONCE_MARGIN = timedelta(minutes=1)  # clocks of several processes on one store differ a little


async def find_caller(keys: Keys, request: SignedRequest, now: datetime) -> Caller:
    """Who signed the request.

    Raises:
        AuthenticationError: with the code of the step that failed.
        NotFound: UserNotFound, when the key's user is gone.
    """
    claim = read_claim(request)
    if claim.method == "bearer":
        return await _bearer(keys, claim)
    check_time(claim, now)
    credential = await _credential(keys, claim)
    verify(request, claim, credential.secret)
    await _spend_nonce(keys, claim)
    _check_token(claim, credential, now)
    if not credential.user_exists:
        raise NotFound("User does not exist.", code="UserNotFound")
    session_id = credential.access_key_id if credential.session else ""
    return Caller(credential.account_id, credential.user_id, credential.access_key_id, session_id)


def _check_token(claim: Claim, credential: Credential, now: datetime) -> None:
    token, session = claim.security_token.get_secret_value(), credential.session
    if session is None:
        if token:
            raise _bad_token("mismatch with the AccessKey. This key is no temporary one.", "MismatchWithAccessKey")
        return
    if not token:
        raise AuthenticationError(
            "SecurityToken is mandatory for this action. A temporary key signs together with its token.",
            code="MissingSecurityToken",
        )
    if not is_token(token):
        raise _bad_token("is malformed.", "Malformed")
    if not hmac.compare_digest(token_hash(token), session.token_hash):
        raise _bad_token("mismatch with the AccessKey.", "MismatchWithAccessKey")
    if session.expires_at <= now:
        raise _bad_token("is expired. Assume the role again.", "Expired")


def _bad_token(why: str, kind: str) -> AuthenticationError:
    return AuthenticationError(f"Specified SecurityToken {why}", code=f"InvalidSecurityToken.{kind}")


async def _bearer(keys: Keys, claim: Claim) -> Caller:
    caller = await keys.find_bearer(claim.token.get_secret_value())
    if caller is None:
        raise AuthenticationError("Specified bearer token is not found.", code="InvalidBearerToken")
    return caller


async def _credential(keys: Keys, claim: Claim) -> Credential:
    credential = await keys.find(claim.access_key_id)
    if credential is None:
        raise AuthenticationError(
            f"Specified access key is not found: {claim.access_key_id}.", code="InvalidAccessKeyId.NotFound", status=404
        )
    if not credential.active:
        raise AuthenticationError(
            f"Specified access key is disabled: {claim.access_key_id}.", code="InvalidAccessKeyId.Inactive"
        )
    return credential


async def _spend_nonce(keys: Keys, claim: Claim) -> None:
    assert claim.at is not None
    if not await keys.use_nonce(claim.access_key_id, claim.nonce, claim.at + CLOCK_WINDOW + _NONCE_MARGIN):
        raise AuthenticationError("Specified signature nonce was used already.", code="SignatureNonceUsed")
