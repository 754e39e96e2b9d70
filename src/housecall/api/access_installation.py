"""Accounts, plans, control policies and the audit log.

What concerns other accounts belongs to the account of the installation itself, the first one; to everybody else an
account that is not his own is not there.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from housecall.access.audit import AuditFilter, StoredEntry
from housecall.access.people import Account
from housecall.access.plans import MAX_INSTANCES, MAX_RUNS, MAX_TOKENS, Plan, Usage
from housecall.api.access_shared import Moment, check_installation, ram_operation, time_text
from housecall.api.operation import Call, Operation
from housecall.api.wire import (
    Flag,
    OptionalText,
    Success,
    Text,
    WireModel,
    WireRequest,
    WireResponse,
    choice,
    comma_list,
    whole_number,
)
from housecall.errors import NotFound, RequestError


class CreateAccountRequest(WireRequest):
    """A new account."""

    account_name: Text
    """Name of the account."""


class NothingAsked(WireRequest):
    """Takes no parameters."""


class AccountItem(WireModel):
    """An account. `is_installation`: the first one, which may manage the others."""

    account_id: str
    account_name: str
    is_installation: bool
    create_date: str | None


class CreateAccountResponse(WireResponse):
    """The account, and its root user with a first key, whose secret is shown this once."""

    account: AccountItem
    root_user_id: str
    access_key_id: str
    access_key_secret: str = Field(repr=False)


class ListAccountsResponse(WireResponse):
    """Every account, oldest first."""

    accounts: tuple[AccountItem, ...]


def _account(call: Call, account: Account) -> AccountItem:
    return AccountItem(
        account_id=account.account_id,
        account_name=account.name,
        is_installation=account.account_id == call.app.root.account_id,
        create_date=time_text(account.created_at),
    )


async def create_account(call: Call, request: CreateAccountRequest) -> CreateAccountResponse:
    await check_installation(call, "rdsai:CreateAccount")
    root = await call.app.access.people.create_account(request.account_name)
    key = await call.app.keys.create(root.user_id)
    account = await call.app.access.people.get_account(root.account_id)
    return CreateAccountResponse(
        account=_account(call, account),
        root_user_id=root.user_id,
        access_key_id=key.access_key_id,
        access_key_secret=key.access_key_secret.get_secret_value(),
    )


async def list_accounts(call: Call, request: NothingAsked) -> ListAccountsResponse:  # noqa: ARG001
    await check_installation(call, "rdsai:ListAccounts")
    accounts = await call.app.access.people.list_accounts()
    return ListAccountsResponse(accounts=tuple(_account(call, each) for each in accounts))


class AccountRequest(WireRequest):
    """One account."""

    account_id: OptionalText = None
    """The account; your own by default."""


Limit = Literal["MaxConcurrentRuns", "TokensPerMonth", "MaxInstances", "ExpiresAt"]


class ModifyPlanRequest(WireRequest):
    """What is to change: a limit that is left out stays as it is. A new plan is unlimited where nothing is said."""

    account_id: Text
    """The account."""
    plan_name: OptionalText = None
    """Name of the plan."""
    max_concurrent_runs: Annotated[int | None, whole_number(0, MAX_RUNS)] = None
    """Answers that may be written at the same time."""
    tokens_per_month: Annotated[int | None, whole_number(0, MAX_TOKENS)] = None
    """Tokens of models in a calendar month (UTC)."""
    max_instances: Annotated[int | None, whole_number(0, MAX_INSTANCES)] = None
    """Instances that may be registered."""
    expires_at: Moment = None
    """When the plan ends."""
    unlimited: Annotated[tuple[Limit, ...] | None, comma_list] = None
    """Limits to lift, with commas between: MaxConcurrentRuns, TokensPerMonth, MaxInstances, ExpiresAt."""
    no_plan: Flag = None
    """True takes the plan away: nobody of the account may ask."""


class PlanResponse(WireResponse):
    """An account's plan and what is used of it. Limits that are not there are unlimited; without a plan HasPlan is
    false."""

    account_id: str
    has_plan: bool
    plan_name: str | None = None
    max_concurrent_runs: int | None = None
    tokens_per_month: int | None = None
    max_instances: int | None = None
    expires_at: str | None = None
    running_now: int
    tokens_this_month: int
    instances_now: int


def _plan(account_id: str, plan: Plan | None, usage: Usage) -> PlanResponse:
    limits = plan or Plan("")
    return PlanResponse(
        account_id=account_id,
        has_plan=plan is not None,
        plan_name=limits.name or None,
        max_concurrent_runs=limits.max_concurrent_runs,
        tokens_per_month=limits.tokens_per_month,
        max_instances=limits.max_instances,
        expires_at=time_text(limits.expires_at),
        running_now=usage.running,
        tokens_this_month=usage.tokens,
        instances_now=usage.instances,
    )


async def describe_plan(call: Call, request: AccountRequest) -> PlanResponse:
    account_id = await _account_asked(call, request.account_id)
    plans = call.app.access.plans
    return _plan(account_id, await plans.get(account_id), await plans.usage(account_id))


async def modify_plan(call: Call, request: ModifyPlanRequest) -> PlanResponse:
    await check_installation(call, "rdsai:ModifyPlan")
    account_id = await _account_asked(call, request.account_id)
    plans = call.app.access.plans
    if request.no_plan:
        await plans.remove(account_id)
        return _plan(account_id, None, await plans.usage(account_id))
    plan = await plans.modify(account_id, **_changes(request))
    return _plan(account_id, plan, await plans.usage(account_id))


def _changes(request: ModifyPlanRequest) -> dict[str, Any]:
    """By the names of `Plan`. Raises RequestError for a limit that is set and lifted at once."""
    limits = {
        "MaxConcurrentRuns": ("max_concurrent_runs", request.max_concurrent_runs),
        "TokensPerMonth": ("tokens_per_month", request.tokens_per_month),
        "MaxInstances": ("max_instances", request.max_instances),
        "ExpiresAt": ("expires_at", request.expires_at),
    }
    changes: dict[str, Any] = {name: value for name, value in limits.values() if value is not None}
    for limit in request.unlimited or ():
        name, value = limits[limit]
        if value is not None:
            raise RequestError(f"The provided parameter is invalid. Unlimited: {limit} is set and lifted at once.")
        changes[name] = None
    return changes | ({"name": request.plan_name} if request.plan_name else {})


class ControlPolicyRequest(WireRequest):
    """A policy and the account that it limits."""

    policy_name: Text
    """Name of a policy of the installation's account, or of one that comes with Housecall."""
    target_id: Text
    """The account that it limits, its root included."""


