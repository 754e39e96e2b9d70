"""What stands around every call that names an operation: the policy that allows it, and its line in the audit log.

The policy is asked right after the caller is known and before a parameter is looked at, so a caller who is refused
learns nothing about what exists. A line is written for every call, whatever became of it; those of denials and of
operations that change something are stored before the answer goes out.
"""

import json
import re
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final

from starlette.types import Scope

from housecall.access.accounts import Caller
from housecall.access.audit import AuditDecision, AuditEntry
from housecall.access.keys import is_key_id
from housecall.api.operation import Operation, Subject
from housecall.api.signing import SignedRequest
from housecall.app import App
from housecall.chat.rounds import is_id
from housecall.errors import HousecallError, NotAllowed
from housecall.instances.directory import ID_PATTERN

_CREDENTIAL = re.compile(r"\bCredential=([A-Za-z0-9.]{1,100})(?=,)")
_READ_NAMES: Final = ("Get", "List", "Describe", "Subscribe", "Decode")


def conditions_of(scope: Scope) -> dict[str, str]:
    """What policies may ask about the request itself. A key that is not known is left out."""
    client = scope.get("client")
    known = {"acs:SecureTransport": "true" if scope["scheme"] == "https" else "false"}
    return known if client is None else known | {"acs:SourceIp": client[0]}


class Watch:
    """Around one call: `admit` asks the policies; leaving the block writes the audit log."""

    def __init__(self, app: App, operation: Operation, request: SignedRequest, scope: Scope) -> None:
        self._app = app
        self._operation = operation
        self._request = request
        self._request_id: str = scope["state"]["request_id"]
        self.conditions = conditions_of(scope)
        self._caller: Caller | None = None
        self._principal = ""
        self.subject = Subject()

    async def admit(self, caller: Caller) -> None:
        """Raises NotAllowed (NoPermission) with the AccessDeniedDetail."""
        self._caller = caller
        rights, action = self._app.access.rights, self._operation.ram_action
        self._principal = (await rights.principal(caller)).arn
        if not self._operation.asks_itself:
            await rights.require(caller, action, context=self.conditions, request_id=self._request_id)

    def about(self, parameters: Mapping[str, Any]) -> None:
        """Note which instance and which call of a tool the parameters name, if they do."""
        self.subject.instance_id = instance_named(parameters)
        self.subject.call_id = call_named(parameters)

    async def __aenter__(self) -> "Watch":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        decision = self._decision(error)
        self._app.access.audit.record(self._entry(decision, error))
        changed = decision == "allowed" and error is None and not is_reading(self._operation)
        if decision == "denied" or changed:
            await self._app.access.audit.flush()

    def _decision(self, error: BaseException | None) -> AuditDecision:
        if self._caller is None:
            return "unauthenticated"
        return "denied" if isinstance(error, NotAllowed) else "allowed"

    def _entry(self, decision: AuditDecision, error: BaseException | None) -> AuditEntry:
        if error is None:
            result, status = self.subject.result, 200
        elif isinstance(error, HousecallError):
            result, status = error.wire_code, error.http_status
        else:
            result, status = HousecallError.code, HousecallError.status
        caller = self._caller
        return AuditEntry(
            operation=self._operation.name,
            decision=decision,
            source="api",
            account_id=caller.account_id if caller else "",
            principal=self._principal,
            user_id=caller.user_id if caller else "",
            access_key_id=caller.access_key_id if caller else claimed_key(self._request),
            source_address=self.conditions.get("acs:SourceIp", ""),
            request_id=self._request_id,
            action=self._operation.ram_action,
            instance_id=self.subject.instance_id,
            statement_hash=self.subject.statement_hash,
            call_id=self.subject.call_id,
            result=result,
            status=status,
        )


def is_reading(operation: Operation) -> bool:
    """Whether nothing changes: its line in the log may come a moment after the answer."""
    if operation.access in ("read", "list", "get"):
        return True
    return operation.access == "none" and operation.name.startswith(_READ_NAMES)


def claimed_key(request: SignedRequest) -> str:
    """The key that an unproved request names; empty when it is none of ours, since it might be a misplaced secret."""
    signed = (_CREDENTIAL.search(value) for name, value in request.headers if name == "authorization")
    named = [found[1] for found in signed if found]
    named += [value for name, value in (*request.query, *request.form) if name == "AccessKeyId"]
    return next((key for key in named if is_key_id(key)), "")


def instance_named(parameters: Mapping[str, Any]) -> str | None:
    """The instance that parameters name, when it can be the id of one."""
    inner = _inputs(parameters)
    for value in (parameters.get("InstanceId"), parameters.get("DBInstanceId"), inner.get("InstanceId")):
        if isinstance(value, str) and ID_PATTERN.fullmatch(value):
            return value
    return None


def call_named(parameters: Mapping[str, Any]) -> str | None:
    """The call of a tool that parameters name, when it can be the id of one."""
    for value in (parameters.get("CallId"), _inputs(parameters).get("ResumeCallId")):
        if isinstance(value, str) and is_id(value):
            return value.lower()
    return None


def _inputs(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    inputs = parameters.get("Inputs")
    if isinstance(inputs, str):
        try:
            inputs = json.loads(inputs)
        except (ValueError, RecursionError):
            inputs = None
    return inputs if isinstance(inputs, Mapping) else {}
