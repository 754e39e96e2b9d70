"""Decisions on requests, layer by layer."""

import pytest

from housecall.access.policy import AccessRequest, Decision, Layers, Policy, evaluate, instance_resource, parse_policy

ORDERS = instance_resource("cn-beijing", "100", "orders")
PAYROLL = instance_resource("cn-beijing", "100", "payroll")
CHAT = AccessRequest("rdsai:ChatMessages")


def policy(*statements: dict, name: str = "p") -> Policy:
    return parse_policy({"Version": "1", "Statement": list(statements)}, name)


def allow(action: str | list[str] = "*", resource: str | list[str] = "*", **more: object) -> dict:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str | list[str] = "*", resource: str | list[str] = "*", **more: object) -> dict:
    return allow(action, resource, **more) | {"Effect": "Deny"}


def decide(request: AccessRequest, *statements: dict) -> Decision:
    return evaluate(request, Layers((policy(*statements),) if statements else ()))


def test_without_a_policy_nothing_is_allowed() -> None:
    assert decide(CHAT).effect == "ImplicitDeny"


def test_the_smallest_policy_of_the_assistant_allows_chat_and_nothing_else() -> None:
    chat = allow("rdsai:ChatMessages")
    assert decide(CHAT, chat).allowed
    assert not decide(AccessRequest("rdsai:GetMessages"), chat).allowed


@pytest.mark.parametrize("action", ["rdsai:ChatMessages", "RDSAI:chatmessages", "rdsai:*", "rdsai:Chat????????", "*"])
def test_actions_compare_without_case_and_with_wildcards(action: str) -> None:
    assert decide(CHAT, allow(action)).allowed


@pytest.mark.parametrize("action", ["rds:*", "rdsai:Chat", "rdsai:ChatMessages?", "rdsai:Chat???????"])
def test_an_action_must_match_to_its_end(action: str) -> None:
    assert not decide(CHAT, allow(action)).allowed


def test_a_wildcard_service_covers_reading_everywhere() -> None:
    readers = allow(["*:Describe*", "*:Get*", "*:List*"])
    assert decide(AccessRequest("rds:DescribeDBInstances", ORDERS), readers).allowed
    assert not decide(CHAT, readers).allowed


def test_a_letter_that_only_folds_to_ascii_is_another_action() -> None:
    assert not decide(AccessRequest("rdsai:\u212aillSession"), allow("rdsai:killsession")).allowed


def test_a_deny_wins_over_any_allow() -> None:
    decision = decide(CHAT, allow(), deny("rdsai:Chat*"))
    assert decision == Decision("ExplicitDeny", "AccountLevelIdentityBasedPolicy", "p", 2)
    assert decision.no_permission_type == "ExplicitDeny"


def test_the_decision_names_the_policy_and_statement_that_allowed() -> None:
    first, second = policy(allow("oss:*"), name="storage"), policy(deny("rds:*"), allow("rdsai:*"), name="chat")
    decision = evaluate(CHAT, Layers((first, second)))
    assert (decision.policy, decision.statement, decision.no_permission_type) == ("chat", 2, None)


def test_not_action_covers_everything_else() -> None:
    everything_but_chat = {"Effect": "Allow", "NotAction": "rdsai:ChatMessages", "Resource": "*"}
    assert not decide(CHAT, everything_but_chat).allowed
    assert decide(AccessRequest("rdsai:GetMessages"), everything_but_chat).allowed


def test_deny_with_not_action_denies_everything_else() -> None:
    only_chat = {"Effect": "Deny", "NotAction": "rdsai:ChatMessages", "Resource": "*"}
    assert decide(CHAT, allow(), only_chat).allowed
    assert decide(AccessRequest("rdsai:GetMessages"), allow(), only_chat).effect == "ExplicitDeny"


@pytest.mark.parametrize("resource", ["acs:rdsai:*:*:*", "acs:*:*:*:*", ORDERS])
def test_an_operation_on_all_resources_needs_a_statement_on_all_resources(resource: str) -> None:
    assert decide(CHAT, allow(resource="*")).allowed
    assert not decide(CHAT, allow(resource=resource)).allowed


@pytest.mark.parametrize(
    "resource",
    ["*", ORDERS, "acs:rds:*:*:dbinstance/orders", "acs:rds:*:100:dbinstance/*", "acs:rds:cn-*:*:dbinstance/ord?rs"],
)
def test_an_instance_is_granted_by_its_name(resource: str) -> None:
    assert decide(AccessRequest("rds:DescribeDBInstances", ORDERS), allow("rds:Describe*", resource)).allowed


@pytest.mark.parametrize(
    "resource",
    [PAYROLL, "acs:rds:*:200:dbinstance/orders", "acs:rds:*:*:dbinstance/Orders", "acs:rds:*:*:dbinstance/",
     "acs:rds::100:dbinstance/orders", "acs:ecs:*:*:*"],
)  # fmt: skip
def test_another_instance_account_or_spelling_is_not_granted(resource: str) -> None:
    assert not decide(AccessRequest("rds:DescribeDBInstances", ORDERS), allow("rds:Describe*", resource)).allowed


