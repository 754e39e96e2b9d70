"""`serve`: the API until a signal ends it, in one process or in several behind one port."""

import contextlib
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from housecall.cli.loading import run_in_loop, settings_for_command
from housecall.errors import RequestError

if TYPE_CHECKING:
    from housecall.cli.workers import WorkerEnds
    from housecall.settings import Settings

MAX_WORKERS = 64


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; 127.0.0.1 unless HOUSECALL_HOST says otherwise.")
    ] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=0, max=MAX_WORKERS, help="Processes behind the port; 1 by default, 0: one a core, up to 4."),
    ] = None,
) -> None:
    """Serve the API until Ctrl-C. Listens on 127.0.0.1 unless told otherwise."""
    from housecall.cli.workers import default_workers

    settings = settings_for_command(serves=True, host=host, port=port, workers=workers)
    if not 0 <= settings.workers <= MAX_WORKERS:
        raise RequestError(f"HOUSECALL_WORKERS={settings.workers} is not between 0 and {MAX_WORKERS}.")
    count = settings.workers or default_workers()
    if count == 1:
        run_in_loop(_serve(settings))
    elif code := run_in_loop(_supervise(settings, count)):
        raise typer.Exit(code)


async def _serve(settings: "Settings") -> None:
    import asyncio

    from housecall.api.server import serve as serve_app
    from housecall.app import open_app

    with contextlib.suppress(asyncio.CancelledError):  # a signal is how a server is meant to end
        async with open_app(settings) as app:
            await serve_app(app, settings.host, settings.port, _say_ready)


async def _supervise(settings: "Settings", count: int) -> int:
    """The exit code: that of a first worker that could not serve, else 0."""
    import asyncio

    from housecall.api.listening import base_url, listen
    from housecall.cli.workers import Supervisor, WorkerEnds

    def command(ends: WorkerEnds) -> list[str]:
        return [sys.executable, "-m", "housecall.cli.main", "worker", ends.as_text()]

    with listen(settings.host, settings.port) as listener, contextlib.suppress(asyncio.CancelledError):
        code = await Supervisor(listener, count, command).run(lambda: _say_ready(base_url(listener), count))
        return code or 0
    return 0


def worker(ends: Annotated[str, typer.Argument(metavar="ENDS")]) -> None:
    """One process of `serve`, which starts it."""
    from housecall.cli.workers import WorkerEnds

    run_in_loop(_work(WorkerEnds.from_text(ends)))


async def _work(ends: "WorkerEnds") -> None:
    import asyncio
    import logging
    import socket

    from housecall.api.server import serve_on
    from housecall.app import open_app
    from housecall.cli.workers import as_worker

    settings = settings_for_command(serves=True)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # that it started is said once, by the supervisor
    with contextlib.suppress(asyncio.CancelledError):
        async with as_worker(ends) as serves, open_app(settings) as app:
            await serve_on(socket.socket(fileno=ends.listener), app, lambda _url: serves())


def _say_ready(url: str, workers: int = 1) -> None:
    processes = f" with {workers} processes" if workers > 1 else ""
    typer.echo(
        f"Housecall listens on {url}{processes}   (is it well? {url}/health   a key for clients: housecall key create)",
        err=True,
    )
