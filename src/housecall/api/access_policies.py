"""Policies of the caller's account: writing them, and saying for whom they count."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from housecall.access.policies import Attachment, StoredPolicy, TargetKind
from housecall.api.access_shared import (
    STS,
    Document,
    PageRequest,
    PageResponse,
    check_giving,
    check_taking_away,
    one_page,
    ram_operation,
    time_text,
)
from housecall.api.operation import Answer, Call, Handler, Operation
from housecall.api.wire import OptionalText, Success, Text, WireModel, WireRequest, WireResponse


class PolicyName(WireRequest):
    """One policy."""

    policy_name: Text
    """Name of the policy."""


class UpdatePolicyRequest(PolicyName):
    """A policy's new text."""

    policy_document: Document
    """The policy as a JSON document."""


class CreatePolicyRequest(UpdatePolicyRequest):
    """A new policy."""

    description: OptionalText = None
    """What the policy is for."""


class PolicyItem(WireModel):
    """A policy as it is listed. `policy_type` is System for those that come with Housecall."""

    policy_name: str
    policy_type: str
    description: str
    attachment_count: int
    create_date: str | None
    update_date: str | None


class PolicyResponse(WireResponse):
    """A policy with its document."""

    policy: PolicyItem
    policy_document: Mapping[str, Any]


class PolicyList(WireModel):
    """The list within the list, as RAM answers it."""

    policy: tuple[PolicyItem, ...]


class ListPoliciesResponse(PageResponse):
    """A page of policies, by name."""

    policies: PolicyList


class AttachedResponse(WireResponse):
    """The policies attached to one user, group or role itself."""

    policies: PolicyList


def _policy(stored: StoredPolicy) -> PolicyItem:
    return PolicyItem(
        policy_name=stored.name,
        policy_type=stored.kind,
        description=stored.description,
        attachment_count=stored.attachments,
        create_date=time_text(stored.created_at),
        update_date=time_text(stored.updated_at),
    )


def _whole(stored: StoredPolicy) -> PolicyResponse:
    return PolicyResponse(policy=_policy(stored), policy_document=stored.document)


async def create_policy(call: Call, request: CreatePolicyRequest) -> PolicyResponse:
    """A policy alone gives nobody anything; attaching it does, and is checked."""
    policies = call.app.access.policies
    made = await policies.create(
        call.caller.account_id, request.policy_name, request.policy_document, request.description or ""
    )
    return _whole(made)


async def update_policy(call: Call, request: UpdatePolicyRequest) -> PolicyResponse:
    """It may be attached to the caller himself, so both its old and its new text count."""
    access, account_id = call.app.access, call.caller.account_id
    before = await access.policies.get(account_id, request.policy_name)
    after = access.policies.parse(request.policy_document, request.policy_name)
    await check_giving(call, "ram:UpdatePolicy", [after])
    await check_taking_away(call, "ram:UpdatePolicy", [before.policy])
    changed = await access.policies.update(account_id, request.policy_name, request.policy_document)
    access.rights.forget()
    return _whole(changed)


async def get_policy(call: Call, request: PolicyName) -> PolicyResponse:
    return _whole(await call.app.access.policies.get(call.caller.account_id, request.policy_name))


async def list_policies(call: Call, request: PageRequest) -> ListPoliciesResponse:
    stored = await call.app.access.policies.list(call.caller.account_id)
    shown, page = one_page(stored, request, lambda each: each.name)
    return ListPoliciesResponse(policies=PolicyList(policy=tuple(map(_policy, shown))), **page)


async def delete_policy(call: Call, request: PolicyName) -> Success:
    await call.app.access.policies.delete(call.caller.account_id, request.policy_name)
    call.app.access.rights.forget()
    return Success()


class EntityItem(WireModel):
    """A user, group or role that a policy is attached to; the name of its kind is the other two's absence."""

    name: str
    attach_date: str | None


class EntityList(WireModel):
    """Whom a policy counts for, by kind."""

    users: tuple[EntityItem, ...]
    groups: tuple[EntityItem, ...]
    roles: tuple[EntityItem, ...]


