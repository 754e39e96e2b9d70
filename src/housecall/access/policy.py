"""Whether a request is allowed: RAM policies of the caller, evaluated layer by layer.

The layers, from the outside in: the control policies of the organisation, the session policy of an assumed role, and
the identity policies of the user with those of the groups (or of the role). A layer that is present must allow; one
that is None is not there. The account's root is not limited by identity policies, but by the other layers. Any
Deny that applies, in any layer, decides: order never matters. Nothing is allowed that no policy allows.

Pure and total: a policy that was parsed and any request give a Decision, never an error.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from housecall.access.conditions import Context, ContextValue
from housecall.access.policy_document import dump_policy, parse_policy
from housecall.access.statements import ALL_RESOURCES, Policy, Statement, arn_parts, fold_action, instance_resource

__all__ = [
    "ALL_RESOURCES", "AccessRequest", "Decision", "DecisionEffect", "Layers", "Policy", "PolicyType", "Statement",
    "dump_policy", "evaluate", "instance_resource", "parse_policy",
]  # fmt: skip

DecisionEffect = Literal["Allowed", "ExplicitDeny", "ImplicitDeny"]
PolicyType = Literal["ControlPolicy", "SessionPolicy", "AccountLevelIdentityBasedPolicy", "AssumeRolePolicy"]


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """What somebody wants to do. `resource` is `*` for an operation that is authorised on all resources only.

    `context` holds what conditions ask for: `acs:SourceIp`, `acs:CurrentTime` (ISO-8601 with zone),
    `acs:SecureTransport` ("true" or "false") and so on. A key that is not known is left out, not set to "".
    """

    action: str
    resource: str = ALL_RESOURCES
    context: Mapping[str, ContextValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Layers:
    """The policies that limit a caller. Without any, nothing is allowed."""

    identity: tuple[Policy, ...] = ()
    session: tuple[Policy, ...] | None = None
    control: tuple[Policy, ...] | None = None
    is_root: bool = False

    def present(self) -> Iterator[tuple[PolicyType, tuple[Policy, ...]]]:
        """The layers that must allow, from the outside in."""
        if self.control is not None:
            yield "ControlPolicy", self.control
        if self.session is not None:
            yield "SessionPolicy", self.session
        if not self.is_root:
            yield "AccountLevelIdentityBasedPolicy", self.identity


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided and by what.

    `policy` and `statement` (from 1) name the statement that denied or, innermost, allowed; None where no statement
    decided: an implicit denial, or root without other layers. `policy_type` is the layer of it, or the layer in which
    nothing allowed; None when no layer was asked.
    """

    effect: DecisionEffect
    policy_type: PolicyType | None = None
    policy: str | None = None
    statement: int | None = None

    @property
    def allowed(self) -> bool:
        return self.effect == "Allowed"

    @property
    def no_permission_type(self) -> Literal["ExplicitDeny", "ImplicitDeny"] | None:
        """The NoPermissionType of an AccessDeniedDetail; None when allowed."""
        return None if self.effect == "Allowed" else self.effect


def evaluate(request: AccessRequest, layers: Layers) -> Decision:
    """The decision on a request."""
    asked = _Asked(request)
    allowed, missing = Decision("Allowed"), None
    for policy_type, policies in layers.present():
        decision = _in_layer(asked, policy_type, policies)
        if decision.effect == "ExplicitDeny":
            return decision
        if decision.effect == "ImplicitDeny":
            missing = missing or decision
        allowed = decision
    return missing or allowed


class _Asked:
    """A request in the form that statements compare with, made once."""

    __slots__ = ("action", "context", "resource_parts")

    def __init__(self, request: AccessRequest) -> None:
        self.action = fold_action(request.action)
        self.resource_parts = arn_parts(request.resource)
        self.context = Context(request.context)


def _in_layer(asked: _Asked, policy_type: PolicyType, policies: tuple[Policy, ...]) -> Decision:
    """The first Deny that applies, else the first Allow, else an implicit denial."""
    allowed: Decision | None = None
    for policy in policies:
        for number, statement in enumerate(policy.statements, 1):
            if allowed is not None and statement.effect == "Allow":
                continue
            if not statement.applies(asked.action, asked.resource_parts, asked.context):
                continue
            if statement.effect == "Deny":
                return Decision("ExplicitDeny", policy_type, policy.name, number)
            allowed = Decision("Allowed", policy_type, policy.name, number)
    return allowed or Decision("ImplicitDeny", policy_type)
