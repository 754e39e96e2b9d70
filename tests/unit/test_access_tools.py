"""Which rights a tool needs, and that an instance is used only with them."""

import pytest

from housecall.access.accounts import Caller
from housecall.access.policy import Layers, parse_policy
from housecall.access.rights import Principal, Rights
from housecall.access.trust import parse_trust, trusts
from housecall.access.vault import Vault
from housecall.agent.fakes import FixedDirectory, an_instance
from housecall.agent.permissions import ACTIONS, action_of, begin_use, current_use
from housecall.agent.tools.registry import all_tools
from housecall.errors import NotAllowed, NotFound, RequestError
from housecall.instances.visible import VisibleInstances, caller_of_turn, caller_to_turn
from housecall.turn import Turn

pytestmark = pytest.mark.anyio
CALLER = Caller("1", "2")


class FixedRights(Rights):
    """Rights of one policy, without a store."""

    def __init__(self, *statements):
        super().__init__(None, Vault(bytes(32)))
        policies = (parse_policy({"Version": "1", "Statement": list(statements)}, "p"),) if statements else ()
        self.layers = Layers(identity=policies)

    async def principal(self, caller):
        return Principal(caller, "SubUser", "acs:ram::1:user/ada", caller.user_id, self.layers)


class Remembering:
    def __init__(self):
        self.entries, self.flushed = [], 0

    def record(self, entry):
        self.entries.append(entry)

    async def flush(self):
        self.flushed += 1


def allow(action, instance):
    return {"Effect": "Allow", "Action": action, "Resource": f"acs:rds:*:*:dbinstance/{instance}"}


def visible(*statements, audit=None):
    directory = FixedDirectory((an_instance("orders"), an_instance("payroll")))
    return VisibleInstances(directory, FixedRights(*statements), audit or Remembering(), CALLER, run_id="run")


@pytest.mark.parametrize("tool", [tool.name for tool in all_tools()])
def test_every_tool_needs_an_rds_action(tool):
    assert action_of(tool).startswith("rds:")


def test_every_tool_of_the_table_exists():
    assert set(ACTIONS) <= {tool.name for tool in all_tools()}


def test_a_tool_that_is_not_in_the_table_needs_the_action_of_its_name():
    assert action_of("cancel_query") == "rds:CancelQuery"
    assert action_of("describe_db_instance_net_info") == "rds:DescribeDBInstanceNetInfo"
    assert action_of("execute_sql") == "rds:ExecuteSQL"


def test_a_use_names_its_statement_by_hash_alone():
    begin_use("query_sql", {"sql": "SELECT 'hunter2'"})
    assert current_use().action == "rds:QuerySQL"
    assert len(current_use().statement_hash) == 64
    assert "hunter2" not in repr(current_use())


async def test_only_granted_instances_are_there():
    shown = await visible(allow("rds:Describe*", "orders")).list_instances("1")
    assert [each.id for each in shown] == ["orders"]
    assert await visible().list_instances("1") == ()


async def test_an_instance_that_one_may_not_see_is_not_found_and_not_named():
    with pytest.raises(NotFound) as hidden:
        await visible(allow("rds:*", "orders")).get_instance("1", "payroll")
    with pytest.raises(NotFound) as nowhere:
        await visible(allow("rds:*", "orders")).get_instance("1", "nothing")
    assert hidden.value.message.replace("payroll", "nothing") == nowhere.value.message


async def test_seeing_is_not_using():
    audit = Remembering()
    directory = visible(allow("rds:DescribeDBInstances", "orders"), audit=audit)
    instance = await directory.get_instance("1", "orders")
    with pytest.raises(NotAllowed, match="rds:QuerySQL"):
        await directory.use(instance, "rds:QuerySQL", "hash")
    (entry,) = audit.entries
    assert (entry.decision, entry.instance_id, entry.statement_hash) == ("denied", "orders", "hash")
    assert (entry.request_id, audit.flushed) == ("run", 1)


async def test_a_granted_use_is_written_down():
    audit = Remembering()
    directory = visible(allow("rds:*", "orders"), audit=audit)
    await directory.use(await directory.get_instance("1", "orders"), "rds:QuerySQL", "hash")
    assert [entry.decision for entry in audit.entries] == ["allowed"]


def test_a_run_keeps_who_asked_and_under_which_conditions():
    caller = Caller("1", "role:night:2", "STS.key", "STS.key")
    kept = {"caller": caller_to_turn(caller, {"acs:SourceIp": "10.0.0.1"})}
    turn = Turn("r", "c", "m", "1", "role:night:2", "q", inputs=kept)
    assert caller_of_turn(turn) == (caller, {"acs:SourceIp": "10.0.0.1"})
    assert caller_of_turn(Turn("r", "c", "m", "1", "2", "q")) == (CALLER, {})


TRUST = {
    "Version": "1",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": "acs:ram::1:user/ada"}},
        {"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": {"RAM": ["acs:ram::3:root"]}},
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": ["acs:ram::3:user/eve"]}},
    ],
}


@pytest.mark.parametrize(
    ("account", "name", "trusted"),
    [("1", "ada", True), ("1", "bob", False), ("2", "ada", False), ("3", "eve", False)],
)
def test_a_trust_policy_trusts_whom_it_names_and_a_deny_wins(account, name, trusted):
    decision = trusts(parse_trust(TRUST, "r"), account, f"acs:ram::{account}:user/{name}", {})
    assert decision.allowed is trusted


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ({"Action": "sts:AssumeRole"}, "Principal"),
        ({"Action": "sts:AssumeRole", "Principal": {"RAM": "*"}}, "Principal"),
        ({"Action": "sts:AssumeRole", "Principal": {"RAM": "acs:ram::*:root"}}, "Principal"),
        ({"Action": "sts:*", "Principal": {"RAM": "acs:ram::1:root"}}, "Action"),
        ({"Action": "sts:AssumeRole", "Principal": {"RAM": "acs:ram::1:root"}, "Resource": "*"}, "Resource"),
    ],
)
def test_a_trust_policy_that_is_not_exactly_right_is_refused(statement, place):
    with pytest.raises(RequestError, match=place) as caught:
        parse_trust({"Version": "1", "Statement": [{"Effect": "Allow", **statement}]}, "r")
    assert caught.value.wire_code == "MalformedPolicyDocument"
