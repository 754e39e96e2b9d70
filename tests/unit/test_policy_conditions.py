"""The operators of conditions, each with what it lets through and what it does not."""

import pytest

from housecall.access.conditions import OPERATORS, Condition, Context, unreadable


def holds(operator: str, wanted: str | list[str], actual: str | list[str] | None, key: str = "acs:Key") -> bool:
    values = (wanted,) if isinstance(wanted, str) else tuple(wanted)
    return Condition(operator, key, values).holds(Context({} if actual is None else {key: actual}))


@pytest.mark.parametrize(
    ("operator", "wanted", "yes", "no"),
    [
        ("StringEquals", "Prod", "Prod", "prod"),
        ("StringEquals", "a*", "a*", "ab"),
        ("StringEqualsIgnoreCase", "Prod", "pROD", "prods"),
        ("StringLike", "prod-*-?", "prod-eu-1", "prod-eu-12"),
        ("StringLike", "Prod*", "Prod", "prod"),
        ("NumericEquals", "10", "10.0", "10.01"),
        ("NumericEquals", "-0", "0", "1e0"),
        ("NumericLessThan", "10", "9.99", "10"),
        ("NumericLessThanEquals", "10", "10", "10.01"),
        ("NumericGreaterThan", "-1", "0", "-1"),
        ("NumericGreaterThanEquals", "2.5", "2.50", "2.49"),
        ("DateEquals", "2026-11-23T03:08:47Z", "2026-11-23T11:08:47+08:00", "2026-11-23T03:08:48Z"),
        ("DateLessThan", "2026-11-23T03:08:47Z", "2026-11-23T03:08:46.999Z", "2026-11-23T03:08:47Z"),
        ("DateLessThanEquals", "2026-11-23T03:08:47Z", "2026-11-23T03:08:47Z", "2026-11-23T03:08:48Z"),
        ("DateGreaterThan", "2026-11-23T03:08:47Z", "2026-11-23T03:08:48Z", "2026-11-23T03:08:47Z"),
        ("DateGreaterThanEquals", "2026-11-23T03:08:47Z", "2026-11-23T03:08:47Z", "2026-11-23T03:08:46Z"),
        ("DateEquals", "2026-11-23T03:08:47Z", "2026-11-23T03:08:47Z", "2026-13-23T03:08:47Z"),
        ("Bool", "true", "True", "false"),
        ("Bool", "false", "false", "0"),
        ("IpAddress", "10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
        ("IpAddress", "192.168.1.7", "192.168.1.7", "192.168.1.8"),
        ("IpAddress", "10.1.2.3/8", "10.9.9.9", "not an address"),
        ("IpAddress", "2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
        ("IpAddress", "2001:DB8::1", "2001:db8:0:0:0:0:0:1", "2001:db8::2"),
        ("IpAddress", "10.0.0.0/8", "::ffff:10.0.0.1", "::10.0.0.1"),
        ("IpAddress", "::ffff:10.0.0.0/104", "10.0.0.1", "11.0.0.1"),
        ("IpAddress", "fe80::/10", "fe80::1%eth0", "febf:ffff::g"),
        ("IpAddress", "0.0.0.0/0", "8.8.8.8", "2001:db8::1"),
        ("IpAddress", "::/0", "2001:db8::1", "8.8.8.8"),
    ],
)  # fmt: skip
def test_an_operator_holds_for_what_it_says_only(operator: str, wanted: str, yes: str, no: str) -> None:
    assert holds(operator, wanted, yes)
    assert not holds(operator, wanted, no)


NEGATIVES = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
}


def test_the_operators_are_those_of_the_grammar() -> None:
    ordered = {"LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"}
    named = {f"{family}{each}" for family in ("Numeric", "Date") for each in ordered}
    assert set(OPERATORS) == named | set(NEGATIVES) | set(NEGATIVES.values()) | {"Bool"}


@pytest.mark.parametrize(("negative", "positive"), NEGATIVES.items())
def test_a_negative_operator_is_the_opposite_of_its_positive_one(negative: str, positive: str) -> None:
    wanted, other = {"N": ("1", "2"), "D": ("2026-11-23T03:08:47Z", "2026-11-24T03:08:47Z"), "I": ("::1", "::2")}.get(
        positive[0], ("a", "b")
    )
    for actual in (wanted, other, [wanted, other], [], None, "unreadable"):
        assert holds(negative, wanted, actual) is not holds(positive, wanted, actual)


@pytest.mark.parametrize("operator", sorted(set(OPERATORS) - set(NEGATIVES)))
def test_a_missing_key_makes_a_positive_operator_false(operator: str) -> None:
    readable = next(
        text for text in ("true", "1", "2026-11-23T03:08:47Z", "::1") if unreadable(operator, [text]) is None
    )
    assert not holds(operator, readable, None)


@pytest.mark.parametrize("operator", sorted(NEGATIVES))
def test_a_missing_key_makes_a_negative_operator_true(operator: str) -> None:
    readable = next(text for text in ("1", "2026-11-23T03:08:47Z", "::1") if unreadable(operator, [text]) is None)
    assert holds(operator, readable, None)


def test_one_of_several_values_is_enough() -> None:
    assert holds("StringEquals", ["a", "b"], "b")
    assert not holds("StringEquals", ["a", "b"], "c")


def test_for_a_negative_operator_none_of_several_values_may_match() -> None:
    assert not holds("StringNotEquals", ["a", "b"], "b")
    assert holds("StringNotEquals", ["a", "b"], "c")


def test_one_of_several_values_of_the_request_is_enough() -> None:
    assert holds("StringLike", "dba-*", ["reader", "dba-eu"])
    assert not holds("StringNotLike", "dba-*", ["reader", "dba-eu"])


def test_a_key_is_looked_up_in_its_exact_case() -> None:
    condition = Condition("StringEquals", "rds:ResourceTag/Env", ("prod",))
    assert condition.holds(Context({"rds:ResourceTag/Env": "prod"}))
    assert not condition.holds(Context({"rds:ResourceTag/env": "prod"}))


@pytest.mark.parametrize(
    ("operator", "value"),
    [
        ("NumericEquals", "ten"), ("NumericEquals", "NaN"), ("NumericEquals", "1e9"), ("NumericEquals", ""),
        ("NumericEquals", "1" * 31), ("NumericEquals", "١"), ("DateEquals", "2026-11-23"),
        ("DateEquals", "2026-11-23T03:08:47"), ("DateEquals", "2026-02-30T00:00:00Z"), ("Bool", "yes"),
        ("IpAddress", "10.0.0.0/33"), ("IpAddress", "10.0.0.0/255.0.0.0"), ("IpAddress", "10.0.0"),
        ("IpAddress", "::/129"), ("IpAddress", "*"),
    ],
)  # fmt: skip
def test_a_value_that_the_operator_cannot_read_is_found(operator: str, value: str) -> None:
    assert unreadable(operator, [value]) == value


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999-23:59"])
def test_the_first_and_last_moments_can_be_compared(moment: str) -> None:
    assert holds("DateEquals", moment, moment)
