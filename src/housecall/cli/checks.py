"""`check`: what is looked at, why, and from which value on it is told."""

import inspect
from typing import TYPE_CHECKING, Annotated, Any

import typer

from housecall.cli.options import JsonOption
from housecall.cli.output import console, print_json, print_table
from housecall.errors import NotFound

if TYPE_CHECKING:
    from housecall.diagnosis.check import RegisteredCheck

app = typer.Typer(help="Read about the checks.", no_args_is_help=True)


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List every check."""
    from housecall.diagnosis.check import all_checks

    if as_json:
        print_json({"checks": [check_to_json(each) for each in all_checks()]})
    else:
        print_table(
            ("id", "severity", "what"),
            ((each.check.id, each.check.severity.value, each.check.title.en) for each in all_checks()),
        )


@app.command("show")
def show(
    check_id: Annotated[str, typer.Argument(metavar="CHECK", help="The check's id; see `check list`.")],
    as_json: JsonOption = False,
) -> None:
    """Show a check: why it matters, how to fix it, its thresholds and their reasons."""
    registered = _find(check_id)
    if as_json:
        print_json(check_to_json(registered))
        return
    out = console()
    out.print(
        f"[bold]{registered.check.id}[/bold]  {registered.check.item}, at most {registered.check.severity.value}\n"
    )
    out.print(inspect.cleandoc(registered.page), markup=False)
    for threshold in registered.check.thresholds:
        out.print(f"\n{threshold.name} = {threshold.value:g}: {threshold.why}", markup=False, end="")
    out.print()


def check_to_json(registered: "RegisteredCheck") -> dict[str, Any]:
    check = registered.check
    return {
        "id": check.id,
        "engine": registered.engine,
        "item": check.item,
        "severity": check.severity.value,
        "title": check.title.en,
        "page": inspect.cleandoc(registered.page),
        "thresholds": [{"name": each.name, "value": each.value, "why": each.why} for each in check.thresholds],
    }


def _find(check_id: str) -> "RegisteredCheck":
    import difflib

    from housecall.diagnosis.check import all_checks

    by_id = {each.check.id: each for each in all_checks()}
    if check_id in by_id:
        return by_id[check_id]
    near = difflib.get_close_matches(check_id, by_id, n=3, cutoff=0.4)
    hint = f"; did you mean {', '.join(near)}?" if near else "; see: housecall check list"
    raise NotFound(f"Check '{check_id}' does not exist{hint}")
