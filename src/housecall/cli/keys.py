"""`key`: what clients of the API sign their requests with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from housecall.cli.acting import acting
from housecall.cli.loading import run_in_loop, settings_for_command
from housecall.cli.options import JsonOption
from housecall.cli.output import print_json, print_table

if TYPE_CHECKING:
    from housecall.access.keys import KeyInfo, Keys

KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="The id of the access key or bearer token.")]

app = typer.Typer(help="Make and disable access keys for the API.", no_args_is_help=True)


@app.command("create")
def create(
    user: Annotated[
        str | None, typer.Option(metavar="ID", help="The user it is for; the root user by default.")
    ] = None,
    bearer: Annotated[
        bool, typer.Option("--bearer", help="Make a bearer token instead, for clients that cannot sign.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a key. Its secret is shown now and never again."""
    run_in_loop(_create_bearer(user, as_json=as_json) if bearer else _create(user, as_json=as_json))


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the keys and bearer tokens, without their secrets."""
    run_in_loop(_list(as_json=as_json))


@app.command("disable")
def disable(key_id: KeyArgument) -> None:
    """Refuse every request that is made with this key or bearer token from now on."""
    run_in_loop(_set_active(key_id, active=False))


@app.command("enable")
def enable(key_id: KeyArgument) -> None:
    """Accept a disabled key or bearer token again."""
    run_in_loop(_set_active(key_id, active=True))


@app.command("delete")
def delete(key_id: KeyArgument) -> None:
    """Remove a key or bearer token for good. A user has at most two keys."""
    run_in_loop(_delete(key_id))


@asynccontextmanager
async def _keys() -> "AsyncIterator[Keys]":
    from housecall.app import open_state

    async with open_state(settings_for_command()) as opened:
        yield opened.keys


async def _set_active(key_id: str, *, active: bool) -> None:
    from housecall.access.keys import is_token_id

    is_bearer = is_token_id(key_id)
    async with acting(operation="UpdateBearerToken" if is_bearer else "UpdateAccessKey") as act:
        change = act.app.keys.set_bearer_active if is_bearer else act.app.keys.set_active
        await change(key_id, active=active)
    typer.echo(f"{_kind(key_id)} {key_id} is {'enabled' if active else 'disabled'}.")


async def _delete(key_id: str) -> None:
    from housecall.access.keys import is_token_id

    is_bearer = is_token_id(key_id)
    async with acting(operation="DeleteBearerToken" if is_bearer else "DeleteAccessKey") as act:
        await (act.app.keys.delete_bearer if is_bearer else act.app.keys.delete)(key_id)
    typer.echo(f"{_kind(key_id)} {key_id} is gone.")


def _kind(key_id: str) -> str:
    from housecall.access.keys import is_token_id

    return "Bearer token" if is_token_id(key_id) else "Access key"


async def _create(user: str | None, *, as_json: bool) -> None:
    async with acting(operation="CreateAccessKey") as act:
        key = await act.app.keys.create(user)
    secret = key.access_key_secret.get_secret_value()
    if as_json:
        print_json({"access_key_id": key.access_key_id, "access_key_secret": secret})
    else:
        print(f"Access key id:     {key.access_key_id}\nAccess key secret: {secret}\nThe secret is not shown again.")


async def _create_bearer(user: str | None, *, as_json: bool) -> None:
    async with acting(operation="CreateBearerToken") as act:
        made = await act.app.keys.create_bearer(user)
    token = made.token.get_secret_value()
    if as_json:
        print_json({"bearer_token": token, "bearer_token_id": made.id})
    else:
        print(f"Bearer token: {token}\nIts id:       {made.id}\nThe token is not shown again.")


async def _list(*, as_json: bool) -> None:
    async with _keys() as keys:
        found, tokens = await keys.list(), await keys.list_bearers()
    if as_json:
        print_json({"keys": [_to_json(each) for each in found], "bearer_tokens": [_to_json(each) for each in tokens]})
    elif found or tokens:
        columns = ("id", "kind", "user", "state", "made (UTC)", "last used (UTC)")
        print_table(columns, [_row(each) for each in (*found, *tokens)])
    else:
        typer.echo("There is no key yet; make one with: housecall key create")


def _to_json(key: "KeyInfo") -> dict[str, object]:
    return {
        "access_key_id": key.access_key_id,
        "user_id": key.user_id,
        "user_name": key.user_name,
        "active": key.active,
        "created_at": key.created_at.isoformat(),
        "last_used_at": key.last_used_at.isoformat() if key.last_used_at else None,
    }


def _row(key: "KeyInfo") -> tuple[str, ...]:
    return (
        key.access_key_id,
        _kind(key.access_key_id).lower(),
        key.user_name,
        "active" if key.active else "disabled",
        f"{key.created_at:%Y-%m-%d %H:%M}",
        f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never",
    )
