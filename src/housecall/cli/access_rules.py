"""`policy`, `plan` and `audit`: what people may do, what they may use, and what they did."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from housecall.cli.acting import AccountOption, acting, iso, minute, moment_of, read_document
from housecall.cli.failures import FOUND
from housecall.cli.loading import run_in_loop
from housecall.cli.options import JsonOption
from housecall.cli.output import print_json, print_table
from housecall.errors import RequestError

if TYPE_CHECKING:
    from housecall.access.audit import AuditFilter, StoredEntry
    from housecall.access.plans import Plan, Usage
    from housecall.access.policies import TargetKind

policy_app = typer.Typer(help="Write policies and say for whom they count.", no_args_is_help=True)
plan_app = typer.Typer(help="Show and set what an account may use.", no_args_is_help=True)
audit_app = typer.Typer(help="Read the audit log, which nobody can change.", no_args_is_help=True)

PolicyArgument = Annotated[str, typer.Argument(metavar="POLICY", help="The policy's name.")]
FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="JSON document; - reads standard input.")]
PlanAccount = Annotated[str | None, typer.Argument(metavar="ACCOUNT", help="Name or id; the first account by default.")]
UserOption = Annotated[str | None, typer.Option("--user", metavar="NAME", help="A user.")]
GroupOption = Annotated[str | None, typer.Option("--group", metavar="NAME", help="A group.")]
RoleOption = Annotated[str | None, typer.Option("--role", metavar="NAME", help="A role.")]
ControlOption = Annotated[
    str | None,
    typer.Option("--control", metavar="ACCOUNT", help="A whole account, its root included, as its control policy."),
]


@policy_app.command("create")
def create_policy(
    name: PolicyArgument,
    file: FileArgument,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    account: AccountOption = None,
) -> None:
    """Write a policy. It counts for nobody until it is attached."""
    run_in_loop(_write_policy("CreatePolicy", name, file, description, account))


@policy_app.command("update")
def update_policy(name: PolicyArgument, file: FileArgument, account: AccountOption = None) -> None:
    """Change a policy. Running servers heed it within five seconds."""
    run_in_loop(_write_policy("UpdatePolicy", name, file, "", account))


@policy_app.command("validate")
def validate(file: FileArgument) -> None:
    """Say whether a document is a policy. Exit code: 0 when it is, 2 with the place of the mistake when not."""
    from housecall.access.policy import parse_policy

    policy = parse_policy(read_document(file), file)
    typer.echo(f"{file} is a policy of {len(policy.statements)} statement{'s' if len(policy.statements) > 1 else ''}.")


@policy_app.command("list")
def list_policies(account: AccountOption = None, as_json: JsonOption = False) -> None:
    """List the policies of an account and those that come with Housecall."""
    run_in_loop(_list_policies(account, as_json=as_json))


@policy_app.command("show")
def show_policy(name: PolicyArgument, account: AccountOption = None, as_json: JsonOption = False) -> None:
    """Print a policy's document and whom it counts for."""
    run_in_loop(_show_policy(name, account, as_json=as_json))


@policy_app.command("delete")
def delete_policy(name: PolicyArgument, account: AccountOption = None) -> None:
    """Remove a policy that is attached nowhere."""
    run_in_loop(_delete_policy(name, account))


@policy_app.command("attach")
def attach(
    name: PolicyArgument,
    user: UserOption = None,
    group: GroupOption = None,
    role: RoleOption = None,
    control: ControlOption = None,
    account: AccountOption = None,
) -> None:
    """Let a policy count for a user, a group, a role or a whole account."""
    run_in_loop(_attach(name, _target(user, group, role, control), account, attaches=True))


@policy_app.command("detach")
def detach(
    name: PolicyArgument,
    user: UserOption = None,
    group: GroupOption = None,
    role: RoleOption = None,
    control: ControlOption = None,
    account: AccountOption = None,
) -> None:
    """Let a policy count no longer."""
    run_in_loop(_attach(name, _target(user, group, role, control), account, attaches=False))


