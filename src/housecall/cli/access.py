"""`account`, `user`, `group` and `role`: who there is."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from housecall.cli.acting import AccountOption, acting, iso, minute, read_document
from housecall.cli.loading import run_in_loop
from housecall.cli.options import JsonOption
from housecall.cli.output import print_json, print_table
from housecall.errors import RequestError

if TYPE_CHECKING:
    from housecall.access.people import User
    from housecall.access.roles import Role

account_app = typer.Typer(help="Make and list accounts, each with users and a plan of its own.", no_args_is_help=True)
user_app = typer.Typer(help="Make, list and remove users.", no_args_is_help=True)
group_app = typer.Typer(help="Make groups, and say who is in them.", no_args_is_help=True)
role_app = typer.Typer(help="Make roles, and get temporary credentials of one.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Its name.")]
UserArgument = Annotated[str, typer.Argument(metavar="USER", help="The user's name.")]
GroupArgument = Annotated[str, typer.Argument(metavar="GROUP", help="The group's name.")]
TrustOption = Annotated[
    str,
    typer.Option("--trust", metavar="FILE", help="Trust policy, a JSON file or -: who may assume it."),
]


@account_app.command("create")
def create_account(
    name: NameArgument,
    unlimited: Annotated[bool, typer.Option("--unlimited", help="Give it an unlimited plan at once.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make an account with its root user. It may not ask until it has a plan."""
    run_in_loop(_create_account(name, unlimited=unlimited, as_json=as_json))


@account_app.command("list")
def list_accounts(as_json: JsonOption = False) -> None:
    """List the accounts. The first one is the installation's own."""
    run_in_loop(_list_accounts(as_json=as_json))


@user_app.command("create")
def create_user(name: NameArgument, account: AccountOption = None, as_json: JsonOption = False) -> None:
    """Make a user. It may do nothing until a policy is attached; make a key with: housecall key create --user ID."""
    run_in_loop(_create_user(name, account, as_json=as_json))


@user_app.command("list")
def list_users(account: AccountOption = None, as_json: JsonOption = False) -> None:
    """List the users of an account."""
    run_in_loop(_list_users(account, as_json=as_json))


@user_app.command("show")
def show_user(name: UserArgument, account: AccountOption = None, as_json: JsonOption = False) -> None:
    """Show a user with groups, policies and keys."""
    run_in_loop(_show_user(name, account, as_json=as_json))


@user_app.command("delete")
def delete_user(name: UserArgument, account: AccountOption = None) -> None:
    """Remove a user. Its keys stop working at once."""
    run_in_loop(_delete("DeleteUser", "user", name, account))


@group_app.command("create")
def create_group(
    name: NameArgument,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    account: AccountOption = None,
) -> None:
    """Make a group."""
    run_in_loop(_create_group(name, description, account))


@group_app.command("list")
def list_groups(account: AccountOption = None, as_json: JsonOption = False) -> None:
    """List the groups with their users."""
    run_in_loop(_list_groups(account, as_json=as_json))


@group_app.command("add")
def add_to_group(group: GroupArgument, user: UserArgument, account: AccountOption = None) -> None:
    """Put a user into a group."""
    run_in_loop(_member("AddUserToGroup", group, user, account))


@group_app.command("remove")
def remove_from_group(group: GroupArgument, user: UserArgument, account: AccountOption = None) -> None:
    """Take a user out of a group."""
    run_in_loop(_member("RemoveUserFromGroup", group, user, account))


@group_app.command("delete")
def delete_group(name: GroupArgument, account: AccountOption = None) -> None:
    """Remove a group with its memberships and attached policies."""
    run_in_loop(_delete("DeleteGroup", "group", name, account))