class EntitiesResponse(WireResponse):
    """Whom a policy is attached to."""

    entities: EntityList


async def list_entities_for_policy(call: Call, request: PolicyName) -> EntitiesResponse:
    found = await call.app.access.policies.attachments_of(call.caller.account_id, request.policy_name)
    kinds = {kind: _entities(found, kind) for kind in ("user", "group", "role")}
    return EntitiesResponse(entities=EntityList(users=kinds["user"], groups=kinds["group"], roles=kinds["role"]))


def _entities(found: Sequence[Attachment], kind: str) -> tuple[EntityItem, ...]:
    return tuple(
        EntityItem(name=each.target, attach_date=time_text(each.attached_at))
        for each in found
        if each.target_kind == kind
    )


class DecodeRequest(WireRequest):
    """What a denial told."""

    encoded_diagnostic_message: Text
    """EncodedDiagnosticMessage of an AccessDeniedDetail."""


class DecodeResponse(WireResponse):
    """What was asked and which statement decided."""

    decoded_diagnostic_message: Mapping[str, Any]


async def decode_diagnostic_message(call: Call, request: DecodeRequest) -> DecodeResponse:
    """Only of the caller's own account; another's is none of this installation's, as far as he is concerned."""
    rights = call.app.access.rights
    told = rights.decode(request.encoded_diagnostic_message, account_id=call.caller.account_id)
    return DecodeResponse(decoded_diagnostic_message=told)


class UserPolicy(PolicyName):
    """A policy and a user."""

    user_name: Text
    """Name of the user."""


class GroupPolicy(PolicyName):
    """A policy and a group."""

    group_name: Text
    """Name of the group."""


class RolePolicy(PolicyName):
    """A policy and a role."""

    role_name: Text
    """Name of the role."""


class OneUser(WireRequest):
    """A user."""

    user_name: Text
    """Name of the user."""


class OneGroup(WireRequest):
    """A group."""

    group_name: Text
    """Name of the group."""


class OneRole(WireRequest):
    """A role."""

    role_name: Text
    """Name of the role."""


def _attaching(kind: TargetKind, name: str) -> Handler:
    async def attach(call: Call, request: PolicyName) -> Answer:
        access, account_id = call.app.access, call.caller.account_id
        stored = await access.policies.get(account_id, request.policy_name)
        await check_giving(call, f"ram:{name}", [stored.policy])
        await access.policies.attach(account_id, kind, getattr(request, f"{kind}_name"), request.policy_name)
        access.rights.forget()
        return Success()

    return attach


def _detaching(kind: TargetKind, name: str) -> Handler:
    async def detach(call: Call, request: PolicyName) -> Answer:
        access, account_id = call.app.access, call.caller.account_id
        stored = await access.policies.get(account_id, request.policy_name)
        await check_taking_away(call, f"ram:{name}", [stored.policy])
        await access.policies.detach(account_id, kind, getattr(request, f"{kind}_name"), request.policy_name)
        access.rights.forget()
        return Success()

    return detach


def _listing(kind: TargetKind) -> Handler:
    async def list_attached(call: Call, request: WireRequest) -> Answer:
        target = getattr(request, f"{kind}_name")
        stored = await call.app.access.policies.attached_to(call.caller.account_id, kind, target)
        return AttachedResponse(policies=PolicyList(policy=tuple(map(_policy, stored))))

    return list_attached


_TARGETS: Final[tuple[tuple[TargetKind, type[PolicyName], type[WireRequest]], ...]] = (
    ("user", UserPolicy, OneUser),
    ("group", GroupPolicy, OneGroup),
    ("role", RolePolicy, OneRole),
)


