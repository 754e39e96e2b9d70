"""`instance`: the servers that this installation watches."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from housecall.cli.loading import run_in_loop, settings_for_command
from housecall.cli.options import DSN_VARIABLE, DsnOption, JsonOption
from housecall.cli.output import print_json, print_table
from housecall.cli.targets import choose
from housecall.errors import RequestError

if TYPE_CHECKING:
    from housecall.engines.instance import Instance
    from housecall.instances.directory import Instances

app = typer.Typer(help="Register servers to watch, and look after the list.", no_args_is_help=True)
CHANGE_DSN_VARIABLE = "HOUSECALL_CHANGE_DSN"
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The instance's id.")]


@app.command("add")
def add(
    instance_id: Annotated[str, typer.Argument(metavar="ID", help="A name of your choice: letters, digits, - . _")],
    dsn: DsnOption = None,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    region: Annotated[str, typer.Option(help="Where it is.")] = "local",
    test: Annotated[bool, typer.Option("--test/--no-test", help="Connect before registering it.")] = True,
    change_dsn: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="The same server with a role that may change it; approved changes are made with this role only."
            f" Also read from {CHANGE_DSN_VARIABLE}.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Register a server. Its password is encrypted before it is kept."""
    address = choose(None, dsn).dsn
    if address is None:
        raise RequestError(
            f"Instance '{instance_id}' needs an address: --dsn postgresql://user@host:5432/database, or {DSN_VARIABLE}"
        )
    changes = change_dsn or os.environ.get(CHANGE_DSN_VARIABLE) or None
    run_in_loop(_add(instance_id, address, description, region, changes, test=test, as_json=as_json))


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the registered instances."""
    run_in_loop(_list(as_json=as_json))


@app.command("show")
def show(instance_id: IdArgument, as_json: JsonOption = False) -> None:
    """Show one instance. Its password is not shown."""
    run_in_loop(_show(instance_id, as_json=as_json))


@app.command("test")
def connect(instance_id: IdArgument, as_json: JsonOption = False) -> None:
    """Connect to an instance and say what answers."""
    run_in_loop(_test(instance_id, as_json=as_json))


@app.command("remove")
def remove(instance_id: IdArgument) -> None:
    """Take an instance off the list. The server itself is left alone."""
    run_in_loop(_remove(instance_id))


def instance_to_json(instance: "Instance") -> dict[str, Any]:
    """What may be shown of an instance: everything but its password."""
    return {
        "id": instance.id,
        "engine": instance.engine,
        "version": instance.version,
        "host": instance.target.host,
        "port": instance.target.port,
        "database": instance.target.database,
        "user": instance.target.user,
        "region": instance.region,
        "description": instance.description,
        "labels": dict(instance.labels),
    }


@asynccontextmanager
async def _directory() -> "AsyncIterator[tuple[Instances, str]]":
    from housecall.app import open_state

    async with open_state(settings_for_command()) as opened:
        yield opened.instances, opened.root.account_id


async def _add(
    instance_id: str, dsn: str, description: str, region: str, change_dsn: str | None, *, test: bool, as_json: bool
) -> None:
    from housecall.app import open_state

    async with open_state(settings_for_command()) as opened:
        account = opened.root.account_id
        if change_dsn is not None:  # refused before anything is kept
            opened.change_targets.read(change_dsn, opened.engines.parse_dsn(dsn), instance_id)
        added = await opened.instances.add(
            account, instance_id, dsn, description=description, region=region, probe=test
        )
        await opened.change_targets.set_change_target(account, added, change_dsn)
    _print_one(added, as_json=as_json)


async def _list(*, as_json: bool) -> None:
    async with _directory() as (directory, account):
        instances = await directory.list_instances(account)
    if as_json:
        print_json({"instances": [instance_to_json(instance) for instance in instances]})
    elif instances:
        columns = ("id", "version", "address", "user", "region", "description")
        print_table(
            columns,
            (
                [i.id, i.version or "not reached yet", i.target.address, i.target.user, i.region, i.description]
                for i in instances
            ),
        )
    else:
        typer.echo("No instance is registered yet; register one with: housecall instance add ID --dsn URL")


async def _show(instance_id: str, *, as_json: bool) -> None:
    async with _directory() as (directory, account):
        _print_one(await directory.get_instance(account, instance_id), as_json=as_json)


async def _test(instance_id: str, *, as_json: bool) -> None:
    async with _directory() as (directory, account):
        _print_one(await directory.test(account, instance_id), as_json=as_json)


async def _remove(instance_id: str) -> None:
    async with _directory() as (directory, account):
        await directory.remove(account, instance_id)
    typer.echo(f"Instance '{instance_id}' is no longer registered.")


def _print_one(instance: "Instance", *, as_json: bool) -> None:
    if as_json:
        print_json(instance_to_json(instance))
    else:
        shown = {name: value for name, value in instance_to_json(instance).items() if value not in ("", None, {})}
        print_table(("", ""), shown.items())
