"""The reference pages as Markdown, each a pure function of what is registered in the code."""

import dataclasses
import inspect
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from housecall import errors
from housecall.configuration import ModelEntry, Price
from housecall.engines.engine import FlavourSpan, Reading
from housecall.settings import PREFIX, Settings

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

NOTE = "<!-- Rendered by `make docs` from the code; edit there. -->"


def all_pages() -> Mapping[str, str]:
    """Every page by file name."""
    pages: Mapping[str, Callable[[], str]] = {
        "settings.md": settings_page,
        "cli.md": cli_page,
        "checks.md": checks_page,
        "causes.md": causes_page,
        "readings.md": readings_page,
        "tools.md": tools_page,
        "approvals.md": approvals_page,
        "operations.md": operations_page,
        "errors.md": errors_page,
    }
    return {name: f"{NOTE}\n\n{render().strip()}\n" for name, render in pages.items()}


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; what would end a cell is escaped."""
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")


_SETTINGS_LEAD = (
    "Every setting is an environment variable. All but HOUSECALL_HOME and HOUSECALL_CONFIG may stand in the table"
    " `[settings]` of `housecall.toml` instead, in lower case and without the prefix; the variable wins."
)
_MODELS_LEAD = (
    "Each `[[model]]` of `housecall.toml` is one model ([how to](../how-to/models.md)). A secret is"
    ' `{ env = "NAME" }`, `{ file = "/path" }` or, in the open, `{ plain = "…" }`.'
)


def settings_page() -> str:
    rows = [
        (f"`{PREFIX}{item.name.upper()}`", _default(item), item.metadata["help"])
        for item in dataclasses.fields(Settings)
    ]
    parts = [
        "# Settings",
        _SETTINGS_LEAD,
        table(("Variable", "Default", "What it is"), rows),
        "## Models in the file",
        _MODELS_LEAD,
        *(_fields(kind, title) for kind, title in ((ModelEntry, "`[[model]]`"), (Price, "`price`"))),
    ]
    return "\n\n".join(parts)


def _fields(kind: "type[BaseModel]", title: str) -> str:
    rows = [(f"`{name}`", _field_default(field), field.description or "") for name, field in kind.model_fields.items()]
    return table((title, "Default", "What it is"), rows)


def _field_default(field: "FieldInfo") -> str:
    if field.is_required():
        return "required"
    if field.default in (None, "", ()):
        return ""
    value = list(field.default) if isinstance(field.default, tuple) else field.default
    return f"`{json.dumps(value)}`"


def _default(item: "dataclasses.Field[Any]") -> str:
    if item.name == "home":
        return "the user's data folder; `/var/lib/housecall` for root"
    value = getattr(Settings(), item.name)
    return "" if value in (None, "") else f"`{value}`"


def checks_page() -> str:
    from housecall.diagnosis.check import all_checks

    parts = ["# Checks", "What is looked at in every examination. `housecall check show ID` prints the same."]
    for each in all_checks():
        parts.append(
            f"## {each.check.id}\n\n{each.check.title.en} ({each.check.item}, at most {each.check.severity.value})."
        )
        parts.append(inspect.cleandoc(each.page))
        if each.check.thresholds:
            rows = [(f"`{limit.name}`", f"{limit.value:g}", limit.why) for limit in each.check.thresholds]
            parts.append(table(("Threshold", "Value", "Why"), rows))
    return "\n\n".join(parts)


def causes_page() -> str:
    from housecall.diagnosis.cause import all_causes

    parts = ["# Causes", "What a diagnosis can conclude, and the checks that each conclusion builds on."]
    for each in all_causes():
        rests_on = ", ".join(f"`{check}`" for check in each.rule.checks)
        parts.append(
            f"## {each.rule.id}\n\n{each.rule.title.en}. Builds on {rests_on}.\n\n{inspect.cleandoc(each.page)}"
        )
    return "\n\n".join(parts)


def readings_page() -> str:
    from housecall.engines.mysql import ENGINE as MYSQL
    from housecall.engines.postgresql import ENGINE as POSTGRESQL

    parts = ["# Readings", "What Housecall asks a server, in a read-only session."]
    for title, engine in (("PostgreSQL", POSTGRESQL), ("MySQL and MariaDB", MYSQL)):
        rows = [(f"`{each.name}`", _versions(each), each.asks, each.privilege, each.cost) for each in engine.readings]
        parts.append(f"## {title}")
        parts.append(table(("Reading", "Versions", "What it asks", "Least privilege", "Cost"), rows))
    return "\n\n".join(parts)


def _versions(reading: Reading) -> str:
    if reading.flavours:
        return ", ".join(_flavour_span(span) for span in reading.flavours)
    return f"{reading.since} and newer" if reading.before >= 1_000 else f"{reading.since} to {reading.before - 1}"


def _flavour_span(span: FlavourSpan) -> str:
    since = f"{span.since // 10_000}.{span.since // 100 % 100}"
    before = f", before {span.before // 10_000}.{span.before // 100 % 100}" if span.before < 10_000_000 else ""
    return f"{span.flavour} {since} and newer{before}"


def tools_page() -> str:
    from housecall.agent.tools import all_tools

    rows = [(f"`{each.name}`", each.kind, each.descriptions.en) for each in all_tools()]
    return "# Tools\n\nWhat a model may use to answer a question.\n\n" + table(("Tool", "Kind", "What it does"), rows)


def approvals_page() -> str:
    from housecall.chat.rules import NO_RULE, RULES

    rows = [
        (
            f"`{each.id}`",
            ", ".join(f"`{tool}`" for tool in each.tools) or "every tool",
            " and ".join(map(str, each.conditions)) or "always",
            "may pass" if each.allows else "a person",
            each.reason.en,
        )
        for each in RULES
    ]
    rows.append((f"`{NO_RULE.id}`", "every tool", "none of the above fits", "a person", NO_RULE.reason.en))
    text = (
        "# Rules of approval\n\nWhat mode `auto` lets pass without a person. The first rule that fits decides. In"
        " `manual` a person decides on every change, in `read_only` nothing is changed.\n\n"
    )
    return text + table(("Rule", "Tools", "When", "Decides", "Why"), rows)


def operations_page() -> str:
    from housecall.api.operation import API_VERSION, all_operations

    parts = [
        "# Operations",
        f"Version {API_VERSION}. Operations are called by `POST /` or `GET /` with their name in `x-acs-action`.",
        "`POST /rpc/<Operation>` is the same. `GET /openapi.json` describes them for machines.",
        "`housecall sample OPERATION` and `GET /samples/<Operation>` write the code of a call.",
    ]
    for each in all_operations():
        doors = f" Also `{each.route.method} {each.route.path}`." if each.route else ""
        parts.append(f"## {each.name}\n\n{each.summary} RAM action `{each.ram_action}`.{doors}")
        rows = [
            (f"`{field.alias or name}`", "yes" if field.is_required() else "")
            for name, field in each.request.model_fields.items()
        ]
        if rows:
            parts.append(table(("Parameter", "Required"), rows))
        answer = ", ".join(f"`{field.alias or name}`" for name, field in each.response.model_fields.items())
        parts.append(
            f"Answers `RequestId`{', ' if answer else ''}{answer}"
            + (", as events or as one object." if each.streams else ".")
        )
        if each.errors:
            parts.append(f"Errors of its own: {', '.join(f'`{code}`' for code in each.errors)}.")
    return "\n\n".join(parts)


def errors_page() -> str:
    from housecall.api.error_codes import ERROR_CODES

    codes = [
        (f"`{each.code}`", each.status, each.message, each.meaning, each.recommend) for each in ERROR_CODES.values()
    ]
    classes = [
        value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.HousecallError)
    ]
    rows = [
        (f"`{each.__name__}`", f"`{each.code}`", each.status, inspect.cleandoc(each.__doc__ or "")) for each in classes
    ]
    parts = [
        "# Errors",
        "## On the wire",
        "Every error is one JSON object with `RequestId`, `Code`, `Message`, `HostId` and `Recommend`.",
        "`housecall errors` lists the same. Message begins as below and says more about the request at hand.",
        table(("Code", "Status", "Message", "Cause", "Cure"), codes),
        "## In the code",
        "The command line prints the message of these on one line and ends with code 2.",
        table(("Class", "Code", "Status", "Meaning"), rows),
    ]
    return "\n\n".join(parts)


def cli_page() -> str:
    from typer.main import get_command

    from housecall.cli.main import app

    root = get_command(app)
    parts = ["# Command line", "`--json` prints one JSON document. Errors are one line on stderr, with exit code 2."]
    for words, command in _commands(root, ("housecall",)):
        parts.append(f"## {' '.join(words)}\n\n{inspect.cleandoc(command.help or '')}")
        rows = [(_names(each), _meaning(each)) for each in command.params if each.name != "help"]
        if rows:
            parts.append(table(("Option", "What it is"), rows))
    return "\n\n".join(parts)


def _commands(command: Any, words: tuple[str, ...]) -> list[tuple[tuple[str, ...], Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        return [(words, command)]
    return [found for name, each in inner.items() if not each.hidden for found in _commands(each, (*words, name))]


def _names(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{(parameter.metavar or parameter.name.upper()).strip('[]')}`"
    names = ", ".join([*parameter.opts, *parameter.secondary_opts])
    return f"`{names} {parameter.metavar}`" if parameter.metavar else f"`{names}`"


def _meaning(parameter: Any) -> str:
    default = parameter.default
    is_told = default not in (None, "") and not isinstance(default, bool) and not parameter.required
    return f"{parameter.help or ''}{f' Default: {default}.' if is_told else ''}"
