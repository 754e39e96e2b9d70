"""The commands whose output a program reads: when they fail, that too is one JSON object on standard output.

It has the keys of a verdict, all of them empty, and `error` with code and message. The sentence for people goes to
stderr as ever, and the exit code stays 2.
"""

from typing import Any

from typer import Abort, Exit
from typer.core import TyperCommand
from typer.exceptions import TyperException

from housecall.cli.failures import message_of, without_passwords
from housecall.cli.output import print_json
from housecall.errors import HousecallError, RequestError


class JudgingCommand(TyperCommand):
    """A command that was asked for JSON, by --json or, of `collect`, by -o -, and fails, says so in JSON."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        asked = "--json" in args
        try:
            return super().parse_args(ctx, args)
        except TyperException as error:
            if asked:
                print_json(failure_json(error, None))
            raise

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (Exit, Abort):
            raise
        except Exception as error:
            if ctx.params.get("as_json") or str(ctx.params.get("output")) == "-":
                print_json(failure_json(error, instance_of(ctx.params)))
            raise


def failure_json(error: Exception, instance: str | None) -> dict[str, Any]:
    from housecall.clock import utc_now

    return {
        "instance": instance,
        "taken_at": utc_now().isoformat(),
        "causes": [],
        "findings": [],
        "not_evaluated": [],
        "error": {"code": _code(error), "message": _message(error)},
    }


def instance_of(parameters: dict[str, Any]) -> str | None:
    """The instance that the command was about, as its verdict would name it; None when that cannot be told."""
    from housecall.app import build_engines
    from housecall.cli.targets import choose, instance_of_dsn
    from housecall.settings import load_settings

    if "instance" not in parameters:
        return None
    try:
        choice = choose(parameters["instance"], parameters["dsn"])
        return instance_of_dsn(build_engines(load_settings()), choice.dsn).id if choice.dsn else choice.instance_id
    except HousecallError:
        return None


def _code(error: Exception) -> str:
    if isinstance(error, HousecallError):
        return error.wire_code
    return RequestError.code if isinstance(error, TyperException) else HousecallError.code


def _message(error: Exception) -> str:
    if isinstance(error, TyperException):
        return without_passwords(error.format_message())
    return message_of(error)
