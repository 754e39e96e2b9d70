"""SubmitToolApproval and DescribeToolApprovals over the wire."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import insert

from housecall.events import Happening
from housecall.store.tables import ToolApprovalRow


@pytest.fixture
def waiting(whole):
    """A function that stores a call which waits, behind a real message; its id."""

    def store(**changes: Any) -> str:
        question = whole.script("Let me.", Happening("message_end"))
        asked = whole.send("ChatMessages", f"/?Query={quote(question)}&ResponseMode=blocking").json()
        return whole.run(_store(whole.app, asked, changes))

    return store


async def _store(app: Any, asked: dict[str, Any], changes: dict[str, Any]) -> str:
    call_id, root = str(uuid.uuid4()), app.root
    values = {
        "call_id": call_id, "round_id": str(uuid.uuid4()), "account_id": root.account_id, "user_id": root.user_id,
        "conversation_id": asked["ConversationId"], "message_id": asked["MessageId"], "run_id": asked["TaskId"],
        "tool_call_id": "c1", "tool_name": "create_index", "instance_id": "shop", "arguments": {"table": "orders"},
        "statements": ["CREATE INDEX CONCURRENTLY i ON orders (a)"], "statement_hash": "ab" * 32, "state": {},
        "card": {"title": "Create index i"}, "description": "Create index i", "language": "en", "mode": "manual",
        "rule": "manual", "reason": "a person decides", "status": "pending",
        "expires_at": datetime.now(UTC) + timedelta(hours=1),
    }  # fmt: skip
    async with app.database.begin("storing a call for a test") as connection:
        await connection.execute(insert(ToolApprovalRow).values(**values | changes))
    return call_id


def test_a_waiting_call_is_described_and_its_conversation_waits(whole, waiting) -> None:
    call_id = waiting()
    (item,) = whole.send("DescribeToolApprovals", f"/?CallId={call_id}").json()["Data"]
    assert item["ApprovalStatus"] == "pending"
    assert item["Statements"] == ["CREATE INDEX CONCURRENTLY i ON orders (a)"]
    listed = whole.send("GetConversations", "/?Limit=1").json()["Data"][0]
    assert (listed["Id"], listed["Status"]) == (item["ConversationId"], "pending_approval")


def test_a_decision_is_made_once_and_a_replay_is_refused(whole, waiting) -> None:
    call_id = waiting()
    target = f"/?CallId={call_id}&Decision=reject&Comment=not%20now"
    answer = whole.send("SubmitToolApproval", target).json()
    assert (answer["Undecided"], answer["Approval"]["ApprovalStatus"]) == (0, "rejected")
    assert answer["Approval"]["Comment"] == "not now"
    again = whole.send("SubmitToolApproval", f"/?CallId={call_id}&Decision=approve")
    assert (again.status_code, again.json()["Code"]) == (409, "ApprovalAlreadyDecided")


def test_one_line_of_the_audit_log_says_who_decided_from_where_on_which_statements(whole, waiting) -> None:
    call_id = waiting()
    answer = whole.send("SubmitToolApproval", f"/?CallId={call_id}&Decision=reject").json()
    (line,) = whole.send("DescribeAuditLog", f"/?CallId={call_id}").json()["Entries"]
    assert (line["Operation"], line["Result"]) == ("SubmitToolApproval", "reject:create_index")
    assert line["Principal"] == f"acs:ram::{whole.app.root.account_id}:root"
    assert (line["UsedAccessKeyId"], line["SourceAddress"]) == (whole.key.access_key_id, "127.0.0.1")
    assert (line["InstanceId"], line["StatementHash"]) == ("shop", "ab" * 32)
    assert line["RequestId"] == answer["RequestId"]


def test_a_decision_that_was_refused_and_the_going_on_are_found_by_the_call_too(whole, waiting) -> None:
    call_id = waiting()
    whole.send("SubmitToolApproval", f"/?CallId={call_id}&Decision=reject")
    whole.send("SubmitToolApproval", f"/?CallId={call_id}&Decision=approve")
    whole.send("ChatMessages", f"/?Query=continue&ResponseMode=blocking&Inputs.ResumeCallId={call_id}")
    lines = whole.send("DescribeAuditLog", f"/?CallId={call_id}").json()["Entries"]
    assert [(each["Operation"], each["Result"]) for each in lines] == [
        ("ChatMessages", "ok"),
        ("SubmitToolApproval", "ApprovalAlreadyDecided"),
        ("SubmitToolApproval", "reject:create_index"),
    ]


def test_an_expired_call_is_told_as_expired_and_not_decided(whole, waiting) -> None:
    call_id = waiting(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    late = whole.send("SubmitToolApproval", f"/?CallId={call_id}&Decision=approve")
    assert (late.status_code, late.json()["Code"]) == (409, "ApprovalExpired")
    (item,) = whole.send("DescribeToolApprovals", f"/?CallId={call_id}").json()["Data"]
    assert item["ApprovalStatus"] == "expired"


@pytest.mark.parametrize("call_id", ["nonsense", "00000000-0000-4000-8000-000000000000"])
def test_a_call_that_is_not_there_is_not_found(whole, call_id) -> None:
    for action, target in (
        ("SubmitToolApproval", f"/?CallId={call_id}&Decision=approve"),
        ("DescribeToolApprovals", f"/?CallId={call_id}"),
    ):
        answer = whole.send(action, target)
        assert (answer.status_code, answer.json()["Code"]) == (404, "ApprovalNotFound")


def test_a_decision_that_is_none_is_refused_with_what_is_allowed(whole, waiting) -> None:
    answer = whole.send("SubmitToolApproval", f"/?CallId={waiting()}&Decision=maybe")
    assert (answer.status_code, answer.json()["Code"]) == (400, "InvalidParameter")
    assert "approve" in answer.json()["Message"]


def test_arguments_do_not_go_with_a_rejection(whole, waiting) -> None:
    arguments = quote(json.dumps({"table": "other"}))
    answer = whole.send("SubmitToolApproval", f"/?CallId={waiting()}&Decision=reject&ToolArguments={arguments}")
    assert answer.status_code == 400


def test_an_answer_goes_on_only_when_its_round_is_decided_and_only_once(whole, waiting) -> None:
    call_id = waiting()
    resume = f"/?Query=continue&ResponseMode=blocking&Inputs.ResumeCallId={call_id}"
    early = whole.send("ChatMessages", resume)
    assert (early.status_code, early.json()["Code"]) == (409, "ApprovalPending")
    whole.send("SubmitToolApproval", f"/?CallId={call_id}&Decision=reject")
    (item,) = whole.send("DescribeToolApprovals", f"/?CallId={call_id}").json()["Data"]
    assert whole.send("ChatMessages", resume).json()["ConversationId"] == item["ConversationId"]
    again = whole.send("ChatMessages", resume)
    assert (again.status_code, again.json()["Code"]) == (409, "ApprovalAlreadyResumed")


def test_an_answer_goes_on_with_the_model_the_agent_and_the_language_that_it_began_with(whole, waiting) -> None:
    agent = whole.send("CreateCustomAgent", "/?SystemPrompt=Be%20brief&EnableTools=false").json()["Id"]
    begun = quote(json.dumps({"ModelId": "builtin", "CustomAgentId": agent, "Language": "zh-CN", "RegionId": "cn-x"}))
    asked = whole.send("ChatMessages", f"/?Query=begin&ResponseMode=blocking&Inputs={begun}").json()
    call_id = waiting(message_id=asked["MessageId"], conversation_id=asked["ConversationId"])
    whole.send("SubmitToolApproval", f"/?CallId={call_id}&Decision=reject")
    inputs = quote(json.dumps({"ResumeCallId": call_id, "Language": "en"}))
    whole.send("ChatMessages", f"/?Query=go%20on%20as%20begun&ResponseMode=blocking&Inputs={inputs}")
    turn = whole.answerer.turns["go on as begun"]
    assert (turn.inputs["model_id"], turn.inputs["custom_agent_id"]) == ("builtin", agent)
    assert (turn.inputs["region_id"], turn.inputs["resume_call_id"]) == ("cn-x", call_id)
    assert turn.language == "en"


def test_pages_stay_where_they_are_while_calls_come(whole, waiting) -> None:
    older = [waiting(), waiting()]
    page = whole.send("DescribeToolApprovals", "/?MaxResults=1&ApprovalStatus=pending").json()
    assert page["Data"][0]["CallId"] == older[1]
    waiting()
    following = whole.send(
        "DescribeToolApprovals", f"/?MaxResults=1&ApprovalStatus=pending&NextToken={page['NextToken']}"
    ).json()
    assert following["Data"][0]["CallId"] == older[0]