async def attach_control_policy(call: Call, request: ControlPolicyRequest) -> Success:
    await check_installation(call, "ram:AttachControlPolicy")
    account_id = await _account_asked(call, request.target_id)
    if account_id == call.app.root.account_id:
        raise RequestError("The provided parameter is invalid. TargetId: the installation's own account has no limits.")
    access = call.app.access
    await access.policies.attach(
        account_id, "account", account_id, request.policy_name, policy_account_id=call.caller.account_id
    )
    access.rights.forget()
    return Success()


async def detach_control_policy(call: Call, request: ControlPolicyRequest) -> Success:
    await check_installation(call, "ram:DetachControlPolicy")
    account_id = await _account_asked(call, request.target_id)
    await call.app.access.policies.detach(account_id, "account", account_id, request.policy_name)
    call.app.access.rights.forget()
    return Success()


async def _account_asked(call: Call, account_id: str | None) -> str:
    """The account to look at. Raises NotFound, for all but the installation's account also for those there are."""
    if account_id is None or account_id == call.caller.account_id:
        return call.caller.account_id
    if call.caller.account_id != call.app.root.account_id:
        raise NotFound(f"There is no account {account_id[:80]!r}.", code="EntityNotExist.Account")
    return (await call.app.access.people.get_account(account_id)).account_id


class DescribeAuditLogRequest(AccountRequest):
    """What of the log to read, newest first. All that is given must hold."""

    start_time: Moment = None
    """From this moment on."""
    end_time: Moment = None
    """Before this moment."""
    user: OptionalText = None
    """Id of a user, or the resource name of a user, role session or root."""
    used_access_key_id: OptionalText = None
    """Key that signed."""
    operation: OptionalText = None
    """Name of the operation, or the last part of an rds: action."""
    decision: Annotated[str | None, choice("allowed", "denied", "unauthenticated")] = None
    """allowed, denied or unauthenticated."""
    instance_id: OptionalText = None
    """Instance that it was about."""
    request_id: OptionalText = None
    """RequestId of an answer, or TaskId for what the assistant did in it."""
    call_id: OptionalText = None
    """CallId of a change: who decided on it, from where, and what became of it."""
    max_results: Annotated[int | None, whole_number(1, 1000)] = None
    """Entries on a page, 1 to 1000; 100 by default."""
    next_token: Annotated[int | None, whole_number(1, 10**15 - 1)] = None
    """NextToken of the page before."""


