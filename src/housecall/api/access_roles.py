"""Roles of the caller's account, assuming one, and who one is.

AssumeRole asks twice: the caller's own policies for `sts:AssumeRole` on the role, and the role's trust policy for the
caller. Whatever is missing, the role itself included, the answer is the same, so that roles cannot be guessed.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from housecall.access.names import role_arn
from housecall.access.policy import AccessRequest, Decision
from housecall.access.rights import Ruling
from housecall.access.roles import MAX_SESSION_SECONDS, MIN_SESSION_SECONDS, Role
from housecall.access.trust import ASSUME_ROLE, trusts
from housecall.api.access_shared import (
    STS,
    Document,
    OptionalDocument,
    PageRequest,
    PageResponse,
    check_giving,
    document_of,
    one_page,
    ram_operation,
    refusal,
    time_text,
)
from housecall.api.operation import Call, Operation
from housecall.api.wire import OptionalText, Success, Text, WireModel, WireRequest, WireResponse, whole_number
from housecall.errors import RequestError

_ROLE_ARN = re.compile(r"acs:ram::(?P<account>[0-9]{1,20}):role/(?P<name>[A-Za-z0-9._-]{1,64})")
Duration = Annotated[int | None, whole_number(MIN_SESSION_SECONDS, MAX_SESSION_SECONDS)]


class RoleName(WireRequest):
    """One role."""

    role_name: Text
    """Name of the role."""


class CreateRoleRequest(RoleName):
    """A new role."""

    assume_role_policy_document: Document
    """The trust policy as a JSON document: who may assume the role."""
    description: OptionalText = None
    """What the role is for."""
    max_session_duration: Duration = None
    """Longest session in seconds, 900 to 43200; 3600 by default."""


class UpdateRoleRequest(RoleName):
    """What of a role to change."""

    new_assume_role_policy_document: OptionalDocument = None
    """The new trust policy."""
    new_max_session_duration: Duration = None
    """The new longest session in seconds."""


class RoleItem(WireModel):
    """A role."""

    role_id: str
    role_name: str
    arn: str
    description: str
    max_session_duration: int
    create_date: str | None
    assume_role_policy_document: Mapping[str, Any]


class RoleResponse(WireResponse):
    """One role."""

    role: RoleItem


class RoleList(WireModel):
    """The list within the list."""

    role: tuple[RoleItem, ...]


class ListRolesResponse(PageResponse):
    """A page of roles, by name."""

    roles: RoleList


def _role(role: Role) -> RoleItem:
    return RoleItem(
        role_id=role.role_id,
        role_name=role.name,
        arn=role_arn(role.account_id, role.name),
        description=role.description,
        max_session_duration=role.max_session_seconds,
        create_date=time_text(role.created_at),
        assume_role_policy_document=role.trust_policy,
    )


async def create_role(call: Call, request: CreateRoleRequest) -> RoleResponse:
    made = await call.app.access.roles.create(
        call.caller.account_id,
        request.role_name,
        document_of(request.assume_role_policy_document),
        request.description or "",
        **({} if request.max_session_duration is None else {"max_session_seconds": request.max_session_duration}),
    )
    return RoleResponse(role=_role(made))


async def get_role(call: Call, request: RoleName) -> RoleResponse:
    return RoleResponse(role=_role(await call.app.access.roles.get(call.caller.account_id, request.role_name)))


async def list_roles(call: Call, request: PageRequest) -> ListRolesResponse:
    roles = await call.app.access.roles.list(call.caller.account_id)
    shown, page = one_page(roles, request, lambda role: role.name)
    return ListRolesResponse(roles=RoleList(role=tuple(map(_role, shown))), **page)


async def update_role(call: Call, request: UpdateRoleRequest) -> RoleResponse:
    """Who opens a role to somebody gives him what the role may."""
    access, account_id = call.app.access, call.caller.account_id
    attached = await access.policies.attached_to(account_id, "role", request.role_name)
    await check_giving(call, "ram:UpdateRole", [each.policy for each in attached])
    document = request.new_assume_role_policy_document
    changed = await access.roles.update(
        account_id,
        request.role_name,
        None if document is None else document_of(document),
        request.new_max_session_duration,
    )
    return RoleResponse(role=_role(changed))


async def delete_role(call: Call, request: RoleName) -> Success:
    await call.app.access.roles.delete(call.caller.account_id, request.role_name)
    call.app.access.rights.forget()
    return Success()


class AssumeRoleRequest(WireRequest):
    """Which role, for how long, and what to leave out of it."""

    role_arn: Text
    """Resource name of the role: acs:ram::<account>:role/<name>."""
    role_session_name: Text
    """A name for the session, 2 to 64 characters; conversations belong to it."""
    duration_seconds: Duration = None
    """How long it lasts, 900 seconds to the role's longest; 3600 by default."""
    policy: OptionalDocument = None
    """Session policy as a JSON document: what of the role's rights the session has."""


class Credentials(WireModel):
    """Temporary credentials, shown this once."""

    access_key_id: str
    access_key_secret: str = Field(repr=False)
    security_token: str = Field(repr=False)
    expiration: str | None


class AssumedRole(WireModel):
    """Who one is with them."""

    arn: str
    assumed_role_id: str


