"""A diagnosis as a person reads it: causes with evidence and remedies, what else was found, what was not seen."""

from typing import TYPE_CHECKING

from housecall.cli.output import console, indented

if TYPE_CHECKING:
    from rich.console import Console

    from housecall.diagnosis.cause import Cause
    from housecall.diagnosis.examine import Diagnosis
    from housecall.diagnosis.finding import Finding
    from housecall.diagnosis.remedy import Remedy
    from housecall.wording import Language

STYLES = {"info": "dim", "notice": "cyan", "warning": "yellow", "critical": "bold red"}


def print_verdict(diagnosis: "Diagnosis", language: "Language") -> None:
    """Everything, strongest first. Other findings are those that no cause rests on or explains."""
    out = console()
    _print_head(out, diagnosis)
    for number, cause in enumerate(diagnosis.causes, start=1):
        _print_cause(out, number, cause, language)
    explained = {print_ for cause in diagnosis.causes for print_ in (*cause.rests_on, *cause.absorbs)}
    _print_findings(out, [each for each in diagnosis.findings if each.fingerprint not in explained], language)
    _print_not_evaluated(out, diagnosis, language)
    if not diagnosis.causes and not diagnosis.findings:
        out.print("\n[green]Nothing wrong was found[/green] in what could be looked at.")


def _print_head(out: "Console", diagnosis: "Diagnosis") -> None:
    from rich.text import Text

    facts, snapshot = diagnosis.snapshot.facts, diagnosis.snapshot
    head = Text(snapshot.instance, style="bold")
    head.append(f"  {facts.version.text}, database {facts.database}, as {facts.user}", style="not bold")
    head.append(f"\n{snapshot.taken_at:%Y-%m-%d %H:%M:%S} UTC", style="not bold dim")
    if diagnosis.seconds:
        head.append(
            f", looked for {diagnosis.seconds:.1f} s in {diagnosis.statements} statements", style="not bold dim"
        )
    if diagnosis.earlier is not None:
        seconds = snapshot.seconds_since(diagnosis.earlier)
        head.append(f", counters {seconds:.1f} s apart", style="not bold dim")
    out.print(head)


def _print_cause(out: "Console", number: int, cause: "Cause", language: "Language") -> None:
    from rich.text import Text

    title = Text(f"\n{number}. ")
    title.append(cause.severity.value.upper(), style=STYLES[cause.severity.value])
    title.append(f"  {cause.summary.render(language)}", style="bold")
    out.print(title)
    past = ", over by now" if cause.past else ""
    facts = Text(f"{cause.id} on {cause.object}, confidence {cause.confidence:.0%}{past}", style="dim")
    out.print(indented(facts, 3))
    for because in cause.because:
        out.print(indented(Text(f"- {because.render(language)}"), 3))
    for symptom in cause.symptoms:
        out.print(indented(Text(f"- explains {symptom}"), 3))
    for remedy in cause.remedies:
        _print_remedy(out, remedy, language)


def _print_remedy(out: "Console", remedy: "Remedy", language: "Language") -> None:
    from rich.text import Text

    facts = [f"risk {remedy.risk}", remedy.lock.render(language)]
    if remedy.duration:
        facts.append(remedy.duration.render(language))
    title = Text(f"→ {remedy.title.render(language)}")
    title.append(f"  ({'; '.join(facts)})", style="dim")
    out.print(indented(title, 3))
    _print_sql(out, remedy.statements)
    if remedy.caution:
        out.print(indented(Text(f"Caution: {remedy.caution.render(language)}", style="yellow"), 5))
    if remedy.rollback:
        out.print(indented(Text("Undo:", style="dim"), 5))
        _print_sql(out, remedy.rollback)
    elif remedy.rollback_note:
        out.print(indented(Text(f"Undo: {remedy.rollback_note.render(language)}", style="dim"), 5))
    out.print(indented(Text(f"Afterwards: {remedy.verify.render(language)}", style="dim"), 5))
    if remedy.verify_statement:
        _print_sql(out, (remedy.verify_statement,))


def _print_sql(out: "Console", statements: tuple[str, ...]) -> None:
    from rich.syntax import Syntax

    from housecall.cli.answers import CODE_THEME

    if statements:
        code = "\n".join(statements)
        out.print(indented(Syntax(code, "sql", theme=CODE_THEME, word_wrap=True, background_color="default"), 7))


def _print_findings(out: "Console", findings: "list[Finding]", language: "Language") -> None:
    from rich.text import Text

    if findings:
        out.print("\n[bold]Also found[/bold]")
    for finding in findings:
        line = Text("   ")
        line.append(f"{finding.severity.value:<9}", style=STYLES[finding.severity.value])
        line.append(finding.message.render(language))
        out.print(line)


def _print_not_evaluated(out: "Console", diagnosis: "Diagnosis", language: "Language") -> None:
    from rich.text import Text

    from housecall.diagnosis.unavailable import by_root

    if diagnosis.not_evaluated:
        out.print("\n[bold]Not looked at[/bold]")
    told = [each.to_json(language) for each in diagnosis.not_evaluated]
    for reason, remedy, checks in by_root(((each["check"], each["reason"], each["remedy"]) for each in told), language):
        out.print(indented(Text(f"{', '.join(checks)}: {reason}"), 3))
        if remedy:
            out.print(indented(Text(f"→ {remedy}", style="dim"), 5))
