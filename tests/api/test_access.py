"""Users, policies, roles, plans and the audit log through the door of the API, against a whole installation."""

import asyncio
import itertools
import json
import re
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from housecall.access.accounts import Caller
from housecall.api.signing import AccessKey

_numbers = itertools.count(1)
ASK = {"Effect": "Allow", "Action": ["rdsai:ChatMessages", "rdsai:Get*"], "Resource": "*"}
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "1", "Statement": list(statements)})


class Client:
    """Calls operations as one user. Only text parameters."""

    def __init__(self, live: Any, key: AccessKey, user_id: str = "", token: str = "") -> None:
        self.live, self.key, self.user_id, self.token = live, key, user_id, token

    def send(self, operation: str, **parameters: Any) -> Any:
        headers = (
            {"x-acs-security-token": self.token, "x-acs-accesskey-id": self.key.access_key_id} if self.token else {}
        )
        return self.live.send(operation, f"/?{urlencode(parameters)}", key=self.key, headers=headers)

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        answer = self.send(operation, **parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, operation: str, **parameters: Any) -> tuple[int, str]:
        answer = self.send(operation, **parameters)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()["Code"]


@pytest.fixture
def root(whole) -> Client:
    return Client(whole, whole.key)


@pytest.fixture
def new_user(whole, root):
    """Makes a user with statements as its policy, and calls as it."""

    def make(*statements: dict[str, Any]) -> Client:
        name = f"user{next(_numbers)}"
        user = root.call("CreateUser", UserName=name)["User"]
        if statements:
            root.call("CreatePolicy", PolicyName=f"{name}-policy", PolicyDocument=policy(*statements))
            root.call("AttachPolicyToUser", PolicyName=f"{name}-policy", UserName=name)
        key = root.call("CreateAccessKey", UserName=name)["AccessKey"]
        client = Client(whole, AccessKey(key["AccessKeyId"], SecretStr(key["AccessKeySecret"])), user["UserId"])
        client.name = name
        return client

    return make


@pytest.fixture
def account(root) -> str:
    return root.call("GetCallerIdentity")["AccountId"]


def ask(client: Client, question: str = "hello", **more: Any) -> dict[str, Any]:
    return client.call("ChatMessages", Query=question, ResponseMode="blocking", **more)


