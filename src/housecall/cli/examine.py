"""`examine`, `collect` and `diagnose`: one look at a server, on the spot or in two halves."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from housecall.cli.bundles import bundle_of, judge_bundle, write_bundle
from housecall.cli.failures import CLEAN, FOUND
from housecall.cli.loading import language_for, run_in_loop, settings_for_command
from housecall.cli.options import DsnOption, InstanceArgument, JsonOption, LanguageOption, WindowOption
from housecall.cli.output import print_json
from housecall.cli.targets import Choice, choose_one, open_choice

if TYPE_CHECKING:
    from housecall.diagnosis.examine import Diagnosis
    from housecall.settings import Settings
    from housecall.wording import Language

EXIT_CODES = (
    "Exit code: 0 when clean, 1 when anything of severity notice or worse was found, 2 when it could not look"
    " (with --json that too is one JSON object, with an error in it)."
)


def examine(
    instance: InstanceArgument = None,
    dsn: DsnOption = None,
    as_json: JsonOption = False,
    window: WindowOption = None,
    language: LanguageOption = None,
) -> None:
    settings = settings_for_command()
    chosen_language = language_for(settings, language)
    diagnosis = run_in_loop(_examine(settings, choose_one(instance, dsn), window))
    _print(diagnosis, chosen_language, as_json=as_json)
    raise typer.Exit(exit_code(diagnosis))


examine.__doc__ = f"Examine a server: causes, findings, and what could not be looked at.\n\n{EXIT_CODES}"


def collect(
    instance: InstanceArgument = None,
    dsn: DsnOption = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where the bundle goes; - for standard output.")
    ] = Path("bundle.json"),
    window: WindowOption = None,
) -> None:
    """Read a server and keep what was read, for `diagnose`.

    The bundle holds names and statement texts, and no password.
    """
    diagnosis = run_in_loop(_examine(settings_for_command(), choose_one(instance, dsn), window))
    bundle = bundle_of(diagnosis)
    write_bundle(output, bundle)
    unavailable = sum(1 for reading in bundle["readings"].values() if "unavailable" in reading)
    typer.echo(f"{output}: {len(bundle['readings'])} readings, {unavailable} of them not available", err=True)


def diagnose(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A file made by `collect`; - for standard input.")],
    as_json: JsonOption = False,
    language: LanguageOption = None,
) -> None:
    from housecall.app import build_engines

    settings = settings_for_command()
    chosen_language = language_for(settings, language)
    diagnosis = judge_bundle(bundle, build_engines(settings))
    _print(diagnosis, chosen_language, as_json=as_json)
    raise typer.Exit(exit_code(diagnosis))


diagnose.__doc__ = f"Judge a bundle without access to its server: the same verdict as `examine`.\n\n{EXIT_CODES}"


def exit_code(diagnosis: "Diagnosis") -> int:
    from housecall.diagnosis.finding import Severity

    """Hygiene (severity info), such as the logins that every fresh server has, leaves a server clean."""
    told = [each.severity for each in diagnosis.findings] + [each.severity for each in diagnosis.causes]
    return FOUND if any(severity.rank >= Severity.NOTICE.rank for severity in told) else CLEAN


async def _examine(settings: "Settings", choice: Choice, window: float | None) -> "Diagnosis":
    from housecall.diagnosis.examine import examine as examine_instance

    async with open_choice(settings, choice) as (engines, instance), engines.open_probe(instance) as probe:
        return await examine_instance(probe, instance.id, engines.engine(instance.engine), window_seconds=window)


def _print(diagnosis: "Diagnosis", language: "Language", *, as_json: bool) -> None:
    if as_json:
        print_json(diagnosis.to_json(language))
    else:
        from housecall.cli.verdict import print_verdict

        print_verdict(diagnosis, language)
