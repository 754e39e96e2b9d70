"""`ask`: a question, and its answer as it is written."""

from typing import Annotated, Literal

import typer

from housecall.cli.failures import FAILED, STOPPED
from housecall.cli.loading import language_for, run_in_loop, settings_for_command
from housecall.cli.options import DsnOption, JsonOption
from housecall.cli.output import console, print_json
from housecall.cli.targets import Choice, choose
from housecall.errors import HousecallError, RequestError

Mode = Literal["read_only", "manual", "auto"]
EXIT_CODES = {"succeeded": 0, "pending_approval": 0, "stopped": STOPPED}


def ask(
    question: Annotated[
        str, typer.Argument(help='The question, such as "Why is the shop slow?"', show_default=False)
    ] = "",
    instance: Annotated[
        str | None, typer.Option("--instance", "-i", metavar="ID", help="The instance it is about.")
    ] = None,
    dsn: DsnOption = None,
    conversation: Annotated[
        str | None, typer.Option("--conversation", "-c", metavar="ID", help="Go on with a conversation.")
    ] = None,
    language: Annotated[
        str | None,
        typer.Option("--language", metavar="TAG", help="Language of the answer; that of the question by default."),
    ] = None,
    approval_mode: Annotated[
        Mode | None,
        typer.Option(
            help="What may be changed in the conversation: read_only (nothing), manual (what a person approves) or"
            " auto (rules decide where they can). It stays so; a new conversation begins with read_only."
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option("--resume", metavar="CALL", help="Go on with the answer that waited for this call's decision."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask about a server; the answer is shown as it is written. Ctrl-C stops it.

    With --dsn no registration is needed, and nothing is kept or changed.
    """
    from housecall.cli import asking

    settings = settings_for_command()
    language_for(settings, language)  # refuse an unknown one before anything is opened
    # The environment's DSN is for questions that name nothing else.
    goes_on = conversation or resume
    choice = Choice(instance, None) if goes_on and not dsn else choose(instance, dsn)
    question = question or ("continue" if resume else "")
    if not question.strip():
        raise RequestError('The question is empty; ask something, such as: housecall ask "Is anything wrong?"')
    if choice.dsn is not None and (goes_on or approval_mode):
        raise RequestError(
            "Conversations are kept, and changes made, for registered instances only; register the server with:"
            " housecall instance add"
        )
    told = asking.Told(asking.view_for(console()) if not as_json else None)
    if choice.dsn is not None:
        run_in_loop(asking.ask_dsn(settings, choice.dsn, question, language, told))
    else:
        asked = asking.Asked(question, choice.instance_id, conversation, language, approval_mode, resume)
        run_in_loop(asking.ask_app(settings, asked, told))
    if as_json:
        print_json(told.to_json())
    elif told.status == "stopped":
        typer.echo("Stopped.", err=True)
    elif told.status == "pending_approval":
        typer.echo(_what_waits(told.waiting), err=True)
    elif told.conversation_id and told.status == "succeeded":
        typer.echo(f'Go on with: housecall ask --conversation {told.conversation_id} "..."', err=True)
    if told.error is not None and not as_json:
        raise HousecallError(told.error)
    raise typer.Exit(EXIT_CODES.get(told.status, FAILED))


def _what_waits(calls: list[str]) -> str:
    """What a person does next with calls that wait."""
    lines = [f"Waits for a decision: housecall approval show {call}" for call in calls]
    if calls:
        lines.append(
            f"Decide with: housecall approval approve|reject {calls[0]}   (it then goes on; later by hand:"
            f" housecall ask --resume {calls[0]})"
        )
    return "\n".join(lines)
