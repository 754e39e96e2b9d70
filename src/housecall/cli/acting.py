"""What commands of access management share: the installation and the account they act on, and their line in the audit
log. The command line acts as the installation's root, since who may run it can read the state anyway."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from housecall.cli.loading import settings_for_command
from housecall.errors import HousecallError, RequestError

if TYPE_CHECKING:
    from housecall.access.parts import Access
    from housecall.app import State

AccountOption = Annotated[
    str | None, typer.Option("--account", metavar="NAME", help="Account, by name or id; the first one by default.")
]


@dataclass(frozen=True)
class Acting:
    """An open installation and the account that a command is about."""

    app: "State"
    account_id: str

    @property
    def access(self) -> "Access":
        return self.app.access


@asynccontextmanager
async def acting(account: str | None = None, *, operation: str = "") -> AsyncIterator[Acting]:
    """Open the installation. With `operation`, the name of what is changed, the block is written to the audit log.

    Raises NotFound for an unknown account.
    """
    from housecall.app import open_state

    async with open_state(settings_for_command()) as app:
        if account is None:
            account_id = app.root.account_id
        else:
            account_id = (await app.access.people.get_account(account)).account_id
        result, status = "ok", 0
        try:
            yield Acting(app, account_id)
        except HousecallError as error:
            result, status = error.wire_code, error.http_status
            raise
        finally:
            if operation:
                await record(app, account_id, operation, result=result, status=status)


async def record(app: "State", account_id: str, operation: str, **more: Any) -> None:
    """A line in the audit log about what a command changed, stored when this returns."""
    from housecall.access.audit import AuditEntry
    from housecall.access.names import root_arn

    app.access.audit.record(
        AuditEntry(
            operation=operation,
            decision="allowed",
            source="cli",
            account_id=account_id,
            principal=root_arn(app.root.account_id),
            user_id=app.root.user_id,
            source_address="local",
            **more,
        )
    )
    await app.access.audit.flush()


def read_document(path: str) -> str:
    """The text of a file, or of standard input for "-". Raises RequestError."""
    import sys
    from pathlib import Path

    if path == "-":
        return sys.stdin.read()
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"The file {path} cannot be read as text: {error}") from error


def moment_of(text: str | None, option: str) -> datetime | None:
    """A moment from an option; without a zone it is UTC. Raises RequestError."""
    from datetime import UTC

    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise RequestError(f"{option} {text!r} is no time; write 2026-01-31 or 2026-01-31T12:00:00Z") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def minute(moment: datetime | None, never: str = "never") -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else never


def iso(moment: datetime | None) -> Any:
    return moment.isoformat() if moment else None
