"""Nobody hands out more than he has: the test on policies' text, held against what evaluation really allows."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from housecall.access.delegation import MAX_PAIRS, covers, exceeding, holds_deny, overlap
from housecall.access.policy import AccessRequest, Layers, Policy, evaluate, parse_policy
from housecall.access.wildcards import Wildcard

PATTERNS = st.text(alphabet="ab*?", min_size=1, max_size=6)
TEXTS = st.text(alphabet="ab", max_size=6)


def policy(*statements: dict[str, Any]) -> Policy:
    return parse_policy({"Version": "1", "Statement": list(statements)}, "p")


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return allow(action, resource, **more) | {"Effect": "Deny"}


def may_give(mine: Policy, given_away: Policy, **layers: Any) -> bool:
    return exceeding([given_away], Layers(identity=(mine,), **layers)) is None


INSTANCE = "acs:rds:*:*:dbinstance/orders"


@pytest.mark.parametrize(
    ("mine", "given_away", "allowed"),
    [
        (allow("*"), allow("*"), True),
        (allow("rdsai:*"), allow("rdsai:Get*"), True),
        (allow("RDSAI:*"), allow("rdsai:Get*"), True),
        (allow("rdsai:Get*"), allow("rdsai:*"), False),
        (allow("rdsai:Get*"), allow("rdsai:G?t*"), False),
        (allow("rds:*"), allow("rds:QuerySQL", INSTANCE), True),
        (allow("rds:*", INSTANCE), allow("rds:QuerySQL", INSTANCE), True),
        (allow("rds:*", INSTANCE), allow("rds:QuerySQL", "acs:rds:*:*:dbinstance/*"), False),
        (allow("rds:*", INSTANCE), allow("rds:QuerySQL"), False),
        (allow("rds:*", Condition={"Bool": {"acs:SecureTransport": "true"}}), allow("rds:QuerySQL"), False),
        (
            allow("rds:*", Condition={"Bool": {"acs:SecureTransport": "true"}}),
            allow("rds:QuerySQL", Condition={"Bool": {"acs:SecureTransport": "true"}}),
            True,
        ),
        (allow("rdsai:*"), deny("*"), True),
    ],
)
def test_a_grant_is_covered_by_what_the_giver_has_or_refused(mine, given_away, allowed):
    assert may_give(policy(mine), policy(given_away)) is allowed


def test_a_deny_of_the_giver_that_comes_near_refuses_the_grant():
    mine = policy(allow("rds:*"), deny("rds:QuerySQL"))
    assert not may_give(mine, policy(allow("rds:Q*")))
    assert may_give(mine, policy(allow("rds:Describe*")))


def test_a_session_policy_limits_what_its_holder_may_give():
    mine, narrow = policy(allow("*")), policy(allow("rdsai:*"))
    assert may_give(mine, narrow, session=(narrow,))
    assert not may_give(mine, policy(allow("rds:*")), session=(narrow,))


def test_root_gives_anything():
    assert exceeding([policy(allow("*"))], Layers(is_root=True)) is None


def test_a_grant_by_exclusion_needs_everything():
    everything_but = {"Effect": "Allow", "NotAction": "ram:*", "Resource": "*"}
    assert not may_give(policy(allow("rdsai:*")), policy(everything_but))
    assert may_give(policy(allow("*")), policy(everything_but))


def test_a_statement_too_large_to_compare_is_not_given():
    actions = [f"rdsai:A{number}" for number in range(21)]
    resources = [f"acs:rds:*:*:dbinstance/{number}" for number in range(20)]
    assert len(actions) * len(resources) > MAX_PAIRS
    assert not may_give(policy(allow("*")), policy(allow(actions, resources)))
    assert may_give(policy(allow("*")), policy(allow(actions[:20], resources)))


def test_whether_a_policy_holds_a_deny():
    assert holds_deny([policy(allow("a:b")), policy(deny("a:b"))])
    assert not holds_deny([policy(allow("a:b"))])


@given(PATTERNS, PATTERNS, TEXTS)
def test_what_covers_a_pattern_fits_all_that_fits_it(outer, inner, text):
    if covers(outer, inner) and Wildcard(inner).matches(text):
        assert Wildcard(outer).matches(text)


@given(PATTERNS, PATTERNS, TEXTS)
def test_patterns_that_share_a_text_overlap(one, other, text):
    if Wildcard(one).matches(text) and Wildcard(other).matches(text):
        assert overlap(one, other)


ACTIONS = st.sampled_from(["*", "a:*", "a:x", "a:x*", "a:?", "b:*", "b:y"])
RESOURCES = st.sampled_from(["*", "acs:a:*:*:*", "acs:a:*:*:i/1", "acs:a:*:*:i/*"])
CONDITIONS = st.sampled_from([{}, {"Condition": {"Bool": {"acs:SecureTransport": "true"}}}])
STATEMENTS = st.builds(
    lambda effect, action, resource, condition: {
        "Effect": effect, "Action": action, "Resource": resource, **condition,
    },
    st.sampled_from(["Allow", "Allow", "Deny"]), ACTIONS, RESOURCES, CONDITIONS,
)  # fmt: skip
POLICIES = st.lists(STATEMENTS, min_size=1, max_size=4).map(lambda statements: policy(*statements))
ASKED = st.builds(
    AccessRequest,
    st.sampled_from(["a:x", "a:xy", "a:z", "b:y", "c:q"]),
    st.sampled_from(["*", "acs:a:r:1:i/1", "acs:a:r:1:i/2", "acs:b:r:1:i/1"]),
    st.sampled_from([{}, {"acs:SecureTransport": "true"}, {"acs:SecureTransport": "false"}]),
)


@given(POLICIES, POLICIES, ASKED)
def test_whoever_gets_a_grant_may_nothing_that_its_giver_may_not(mine, gift, asked):
    giver = Layers(identity=(mine,))
    if exceeding([gift], giver) is None and evaluate(asked, Layers(identity=(gift,))).allowed:
        assert evaluate(asked, giver).allowed
