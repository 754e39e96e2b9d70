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
    from housecall.access.keys import Keys

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
    """List the keys, without their secrets."""
    run_in_loop(_list(as_json=as_json))


@app.command("disable")
def disable(access_key_id: Annotated[str, typer.Argument(metavar="KEY", help="The access key's id.")]) -> None:
    """Refuse every request that is signed with this key from now on."""
    run_in_loop(_disable(access_key_id))


@app.command("enable")
def enable(access_key_id: Annotated[str, typer.Argument(metavar="KEY", help="The access key's id.")]) -> None:
    """Accept a disabled key again."""
    run_in_loop(_enable(access_key_id))


@app.command("delete")
def delete(access_key_id: Annotated[str, typer.Argument(metavar="KEY", help="The access key's id.")]) -> None:
    """Remove a key for good. A user has at most two."""
    run_in_loop(_delete(access_key_id))


@asynccontextmanager
async def _keys() -> "AsyncIterator[Keys]":
    from housecall.app import open_state

    async with open_state(settings_for_command()) as opened:
        yield opened.keys


async def _enable(access_key_id: str) -> None:
    async with acting(operation="UpdateAccessKey") as act:
        await act.app.keys.set_active(access_key_id, active=True)
    typer.echo(f"Access key {access_key_id} is enabled.")


async def _delete(access_key_id: str) -> None:
    async with acting(operation="DeleteAccessKey") as act:
        await act.app.keys.delete(access_key_id)
    typer.echo(f"Access key {access_key_id} is gone.")


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
        token = (await act.app.keys.create_bearer(user)).get_secret_value()
    if as_json:
        print_json({"bearer_token": token})
    else:
        print(f"Bearer token: {token}\nThe token is not shown again.")


async def _list(*, as_json: bool) -> None:
    async with _keys() as keys:
        found = await keys.list()
    if as_json:
        shown = [
            {
                "access_key_id": key.access_key_id,
                "user_id": key.user_id,
                "user_name": key.user_name,
                "active": key.active,
                "created_at": key.created_at.isoformat(),
                "last_used_at": key.last_used_at.isoformat() if key.last_used_at else None,
            }
            for key in found
        ]
        print_json({"keys": shown})
    elif found:
        rows = (
            (
                key.access_key_id,
                key.user_name,
                "active" if key.active else "disabled",
                f"{key.created_at:%Y-%m-%d %H:%M}",
                f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never",
            )
            for key in found
        )
        print_table(("access key id", "user", "state", "made (UTC)", "last used (UTC)"), rows)
    else:
        typer.echo("There is no key yet; make one with: housecall key create")


async def _disable(access_key_id: str) -> None:
    async with acting(operation="UpdateAccessKey") as act:
        await act.app.keys.disable(access_key_id)
    typer.echo(f"Access key {access_key_id} is disabled.")