class AssumeRoleResponse(WireResponse):
    """Temporary credentials and who one is with them."""

    credentials: Credentials
    assumed_role_user: AssumedRole


async def assume_role(call: Call, request: AssumeRoleRequest) -> AssumeRoleResponse:
    named = _ROLE_ARN.fullmatch(request.role_arn)
    if named is None:
        raise RequestError(
            f"The provided parameter is invalid. RoleArn: {request.role_arn[:80]!r} must be"
            " acs:ram::<account>:role/<name>."
        )
    if call.caller.session_id:
        raise await refusal(call, ASSUME_ROLE, "a role cannot assume another role")
    role = await _trusting_role(call, request.role_arn, named["account"], named["name"])
    session = await call.app.access.roles.open_session(
        role, call.caller, request.role_session_name, request.duration_seconds, request.policy
    )
    return AssumeRoleResponse(
        credentials=Credentials(
            access_key_id=session.access_key_id,
            access_key_secret=session.access_key_secret.get_secret_value(),
            security_token=session.security_token.get_secret_value(),
            expiration=time_text(session.expires_at),
        ),
        assumed_role_user=AssumedRole(arn=session.arn, assumed_role_id=f"{role.role_id}:{request.role_session_name}"),
    )


async def _trusting_role(call: Call, arn: str, account_id: str, name: str) -> Role:
    """Raises NotAllowed, the same whether the role is not there or does not trust the caller."""
    access = call.app.access
    ruling = await access.rights.require(call.caller, ASSUME_ROLE, arn, call.conditions, request_id=call.request_id)
    role = await access.roles.find(account_id, name)
    decision = (
        Decision("ImplicitDeny")
        if role is None
        else trusts(role.trust, call.caller.account_id, ruling.principal.arn, ruling.request.context)
    )
    if role is None or not decision.allowed:
        request = AccessRequest(ASSUME_ROLE, arn, ruling.request.context)
        implicit = Decision("ImplicitDeny", "AssumeRolePolicy")
        raise access.rights.denial(Ruling(ruling.principal, request, implicit), call.request_id)
    return role


class CallerIdentityRequest(WireRequest):
    """Takes no parameters."""


class CallerIdentityResponse(WireResponse):
    """Who signed the request."""

    account_id: str
    arn: str
    identity_type: str
    principal_id: str


async def get_caller_identity(call: Call, request: CallerIdentityRequest) -> CallerIdentityResponse:  # noqa: ARG001
    principal = await call.app.access.rights.principal(call.caller)
    return CallerIdentityResponse(
        account_id=call.caller.account_id,
        arn=principal.arn,
        identity_type=principal.kind,
        principal_id=call.caller.user_id,
    )


_TRUST = {
    "Version": "1",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"RAM": ["acs:ram::1234567890123456:user/ada"]},
        }
    ],
}

OPERATIONS = (
    ram_operation(
        name="CreateRole",
        request=CreateRoleRequest,
        response=RoleResponse,
        summary="Make a role, which the users of its trust policy may assume for a while.",
        handler=create_role,
        access="create",
        errors=("MalformedPolicyDocument", "EntityAlreadyExists.Role", "LimitExceeded.Role"),
        example={"RoleName": "on-call", "AssumeRolePolicyDocument": _TRUST, "MaxSessionDuration": 7200},
    ),
    ram_operation(
        name="GetRole",
        request=RoleName,
        response=RoleResponse,
        summary="Show a role with its trust policy.",
        handler=get_role,
        access="get",
        errors=("EntityNotExist.Role",),
        example={"RoleName": "on-call"},
    ),
    ram_operation(
        name="ListRoles",
        request=PageRequest,
        response=ListRolesResponse,
        summary="List the roles of your account by name.",
        handler=list_roles,
        access="list",
        example={"MaxItems": 50},
    ),
    ram_operation(
        name="UpdateRole",
        request=UpdateRoleRequest,
        response=RoleResponse,
        summary="Change who may assume a role and for how long. You must have the rights of the role yourself.",
        handler=update_role,
        access="update",
        errors=("MalformedPolicyDocument", "EntityNotExist.Role"),
        example={"RoleName": "on-call", "NewMaxSessionDuration": 3600},
    ),
    ram_operation(
        name="DeleteRole",
        request=RoleName,
        response=Success,
        summary="Remove a role; its sessions end.",
        handler=delete_role,
        access="delete",
        errors=("EntityNotExist.Role",),
        example={"RoleName": "on-call"},
    ),
    Operation(
        name="AssumeRole",
        request=AssumeRoleRequest,
        response=AssumeRoleResponse,
        summary="Get temporary credentials of a role: a key, its secret and a security token, all shown this once.",
        handler=assume_role,
        access="create",
        errors=("MalformedPolicyDocument",),
        ram_code=STS,
        asks_itself=True,
        example={"RoleArn": "acs:ram::1234567890123456:role/on-call", "RoleSessionName": "ada", "DurationSeconds": 900},
    ),
    Operation(
        name="GetCallerIdentity",
        request=CallerIdentityRequest,
        response=CallerIdentityResponse,
        summary="Say who signed the request. Everybody may ask.",
        handler=get_caller_identity,
        access="get",
        ram_code=STS,
        asks_itself=True,
    ),
)
