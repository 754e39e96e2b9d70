"""`sample`: the code of a call, to copy into a program."""

from typing import Annotated, Any

import typer

from housecall.cli.options import JsonOption
from housecall.cli.output import print_json
from housecall.errors import RequestError


def sample(
    operation: Annotated[str, typer.Argument(metavar="OPERATION", help="The operation, such as GetMessages.")],
    parameters: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME=VALUE...", help="Parameters of the call; those of an example by default."),
    ] = None,
    language: Annotated[
        str, typer.Option("--language", "-l", metavar="NAME", help="python, typescript, java, go, curl or housecall.")
    ] = "python",
    endpoint: Annotated[
        str | None, typer.Option(metavar="URL", help="Server to call; the one that `serve` starts by default.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print sample code for a call of the API. The key is read from environment variables, never written into it."""
    from housecall.api.operation import find_operation
    from housecall.api.samples import LANGUAGES, Target, samples

    if language not in LANGUAGES:
        raise RequestError(f"There are no samples in {language!r}; choose one of {', '.join(LANGUAGES)}.")
    given = _parameters(parameters) if parameters else None
    texts = samples(find_operation(operation), given, Target.read(endpoint or _own_endpoint()))
    if as_json:
        print_json({"operation": operation, "samples": texts})
    elif language in texts:
        typer.echo(texts[language], nl=False)
    else:
        what = "command of housecall" if language == "housecall" else "method of the official SDK"
        raise RequestError(f"No {what} does this call of {operation}; there are samples in {', '.join(texts)}.")


def _own_endpoint() -> str:
    from housecall.settings import load_settings

    settings = load_settings()
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{'127.0.0.1' if host in ('0.0.0.0', '[::]') else host}:{settings.port}"  # noqa: S104 - compared


def _parameters(words: list[str]) -> dict[str, Any]:
    pairs = [word.partition("=") for word in words]
    for name, mark, _ in pairs:
        if not mark or not name:
            raise RequestError(f"{name!r} is no parameter; write Name=Value, such as Limit=10.")
    return {name: value for name, _, value in pairs}
