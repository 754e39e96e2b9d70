"""What the demo says at its end: where the server is, the keys, and command lines that work as they stand."""

import os
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from housecall.access.keys import NewKey
from housecall.settings import Settings
from housecall.wording import Language

if TYPE_CHECKING:
    from pydantic import SecretStr
    from rich.console import Console

    from housecall.cli.demo.show import AnyPatient

MORE_QUESTIONS: dict[Language, tuple[str, str, str]] = {
    "en": (
        "Who is blocking whom?",
        "Which indexes are missing, and which are duplicates?",
        "Will any key run out of numbers?",
    ),
    "zh-CN": ("谁阻塞了谁？", "缺少哪些索引，哪些索引是重复的？", "有没有主键快用完了？"),
}


@dataclass
class Address:
    """How to reach the demo's server. `url` is known once it listens."""

    key: NewKey
    bearer: "SecretStr"
    url: str = ""


def print_what_next(
    console: "Console", address: Address, settings: Settings, language: Language, patient: "AnyPatient"
) -> None:
    key, questions = address.key, MORE_QUESTIONS[language]
    lines = [
        ("Address", address.url),
        ("Access key id", key.access_key_id),
        ("Access key secret", key.access_key_secret.get_secret_value()),
    ]
    console.print("\n[bold]The server stays up until Ctrl-C.[/bold]\n")
    for name, value in lines:
        console.print(f"  {name:<18} {value}", markup=False, soft_wrap=True)
    console.print("\n[bold]Three more questions to try, in another terminal:[/bold]\n")
    for command in (
        ask_command(settings, questions[0]),
        ask_command(settings, questions[1]),
        curl_command(address, questions[2], language),
    ):
        console.print(f"  {command}\n", markup=False, soft_wrap=True)
    console.print("[bold]To try a remedy as the shop's owner, and then ask whether it helped:[/bold]\n")
    console.print(f"  {patient.owner_command}\n", markup=False, soft_wrap=True)


def ask_command(settings: Settings, question: str) -> str:
    """`housecall ask` on the demo's own state, whatever the caller's environment says."""
    places = [f"HOUSECALL_HOME={shlex.quote(str(settings.home))}"]
    if os.environ.get("HOUSECALL_DATABASE_URL"):
        places.append("HOUSECALL_DATABASE_URL=")
    return f"{' '.join(places)} {_own_command()} ask --instance shop {shlex.quote(question)}"


def curl_command(address: Address, question: str, language: Language) -> str:
    """ChatMessages by plain HTTP, with the bearer token in place of a signature."""
    return " ".join(
        (
            f"curl -sN {address.url}/v1/chat-messages",
            f"-H {shlex.quote(f'Authorization: Bearer {address.bearer.get_secret_value()}')}",
            "-H 'Accept: text/event-stream'",
            f"--data-urlencode {shlex.quote(f'Query={question}')}",
            f"--data-urlencode {shlex.quote(f'Inputs.Language={language}')}",
            "--data-urlencode Inputs.InstanceId=shop",
        )
    )


def _own_command() -> str:
    """This very program, as short as it can be called from here."""
    program = Path(sys.argv[0])
    if program.name != "housecall":
        return f"{shlex.quote(sys.executable)} -m housecall.cli.main"
    if shutil.which("housecall") and Path(shutil.which("housecall") or "").resolve() == program.resolve():
        return "housecall"
    with_dot = os.path.relpath(program)
    return shlex.quote(with_dot if not with_dot.startswith("..") else str(program.resolve()))
