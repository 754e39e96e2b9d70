"""`docs`: the reference pages, rendered from the code, and the check that they are up to date."""

from pathlib import Path
from typing import Annotated

import typer

from housecall.errors import RequestError

DEFAULT_FOLDER = Path("docs/reference")


def docs(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail when a page differs from the code.")
    ] = False,
    into: Annotated[Path, typer.Option("--into", metavar="FOLDER", help="Where the pages are.")] = DEFAULT_FOLDER,
) -> None:
    """Render the reference pages from the code."""
    from housecall.cli.pages import all_pages

    pages = {into / name: text for name, text in all_pages().items()}
    stale = [path for path, text in pages.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if check and stale:
        raise RequestError(
            f"These pages differ from the code: {', '.join(map(str, stale))}; render them with: make docs"
        )
    into.mkdir(parents=True, exist_ok=True)
    for path in stale:
        path.write_text(pages[path], encoding="utf-8")
        typer.echo(f"{path} written")
    if not stale:
        typer.echo(f"{len(pages)} pages are up to date")