@policy_app.command("check")
def check(
    user: Annotated[str, typer.Argument(metavar="USER", help="The user's name.")],
    action: Annotated[str, typer.Argument(metavar="ACTION", help="Such as rdsai:ChatMessages or rds:QuerySQL.")],
    instance: Annotated[str | None, typer.Option(metavar="ID", help="The instance that it is done to.")] = None,
    source: Annotated[str | None, typer.Option("--from", metavar="ADDRESS", help="Address that he comes from.")] = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether a user may do something, and which statement decides. Exit code: 0 when he may, 1 when not."""
    run_in_loop(_check(user, action, instance, source, account, as_json=as_json))


@policy_app.command("decode")
def decode(
    message: Annotated[str, typer.Argument(metavar="TEXT", help="EncodedDiagnosticMessage of a denial.")],
) -> None:
    """Print what a denial's diagnostic message says."""
    run_in_loop(_decode(message))


@plan_app.command("show")
def show_plan(account: PlanAccount = None, as_json: JsonOption = False) -> None:
    """Show an account's plan and what is used of it now."""
    run_in_loop(_show_plan(account, as_json=as_json))


@plan_app.command("set")
def set_plan(
    account: PlanAccount = None,
    name: Annotated[str | None, typer.Option(help="The plan's name.")] = None,
    concurrency: Annotated[int | None, typer.Option(min=0, help="Answers at the same time.")] = None,
    tokens: Annotated[int | None, typer.Option(min=0, help="Tokens of models a month.")] = None,
    instances: Annotated[int | None, typer.Option(min=0, help="Registered instances.")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="When it ends, as 2026-12-31 (UTC).")] = None,
    unlimited: Annotated[
        list[str] | None, typer.Option(metavar="LIMIT", help="Lift a limit: concurrency, tokens, instances or until.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Change an account's plan, or give it one. What is not named stays as it is; a new plan is unlimited there."""
    limits = {
        "concurrency": concurrency,
        "tokens": tokens,
        "instances": instances,
        "until": moment_of(until, "--until"),
    }
    run_in_loop(_set_plan(account, plan_changes(name, limits, unlimited or []), as_json=as_json))


@plan_app.command("remove")
def remove_plan(account: PlanAccount = None) -> None:
    """Take an account's plan away. Nobody of it may ask from now on."""
    run_in_loop(_remove_plan(account))


Since = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="From this moment on, as 2026-01-31T12:00:00Z.")
]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Before this moment.")]
ByUser = Annotated[
    str | None, typer.Option("--user", metavar="ID", help="A user's id, or a principal's resource name.")
]
ByKey = Annotated[str | None, typer.Option("--key", metavar="ID", help="Access key that signed.")]
ByOperation = Annotated[str | None, typer.Option("--operation", metavar="NAME", help="Operation, such as CreateUser.")]
ByDecision = Annotated[
    str | None, typer.Option("--decision", metavar="WORD", help="allowed, denied or unauthenticated.")
]
ByInstance = Annotated[str | None, typer.Option("--instance", metavar="ID", help="Instance that it was about.")]
ByRequest = Annotated[str | None, typer.Option("--request", metavar="ID", help="RequestId, or TaskId of a run.")]
ByCall = Annotated[str | None, typer.Option("--call", metavar="ID", help="Change that was decided on and made.")]


@audit_app.command("list")
def list_audit(
    since: Since = None,
    until: Until = None,
    user: ByUser = None,
    key: ByKey = None,
    operation: ByOperation = None,
    decision: ByDecision = None,
    instance: ByInstance = None,
    request: ByRequest = None,
    call: ByCall = None,
    account: AccountOption = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the newest.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Show the newest entries, oldest of them first. Without --account those of every account."""
    asked = (since, until, user, key, operation, decision, instance, request, call)
    run_in_loop(_list_audit(asked, account, limit, as_json=as_json))


@audit_app.command("export")
def export_audit(
    since: Since = None,
    until: Until = None,
    user: ByUser = None,
    key: ByKey = None,
    operation: ByOperation = None,
    decision: ByDecision = None,
    instance: ByInstance = None,
    request: ByRequest = None,
    call: ByCall = None,
    account: AccountOption = None,
    after: Annotated[int, typer.Option(min=0, metavar="NUMBER", help="Only entries with a higher number.")] = 0,
) -> None:
    """Print all entries as JSON lines, oldest first. Go on later with --after and the last number."""
    asked = (since, until, user, key, operation, decision, instance, request, call)
    run_in_loop(_export_audit(asked, account, after))


async def _write_policy(operation: str, name: str, file: str, description: str, account: str | None) -> None:
    document = read_document(file)
    async with acting(account, operation=operation) as act:
        if operation == "CreatePolicy":
            await act.access.policies.create(act.account_id, name, document, description)
        else:
            await act.access.policies.update(act.account_id, name, document)
    typer.echo(f"Policy {name!r} is written.")


async def _list_policies(account: str | None, *, as_json: bool) -> None:
    async with acting(account) as act:
        stored = await act.access.policies.list(act.account_id)
    if as_json:
        rows: list[dict[str, Any]] = [
            {"name": each.name, "kind": each.kind, "description": each.description, "attachments": each.attachments}
            for each in stored
        ]
        print_json({"policies": rows})
    else:
        columns = ("policy", "kind", "attached", "description")
        print_table(
            columns,
            [(e.name, e.kind, e.attachments if e.kind == "Custom" else "", e.description) for e in stored],
        )


async def _show_policy(name: str, account: str | None, *, as_json: bool) -> None:
    async with acting(account) as act:
        stored = await act.access.policies.get(act.account_id, name)
        attached = await act.access.policies.attachments_of(act.account_id, name)
    if as_json:
        print_json(
            {
                "name": name,
                "kind": stored.kind,
                "description": stored.description,
                "document": stored.document,
                "attached_to": [{"kind": each.target_kind, "name": each.target} for each in attached],
            }
        )
        return
    typer.echo(json.dumps(stored.document, indent=2, ensure_ascii=False))
    told = ", ".join(f"{each.target_kind} {each.target}" for each in attached)
    typer.echo(f"Counts for: {told or 'nobody'}")


async def _delete_policy(name: str, account: str | None) -> None:
    async with acting(account, operation="DeletePolicy") as act:
        await act.access.policies.delete(act.account_id, name)
    typer.echo(f"Policy {name!r} is gone.")


def _target(user: str | None, group: str | None, role: str | None, control: str | None) -> tuple["TargetKind", str]:
    named: list[tuple[TargetKind, str | None]] = [
        ("user", user),
        ("group", group),
        ("role", role),
        ("account", control),
    ]
    given = [(kind, name) for kind, name in named if name is not None]
    if len(given) != 1:
        raise RequestError("Say for whom, once: --user, --group, --role or --control")
    return given[0]


async def _attach(name: str, target: tuple["TargetKind", str], account: str | None, *, attaches: bool) -> None:
    kind, whom = target
    words = {"user": "User", "group": "Group", "role": "Role"}
    verb = "Attach" if attaches else "Detach"
    operation = (
        f"{verb}ControlPolicy" if kind == "account" else f"{verb}Policy{'To' if attaches else 'From'}{words[kind]}"
    )
    async with acting(whom if kind == "account" else account, operation=operation) as act:
        policies, own = act.access.policies, act.app.root.account_id
        if kind == "account" and act.account_id == own:
            raise RequestError("The installation's own account has no limits; name another account.")
        target_name = act.account_id if kind == "account" else whom
        if attaches:
            owner = own if kind == "account" else None
            await policies.attach(act.account_id, kind, target_name, name, policy_account_id=owner)
        else:
            await policies.detach(act.account_id, kind, target_name, name)
    typer.echo(f"Policy {name!r} counts for the {kind} {whom!r}{'' if attaches else ' no longer'}.")


async def _check(
    user: str, action: str, instance: str | None, source: str | None, account: str | None, *, as_json: bool
) -> None:
    from housecall.access.accounts import Caller
    from housecall.access.policy import ALL_RESOURCES, instance_resource

    async with acting(account) as act:
        found = await act.access.people.get_user(act.account_id, user)
        resource = ALL_RESOURCES
        if instance is not None:
            region = (await act.app.instances.get_instance(act.account_id, instance)).region
            resource = instance_resource(region, act.account_id, instance)
        context = {} if source is None else {"acs:SourceIp": source}
        decision = (
            await act.access.rights.decide(Caller(act.account_id, found.user_id), action, resource, context)
        ).decision
    if as_json:
        print_json(
            {
                "allowed": decision.allowed,
                "decision": decision.effect,
                "policy": decision.policy,
                "statement": decision.statement,
                "layer": decision.policy_type,
            }
        )
    else:
        by = f" (statement {decision.statement} of policy {decision.policy!r})" if decision.policy else ""
        typer.echo(f"{user} {'may' if decision.allowed else 'may not'} {action} on {resource}: {decision.effect}{by}.")
    if not decision.allowed:
        raise typer.Exit(FOUND)


async def _decode(message: str) -> None:
    async with acting() as act:
        print_json(act.access.rights.decode(message))


def _plan_json(account_id: str, plan: "Plan | None", usage: "Usage") -> dict[str, Any]:
    limits = None
    if plan is not None:
        limits = {
            "name": plan.name,
            "concurrency": plan.max_concurrent_runs,
            "tokens_a_month": plan.tokens_per_month,
            "instances": plan.max_instances,
            "until": iso(plan.expires_at),
        }
    used = {"running": usage.running, "tokens_this_month": usage.tokens, "instances": usage.instances}
    return {"account_id": account_id, "plan": limits, "used": used}


async def _show_plan(account: str | None, *, as_json: bool) -> None:
    async with acting(account) as act:
        plans = act.access.plans
        _print_plan(act.account_id, await plans.get(act.account_id), await plans.usage(act.account_id), as_json=as_json)


def _print_plan(account_id: str, plan: "Plan | None", usage: "Usage", *, as_json: bool) -> None:
    if as_json:
        print_json(_plan_json(account_id, plan, usage))
    elif plan is None:
        typer.echo(f"Account {account_id} has no plan: nobody of it may ask. Give it one with: housecall plan set")
    else:
        rows = (
            ("answers at a time", _limit(plan.max_concurrent_runs), f"{usage.running:,}"),
            ("tokens this month", _limit(plan.tokens_per_month), f"{usage.tokens:,}"),
            ("instances", _limit(plan.max_instances), f"{usage.instances:,}"),
        )
        typer.echo(f"Plan {plan.name!r} of account {account_id}, until {minute(plan.expires_at, 'it is taken away')}.")
        print_table(("", "limit", "used"), rows)


def _limit(value: int | None) -> str:
    return "unlimited" if value is None else f"{value:,}"


def plan_changes(name: str | None, limits: dict[str, Any], unlimited: list[str]) -> dict[str, Any]:
    """By the names of a plan. Raises RequestError for a limit that is not known, or set and lifted at once."""
    for each in unlimited:
        if each not in limits:
            raise RequestError(f"--unlimited {each!r} is no limit; choose {', '.join(limits)}")
        if limits[each] is not None:
            raise RequestError(f"--{each} and --unlimited {each} cannot be said at once")
    names = {
        "concurrency": "max_concurrent_runs", "tokens": "tokens_per_month", "instances": "max_instances",
        "until": "expires_at",
    }  # fmt: skip
    changes = {names[each]: value for each, value in limits.items() if value is not None or each in unlimited}
    return changes | ({"name": name} if name else {})


async def _set_plan(account: str | None, changes: dict[str, Any], *, as_json: bool) -> None:
    async with acting(account, operation="ModifyPlan") as act:
        plan = await act.access.plans.modify(act.account_id, **changes)
        _print_plan(act.account_id, plan, await act.access.plans.usage(act.account_id), as_json=as_json)


async def _remove_plan(account: str | None) -> None:
    async with acting(account, operation="ModifyPlan") as act:
        await act.access.plans.remove(act.account_id)
    typer.echo("The plan is gone; nobody of the account may ask.")


def _wanted(asked: tuple[str | None, ...], account_id: str | None) -> "AuditFilter":
    from housecall.access.audit import AuditFilter

    since, until, user, key, operation, decision, instance, request, call = asked
    return AuditFilter(
        account_id=account_id,
        since=moment_of(since, "--since"),
        until=moment_of(until, "--until"),
        user=user,
        access_key_id=key,
        operation=operation,
        decision=decision,
        instance_id=instance,
        request_id=request,
        call_id=call,
    )


def _entry_json(stored: "StoredEntry") -> dict[str, Any]:
    import dataclasses

    entry = dataclasses.asdict(stored.entry) | {"at": stored.at.isoformat()}
    return {"number": stored.number} | entry


async def _list_audit(asked: tuple[str | None, ...], account: str | None, limit: int, *, as_json: bool) -> None:
    async with acting(account) as act:
        wanted = _wanted(asked, None if account is None else act.account_id)
        found = list(reversed(await act.access.audit.newest(wanted, limit=limit)))
    if as_json:
        print_json({"entries": [_entry_json(each) for each in found]})
        return
    rows = [
        (
            f"{each.at:%Y-%m-%d %H:%M:%S}",
            each.entry.decision,
            each.entry.operation,
            each.entry.result,
            each.entry.principal or each.entry.access_key_id,
            each.entry.source_address,
            each.entry.instance_id or "",
        )
        for each in found
    ]
    print_table(("time (UTC)", "decision", "operation", "result", "who", "from", "instance"), rows)


async def _export_audit(asked: tuple[str | None, ...], account: str | None, after: int) -> None:
    async with acting(account) as act:
        wanted = _wanted(asked, None if account is None else act.account_id)
        while page := await act.access.audit.read(wanted, after=after, limit=1_000):
            for each in page:
                sys.stdout.write(json.dumps(_entry_json(each), ensure_ascii=False) + "\n")
            after = page[-1].number
