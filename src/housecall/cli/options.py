"""Options that several commands share."""

from typing import Annotated

import typer

DSN_VARIABLE = "HOUSECALL_DSN"

InstanceArgument = Annotated[str | None, typer.Argument(metavar="INSTANCE", help="Id of a registered instance.")]
DsnOption = Annotated[
    str | None,
    typer.Option(
        "--dsn",
        metavar="URL",
        help="A server that is not registered: postgresql://user@host:5432/database, mysql://user@host:3306/database"
        f" or mariadb://user@host:3306/database. Also read from {DSN_VARIABLE},"
        " which keeps a password out of the process list.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
LanguageOption = Annotated[
    str | None, typer.Option("--language", metavar="TAG", help="Language of the text: en, zh-CN, zh-TW, ja.")
]
WindowOption = Annotated[
    float | None,
    typer.Option(
        "--window",
        metavar="SECONDS",
        min=0.0,
        max=600.0,
        help="Read counters twice, this long apart, to tell the present from the past; 0 never does."
        " Without it, about a second, and only when counters look suspicious.",
    ),
]
