"""`errors`: every code that the API answers, its cause and its cure."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from housecall.cli.options import JsonOption
from housecall.cli.output import console, print_json, print_table
from housecall.errors import NotFound

if TYPE_CHECKING:
    from housecall.api.error_codes import ErrorCode


def errors(
    code: Annotated[
        str | None, typer.Argument(metavar="CODE", help="One code, such as SignatureDoesNotMatch; all by default.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the errors of the API: code, status, message, cause and cure."""
    from housecall.api.error_codes import ERROR_CODES

    if code is not None:
        found = _find(code)
        print_json(_to_json(found)) if as_json else _show(found)
    elif as_json:
        print_json({"errors": [_to_json(each) for each in ERROR_CODES.values()]})
    else:
        rows = ((each.code, each.status, each.meaning, each.recommend) for each in ERROR_CODES.values())
        print_table(("code", "status", "cause", "cure"), rows)


def _find(code: str) -> "ErrorCode":
    from housecall.api.error_codes import ERROR_CODES, find_error_code

    found = find_error_code(code) or next(
        (each for name, each in ERROR_CODES.items() if name.lower() == code.lower()), None
    )
    if found is None:
        raise NotFound(f"There is no error code {code!r}; `housecall errors` lists those there are.")
    return found


def _to_json(each: "ErrorCode") -> dict[str, Any]:
    told = asdict(each)
    return {name: told[name] for name in ("code", "status", "message")} | {
        "cause": each.meaning,
        "cure": each.recommend,
    }


def _show(each: "ErrorCode") -> None:
    out = console()
    out.print(f"[bold]{each.code}[/bold]  HTTP {each.status}\n")
    for name, text in (("Message", each.message), ("Cause", each.meaning), ("Cure", each.recommend)):
        out.print(f"{name + ':':9}{text}", markup=False)