class AuditItem(WireModel):
    """One entry. `result` is ok, what was decided (`approve:create_index`) or done, or the code of the error."""

    number: int
    time: str
    principal: str
    user_id: str
    used_access_key_id: str
    source: str
    source_address: str
    request_id: str
    operation: str
    action: str
    decision: str
    instance_id: str | None
    statement_hash: str | None
    call_id: str | None
    result: str
    status: int


class DescribeAuditLogResponse(WireResponse):
    """A page of the log. Without `next_token` it was the last."""

    entries: tuple[AuditItem, ...]
    next_token: str | None


def _item(stored: StoredEntry) -> AuditItem:
    entry = stored.entry
    return AuditItem(
        number=stored.number,
        time=stored.at.isoformat(),
        principal=entry.principal,
        user_id=entry.user_id,
        used_access_key_id=entry.access_key_id,
        source=entry.source,
        source_address=entry.source_address,
        request_id=entry.request_id,
        operation=entry.operation,
        action=entry.action,
        decision=entry.decision,
        instance_id=entry.instance_id,
        statement_hash=entry.statement_hash,
        call_id=entry.call_id,
        result=entry.result,
        status=entry.status,
    )


async def describe_audit_log(call: Call, request: DescribeAuditLogRequest) -> DescribeAuditLogResponse:
    account_id = await _account_asked(call, request.account_id)
    wanted = AuditFilter(
        account_id=account_id,
        since=request.start_time,
        until=request.end_time,
        user=request.user,
        access_key_id=request.used_access_key_id,
        operation=request.operation,
        decision=request.decision,
        instance_id=request.instance_id,
        request_id=request.request_id,
        call_id=request.call_id,
    )
    limit = request.max_results or 100
    found = await call.app.access.audit.newest(wanted, before=request.next_token, limit=limit + 1)
    shown = found[:limit]
    more = str(shown[-1].number) if len(found) > limit else None
    return DescribeAuditLogResponse(entries=tuple(map(_item, shown)), next_token=more)


OPERATIONS = (
    Operation(
        name="CreateAccount",
        request=CreateAccountRequest,
        response=CreateAccountResponse,
        summary="Make an account with its root user and a first key. For the installation's own account.",
        handler=create_account,
        access="create",
        errors=("EntityAlreadyExists.Account",),
        example={"AccountName": "shop-team"},
    ),
    Operation(
        name="ListAccounts",
        request=NothingAsked,
        response=ListAccountsResponse,
        summary="List the accounts. For the installation's own account.",
        handler=list_accounts,
        access="list",
    ),
    Operation(
        name="DescribePlan",
        request=AccountRequest,
        response=PlanResponse,
        summary="Show what your account may use, and what it uses now.",
        handler=describe_plan,
        access="get",
        errors=("EntityNotExist.Account",),
    ),
    Operation(
        name="ModifyPlan",
        request=ModifyPlanRequest,
        response=PlanResponse,
        summary="Change what an account may use, or take its plan away. For the installation's own account.",
        handler=modify_plan,
        access="update",
        errors=("EntityNotExist.Account",),
        example={"AccountId": "1234567890123456", "PlanName": "team", "MaxConcurrentRuns": 5},
    ),
    ram_operation(
        name="AttachControlPolicy",
        request=ControlPolicyRequest,
        response=Success,
        summary="Limit a whole account by a policy, its root included. For the installation's own account.",
        handler=attach_control_policy,
        access="update",
        errors=("EntityNotExist.Account", "EntityNotExist.Policy", "LimitExceeded.Attachment"),
        example={"PolicyName": "HousecallFullAccess", "TargetId": "1234567890123456"},
    ),
    ram_operation(
        name="DetachControlPolicy",
        request=ControlPolicyRequest,
        response=Success,
        summary="Lift a control policy from an account. For the installation's own account.",
        handler=detach_control_policy,
        access="update",
        errors=("EntityNotExist.Account", "EntityNotExist.Policy"),
        example={"PolicyName": "HousecallFullAccess", "TargetId": "1234567890123456"},
    ),
    Operation(
        name="DescribeAuditLog",
        request=DescribeAuditLogRequest,
        response=DescribeAuditLogResponse,
        summary="Read who did what in your account, newest first.",
        handler=describe_audit_log,
        access="list",
        errors=("EntityNotExist.Account",),
        example={"Decision": "denied", "MaxResults": 20},
    ),
)
