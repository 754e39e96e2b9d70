"""`serve`: the API until a signal ends it."""

import contextlib
from typing import Annotated

import typer

from housecall.cli.loading import run_in_loop, settings_for_command


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; 127.0.0.1 unless HOUSECALL_HOST says otherwise.")
    ] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = None,
) -> None:
    """Serve the API until Ctrl-C. Listens on 127.0.0.1 unless told otherwise."""
    run_in_loop(_serve(host, port))


async def _serve(host: str | None, port: int | None) -> None:
    import asyncio

    from housecall.api.server import serve as serve_app
    from housecall.app import open_app

    settings = settings_for_command(serves=True, host=host, port=port)
    with contextlib.suppress(asyncio.CancelledError):  # a signal is how a server is meant to end
        async with open_app(settings) as app:
            await serve_app(app, settings.host, settings.port, _say_ready)


def _say_ready(url: str) -> None:
    typer.echo(
        f"Housecall listens on {url}   (is it well? {url}/health   a key for clients: housecall key create)", err=True
    )
