"""Housecall as it is served, with the scripted model: `python -m benchmarks.chat.housecall_server PORT HOME WORKERS`.

Prints one line of JSON with an access key when it is ready. Several workers are started by the supervisor of `serve`.
"""

import contextlib
import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import typer
from pydantic_ai.messages import ModelMessage, ModelRequest, UserPromptPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from benchmarks.chat.scripted import deltas
from housecall.agent.agent import build_agent
from housecall.api.listening import listen
from housecall.api.server import serve, serve_on
from housecall.app import App, open_app
from housecall.cli.loading import run_in_loop
from housecall.cli.workers import Supervisor, WorkerEnds, as_worker
from housecall.engines.engine import ProbeLimits
from housecall.engines.instance import Engines, Instance
from housecall.errors import NotFound
from housecall.settings import load_settings


class NoInstances:
    """Implements InstanceDirectory: the scripted model asks no server anything."""

    async def list_instances(self, account_id: str) -> tuple[Instance, ...]:
        return ()

    async def get_instance(self, account_id: str, instance_id: str) -> Instance:
        raise NotFound(f"There is no instance {instance_id!r}", code="InstanceNotFound")


async def scripted(messages: list[ModelMessage], _info: AgentInfo) -> AsyncIterator[str]:
    question = next(
        part.content
        for message in reversed(messages)
        if isinstance(message, ModelRequest)
        for part in message.parts
        if isinstance(part, UserPromptPart)
    )
    async for delta in deltas(str(question)):
        yield delta


@contextlib.asynccontextmanager
async def installation(home: Path) -> AsyncIterator[App]:
    settings = load_settings({}, home=home, log_level="error")
    model = FunctionModel(stream_function=scripted, model_name="scripted")
    answerer = build_agent(settings, Engines({}, ProbeLimits()), NoInstances(), model=model)
    async with open_app(settings, answerer=answerer) as app:
        yield app


async def tell_key(app: App) -> None:
    key = await app.keys.create()
    bearer = (await app.keys.create_bearer()).token
    secret = key.access_key_secret.get_secret_value()
    print(json.dumps({"id": key.access_key_id, "secret": secret, "token": bearer.get_secret_value()}), flush=True)


async def alone(port: int, home: Path) -> None:
    async with installation(home) as app:
        await tell_key(app)
        await serve(app, "127.0.0.1", port, lambda _url: (home / "serving-alone").touch())


async def supervise(port: int, home: Path, count: int) -> None:
    def command(ends: WorkerEnds) -> list[str]:
        return [sys.executable, "-m", "benchmarks.chat.housecall_server", ends.as_text(), str(home), "worker"]

    with listen("127.0.0.1", port) as listener:
        await Supervisor(listener, count, command).run(lambda: None)


async def work(ends: WorkerEnds, home: Path) -> None:
    def ready(_url: str) -> None:
        serves()
        (home / f"serving-{os.getpid()}").touch()

    async with as_worker(ends) as serves, installation(home) as app:
        if not (home / "told").exists():
            (home / "told").touch()
            await tell_key(app)
        await serve_on(socket.socket(fileno=ends.listener), app, ready)


if __name__ == "__main__":
    where, folder, workers = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    with contextlib.suppress(typer.Exit):  # a signal ended it
        if workers == "worker":
            run_in_loop(work(WorkerEnds.from_text(where), folder))
        elif workers == "1":
            run_in_loop(alone(int(where), folder))
        else:
            run_in_loop(supervise(int(where), folder, int(workers)))
