"""An installation over a private server, with a scripted model that asks for changes."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from housecall.agent.scripted import Script, ScriptedModel
from housecall.app import App, open_app
from housecall.chat.approvals import Approval
from housecall.chat.runs import NewQuestion
from housecall.events import Event
from housecall.settings import Settings
from housecall.testing import PrivateServer


class Installation:
    """What a test does with it: ask, decide, go on."""

    def __init__(self, app: App, model: ScriptedModel | None, database: Any) -> None:
        self.app, self.model, self.database = app, model, database
        self.root = app.root

    def play(self, *script: Any) -> None:
        """What the model does from here on."""
        assert self.model is not None
        self.model._script, self.model.requests = list(script), []

    async def ask(self, query: str = "do it", mode: Any = None, **more: Any) -> list[Event]:
        question = NewQuestion(self.root.account_id, self.root.user_id, query, approval_mode=mode, **more)
        started = await self.app.runs.start(question)
        async with contextlib.aclosing(self.app.runs.subscribe(started.run_id)) as events:
            return [event async for event in events]

    async def pending(self) -> list[Approval]:
        page, _ = await self.app.approvals.list_approvals(self.root, status="pending")
        return [each for _, each in reversed(page)]

    async def decide(self, approval: Approval, decision: Any = "approve", **more: Any) -> Approval:
        submitted = await self.app.approvals.submit(self.root, approval.card.call_id, decision, **more)
        return submitted.approval

    async def go_on(self, approval: Approval) -> list[Event]:
        return await self.ask("continue", inputs={"resume_call_id": approval.card.call_id})

    async def read(self, approval: Approval) -> Approval:
        return await self.app.approvals.get(self.root, approval.card.call_id)

    async def approved(self, query: str = "do it") -> Approval:
        """Ask in mode manual, approve, go on; the call as it is then."""
        await self.ask(query, "manual")
        (waiting,) = await self.pending()
        await self.decide(waiting)
        await self.go_on(waiting)
        return await self.read(waiting)

    def seen_by_the_model(self) -> Any:
        from pydantic_ai.messages import ToolReturnPart

        assert self.model is not None
        parts = [part for message in self.model.requests[-1] for part in message.parts]
        return [part.content for part in parts if isinstance(part, ToolReturnPart)][-1]


@contextlib.asynccontextmanager
async def installation(
    database: Any,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: Script | None,
    *,
    store: PrivateServer | None = None,
    **settings: Any,
) -> AsyncIterator[Installation]:
    """An installation that watches `database` as `shop`; without a script the built-in model answers.

    Its own state lives on the server of `database`, or on `store` where that is no PostgreSQL.
    """
    model = ScriptedModel(script) if script is not None else None
    if model is not None:
        monkeypatch.setattr("housecall.agent.agent.build_entry", lambda _entry: model)
    server = store or database.server
    state = server.create_database()
    try:
        async with open_app(Settings(home=home, database_url=SecretStr(state.dsn), **settings)) as app:
            await app.instances.add(app.root.account_id, "shop", database.dsn)
            yield Installation(app, model, database)
    finally:
        server.drop_database(state)


def names(events: list[Event]) -> list[str]:
    return [event.happening.name for event in events]


def text_of(events: list[Event]) -> str:
    return "".join(event.happening.answer for event in events if event.happening.name == "message")