def _of_target(kind: TargetKind, both: type[PolicyName], alone: type[WireRequest]) -> tuple[Operation, ...]:
    word = kind.capitalize()
    target = {f"{word}Name": "ada" if kind == "user" else "dba"}
    errors = (f"EntityNotExist.{word}", "EntityNotExist.Policy")
    attach, detach, listing = f"AttachPolicyTo{word}", f"DetachPolicyFrom{word}", f"ListPoliciesFor{word}"
    return (
        ram_operation(
            name=attach,
            request=both,
            response=Success,
            summary=f"Let a policy count for a {kind}. You must have the rights that it gives yourself.",
            handler=_attaching(kind, attach),
            access="update",
            errors=(*errors, "LimitExceeded.Attachment"),
            example={"PolicyName": "HousecallChatAccess", **target},
        ),
        ram_operation(
            name=detach,
            request=both,
            response=Success,
            summary=f"Let a policy count for a {kind} no longer.",
            handler=_detaching(kind, detach),
            access="update",
            errors=errors,
            example={"PolicyName": "HousecallChatAccess", **target},
        ),
        ram_operation(
            name=listing,
            request=alone,
            response=AttachedResponse,
            summary=f"List the policies that are attached to a {kind}.",
            handler=_listing(kind),
            access="list",
            errors=errors[:1],
            example=target,
        ),
    )


_EXAMPLE: Final = {
    "Version": "1",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "rds:Describe*",
            "Resource": "acs:rds:*:*:dbinstance/orders-db",
            "Condition": {"IpAddress": {"acs:SourceIp": ["10.0.0.0/8"]}},
        }
    ],
}

OPERATIONS = (
    ram_operation(
        name="CreatePolicy",
        request=CreatePolicyRequest,
        response=PolicyResponse,
        summary="Write a policy; it counts for nobody until it is attached.",
        handler=create_policy,
        access="create",
        errors=("MalformedPolicyDocument", "EntityAlreadyExists.Policy", "LimitExceeded.Policy"),
        example={"PolicyName": "orders-readers", "PolicyDocument": _EXAMPLE, "Description": "See the orders database"},
    ),
    ram_operation(
        name="UpdatePolicy",
        request=UpdatePolicyRequest,
        response=PolicyResponse,
        summary="Change a policy wherever it is attached, within five seconds.",
        handler=update_policy,
        access="update",
        errors=("MalformedPolicyDocument", "EntityNotExist.Policy", "EntityAlreadyExists.Policy"),
        example={"PolicyName": "orders-readers", "PolicyDocument": _EXAMPLE},
    ),
    ram_operation(
        name="GetPolicy",
        request=PolicyName,
        response=PolicyResponse,
        summary="Show a policy with its document.",
        handler=get_policy,
        access="get",
        errors=("EntityNotExist.Policy",),
        example={"PolicyName": "HousecallChatAccess"},
    ),
    ram_operation(
        name="ListPolicies",
        request=PageRequest,
        response=ListPoliciesResponse,
        summary="List the policies of your account and those that come with Housecall.",
        handler=list_policies,
        access="list",
        example={"MaxItems": 50},
    ),
    ram_operation(
        name="DeletePolicy",
        request=PolicyName,
        response=Success,
        summary="Remove a policy that is attached nowhere.",
        handler=delete_policy,
        access="delete",
        errors=("EntityNotExist.Policy", "DeleteConflict.Policy", "EntityAlreadyExists.Policy"),
        example={"PolicyName": "orders-readers"},
    ),
    ram_operation(
        name="ListEntitiesForPolicy",
        request=PolicyName,
        response=EntitiesResponse,
        summary="List the users, groups and roles that a policy is attached to.",
        handler=list_entities_for_policy,
        access="list",
        example={"PolicyName": "HousecallChatAccess"},
    ),
    *(operation for target in _TARGETS for operation in _of_target(*target)),
    Operation(
        name="DecodeDiagnosticMessage",
        request=DecodeRequest,
        response=DecodeResponse,
        summary="Read what a denial's EncodedDiagnosticMessage says: what was asked, and which statement decided.",
        handler=decode_diagnostic_message,
        access="get",
        ram_code=STS,
        example={"EncodedDiagnosticMessage": "AQ5vJ0p2d3Zr"},
    ),
)
