"""What holds for every policy and every request."""

import json
from itertools import permutations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from housecall.access.policy import (
    AccessRequest,
    Layers,
    Policy,
    dump_policy,
    evaluate,
    instance_resource,
    parse_policy,
)


def mostly(values: list[str]) -> st.SearchStrategy[str]:
    """One of the values, now and then any text."""
    return st.integers(0, 9).flatmap(lambda number: st.text() if number == 9 else st.sampled_from(values))


ACTIONS = st.sampled_from(
    ["*", "rdsai:*", "rdsai:ChatMessages", "rdsai:Get*", "rds:Describe*", "rds:DescribeDBInstances", "*:Get?essages"]
)
RESOURCES = st.sampled_from(
    ["*", "acs:rds:*:*:*", "acs:rds:*:1:dbinstance/a", "acs:rds:*:*:dbinstance/?", "acs:*:*:2:dbinstance/*"]
)
TEXTS = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=8)
VALUES = {
    "StringEquals": st.sampled_from(["a", "b", "*"]) | TEXTS,
    "StringNotEqualsIgnoreCase": st.sampled_from(["A", "b"]) | TEXTS,
    "StringNotLike": st.sampled_from(["a*", "?"]) | TEXTS,
    "NumericLessThan": st.integers(-9, 9).map(str),
    "NumericNotEquals": st.integers(-9, 9).map(str),
    "DateGreaterThan": st.datetimes().map(
        lambda each: each.strftime("%Y").zfill(4) + each.strftime("-%m-%dT%H:%M:%SZ")
    ),
    "Bool": st.sampled_from(["true", "false"]),
    "IpAddress": st.ip_addresses().map(str) | st.sampled_from(["10.0.0.0/8", "::/0"]),
    "NotIpAddress": st.sampled_from(["10.0.0.0/8", "2001:db8::/32"]),
}
KEYS = st.sampled_from(["acs:SourceIp", "acs:CurrentTime", "acs:SecureTransport", "acs:SourceVpc", "rds:ResourceTag/x"])
OPERATORS = st.sampled_from(sorted(VALUES))
UNHURRIED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no reason to fail."""


@st.composite
def conditions(draw: st.DrawFn) -> dict:
    """No operator, one or two, each with one or two keys."""
    chosen: dict = {}
    for operator in draw(st.lists(OPERATORS, max_size=2, unique=True)):
        keys = draw(st.lists(KEYS, min_size=1, max_size=2, unique=True))
        chosen[operator] = {key: draw(one_or_more(VALUES[operator])) for key in keys}
    return chosen


def one_or_more(values: st.SearchStrategy[str]) -> st.SearchStrategy[str | list[str]]:
    return values | st.lists(values, min_size=1, max_size=3)


@st.composite
def statements(draw: st.DrawFn, effect: str | None = None) -> dict:
    return {
        "Effect": effect or draw(st.sampled_from(["Allow", "Allow", "Deny"])),
        draw(st.sampled_from(["Action", "Action", "NotAction"])): draw(one_or_more(ACTIONS)),
        draw(st.sampled_from(["Resource", "Resource", "NotResource"])): draw(one_or_more(RESOURCES)),
        "Condition": draw(st.just({}) | st.just({}) | conditions()),
    }


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    chosen = draw(st.lists(statements(), min_size=1, max_size=3))
    return parse_policy({"Version": "1", "Statement": chosen}, draw(st.sampled_from(["a", "b"])))


SETS = st.lists(policies(), max_size=3).map(tuple)
LAYERS = st.builds(Layers, SETS, st.none() | SETS, st.none() | SETS, st.booleans())
CONTEXT_VALUES = st.sampled_from(["a", "A", "10.1.1.1", "2001:db8::1", "true", "5", "2026-11-23T00:00:00Z"]) | st.text()
REQUESTS = st.builds(
    AccessRequest,
    mostly(["rdsai:ChatMessages", "RDSAI:GETMESSAGES", "rds:DescribeDBInstances"]),
    mostly(["*", instance_resource("r", "1", "a"), instance_resource("r", "2", "b")]),
    st.dictionaries(KEYS | st.text(), CONTEXT_VALUES | st.lists(CONTEXT_VALUES, max_size=3), max_size=4),
)


def policy_of(*documents: dict) -> Policy:
    return parse_policy({"Version": "1", "Statement": list(documents)}, "added")


@UNHURRIED
@given(REQUESTS, LAYERS)
def test_evaluating_gives_a_decision_that_fits_together(request: AccessRequest, layers: Layers) -> None:
    decision = evaluate(request, layers)
    assert decision.allowed is (decision.effect == "Allowed")
    assert decision.allowed is (decision.no_permission_type is None)
    assert (decision.policy is None) is (decision.statement is None)
    assert decision.effect != "ExplicitDeny" or decision.statement is not None


@UNHURRIED
@given(policies())
def test_a_policy_is_the_same_after_it_is_written_and_read(policy: Policy) -> None:
    written = json.dumps(dump_policy(policy))
    assert parse_policy(written, policy.name) == policy


@UNHURRIED
@given(REQUESTS, LAYERS, st.sampled_from(["identity", "session", "control"]))
def test_a_deny_that_applies_wins_in_any_layer(request: AccessRequest, layers: Layers, where: str) -> None:
    everything = policy_of({"Effect": "Deny", "Action": "*", "Resource": "*"})
    denied = added(layers, where, everything)
    asked = where != "identity" or not layers.is_root
    assert not asked or evaluate(request, denied).effect == "ExplicitDeny"


@UNHURRIED
@given(REQUESTS, LAYERS, st.sampled_from(["identity", "session", "control"]), statements("Allow"))
def test_adding_an_allow_never_takes_a_permission_away(
    request: AccessRequest, layers: Layers, where: str, allowing: dict
) -> None:
    before = evaluate(request, layers)
    after = evaluate(request, added(layers, where, policy_of(allowing), only_present=True))
    assert after.allowed or not before.allowed
    assert (after.effect == "ExplicitDeny") is (before.effect == "ExplicitDeny")


@UNHURRIED
@given(REQUESTS, LAYERS, st.sampled_from(["identity", "session", "control"]), statements("Deny"))
def test_adding_a_deny_never_gives_a_permission(
    request: AccessRequest, layers: Layers, where: str, denying: dict
) -> None:
    before = evaluate(request, layers)
    after = evaluate(request, added(layers, where, policy_of(denying), only_present=True))
    assert before.allowed or not after.allowed


@UNHURRIED
@given(REQUESTS, LAYERS)
def test_what_is_allowed_is_what_every_layer_allows_by_itself(request: AccessRequest, layers: Layers) -> None:
    alone = [evaluate(request, Layers(identity=policies)) for _type, policies in layers.present()]
    assert evaluate(request, layers).allowed is all(each.allowed for each in alone)
    denied = any(each.effect == "ExplicitDeny" for each in alone)
    assert (evaluate(request, layers).effect == "ExplicitDeny") is denied


@UNHURRIED
@given(REQUESTS, st.lists(policies(), min_size=1, max_size=3))
def test_the_order_of_policies_never_matters(request: AccessRequest, chosen: list[Policy]) -> None:
    effects = {evaluate(request, Layers(tuple(order))).effect for order in permutations(chosen)}
    assert len(effects) == 1


@UNHURRIED
@given(REQUESTS, st.lists(statements(), min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_statements_actions_resources_and_values_never_matters(request, documents, random) -> None:
    shuffled = [mixed(each, random) for each in documents]
    random.shuffle(shuffled)
    before = evaluate(request, Layers((policy_of(*documents),)))
    after = evaluate(request, Layers((policy_of(*shuffled),)))
    assert before.effect == after.effect


def mixed(value: object, random) -> object:
    """The same document with every list and object in another order."""
    if isinstance(value, list):
        return random.sample([mixed(each, random) for each in value], len(value))
    if isinstance(value, dict):
        return {key: mixed(value[key], random) for key in random.sample(sorted(value), len(value))}
    return value


def added(layers: Layers, where: str, policy: Policy, *, only_present: bool = False) -> Layers:
    """The layers with one more policy in one of them; a layer that is not there stays away if asked to."""
    parts = {"identity": layers.identity, "session": layers.session, "control": layers.control}
    if parts[where] is None and only_present:
        return layers
    parts[where] = (*(parts[where] or ()), policy)
    return Layers(**parts, is_root=layers.is_root)
