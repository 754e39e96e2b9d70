"""What the operations of access management share: readers, pages by name, and the rule that nobody hands out more than
he has."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from housecall.access.builtin_policies import builtin_policies
from housecall.access.delegation import exceeding, holds_deny
from housecall.access.policy import AccessRequest, Decision, Policy
from housecall.access.policy_document import CODE as MALFORMED
from housecall.access.rights import Ruling
from housecall.api.operation import Call, Operation
from housecall.api.wire import MISSING, OptionalText, WireRequest, WireResponse, parse_json, whole_number
from housecall.errors import NotAllowed, RequestError

RAM = "ram"
STS = "sts"
DEFAULT_ITEMS = 100
ItemT = TypeVar("ItemT")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def _document_text(value: Any) -> str:
    """A document as JSON text, whether it came as text or, in a JSON body, as an object."""
    if value is None or value == "":
        raise MISSING
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _optional_document(value: Any) -> str | None:
    return None if value is None or value == "" else _document_text(value)


def _read_moment(value: Any) -> datetime | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass  # a 13th month has the form of a time and is none
    text = f"{str(value)[:40]!r} is not allowed; it must be a time such as 2026-01-31T12:00:00Z"
    raise PydanticCustomError("wire_value", "{text}", {"text": text})


Document = Annotated[str, BeforeValidator(_document_text)]
OptionalDocument = Annotated[str | None, BeforeValidator(_optional_document)]
Moment = Annotated[datetime | None, BeforeValidator(_read_moment)]


def document_of(text: str) -> Mapping[str, Any]:
    """The object of a JSON document. Raises RequestError (MalformedPolicyDocument)."""
    try:
        parsed = parse_json(text)
    except ValueError as error:
        raise RequestError(f"The document is not JSON: {error}.", code=MALFORMED) from None
    if not isinstance(parsed, dict):
        raise RequestError("The document must be a JSON object.", code=MALFORMED)
    return parsed


class PageRequest(WireRequest):
    """Lists are paged by name, so that what is added meanwhile disturbs no page."""

    marker: OptionalText = None
    """Marker of the page before."""
    max_items: Annotated[int | None, whole_number(1, 1000)] = None
    """Items on a page, 1 to 1000; 100 by default."""


class PageResponse(WireResponse):
    """`marker` is there when `is_truncated`."""

    is_truncated: bool
    marker: str | None


def one_page(
    items: Sequence[ItemT], request: PageRequest, name: Callable[[ItemT], str]
) -> tuple[list[ItemT], dict[str, Any]]:
    """The items after the marker, and the fields that say whether there are more."""
    ordered = sorted(items, key=name)
    rest = [item for item in ordered if request.marker is None or name(item) > request.marker]
    shown = rest[: request.max_items or DEFAULT_ITEMS]
    more = len(rest) > len(shown)
    return shown, {"is_truncated": more, "marker": name(shown[-1]) if more else None}


def time_text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


async def check_giving(call: Call, operation: str, policies: Iterable[Policy]) -> None:
    """Raises NotAllowed unless the caller himself has everything that these policies allow."""
    principal = await call.app.access.rights.principal(call.caller)
    if exceeding(policies, principal.layers) is not None:
        raise await refusal(
            call, operation, "that would hand out more rights than you have yourself, without conditions"
        )


async def check_taking_away(call: Call, operation: str, policies: Iterable[Policy]) -> None:
    """Raises NotAllowed when a Deny would go that the caller, who has not every right, could be held by."""
    if holds_deny(policies):
        principal = await call.app.access.rights.principal(call.caller)
        if exceeding([builtin_policies()["AdministratorAccess"]], principal.layers) is not None:
            raise await refusal(call, operation, "it would take away a Deny, for which one needs every right oneself")


async def check_installation(call: Call, operation: str) -> None:
    """Raises NotAllowed unless the caller belongs to the account of the installation itself."""
    if call.caller.account_id != call.app.root.account_id:
        raise await refusal(call, operation, "it belongs to the installation's own account")


async def refusal(call: Call, action: str, why: str) -> NotAllowed:
    """A denial that no statement of a policy made. It has the same detail."""
    rights = call.app.access.rights
    ruling = Ruling(
        await rights.principal(call.caller),
        AccessRequest(action, "*", call.conditions),
        Decision("ImplicitDeny", "AccountLevelIdentityBasedPolicy"),
    )
    denial = rights.denial(ruling, call.request_id)
    return NotAllowed(f"You are not authorized to do this action: {action}; {why}.", detail=denial.detail)


async def own_user_name(call: Call) -> str:
    """The name of the calling user. Raises RequestError for a role, which is nobody."""
    for user in await call.app.access.people.list_users(call.caller.account_id):
        if user.user_id == call.caller.user_id:
            return user.name
    raise RequestError("The provided parameter is invalid. UserName: a role has no user; name one.")


def ram_operation(**fields: Any) -> Operation:
    """An operation of access management, under the RAM code `ram`."""
    return Operation(ram_code=RAM, **fields)
