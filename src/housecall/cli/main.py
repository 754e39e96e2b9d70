"""The `housecall` command: one app, its groups, and what happens to an error.

A HousecallError becomes one line on stderr and exit code 2; so does a bug, with the way to its traceback named.
HOUSECALL_LOG_LEVEL=debug shows tracebacks.
"""

import sys
from typing import Annotated, NoReturn

import typer

from housecall import __version__
from housecall.cli import (
    access,
    access_rules,
    approvals,
    ask,
    checks,
    doctor,
    errors,
    examine,
    instances,
    keys,
    reference,
    sample,
    serve,
)
from housecall.cli.demo import command as demo
from housecall.cli.failures import FAILED, print_failure
from housecall.cli.judging import JudgingCommand
from housecall.cli.output import print_json

app = typer.Typer(
    name="housecall",
    help="An AI database administrator: ask it about your PostgreSQL, MySQL and MariaDB servers in plain language.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("ask")(ask.ask)
app.command("examine", cls=JudgingCommand)(examine.examine)
app.command("collect", cls=JudgingCommand)(examine.collect)
app.command("diagnose", cls=JudgingCommand)(examine.diagnose)
app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.add_typer(instances.app, name="instance")
app.add_typer(approvals.app, name="approval")
app.add_typer(keys.app, name="key")
app.add_typer(access.account_app, name="account")
app.add_typer(access.user_app, name="user")
app.add_typer(access.group_app, name="group")
app.add_typer(access.role_app, name="role")
app.add_typer(access_rules.policy_app, name="policy")
app.add_typer(access_rules.plan_app, name="plan")
app.add_typer(access_rules.audit_app, name="audit")
app.add_typer(checks.app, name="check")
app.command("doctor")(doctor.doctor)
app.command("errors")(errors.errors)
app.command("sample")(sample.sample)
app.command("docs", hidden=True)(reference.docs)
app.command("worker", hidden=True)(serve.worker)


@app.command("version")
def version(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Print the version."""
    if as_json:
        print_json({"version": __version__})
    else:
        print(f"housecall {__version__}")


def run() -> NoReturn:
    """What the `housecall` script calls."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal that cannot show a letter must not turn an answer into a traceback.
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except Exception as error:  # noqa: BLE001 - the edge of the command line: each error becomes a line and a code
        print_failure(error)
        sys.exit(FAILED)
    sys.exit(0)


if __name__ == "__main__":
    run()
