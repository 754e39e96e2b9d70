"""Around every request: its id, the one error shape, the log line. The one place where any exception ends.

Requests are logged with id, operation, account, status and time, never with parameters or credentials, since a question
may hold secrets and a query may hold signatures.
"""

import logging
import time
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from housecall.api.answers import INTERNAL_MESSAGE, error_answer
from housecall.api.inbound import ClientGone
from housecall.api.protocol import new_request_id
from housecall.errors import HousecallError, RequestError

log = logging.getLogger("housecall.api")

_HTTP_CODES: Final = {404: "InvalidAction.NotFound", 405: "UnsupportedHTTPMethod"}


def host_of(scope: Scope) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")


async def http_error(request: Request, error: Exception) -> Response:
    """What routing itself refuses: an unknown path, or a method that a path does not take."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        message = (
            f"This http method is not supported. {request.url.path} takes {(error.headers or {}).get('Allow', '')}."
        )
    else:
        message = "Specified api is not found, please check your url and method."
    code = _HTTP_CODES.get(error.status_code, "InvalidRequest")
    known = RequestError(message, code=code, status=error.status_code)
    return error_answer(request.state.request_id, host_of(request.scope), known, headers=error.headers)


class Edge:
    """Around everything: the request id, the error shape, the log line. The one place where any exception ends."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = _Told(send, new_request_id())
        scope.setdefault("state", {})["request_id"] = told.request_id
        started = time.monotonic()
        try:
            await self._app(scope, receive, told.send)
        except ClientGone:
            told.status = 499  # nobody reads it; the log line says it
        except HousecallError as error:
            if error.http_status >= 500:
                log.warning("request %s: %s", told.request_id, error.message, exc_info=error.__cause__)
            await told.fail(error, scope, receive)
        except Exception as error:  # whatever else it is, the caller hears InternalError and the log the rest
            log.error("request %s failed", told.request_id, exc_info=error)
            await told.fail(HousecallError(INTERNAL_MESSAGE), scope, receive)
        finally:
            state = scope["state"]
            log.log(
                logging.DEBUG if scope["path"] == "/health" else logging.INFO,
                "request %s %s %s %s %.0f ms",
                told.request_id,
                state.get("action") or f"{scope['method']} {scope['path'][:100]!r}",
                state.get("account") or "-",
                told.status or "-",
                (time.monotonic() - started) * 1000,
            )


class _Told:
    """What was sent of one answer, with the request id put on it."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self.request_id = request_id
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            header = (b"x-acs-request-id", self.request_id.encode())
            message = {**message, "headers": [*message.get("headers", ()), header]}
        await self._send(message)

    async def fail(self, error: HousecallError, scope: Scope, receive: Receive) -> None:
        if self.status:
            raise error  # half an answer is out; uvicorn cuts the connection, which the client notices
        await error_answer(self.request_id, host_of(scope), error)(scope, receive, self.send)
