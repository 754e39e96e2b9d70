"""Housecall as it is served, with the scripted model: `python -m benchmarks.chat.housecall_server PORT HOME`.

Prints one line of JSON with an access key when it is ready.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from pydantic_ai.messages import ModelMessage, ModelRequest, UserPromptPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from benchmarks.chat.scripted import deltas
from housecall.agent.agent import build_agent
from housecall.api.server import serve
from housecall.app import open_app
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


async def main(port: int, home: Path) -> None:
    settings = load_settings({}, home=home, port=port, log_level="error")
    model = FunctionModel(stream_function=scripted, model_name="scripted")
    answerer = build_agent(settings, Engines({}, ProbeLimits()), NoInstances(), model=model)
    async with open_app(settings, answerer=answerer) as app:
        key = await app.keys.create()
        bearer = await app.keys.create_bearer()

        def ready(*_address: object) -> None:
            secret = key.access_key_secret.get_secret_value()
            token = bearer.get_secret_value()
            print(json.dumps({"id": key.access_key_id, "secret": secret, "token": token}), flush=True)

        await serve(app, "127.0.0.1", port, ready)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