def test_a_wildcard_stays_inside_its_part_of_the_name() -> None:
    disguised = AccessRequest("rds:DescribeDBInstances", "acs:rds:r:200:dbinstance/a:100:dbinstance/orders")
    assert not decide(disguised, allow("rds:*", "acs:rds:*:100:dbinstance/*")).allowed


def test_one_instance_can_be_taken_out_of_a_grant() -> None:
    statements = (allow("rds:*", "acs:rds:*:*:dbinstance/*"), deny("rds:*", "acs:rds:*:*:dbinstance/payroll"))
    assert decide(AccessRequest("rds:DescribeDBInstances", ORDERS), *statements).allowed
    assert not decide(AccessRequest("rds:DescribeDBInstances", PAYROLL), *statements).allowed


def test_not_resource_allows_other_instances_but_no_operation_on_all_resources() -> None:
    but_payroll = {"Effect": "Allow", "Action": "*", "NotResource": PAYROLL}
    assert decide(AccessRequest("rds:DescribeDBInstances", ORDERS), but_payroll).allowed
    assert not decide(AccessRequest("rds:DescribeDBInstances", PAYROLL), but_payroll).allowed
    assert not decide(CHAT, but_payroll).allowed


def test_deny_with_not_resource_denies_an_operation_on_all_resources() -> None:
    only_orders = {"Effect": "Deny", "Action": "*", "NotResource": ORDERS}
    assert decide(AccessRequest("rds:DescribeDBInstances", ORDERS), allow(), only_orders).allowed
    assert decide(CHAT, allow(), only_orders).effect == "ExplicitDeny"


@pytest.mark.parametrize("resource", ["", "orders", "acs:rds:x:y", "acs"])
def test_what_is_no_resource_name_is_covered_by_all_resources_only(resource: str) -> None:
    request = AccessRequest("rds:DescribeDBInstances", resource)
    assert decide(request, allow("rds:*")).allowed
    assert not decide(request, allow("rds:*", "acs:*:*:*:*")).allowed
    assert not decide(request, {"Effect": "Allow", "Action": "*", "NotResource": PAYROLL}).allowed


def test_every_condition_must_hold() -> None:
    office = {"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}, "Bool": {"acs:SecureTransport": "true"}}
    statement = allow(Condition=office)
    inside = AccessRequest("rdsai:ChatMessages", context={"acs:SourceIp": "10.1.2.3", "acs:SecureTransport": "true"})
    plain = AccessRequest("rdsai:ChatMessages", context={"acs:SourceIp": "10.1.2.3", "acs:SecureTransport": "false"})
    assert decide(inside, statement).allowed
    assert not decide(plain, statement).allowed


def test_deny_unless_in_the_office_also_denies_when_the_address_is_not_known() -> None:
    unless_office = deny(Condition={"NotIpAddress": {"acs:SourceIp": "10.0.0.0/8"}})
    assert decide(AccessRequest("a:B", context={"acs:SourceIp": "10.9.9.9"}), allow(), unless_office).allowed
    assert decide(AccessRequest("a:B"), allow(), unless_office).effect == "ExplicitDeny"


class TestLayers:
    everything = (policy(allow(), name="everything"),)
    nothing = (policy(allow("oss:*"), name="storage only"),)
    forbidden = (policy(allow(), deny("rdsai:*"), name="forbidden"),)

    def test_every_present_layer_must_allow(self) -> None:
        assert evaluate(CHAT, Layers(self.everything, self.everything, self.everything)).allowed
        assert not evaluate(CHAT, Layers(self.nothing, self.everything, self.everything)).allowed
        assert not evaluate(CHAT, Layers(self.everything, self.nothing, self.everything)).allowed
        assert not evaluate(CHAT, Layers(self.everything, self.everything, self.nothing)).allowed

    def test_a_layer_that_is_present_and_empty_allows_nothing(self) -> None:
        assert evaluate(CHAT, Layers(self.everything, session=())).effect == "ImplicitDeny"

    def test_a_deny_in_any_layer_is_told_rather_than_a_missing_allow(self) -> None:
        decision = evaluate(CHAT, Layers(self.forbidden, session=self.nothing))
        assert decision == Decision("ExplicitDeny", "AccountLevelIdentityBasedPolicy", "forbidden", 2)

    def test_the_outermost_layer_without_an_allow_is_named(self) -> None:
        decision = evaluate(CHAT, Layers(self.nothing, session=self.nothing, control=self.everything))
        assert decision == Decision("ImplicitDeny", "SessionPolicy")

    def test_root_is_not_limited_by_identity_policies(self) -> None:
        assert evaluate(CHAT, Layers(is_root=True)).allowed
        assert evaluate(CHAT, Layers(self.forbidden, is_root=True)).allowed

    def test_root_is_limited_by_the_control_policy(self) -> None:
        root = Layers(is_root=True, control=self.forbidden)
        assert evaluate(CHAT, root) == Decision("ExplicitDeny", "ControlPolicy", "forbidden", 2)

    def test_policies_of_user_and_groups_add_up(self) -> None:
        assert evaluate(CHAT, Layers(self.nothing + self.everything)).policy == "everything"
