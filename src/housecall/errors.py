"""Every error of Housecall, in one tree.

    HousecallError
    ├── RequestError            the caller's request cannot be served as it stands
    │   ├── AuthenticationError     who calls is not proved
    │   ├── NotAllowed              the caller is known and may not
    │   ├── NotFound                no such object for this caller
    │   └── LimitReached            a plan's limit or a size limit
    ├── InstanceError           a monitored server did not do what was asked
    │   ├── InstanceUnreachable, InstanceRefused (password, role), InstanceTooOld, InstanceTimeout, InstanceBusy
    │   └── StatementRefused        the guard said no; StatementFailed: the server did
    ├── ModelError              the language model failed
    ├── StoreError              Housecall's own database failed
    └── SetupError              this installation cannot start as configured

An error says what was attempted, on which object, why it failed and what to do next. `code` is the wire code and
`status` the HTTP status. Messages never hold a password, a key's secret or a whole DSN.
"""

from collections.abc import Mapping
from typing import ClassVar


class HousecallError(Exception):
    """The base of the tree: an internal failure unless a subclass says otherwise."""

    code: ClassVar[str] = "InternalError"
    status: ClassVar[int] = 500

    def __init__(self, message: str, *, code: str | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.wire_code = code or self.code
        self.http_status = status or self.status


class RequestError(HousecallError):
    """The request cannot be served as it stands."""

    code = "InvalidParameter"
    status = 400


class AuthenticationError(RequestError):
    """Who calls is not proved; `code` says which step failed."""

    code = "SignatureDoesNotMatch"
    status = 400


class NotAllowed(RequestError):
    """The caller is known and may not do this. `detail` is the wire's AccessDeniedDetail, when a policy said so."""

    code = "NoPermission"
    status = 403

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        status: int | None = None,
        detail: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, code=code, status=status)
        self.detail = detail


class NotFound(RequestError):
    """There is no such object for this caller; another account's object is not found either."""

    code = "NotFound"
    status = 404


class LimitReached(RequestError):
    """A limit of the plan is reached."""

    code = "TooManyRequests"
    status = 429


class InstanceError(HousecallError):
    """A monitored instance did not do what was asked of it."""

    code = "InstanceError"
    status = 502


class InstanceUnreachable(InstanceError):
    """No connection: wrong address, firewall, server down."""

    code = "InstanceUnreachable"


class InstanceRefused(InstanceError):
    """The server answered and refused: password, role, database, TLS."""

    code = "InstanceRefused"


class InstanceTooOld(InstanceError):
    """The server is older than the versions that Housecall reads, so hardly anything could be looked at."""

    code = "InstanceTooOld"


class InstanceTimeout(InstanceError):
    """The server did not answer within the probe's limit."""

    code = "InstanceTimeout"
    status = 504


class InstanceBusy(InstanceError):
    """The server has no connection left for the probe."""

    code = "InstanceBusy"
    status = 503


class StatementRefused(InstanceError):
    """The guard does not let this statement through; the message names the reason."""

    code = "StatementRefused"
    status = 400


class StatementFailed(InstanceError):
    """The server rejected the statement, for example for a syntax error."""

    code = "StatementFailed"
    status = 400


class ModelError(HousecallError):
    """The language model failed or gave up."""

    code = "ModelError"
    status = 502


class StoreError(HousecallError):
    """Housecall's own database failed; nothing that was accepted is lost."""

    code = "ServiceUnavailable"
    status = 503


class SetupError(HousecallError):
    """This installation cannot start as configured."""

    code = "ServiceUnavailable"
    status = 503
