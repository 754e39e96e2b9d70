"""What a RAM policy says: statements that allow or deny actions on resources under conditions.

Everything that costs time is prepared when a statement is made, so that evaluating hundreds of them stays cheap.
Actions compare without regard to (ASCII) case, resources and conditions with it.
"""

from collections.abc import Callable
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
    """`*`, or `<service>:<action name>` with wildcards in either part. `matches` takes a folded action."""

    text: str
    matches: Callable[[str], bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "matches", Wildcard(fold_action(self.text)).matches)


@dataclass(frozen=True, slots=True)
class ResourcePattern:
    """`*`, or `acs:<service>:<region>:<account>:<relative id>` with wildcards that stay inside their part.

    An operation that is authorised on all resources (its resource is `*`) needs a pattern that means all: a narrower
    one does not match it, however wide its wildcards are.
    """

    text: str
    means_all: bool = field(init=False, repr=False, compare=False)
    _limiting: tuple[tuple[int, Wildcard], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Keeps the parts that say something, the one that says most first."""
        parts = tuple(enumerate(map(Wildcard, arn_parts(self.text))))
        limiting = tuple((place, part) for place, part in reversed(parts) if not part.matches_everything)
        object.__setattr__(self, "means_all", Wildcard(self.text).matches_everything)
        object.__setattr__(self, "_limiting", limiting)

    def matches(self, resource_parts: tuple[str, ...]) -> bool:
        if self.means_all:
            return True
        return len(resource_parts) == ARN_PARTS and all(
            part.matches(resource_parts[place]) for place, part in self._limiting
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
        for pattern in self.actions:
            if pattern.matches(folded_action):
                return not self.not_actions
        return self.not_actions

    def _covers_resource(self, resource_parts: tuple[str, ...]) -> bool:
        """NotResource is narrower than everything. For an operation on all resources (or on what is no resource
        name) it therefore never allows, and denies unless it leaves all out: doubt ends with less permission."""
        for pattern in self.resources:
            if pattern.matches(resource_parts):
                return not self.not_resources
        return self.not_resources and (self.effect == "Deny" or len(resource_parts) == ARN_PARTS)


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy by name. Its statements are numbered from 1 where people see them."""

    name: str
    statements: tuple[Statement, ...]
