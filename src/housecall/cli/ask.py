"""`ask`: a question, and its answer as it is written."""

from typing import Annotated

import typer

from housecall.cli.failures import FAILED, STOPPED
from housecall.cli.loading import language_for, run_in_loop, settings_for_command
from housecall.cli.options import DsnOption, JsonOption
from housecall.cli.output import console, print_json
from housecall.cli.targets import Choice, choose
from housecall.errors import HousecallError, RequestError

EXIT_CODES = {"succeeded": 0, "pending_approval": 0, "stopped": STOPPED}


def ask(
    question: Annotated[str, typer.Argument(help='The question, such as "Why is the shop slow?"')],
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
    as_json: JsonOption = False,
) -> None:
    """Ask about a server; the answer is shown as it is written. Ctrl-C stops it.

    With --dsn no registration is needed, and nothing is kept.
    """
    from housecall.cli import asking

    settings = settings_for_command()
    language_for(settings, language)  # refuse an unknown one before anything is opened
    # The environment's DSN is for questions that name nothing else.
    choice = Choice(instance, None) if conversation and not dsn else choose(instance, dsn)
    if not question.strip():
        raise RequestError('The question is empty; ask something, such as: housecall ask "Is anything wrong?"')
    if choice.dsn is not None and conversation:
        raise RequestError(
            "A conversation is kept for registered instances only; register the server with: housecall instance add"
        )
    told = asking.Told(asking.view_for(console()) if not as_json else None)
    if choice.dsn is not None:
        run_in_loop(asking.ask_dsn(settings, choice.dsn, question, language, told))
    else:
        run_in_loop(asking.ask_app(settings, choice.instance_id, question, conversation, language, told))
    if as_json:
        print_json(told.to_json())
    elif told.status == "stopped":
        typer.echo("Stopped.", err=True)
    elif told.conversation_id and told.status == "succeeded":
        typer.echo(f'Go on with: housecall ask --conversation {told.conversation_id} "..."', err=True)
    if told.error is not None and not as_json:
        raise HousecallError(told.error)
    raise typer.Exit(EXIT_CODES.get(told.status, FAILED))