@role_app.command("create")
def create_role(
    name: NameArgument,
    trust: TrustOption,
    max_session: Annotated[int, typer.Option("--max-session", metavar="SECONDS", help="Longest session.")] = 3600,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a role. What it may do: housecall policy attach POLICY --role NAME."""
    run_in_loop(_create_role(name, trust, max_session, description, account, as_json=as_json))


@role_app.command("list")
def list_roles(account: AccountOption = None, as_json: JsonOption = False) -> None:
    """List the roles of an account."""
    run_in_loop(_list_roles(account, as_json=as_json))


@role_app.command("show")
def show_role(name: NameArgument, account: AccountOption = None, as_json: JsonOption = False) -> None:
    """Show a role with its trust policy."""
    run_in_loop(_show_role(name, account, as_json=as_json))


@role_app.command("trust")
def trust_role(name: NameArgument, trust: TrustOption, account: AccountOption = None) -> None:
    """Change who may assume a role. Sessions that are open stay."""
    run_in_loop(_trust_role(name, trust, account))


@role_app.command("assume")
def assume_role(
    name: NameArgument,
    session: Annotated[str, typer.Option("--session", metavar="NAME", help="Name of the session.")] = "command-line",
    seconds: Annotated[int | None, typer.Option(metavar="SECONDS", help="How long it lasts.")] = None,
    policy: Annotated[str | None, typer.Option(metavar="FILE", help="Session policy, which narrows the role.")] = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Get temporary credentials of a role as root. They are shown now and never again."""
    run_in_loop(_assume_role(name, session, seconds, policy, account, as_json=as_json))


@role_app.command("delete")
def delete_role(name: NameArgument, account: AccountOption = None) -> None:
    """Remove a role. Its sessions end."""
    run_in_loop(_delete("DeleteRole", "role", name, account))


async def _create_account(name: str, *, unlimited: bool, as_json: bool) -> None:
    async with acting(operation="CreateAccount") as act:
        root = await act.access.people.create_account(name, "unlimited" if unlimited else "none")
    if as_json:
        print_json({"account_id": root.account_id, "name": name, "root_user_id": root.user_id})
        return
    typer.echo(f"Account {name!r} is {root.account_id}; its root user is {root.user_id}.")
    typer.echo(f"A key for it: housecall key create --user {root.user_id}")
    if not unlimited:
        typer.echo(f"It has no plan yet: housecall plan set {name} --concurrency 5")


async def _list_accounts(*, as_json: bool) -> None:
    async with acting() as act:
        accounts = await act.access.people.list_accounts()
        own = act.app.root.account_id
    if as_json:
        print_json(
            {
                "accounts": [
                    {
                        "account_id": each.account_id,
                        "name": each.name,
                        "is_installation": each.account_id == own,
                        "created_at": iso(each.created_at),
                    }
                    for each in accounts
                ]
            }
        )
        return
    rows = [
        (each.account_id, each.name, "the installation" if each.account_id == own else "", minute(each.created_at))
        for each in accounts
    ]
    print_table(("account", "name", "", "made (UTC)"), rows)


def _user_json(user: "User") -> dict[str, Any]:
    return {
        "user_id": user.user_id,
        "name": user.name,
        "is_root": user.is_root,
        "created_at": iso(user.created_at),
    }


async def _create_user(name: str, account: str | None, *, as_json: bool) -> None:
    async with acting(account, operation="CreateUser") as act:
        user = await act.access.people.create_user(act.account_id, name)
    if as_json:
        print_json(_user_json(user))
    else:
        typer.echo(f"User {name!r} is {user.user_id}. A key for it: housecall key create --user {user.user_id}")


async def _list_users(account: str | None, *, as_json: bool) -> None:
    async with acting(account) as act:
        users = await act.access.people.list_users(act.account_id)
    if as_json:
        print_json({"users": [_user_json(user) for user in users]})
    else:
        rows = [(each.name, each.user_id, "root" if each.is_root else "", minute(each.created_at)) for each in users]
        print_table(("user", "id", "", "made (UTC)"), rows)


async def _show_user(name: str, account: str | None, *, as_json: bool) -> None:
    async with acting(account) as act:
        user = await act.access.people.get_user(act.account_id, name)
        groups = await act.access.people.list_groups(act.account_id, user.user_id)
        policies = await act.access.policies.attached_to(act.account_id, "user", name)
        keys = await act.app.keys.list(user_id=user.user_id)
    shown = _user_json(user) | {
        "groups": [each.name for each in groups],
        "policies": [each.name for each in policies],
        "keys": [
            {"access_key_id": key.access_key_id, "active": key.active, "last_used_at": iso(key.last_used_at)}
            for key in keys
        ],
    }
    if as_json:
        print_json(shown)
        return
    told = [
        f"{key.access_key_id} ({'active' if key.active else 'disabled'}, used {minute(key.last_used_at)})"
        for key in keys
    ]
    lists = {"groups": ", ".join(shown["groups"]), "policies": ", ".join(shown["policies"]), "keys": ", ".join(told)}
    print_table(("", ""), (shown | lists).items())


async def _create_group(name: str, description: str, account: str | None) -> None:
    async with acting(account, operation="CreateGroup") as act:
        await act.access.people.create_group(act.account_id, name, description)
    typer.echo(f"Group {name!r} is there; put users into it with: housecall group add {name} USER")


async def _list_groups(account: str | None, *, as_json: bool) -> None:
    async with acting(account) as act:
        people = act.access.people
        groups = [
            (each, [user.name for user in await people.members(act.account_id, each.name)])
            for each in await people.list_groups(act.account_id)
        ]
    if as_json:
        print_json(
            {"groups": [{"name": each.name, "description": each.description, "users": users} for each, users in groups]}
        )
    else:
        print_table(
            ("group", "users", "description"), [(g.name, ", ".join(users), g.description) for g, users in groups]
        )


async def _member(operation: str, group: str, user: str, account: str | None) -> None:
    async with acting(account, operation=operation) as act:
        people = act.access.people
        change = people.add_member if operation == "AddUserToGroup" else people.remove_member
        await change(act.account_id, group, user)
    typer.echo(f"User {user!r} is {'in' if operation == 'AddUserToGroup' else 'not in'} the group {group!r}.")


async def _delete(operation: str, kind: str, name: str, account: str | None) -> None:
    async with acting(account, operation=operation) as act:
        people = act.access.people
        delete = {"user": people.delete_user, "group": people.delete_group, "role": act.access.roles.delete}[kind]
        await delete(act.account_id, name)
    typer.echo(f"The {kind} {name!r} is gone.")


def _document(path: str) -> Any:
    try:
        return json.loads(read_document(path))
    except ValueError as error:
        raise RequestError(f"{path} is not JSON: {error}", code="MalformedPolicyDocument") from error


def _role_json(role: "Role") -> dict[str, Any]:
    from housecall.access.names import role_arn

    return {
        "role_id": role.role_id,
        "name": role.name,
        "arn": role_arn(role.account_id, role.name),
        "description": role.description,
        "max_session_seconds": role.max_session_seconds,
        "trust_policy": role.trust_policy,
        "created_at": iso(role.created_at),
    }


async def _create_role(
    name: str, trust: str, max_session: int, description: str, account: str | None, *, as_json: bool
) -> None:
    document = _document(trust)
    async with acting(account, operation="CreateRole") as act:
        role = await act.access.roles.create(act.account_id, name, document, description, max_session)
    if as_json:
        print_json(_role_json(role))
    else:
        typer.echo(
            f"Role {name!r} is {_role_json(role)['arn']}. What it may: housecall policy attach POLICY --role {name}"
        )


async def _list_roles(account: str | None, *, as_json: bool) -> None:
    async with acting(account) as act:
        roles = await act.access.roles.list(act.account_id)
    if as_json:
        print_json({"roles": [_role_json(role) for role in roles]})
    else:
        rows = [(each.name, f"{each.max_session_seconds} s", each.description) for each in roles]
        print_table(("role", "longest session", "description"), rows)


async def _show_role(name: str, account: str | None, *, as_json: bool) -> None:
    async with acting(account) as act:
        role = _role_json(await act.access.roles.get(act.account_id, name))
        policies = [each.name for each in await act.access.policies.attached_to(act.account_id, "role", name)]
    role["policies"] = policies
    if as_json:
        print_json(role)
    else:
        shown = role | {"policies": ", ".join(policies), "trust_policy": json.dumps(role["trust_policy"], indent=2)}
        print_table(("", ""), shown.items())


async def _trust_role(name: str, trust: str, account: str | None) -> None:
    document = _document(trust)
    async with acting(account, operation="UpdateRole") as act:
        await act.access.roles.update(act.account_id, name, document)
    typer.echo(f"Role {name!r} has the new trust policy.")


async def _assume_role(
    name: str, session: str, seconds: int | None, policy: str | None, account: str | None, *, as_json: bool
) -> None:
    narrowed = None if policy is None else read_document(policy)
    async with acting(account, operation="AssumeRole") as act:
        role = await act.access.roles.get(act.account_id, name)
        made = await act.access.roles.open_session(role, act.app.root, session, seconds, narrowed)
    shown = {
        "access_key_id": made.access_key_id,
        "access_key_secret": made.access_key_secret.get_secret_value(),
        "security_token": made.security_token.get_secret_value(),
        "expires_at": iso(made.expires_at),
        "arn": made.arn,
    }
    if as_json:
        print_json(shown)
    else:
        print_table(("", ""), shown.items())
        typer.echo("They are not shown again.")
