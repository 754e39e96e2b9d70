"""What a RAM policy says: statements that allow or deny actions on resources under conditions.

Everything that costs time is prepared when a statement is made, so that evaluating hundreds of them stays cheap.
Actions compare without regard to (ASCII) case, resources and conditions with it.
"""

from dataclasses import dataclass, field
from typing import Literal

from housecall.access.conditions import Condition, Context
from housecall.access.wildcards import Wildcard

Effect = Literal["Allow", "Deny"]

ALL_RESOURCES = "*"
ARN_PARTS = 5


def instance_resource(region: str, account_id: str, instance_id: str) -> str:
    """The resource name of one instance, as `rds:` actions are authorised on it."""
    return f"acs:rds:{region}:{account_id}:dbinstance/{instance_id}"


def fold_action(action: str) -> str:
    """An action as it is compared. Only ASCII is folded: `K` must not also mean the Kelvin sign."""
    return action.lower() if action.isascii() else action


@dataclass(frozen=True, slots=True)
class ActionPattern:
    """`*`, or `<service>:<action name>` with wildcards in either part."""

    text: str
    _wildcard: Wildcard = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_wildcard", Wildcard(fold_action(self.text)))

    def matches(self, folded_action: str) -> bool:
        return self._wildcard.matches(folded_action)


@dataclass(frozen=True, slots=True)
class ResourcePattern:
    """`*`, or `acs:<service>:<region>:<account>:<relative id>` with wildcards that stay inside their part.

    An operation that is authorised on all resources (its resource is `*`) needs a pattern that means all: a narrower
    one does not match it, however wide its wildcards are.
    """

    text: str
    _parts: tuple[Wildcard, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        parts = () if self.means_all else arn_parts(self.text)
        object.__setattr__(self, "_parts", tuple(map(Wildcard, parts)))

    @property
    def means_all(self) -> bool:
        return Wildcard(self.text).matches_everything

    def matches(self, resource_parts: tuple[str, ...]) -> bool:
        if not self._parts:
            return True
        return len(resource_parts) == ARN_PARTS and all(
            pattern.matches(part) for pattern, part in zip(self._parts, resource_parts, strict=True)
        )


def arn_parts(resource: str) -> tuple[str, ...]:
    """The five parts of a resource name; what follows the fourth colon is one part. Fewer when it is no such name."""
    return tuple(resource.split(":", ARN_PARTS - 1))


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. `actions` are what it covers, or with `not_actions` what it leaves out; resources likewise."""

    effect: Effect
    actions: tuple[ActionPattern, ...]
    resources: tuple[ResourcePattern, ...]
    conditions: tuple[Condition, ...] = ()
    not_actions: bool = False
    not_resources: bool = False

    def applies(self, folded_action: str, resource_parts: tuple[str, ...], context: Context) -> bool:
        return (
            self._covers_action(folded_action)
            and self._covers_resource(resource_parts)
            and all(condition.holds(context) for condition in self.conditions)
        )

    def _covers_action(self, folded_action: str) -> bool:
        return any(pattern.matches(folded_action) for pattern in self.actions) is not self.not_actions

    def _covers_resource(self, resource_parts: tuple[str, ...]) -> bool:
        """NotResource is narrower than everything. For an operation on all resources (or on what is no resource
        name) it therefore never allows, and denies unless it leaves all out: doubt ends with less permission."""
        matched = any(pattern.matches(resource_parts) for pattern in self.resources)
        if self.not_resources and len(resource_parts) != ARN_PARTS:
            return self.effect == "Deny" and not matched
        return matched is not self.not_resources


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy by name. Its statements are numbered from 1 where people see them."""

    name: str
    statements: tuple[Statement, ...]
