"""SubmitToolApproval and DescribeToolApprovals: what waits for a person, and his decision (contract, decision 6).

The answer goes on by ChatMessages with Inputs.ResumeCallId once every call of the round is decided.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from housecall.api.operation import Call, Operation
from housecall.api.wire import (
    OptionalText,
    Text,
    WireModel,
    WireRequest,
    WireResponse,
    choice,
    json_object,
    whole_number,
)
from housecall.chat.approvals import Approval, Decision
from housecall.engines.desk import ApprovalStatus

DEFAULT_LIMIT = 50


class ApprovalItem(WireModel):
    """A call with its card. `execution_status` and `result` are there once it was carried out or refused."""

    call_id: str
    round_id: str
    conversation_id: str
    message_id: str
    task_id: str
    instance_id: str
    tool_name: str
    tool_arguments: Mapping[str, Any]
    description: str
    statements: tuple[str, ...]
    statement_hash: str
    card: Mapping[str, Any]
    approval_status: str
    tool_approval_mode: str
    rule: str
    reason: str
    comment: str
    decided_by: str | None
    decided_at: str | None
    created_at: str
    expires_at: str
    execution_status: str | None
    result: Mapping[str, Any] | None


class SubmitToolApprovalRequest(WireRequest):
    """A decision is made once."""

    call_id: Text
    """CallId of the event tool_approval."""
    decision: Annotated[Decision, choice("approve", "reject")]
    """approve or reject."""
    comment: OptionalText = None
    """What to tell the model, such as why not."""
    tool_arguments: Annotated[Mapping[str, Any] | None, json_object] = None
    """Object of arguments in place of the model's; another change, composed and checked anew."""


class SubmitToolApprovalResponse(WireResponse):
    """The call as it stands now. `undecided` calls of its round still wait; with 0 the answer can go on."""

    undecided: int
    approval: ApprovalItem


class DescribeToolApprovalsRequest(WireRequest):
    """Newest first. A page begins behind `next_token`, so calls that come meanwhile shift nothing."""

    call_id: OptionalText = None
    """Only this call."""
    conversation_id: OptionalText = None
    """Only calls of this conversation."""
    approval_status: Annotated[ApprovalStatus | None, choice("pending", "approved", "rejected", "expired")] = None
    """Only calls that are pending, approved, rejected or expired."""
    max_results: Annotated[int | None, whole_number(1, 100)] = None
    """Calls on a page, 1 to 100; 50 by default."""
    next_token: Annotated[int | None, whole_number(1, 2**31 - 1)] = None
    """NextToken of the page before."""


class DescribeToolApprovalsResponse(WireResponse):
    """A page of calls."""

    data: tuple[ApprovalItem, ...]
    next_token: str | None = None
    max_results: int


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def approval_item(approval: Approval) -> ApprovalItem:
    card = approval.card
    return ApprovalItem(
        call_id=card.call_id,
        round_id=card.round_id,
        conversation_id=approval.conversation_id,
        message_id=approval.message_id,
        task_id=approval.run_id,
        instance_id=card.instance_id,
        tool_name=card.tool_name,
        tool_arguments=card.arguments,
        description=card.description,
        statements=approval.statements,
        statement_hash=approval.statement_hash,
        card=approval.details,
        approval_status=card.status,
        tool_approval_mode=approval.mode,
        rule=approval.rule,
        reason=approval.reason,
        comment=card.comment,
        decided_by=approval.decided_by,
        decided_at=None if approval.decided_at is None else _iso(approval.decided_at),
        created_at=_iso(approval.created_at),
        expires_at=_iso(approval.expires_at),
        execution_status=approval.execution,
        result=approval.result,
    )


async def submit_tool_approval(call: Call, request: SubmitToolApprovalRequest) -> SubmitToolApprovalResponse:
    principal = await call.app.access.rights.principal(call.caller)
    submitted = await call.app.approvals.submit(
        call.caller,
        request.call_id,
        request.decision,
        comment=request.comment or "",
        arguments=request.tool_arguments,
        principal=principal.arn,
    )
    decided = submitted.approval
    call.subject.instance_id, call.subject.statement_hash = decided.card.instance_id, decided.statement_hash
    call.subject.result = f"{request.decision}:{decided.card.tool_name}"
    return SubmitToolApprovalResponse(undecided=submitted.undecided, approval=approval_item(submitted.approval))


async def describe_tool_approvals(call: Call, request: DescribeToolApprovalsRequest) -> DescribeToolApprovalsResponse:
    limit = request.max_results or DEFAULT_LIMIT
    if request.call_id:
        found = await call.app.approvals.get(call.caller, request.call_id)
        return DescribeToolApprovalsResponse(data=(approval_item(found),), max_results=limit)
    page, more = await call.app.approvals.list_approvals(
        call.caller,
        status=request.approval_status,
        conversation_id=request.conversation_id,
        before_number=request.next_token,
        limit=limit,
    )
    return DescribeToolApprovalsResponse(
        data=tuple(approval_item(each) for _, each in page),
        next_token=str(page[-1][0]) if more else None,
        max_results=limit,
    )


OPERATIONS = (
    Operation(
        name="SubmitToolApproval",
        request=SubmitToolApprovalRequest,
        response=SubmitToolApprovalResponse,
        summary="Approve or reject a change that the assistant proposes.",
        handler=submit_tool_approval,
        access="update",
        errors=("ApprovalNotFound", "ApprovalAlreadyDecided", "ApprovalExpired", "InstanceNotFound"),
        example={
            "CallId": "ce8d3aac-f452-53b9-9574-920a2b286b8b",
            "Decision": "approve",
            "Comment": "Go ahead, it is quiet now.",
        },
    ),
    Operation(
        name="DescribeToolApprovals",
        request=DescribeToolApprovalsRequest,
        response=DescribeToolApprovalsResponse,
        summary="List the changes that wait for a person, and what became of earlier ones.",
        handler=describe_tool_approvals,
        access="list",
        errors=("ApprovalNotFound",),
        example={"ApprovalStatus": "pending", "MaxResults": 20},
    ),
)
