"""Nobody hands out more than he has: whether a policy grants something that its giver may not do himself.

Who may attach policies, make keys for others or open roles could otherwise give himself everything. The test is on the
policies' text and errs to the safe side: a grant counts as covered only when, in every layer of the giver, an Allow
without conditions of its own covers each of its actions on each of its resources, and no Deny comes near. Root has
everything to give.

Pure: `exceeding` of any policies and layers is an answer, never an error.
"""

from collections.abc import Iterable

from housecall.access.policy import Layers
from housecall.access.statements import (
    ARN_PARTS,
    ActionPattern,
    Policy,
    ResourcePattern,
    Statement,
    arn_parts,
    fold_action,
)
from housecall.access.wildcards import Wildcard

MAX_PAIRS = 400
"""Actions times resources of one statement that are compared with all of the giver's; larger ones only root grants."""


def exceeding(policies: Iterable[Policy], giver: Layers) -> str | None:
    """The first thing in these policies that the giver may not do himself, in words; None when he may give them.

    The control layer is left out: it limits the receiver as it limits the giver.
    """
    layers = [] if giver.is_root else [giver.identity]
    if giver.session is not None:
        layers.append(giver.session)
    for policy in policies:
        for number, statement in enumerate(policy.statements, 1):
            if statement.effect == "Allow" and not all(_covered(statement, layer) for layer in layers):
                return f"statement {number} of policy '{policy.name}'"
    return None


def holds_deny(policies: Iterable[Policy]) -> bool:
    """Whether taking these policies away would give somebody more."""
    return any(statement.effect == "Deny" for policy in policies for statement in policy.statements)


def _covered(granted: Statement, layer: tuple[Policy, ...]) -> bool:
    if len(granted.actions) * len(granted.resources) > MAX_PAIRS:
        return False
    mine = [statement for policy in layer for statement in policy.statements]
    allows = [each for each in mine if each.effect == "Allow" and not each.not_actions and not each.not_resources]
    denies = [each for each in mine if each.effect == "Deny"]
    return all(
        any(_allows(statement, granted, action, resource) for statement in allows)
        and not any(_comes_near(statement, action, resource) for statement in denies)
        for action in _actions(granted)
        for resource in _resources(granted)
    )


_EVERY_ACTION = ActionPattern("*")
_EVERY_RESOURCE = ResourcePattern("*")


def _actions(granted: Statement) -> tuple[ActionPattern, ...]:
    """What a statement grants; a NotAction grants, for all we know, everything."""
    return (_EVERY_ACTION,) if granted.not_actions else granted.actions


def _resources(granted: Statement) -> tuple[ResourcePattern, ...]:
    return (_EVERY_RESOURCE,) if granted.not_resources else granted.resources


def _allows(mine: Statement, granted: Statement, action: ActionPattern, resource: ResourcePattern) -> bool:
    """Conditions narrow, so mine must have none, or exactly those that the granted statement has as well."""
    return (
        set(mine.conditions) <= set(granted.conditions)
        and any(covers(fold_action(each.text), fold_action(action.text)) for each in mine.actions)
        and any(_covers_resource(each, resource) for each in mine.resources)
    )


def _covers_resource(mine: ResourcePattern, granted: ResourcePattern) -> bool:
    if mine.means_all:
        return True
    outer, inner = arn_parts(mine.text), arn_parts(granted.text)
    return not granted.means_all and len(inner) == ARN_PARTS and all(map(covers, outer, inner))


def _comes_near(deny: Statement, action: ActionPattern, resource: ResourcePattern) -> bool:
    """Whether a Deny could apply to something of the grant. What a Not form leaves out, and what conditions keep
    apart, is not looked into."""
    near_action = deny.not_actions or any(
        overlap(fold_action(each.text), fold_action(action.text)) for each in deny.actions
    )
    return near_action and (deny.not_resources or any(_near(each, resource) for each in deny.resources))


def _near(one: ResourcePattern, other: ResourcePattern) -> bool:
    if one.means_all or other.means_all:
        return True
    return all(map(overlap, arn_parts(one.text), arn_parts(other.text)))


def covers(outer: str, inner: str) -> bool:
    """Whether every text that fits the pattern `inner` fits `outer`. False when in doubt: a `?` covers only itself.

    Without a `?`, `outer` is fixed text and asterisks. Fixed text matches only fixed text of `inner`, so the wildcards
    of `inner`, read as letters, can only have fallen to the asterisks of `outer`.
    """
    return outer == inner or ("?" not in outer and Wildcard(outer).matches(inner))


def overlap(one: str, other: str) -> bool:
    """Whether some text fits both patterns."""
    rows = [[False] * (len(other) + 1) for _ in range(len(one) + 1)]
    rows[0][0] = True
    for i in range(len(one) + 1):
        for j in range(len(other) + 1):
            if i and one[i - 1] == "*":
                rows[i][j] |= rows[i - 1][j]
            if j and other[j - 1] == "*":
                rows[i][j] |= rows[i][j - 1]
            if i and j:
                rows[i][j] |= _step(rows, one[i - 1], other[j - 1], i, j)
    return rows[-1][-1]


def _step(rows: list[list[bool]], one: str, other: str, i: int, j: int) -> bool:
    """One letter for both: an asterisk takes it and stays."""
    if one == "*":
        return rows[i][j - 1] if other != "*" else rows[i - 1][j - 1]
    if other == "*":
        return rows[i - 1][j]
    return rows[i - 1][j - 1] and (one == other or "?" in (one, other))