class TestTheDoor:
    def test_a_user_without_a_policy_may_do_nothing(self, new_user):
        answer = new_user().send("GetConversations")
        assert (answer.status_code, answer.json()["Code"]) == (403, "NoPermission")

    def test_a_denial_has_every_field_of_its_detail(self, new_user, account):
        user = new_user()
        detail = user.send("GetConversations").json()["AccessDeniedDetail"]
        message = detail.pop("EncodedDiagnosticMessage")
        assert detail == {
            "AuthAction": "rdsai:GetConversations",
            "AuthPrincipalType": "SubUser",
            "AuthPrincipalOwnerId": account,
            "AuthPrincipalDisplayName": user.user_id,
            "NoPermissionType": "ImplicitDeny",
            "PolicyType": "AccountLevelIdentityBasedPolicy",
        }
        assert "GetConversations" not in message
        assert len(message) > 40

    def test_an_explicit_deny_is_told_as_one(self, new_user):
        user = new_user(EVERYTHING, {"Effect": "Deny", "Action": "rdsai:GetConversations", "Resource": "*"})
        detail = user.send("GetConversations").json()["AccessDeniedDetail"]
        assert detail["NoPermissionType"] == "ExplicitDeny"
        assert user.send("GetMessages", ConversationId="x").status_code == 404

    def test_the_operator_reads_the_diagnostic_message(self, new_user, root):
        user = new_user({"Effect": "Deny", "Action": "rdsai:Get*", "Resource": "*"})
        message = user.send("GetConversations").json()["AccessDeniedDetail"]["EncodedDiagnosticMessage"]
        told = root.call("DecodeDiagnosticMessage", EncodedDiagnosticMessage=message)["DecodedDiagnosticMessage"]
        assert (told["action"], told["policy"], told["statement"]) == (
            "rdsai:GetConversations",
            f"{user.name}-policy",
            1,
        )

    def test_a_denied_caller_learns_nothing_about_what_exists(self, new_user, root):
        asked = ask(root)
        nobody = new_user()
        there = nobody.send("GetMessages", ConversationId=asked["ConversationId"]).json()
        not_there = nobody.send("GetMessages", ConversationId="nothing").json()
        malformed = nobody.send("GetMessages").json()
        for answer in (there, not_there, malformed):
            answer.pop("RequestId")
            answer.pop("Recommend")
            answer["AccessDeniedDetail"].pop("EncodedDiagnosticMessage")
        assert there == not_there == malformed

    def test_a_policy_change_counts_at_once(self, new_user, root):
        user = new_user(ASK)
        assert user.send("GetConversations").status_code == 200
        root.call("DetachPolicyFromUser", PolicyName=f"{user.name}-policy", UserName=user.name)
        assert user.send("GetConversations").status_code == 403

    def test_the_source_address_counts(self, new_user):
        inside = {**ASK, "Condition": {"IpAddress": {"acs:SourceIp": "127.0.0.0/8"}}}
        outside = {**ASK, "Condition": {"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}}}
        assert new_user(inside).send("GetConversations").status_code == 200
        assert new_user(outside).send("GetConversations").status_code == 403

    def test_a_forwarded_address_is_not_believed(self, new_user):
        user = new_user({**ASK, "Condition": {"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}}})
        answer = user.live.send("GetConversations", key=user.key, headers={"x-forwarded-for": "10.0.0.1"})
        assert answer.status_code == 403

    def test_plain_http_is_no_secure_transport(self, new_user):
        user = new_user({**ASK, "Condition": {"Bool": {"acs:SecureTransport": "true"}}})
        assert user.send("GetConversations").status_code == 403

    def test_a_user_of_a_group_has_its_policies(self, new_user, root):
        user = new_user()
        root.call("CreateGroup", GroupName=f"g-{user.name}")
        root.call("AttachPolicyToGroup", PolicyName="HousecallChatAccess", GroupName=f"g-{user.name}")
        root.call("AddUserToGroup", GroupName=f"g-{user.name}", UserName=user.name)
        assert user.send("GetConversations").status_code == 200
        assert [each["GroupName"] for each in root.call("ListGroupsForUser", UserName=user.name)["Groups"]["Group"]]
        root.call("RemoveUserFromGroup", GroupName=f"g-{user.name}", UserName=user.name)
        assert user.send("GetConversations").status_code == 403

    def test_a_key_of_a_removed_user_is_user_not_found(self, new_user, root):
        user = new_user(ASK)
        root.call("DeleteUser", UserName=user.name)
        assert user.refused("GetConversations") == (404, "UserNotFound")


class TestKeys:
    def test_a_user_has_two_keys_at_most(self, new_user, root):
        user = new_user(ASK)
        second = root.call("CreateAccessKey", UserName=user.name)["AccessKey"]
        assert root.refused("CreateAccessKey", UserName=user.name) == (409, "LimitExceeded.User.AccessKey")
        listed = root.call("ListAccessKeys", UserName=user.name)["AccessKeys"]["AccessKey"]
        assert second["AccessKeyId"] in {each["AccessKeyId"] for each in listed}
        assert all("AccessKeySecret" not in each for each in listed)

    def test_a_disabled_key_is_inactive_until_it_is_enabled(self, new_user, root):
        user = new_user(ASK)
        one = {"UserName": user.name, "UserAccessKeyId": user.key.access_key_id}
        root.call("UpdateAccessKey", **one, Status="Inactive")
        assert user.refused("GetConversations") == (400, "InvalidAccessKeyId.Inactive")
        root.call("UpdateAccessKey", **one, Status="Active")
        assert user.send("GetConversations").status_code == 200
        root.call("DeleteAccessKey", **one)
        assert user.refused("GetConversations") == (404, "InvalidAccessKeyId.NotFound")

    def test_the_keys_of_another_user_are_not_found_under_ones_own_name(self, new_user, root):
        one, other = new_user(ASK), new_user(ASK)
        asked = {"UserName": one.name, "UserAccessKeyId": other.key.access_key_id}
        assert root.refused("DeleteAccessKey", **asked) == (404, "InvalidAccessKeyId.NotFound")


class TestRoles:
    @pytest.fixture
    def role(self, root, account):
        def make(principal: str, *statements: dict[str, Any]) -> str:
            name = f"role{next(_numbers)}"
            trust = policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": [principal]}})
            root.call("CreateRole", RoleName=name, AssumeRolePolicyDocument=trust)
            root.call("CreatePolicy", PolicyName=f"{name}-policy", PolicyDocument=policy(*statements))
            root.call("AttachPolicyToRole", PolicyName=f"{name}-policy", RoleName=name)
            return f"acs:ram::{account}:role/{name}"

        return make

    @pytest.fixture
    def assume(self, whole):
        def assume(client: Client, arn: str, **more: Any) -> Client:
            answer = client.call("AssumeRole", RoleArn=arn, RoleSessionName=more.pop("name", "night"), **more)
            told = answer["Credentials"]
            key = AccessKey(told["AccessKeyId"], SecretStr(told["AccessKeySecret"]))
            return Client(whole, key, answer["AssumedRoleUser"]["AssumedRoleId"], told["SecurityToken"])

        return assume

    @pytest.fixture
    def session(self, new_user, role, assume, account):
        user = new_user({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"})
        return assume(user, role(f"acs:ram::{account}:user/{user.name}", ASK))

    def test_temporary_credentials_act_as_the_role(self, session):
        assert session.key.access_key_id.startswith("STS.")
        assert session.send("GetConversations").status_code == 200
        told = session.call("GetCallerIdentity")
        assert (told["IdentityType"], told["Arn"].split(":")[-1].split("/")[0]) == ("AssumedRoleUser", "assumed-role")

    def test_a_denial_names_role_and_session(self, session):
        detail = session.send("ListUsers").json()["AccessDeniedDetail"]
        assert detail["AuthPrincipalType"] == "AssumedRoleUser"
        assert re.fullmatch(r"role\d+:night", detail["AuthPrincipalDisplayName"])

    def test_without_its_token_a_temporary_key_is_refused(self, session):
        session.token = ""
        assert session.refused("GetConversations") == (400, "MissingSecurityToken")

    @pytest.mark.parametrize(
        ("token", "code"),
        [("nonsense", "Malformed"), ("hcs_" + "a" * 63, "Malformed"), ("hcs_" + "a" * 64, "MismatchWithAccessKey")],
    )
    def test_a_wrong_token_is_told_apart(self, session, token, code):
        session.token = token
        assert session.refused("GetConversations") == (400, f"InvalidSecurityToken.{code}")

    def test_a_token_with_a_lasting_key_is_a_mismatch(self, session, root):
        root.token = session.token
        assert root.refused("GetConversations") == (400, "InvalidSecurityToken.MismatchWithAccessKey")

    def test_an_expired_session_is_told_so_to_the_second(self, session, whole):
        expires = datetime.now(UTC) + timedelta(hours=1)
        for moment, code in ((expires - timedelta(minutes=2), 200), (expires + timedelta(minutes=2), 400)):
            whole.clock.now = lambda moment=moment: moment
            try:
                answer = whole.send(
                    "GetConversations",
                    key=session.key,
                    at=moment,
                    headers={"x-acs-security-token": session.token, "x-acs-accesskey-id": session.key.access_key_id},
                )
            finally:
                whole.clock.now = lambda: datetime.now(UTC)
            assert answer.status_code == code, answer.text
        assert answer.json()["Code"] == "InvalidSecurityToken.Expired"

    def test_the_old_signature_carries_the_token_as_a_parameter(self, session, whole):
        from housecall.api.signing import sign_v1

        more = {"SecurityToken": session.token}
        signed = sign_v1(
            "GET",
            more,
            session.key,
            action="GetConversations",
            version="2025-05-07",
            at=datetime.now(UTC),
            nonce="n1-sts",
        )
        answer = whole.raw(
            f"GET /?{urlencode(signed)} HTTP/1.1\r\nHost: {whole.endpoint}\r\nConnection: close\r\n\r\n".encode()
        )
        assert answer.startswith(b"HTTP/1.1 200")

    def test_a_session_policy_narrows_and_never_widens(self, new_user, role, assume, account):
        user = new_user({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"})
        arn = role(f"acs:ram::{account}:user/{user.name}", ASK)
        narrow = {"Effect": "Allow", "Action": ["rdsai:GetMessages", "ram:*"], "Resource": "*"}
        session = assume(user, arn, Policy=policy(narrow))
        assert session.refused("GetConversations") == (403, "NoPermission")
        assert session.send("GetConversations").json()["AccessDeniedDetail"]["PolicyType"] == "SessionPolicy"
        assert session.refused("GetMessages", ConversationId="x") == (404, "ConversationNotFound")
        assert session.refused("ListUsers") == (403, "NoPermission")

    def test_a_role_that_does_not_trust_and_one_that_is_not_there_answer_alike(self, new_user, role, account):
        user = new_user({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"})
        theirs = role(f"acs:ram::{account}:user/somebody", EVERYTHING)
        answers = []
        for arn in (theirs, f"acs:ram::{account}:role/nothing", "acs:ram::999:role/nothing"):
            answer = user.send("AssumeRole", RoleArn=arn, RoleSessionName="night")
            told = answer.json()
            assert told["AccessDeniedDetail"].pop("EncodedDiagnosticMessage")
            answers.append((answer.status_code, told["Code"], told["Message"], told["AccessDeniedDetail"]))
        assert answers[0] == answers[1] == answers[2]
        assert answers[0][3]["PolicyType"] == "AssumeRolePolicy"

    def test_trust_alone_is_not_enough(self, new_user, role, account):
        user = new_user()
        arn = role(f"acs:ram::{account}:user/{user.name}", ASK)
        assert user.refused("AssumeRole", RoleArn=arn, RoleSessionName="night") == (403, "NoPermission")

    def test_a_session_cannot_assume_a_role(self, root, role, assume, account):
        arn = role(f"acs:ram::{account}:root", EVERYTHING)
        session = assume(root, arn)
        assert session.refused("AssumeRole", RoleArn=arn, RoleSessionName="again") == (403, "NoPermission")

    def test_sessions_end_with_their_role_or_their_user(self, new_user, role, assume, account, root):
        user = new_user({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"})
        arn = role(f"acs:ram::{account}:root", ASK)
        of_user, of_root = assume(user, arn), assume(root, arn)
        root.call("DeleteUser", UserName=user.name)
        assert of_user.refused("GetConversations") == (404, "InvalidAccessKeyId.NotFound")
        assert of_root.send("GetConversations").status_code == 200
        root.call("DeleteRole", RoleName=arn.rpartition("/")[2])
        assert of_root.send("GetConversations").status_code in (403, 404)  # a found key is kept for five seconds

    @pytest.mark.parametrize("seconds", ["899", "43201", "3601"])
    def test_a_session_lasts_fifteen_minutes_to_what_the_role_allows(self, root, role, account, seconds):
        arn = role(f"acs:ram::{account}:root", ASK)
        asked = {"RoleArn": arn, "RoleSessionName": "night", "DurationSeconds": seconds}
        assert root.refused("AssumeRole", **asked) == (400, "InvalidParameter")

    def test_choosing_anothers_session_name_does_not_open_his_conversations(
        self, root, new_user, role, assume, account
    ):
        arn = role(f"acs:ram::{account}:root", ASK)
        user = new_user({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"})
        asked = ask(assume(root, arn, name="ada"))
        other = assume(user, arn, name="ada")
        assert other.refused("GetMessages", ConversationId=asked["ConversationId"]) == (404, "ConversationNotFound")
        again = assume(root, arn, name="ada")
        assert again.send("GetMessages", ConversationId=asked["ConversationId"]).status_code == 200

    def test_temporary_secrets_do_not_show_in_a_repr(self, root, role, account):
        from housecall.api.access_roles import AssumeRoleResponse

        told = root.call("AssumeRole", RoleArn=role(f"acs:ram::{account}:root", ASK), RoleSessionName="night")
        shown = repr(AssumeRoleResponse.model_validate(told))
        assert told["Credentials"]["AccessKeySecret"] not in shown
        assert told["Credentials"]["SecurityToken"] not in shown


class TestConversations:
    EVERY_CALL = (
        ("GetMessages", "ConversationId", "ConversationNotFound"),
        ("ModifyMessagesFeedbacks", "MessageId", "MessageNotFound"),
        ("ChatMessagesTaskStop", "TaskId", "TaskNotFound"),
        ("SubscribeMessage", "MessageId", "MessageNotFound"),
    )

    @pytest.fixture
    def asked(self, new_user):
        return ask(new_user(ASK))

    @pytest.mark.parametrize(("operation", "name", "code"), EVERY_CALL)
    def test_another_users_is_not_found(self, new_user, asked, operation, name, code):
        everything_but = {"Effect": "Deny", "Action": "rdsai:AccessConversationsOfOthers", "Resource": "*"}
        other = new_user(EVERYTHING, everything_but)
        assert other.refused(operation, **{name: asked[name]}) == (404, code)

    def test_asking_on_in_anothers_is_not_possible_even_for_root(self, root, asked):
        assert root.refused("ChatMessages", Query="and?", ConversationId=asked["ConversationId"]) == (
            404,
            "ConversationNotFound",
        )

    def test_a_policy_opens_them_to_read(self, new_user, asked, root):
        reader = new_user({"Effect": "Allow", "Action": "rdsai:*", "Resource": "*"})
        for client in (reader, root):
            assert client.call("GetMessages", ConversationId=asked["ConversationId"])["Data"]
        assert reader.call("GetConversations")["Data"] == []


class TestGivingRights:
    """Nobody hands out more than he has."""

    GIVER = ({"Effect": "Allow", "Action": ["ram:*", "rdsai:Get*"], "Resource": "*"},)

    def test_a_giver_cannot_attach_more_than_he_has(self, new_user):
        giver = new_user(*self.GIVER)
        asked = {"UserName": giver.name, "PolicyName": "AdministratorAccess"}
        assert giver.refused("AttachPolicyToUser", **asked) == (403, "NoPermission")
        assert giver.send("AttachPolicyToUser", **asked).json()["AccessDeniedDetail"]["AuthAction"]

    def test_a_giver_attaches_what_he_has(self, new_user):
        giver, friend = new_user(*self.GIVER), new_user()
        giver.call(
            "CreatePolicy", PolicyName=f"{giver.name}-gift", PolicyDocument=policy({**ASK, "Action": "rdsai:GetM*"})
        )
        giver.call("AttachPolicyToUser", UserName=friend.name, PolicyName=f"{giver.name}-gift")
        assert friend.refused("GetMessages", ConversationId="x") == (404, "ConversationNotFound")

    def test_a_giver_cannot_widen_a_policy_that_he_has(self, new_user):
        giver = new_user(*self.GIVER)
        asked = {"PolicyName": f"{giver.name}-policy", "PolicyDocument": policy(EVERYTHING)}
        assert giver.refused("UpdatePolicy", **asked) == (403, "NoPermission")

    def test_a_giver_cannot_rid_himself_of_a_deny(self, new_user, root):
        deny = {"Effect": "Deny", "Action": "rdsai:ChatMessages", "Resource": "*"}
        giver = new_user({**EVERYTHING, "Action": ["ram:*", "rdsai:*"]}, deny)
        mine = {"PolicyName": f"{giver.name}-policy"}
        assert giver.refused("DetachPolicyFromUser", UserName=giver.name, **mine) == (403, "NoPermission")
        assert giver.refused("UpdatePolicy", **mine, PolicyDocument=policy(ASK)) == (403, "NoPermission")

    def test_a_giver_cannot_join_a_group_of_more_rights(self, new_user, root):
        giver = new_user(*self.GIVER)
        root.call("CreateGroup", GroupName=f"a-{giver.name}")
        root.call("AttachPolicyToGroup", GroupName=f"a-{giver.name}", PolicyName="AdministratorAccess")
        asked = {"GroupName": f"a-{giver.name}", "UserName": giver.name}
        assert giver.refused("AddUserToGroup", **asked) == (403, "NoPermission")

    def test_a_giver_cannot_take_the_place_of_somebody_with_more(self, new_user):
        giver, admin = new_user(*self.GIVER), new_user(EVERYTHING)
        assert giver.refused("CreateAccessKey", UserName=admin.name) == (403, "NoPermission")
        for operation in ("CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey"):
            asked = {"UserName": "root", "UserAccessKeyId": "HC", "Status": "Inactive"}
            assert giver.refused(operation, **asked) == (403, "NoPermission")

    def test_a_giver_cannot_take_the_name_that_a_role_trusts(self, new_user, root, account):
        giver = new_user(*self.GIVER)
        name = f"ghost-{giver.name}"
        trust = policy(
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": f"acs:ram::{account}:user/{name}"}}
        )
        root.call("CreateRole", RoleName=f"r-{giver.name}", AssumeRolePolicyDocument=trust)
        root.call("AttachPolicyToRole", RoleName=f"r-{giver.name}", PolicyName="AdministratorAccess")
        assert giver.refused("CreateUser", UserName=name) == (403, "NoPermission")
        assert giver.refused("UpdateRole", RoleName=f"r-{giver.name}", NewAssumeRolePolicyDocument=trust) == (
            403,
            "NoPermission",
        )


class TestAccountsAndPlans:
    @pytest.fixture
    def other(self, whole, root) -> Client:
        """Root of another account."""
        made = root.call("CreateAccount", AccountName=f"account{next(_numbers)}")
        client = Client(whole, AccessKey(made["AccessKeyId"], SecretStr(made["AccessKeySecret"])), made["RootUserId"])
        client.account = made["Account"]["AccountId"]
        return client

    def test_a_new_account_has_no_plan_and_may_not_ask(self, other):
        answer = other.send("ChatMessages", Query="hello")
        assert (answer.status_code, answer.json()["Code"]) == (400, "PermissionDenied")
        assert answer.json()["Message"] == "No valid order found or permission denied."

    def test_with_a_plan_it_may(self, root, other):
        root.call("ModifyPlan", AccountId=other.account, MaxConcurrentRuns=2)
        assert ask(other)["Answer"] == "hello"
        told = other.call("DescribePlan")
        assert (told["HasPlan"], told["MaxConcurrentRuns"], told["RunningNow"]) == (True, 2, 0)

    def test_a_limit_that_is_not_given_stays_as_it_is(self, root, other):
        root.call(
            "ModifyPlan", AccountId=other.account, PlanName="team", MaxConcurrentRuns=2, TokensPerMonth=9_000,
            MaxInstances=3, ExpiresAt="2100-01-01T00:00:00Z",
        )  # fmt: skip
        told = root.call("ModifyPlan", AccountId=other.account, MaxInstances=4)
        assert (told["PlanName"], told["MaxConcurrentRuns"], told["TokensPerMonth"]) == ("team", 2, 9_000)
        assert (told["MaxInstances"], told["ExpiresAt"]) == (4, "2100-01-01T00:00:00Z")
        assert {**told, "RequestId": ""} == {**other.call("DescribePlan"), "RequestId": ""}

    def test_a_limit_is_lifted_by_its_name(self, root, other):
        root.call("ModifyPlan", AccountId=other.account, MaxConcurrentRuns=2, TokensPerMonth=9_000, MaxInstances=3)
        told = root.call("ModifyPlan", AccountId=other.account, Unlimited="TokensPerMonth,MaxInstances")
        assert "TokensPerMonth" not in told
        assert "MaxInstances" not in told
        assert told["MaxConcurrentRuns"] == 2

    def test_a_limit_is_not_set_and_lifted_at_once(self, root, other):
        asked = {"AccountId": other.account, "MaxInstances": 1}
        assert root.refused("ModifyPlan", **asked, Unlimited="MaxInstances") == (400, "InvalidParameter")
        assert root.refused("ModifyPlan", **asked, Unlimited="Everything") == (400, "InvalidParameter")

    def test_over_concurrency_is_429_and_the_place_comes_back(self, whole, root, other, hold):
        root.call("ModifyPlan", AccountId=other.account, MaxConcurrentRuns=1)
        question = whole.script(hold, "done")
        with whole.stream("ChatMessages", f"/?{urlencode({'Query': question})}", key=other.key) as frames:
            frames.next()
            assert hold.reached.wait(30)
            assert other.refused("ChatMessages", Query="more") == (429, "TooManyRequests")
            hold.let_go()
            frames.rest()
        assert ask(other)["Answer"] == "hello"

    def test_over_tokens_is_429_with_its_own_code(self, root, other):
        root.call("ModifyPlan", AccountId=other.account, TokensPerMonth=0)
        assert other.refused("ChatMessages", Query="more") == (429, "MoQuotaExceeded")

    def test_an_expired_plan_is_none(self, root, other):
        root.call("ModifyPlan", AccountId=other.account, ExpiresAt="2020-01-01T00:00:00Z")
        assert other.refused("ChatMessages", Query="hello") == (400, "PermissionDenied")

    def test_only_the_installation_sets_plans(self, other):
        asked = {"AccountId": other.account, "MaxConcurrentRuns": 9}
        assert other.refused("ModifyPlan", **asked) == (403, "NoPermission")
        assert other.refused("CreateAccount", AccountName="x") == (403, "NoPermission")
        assert other.refused("ListAccounts") == (403, "NoPermission")

    def test_another_account_is_not_there(self, other, account):
        theirs = other.send("DescribePlan", AccountId=account).json()
        nobodys = other.send("DescribePlan", AccountId="123").json()
        assert theirs["Code"] == nobodys["Code"] == "EntityNotExist.Account"
        assert theirs["Message"].replace(account, "123") == nobodys["Message"]

    def test_users_policies_and_roles_of_another_account_are_not_found(self, other, new_user, root):
        user = new_user(ASK)
        assert other.refused("GetUser", UserName=user.name) == (404, "EntityNotExist.User")
        assert other.refused("GetPolicy", PolicyName=f"{user.name}-policy") == (404, "EntityNotExist.Policy")
        assert other.refused("CreateAccessKey", UserName=user.name) == (404, "EntityNotExist.User")

    def test_a_control_policy_limits_also_the_root_of_an_account(self, root, other):
        assert other.send("ListUsers").status_code == 200
        limit = {"PolicyName": "HousecallFullAccess", "TargetId": other.account}
        root.call("AttachControlPolicy", **limit)
        denied = other.send("ListUsers")
        assert denied.json()["AccessDeniedDetail"]["PolicyType"] == "ControlPolicy"
        assert denied.json()["AccessDeniedDetail"]["AuthPrincipalType"] == "RootUser"
        assert other.send("GetConversations").status_code == 200
        assert other.refused("DetachControlPolicy", **limit) == (403, "NoPermission")
        root.call("DetachControlPolicy", **limit)
        assert other.send("ListUsers").status_code == 200


class TestLists:
    def test_pages_go_on_by_name_while_users_are_added(self, root, whole):
        made = root.call("CreateAccount", AccountName=f"paged{next(_numbers)}")
        client = Client(whole, AccessKey(made["AccessKeyId"], SecretStr(made["AccessKeySecret"])))
        for name in ("b", "d", "f"):
            client.call("CreateUser", UserName=name)
        first = client.call("ListUsers", MaxItems=2)
        client.call("CreateUser", UserName="a")
        second = client.call("ListUsers", MaxItems=2, Marker=first["Marker"])
        names = [each["UserName"] for page in (first, second) for each in page["Users"]["User"]]
        assert names == ["b", "d", "f", "root"]
        assert (first["IsTruncated"], second["IsTruncated"]) == (True, False)

    def test_a_user_who_is_deleted_while_he_is_added_to_a_group_is_not_found(self, root, whole):
        user = root.call("CreateUser", UserName=f"brief{next(_numbers)}")["User"]
        root.call("CreateGroup", GroupName=f"{user['UserName']}-group")
        added = {"UserName": user["UserName"], "GroupName": f"{user['UserName']}-group"}
        waiting = text("SELECT count(*), pg_sleep(0.02) FROM pg_locks WHERE NOT granted")

        async def deleted_in_the_middle(pool: ThreadPoolExecutor) -> "Future[tuple[int, str]]":
            async with asyncio.timeout(20), whole.app.database.begin("deleting for a test") as connection:
                await connection.execute(text("DELETE FROM housecall.users WHERE id = :id"), {"id": user["UserId"]})
                asked = pool.submit(root.refused, "AddUserToGroup", **added)
                while not (await connection.execute(waiting)).first()[0]:
                    pass
                return asked

        with ThreadPoolExecutor(1) as pool:
            assert whole.run(deleted_in_the_middle(pool)).result(20) == (404, "NotFound")

    def test_policies_are_listed_with_what_they_are_attached_to(self, new_user, root):
        user = new_user(ASK)
        attached = root.call("ListPoliciesForUser", UserName=user.name)["Policies"]["Policy"]
        assert [each["PolicyName"] for each in attached] == [f"{user.name}-policy"]
        entities = root.call("ListEntitiesForPolicy", PolicyName=f"{user.name}-policy")["Entities"]
        assert [each["Name"] for each in entities["Users"]] == [user.name]
        assert root.refused("DeletePolicy", PolicyName=f"{user.name}-policy") == (409, "DeleteConflict.Policy")

    def test_the_rest_of_the_operations_answer(self, root, account):
        name = f"rest{next(_numbers)}"
        trust = policy(
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": f"acs:ram::{account}:root"}}
        )
        root.call("CreateRole", RoleName=name, AssumeRolePolicyDocument=trust)
        assert root.call("GetRole", RoleName=name)["Role"]["MaxSessionDuration"] == 3600
        root.call("UpdateRole", RoleName=name, NewMaxSessionDuration=7200)
        assert name in {each["RoleName"] for each in root.call("ListRoles", MaxItems=1000)["Roles"]["Role"]}
        root.call("AttachPolicyToRole", RoleName=name, PolicyName="HousecallChatAccess")
        assert root.call("ListPoliciesForRole", RoleName=name)["Policies"]["Policy"]
        root.call("DetachPolicyFromRole", RoleName=name, PolicyName="HousecallChatAccess")
        root.call("CreateGroup", GroupName=name, Comments="why")
        root.call("AttachPolicyToGroup", GroupName=name, PolicyName="HousecallChatAccess")
        assert root.call("ListPoliciesForGroup", GroupName=name)["Policies"]["Policy"]
        root.call("DetachPolicyFromGroup", GroupName=name, PolicyName="HousecallChatAccess")
        assert root.call("ListUsersForGroup", GroupName=name)["Users"]["User"] == []
        assert name in {each["GroupName"] for each in root.call("ListGroups", MaxItems=1000)["Groups"]["Group"]}
        root.call("DeleteGroup", GroupName=name)
        assert root.call("GetUser", UserName="root")["User"]["IsRoot"] is True
        assert {"AdministratorAccess"} <= {
            each["PolicyName"] for each in root.call("ListPolicies")["Policies"]["Policy"]
        }
        assert root.call("GetPolicy", PolicyName="AdministratorAccess")["PolicyDocument"]["Version"] == "1"
        assert root.call("ListAccounts")["Accounts"][0]["IsInstallation"] is True

    def test_a_malformed_policy_is_told_with_its_place(self, root):
        answer = root.send("CreatePolicy", PolicyName="bad", PolicyDocument='{"Version": "1", "Statement": [{}]}')
        assert answer.json()["Code"] == "MalformedPolicyDocument"
        assert "statement 1, Effect" in answer.json()["Message"]


class TestTheAuditLog:
    def entries(self, root: Client, **wanted: Any) -> list[dict[str, Any]]:
        return root.call("DescribeAuditLog", MaxResults=1000, **wanted)["Entries"]

    def test_a_denial_is_there_before_its_answer(self, new_user, root):
        user = new_user()
        request_id = user.send("GetConversations").json()["RequestId"]
        (entry,) = self.entries(root, RequestId=request_id)
        assert (entry["Decision"], entry["Result"], entry["Status"]) == ("denied", "NoPermission", 403)
        assert entry["UserId"] == user.user_id
        assert entry["UsedAccessKeyId"] == user.key.access_key_id
        assert entry["SourceAddress"] == "127.0.0.1"
        assert entry["Principal"].endswith(f":user/{user.name}")

    def test_every_call_is_there_with_its_outcome(self, root):
        ok = root.call("GetConversations")["RequestId"]
        not_found = root.send("GetMessages", ConversationId="nothing").json()["RequestId"]
        told = {each["RequestId"]: (each["Result"], each["Status"], each["Decision"]) for each in self.entries(root)}
        assert told[ok] == ("ok", 200, "allowed")
        assert told[not_found] == ("ConversationNotFound", 404, "allowed")

    def test_a_call_that_proves_nothing_is_there_without_a_secret_in_the_place_of_the_key(self, whole, root):
        secret = "Planted" + "s3cret" * 5
        whole.send("GetConversations", key=AccessKey(secret, SecretStr("x")))
        whole.send("GetConversations", key=AccessKey(whole.key.access_key_id, SecretStr("wrong")))
        whole.app.keys._cache.clear()
        whole.run(whole.app.access.audit.flush())
        found = whole.run(_strangers(whole))
        assert whole.key.access_key_id in {each.entry.access_key_id for each in found}
        assert secret not in repr(found)

    def test_the_instance_that_a_call_names_is_there(self, root):
        request_id = root.send("ChatMessages", Query="x", Inputs=json.dumps({"InstanceId": "not-there"})).json()[
            "RequestId"
        ]
        (entry,) = self.entries(root, RequestId=request_id)
        assert (entry["InstanceId"], entry["Result"]) == ("not-there", "InstanceNotFound")

    def test_it_is_read_page_by_page_while_it_grows(self, root):
        for _ in range(5):
            root.call("GetConversations")
        first = root.call("DescribeAuditLog", MaxResults=3)
        root.call("GetConversations")
        second = root.call("DescribeAuditLog", MaxResults=3, NextToken=first["NextToken"])
        numbers = [each["Number"] for page in (first, second) for each in page["Entries"]]
        assert numbers == sorted(numbers, reverse=True)
        assert len(set(numbers)) == 6

    def test_filters_hold_together(self, new_user, root):
        user = new_user(ASK)
        user.call("GetConversations")
        user.send("ListUsers")
        (entry,) = self.entries(root, User=user.user_id, Decision="denied")
        assert entry["Operation"] == "ListUsers"
        assert self.entries(root, User=user.user_id, StartTime="2100-01-01T00:00:00Z") == []

    def test_planted_secrets_are_nowhere_in_it(self, whole, root, new_user):
        user = new_user(ASK)
        planted = "hunter2-planted-secret"
        for parameters in (
            {"Query": planted},
            {"Query": "x", "Inputs": json.dumps({"InstanceId": f"{planted}!"})},
            {"Query": "x", "ConversationId": planted},
        ):
            user.send("ChatMessages", **parameters)
        root.send("CreatePolicy", PolicyName=planted + "!", PolicyDocument=planted)
        shown = json.dumps(self.entries(root))
        assert planted not in shown
        assert user.key.secret.get_secret_value() not in shown
        assert whole.key.secret.get_secret_value() not in shown


async def _strangers(whole: Any) -> Any:
    from housecall.access.audit import AuditFilter

    return await whole.app.access.audit.newest(AuditFilter(decision="unauthenticated"), limit=1000)


class TestInstances:
    """What a user may not see is not there for him."""

    @pytest.fixture
    def instances(self, whole, account):
        names = [f"orders-{next(_numbers)}", f"payroll-{next(_numbers)}"]
        for name in names:
            whole.run(whole.app.instances.add(account, name, "postgresql://u@127.0.0.1:1/x", probe=False))
        yield names
        for name in names:
            whole.run(whole.app.instances.remove(account, name))

    def test_a_question_about_a_hidden_instance_finds_nothing_and_names_nothing_hidden(self, new_user, instances):
        seen, hidden = instances
        user = new_user(ASK, {"Effect": "Allow", "Action": "rds:*", "Resource": f"acs:rds:*:*:dbinstance/{seen}"})
        assert ask(user, Inputs=json.dumps({"InstanceId": seen}))["Answer"] == "hello"
        answer = user.send("ChatMessages", Query="x", Inputs=json.dumps({"InstanceId": hidden})).json()
        assert answer["Code"] == "InstanceNotFound"
        assert seen in answer["Message"]
        assert hidden not in answer["Message"].replace(f"There is no instance {hidden!r}", "")

    def test_a_directory_shows_what_the_policies_allow_now(self, whole, new_user, instances, account, root):
        seen, hidden = instances
        user = new_user(
            {"Effect": "Allow", "Action": "rds:DescribeDBInstances", "Resource": f"acs:rds:*:*:dbinstance/{seen}"}
        )
        directory = whole.app.instances_for(Caller(account, user.user_id))
        shown = {each.id for each in whole.run(directory.list_instances(account))}
        assert seen in shown
        assert hidden not in shown
        assert whole.run(directory.list_instances("another account")) == ()
        root.call("DetachPolicyFromUser", UserName=user.name, PolicyName=f"{user.name}-policy")
        assert whole.run(directory.list_instances(account)) == ()
