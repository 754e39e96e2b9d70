"""What a program reads when a command that judges could not look."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from housecall.cli.main import app

SECRET = "hunter2"
NOBODY = f"postgresql://reader:{SECRET}@127.0.0.1:1/shop"
KEYS = {"instance", "taken_at", "causes", "findings", "not_evaluated", "error"}


def failed(*arguments: str) -> dict[str, Any]:
    """The one object on standard output of a command that fails."""
    result = CliRunner().invoke(app, arguments)
    assert result.exception is not None
    told: dict[str, Any] = json.loads(result.stdout)
    assert told.keys() == KEYS
    assert (told["causes"], told["findings"], told["not_evaluated"]) == ([], [], [])
    assert SECRET not in result.stdout
    return told


def test_a_server_that_cannot_be_reached_is_one_json_object_with_its_error() -> None:
    told = failed("examine", "--json", "--dsn", NOBODY)
    assert told["instance"] == "shop"
    assert told["error"]["code"] == "InstanceUnreachable"
    assert "127.0.0.1:1/shop cannot be reached" in told["error"]["message"]


def test_the_sentence_still_goes_to_stderr_and_the_exit_code_stays_two() -> None:
    command = [sys.executable, "-m", "housecall.cli.main", "examine", "--json", "--dsn", NOBODY]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["message"] in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_without_json_standard_output_stays_empty() -> None:
    assert CliRunner().invoke(app, ["examine", "--dsn", NOBODY]).stdout == ""


@pytest.mark.parametrize("arguments", [("shop", "--dsn", NOBODY), ("--window", "soon"), ("--language", "tlh")])
def test_a_wrong_option_is_json_too(arguments: tuple[str, ...]) -> None:
    told = failed("examine", "--json", *arguments)
    assert told["instance"] is None
    assert told["error"]["code"] == "InvalidParameter"


def test_a_bundle_that_is_not_there_is_json_too(tmp_path: Path) -> None:
    told = failed("diagnose", "--json", str(tmp_path / "nowhere.json"))
    assert told["instance"] is None
    assert "nowhere.json cannot be read" in told["error"]["message"]


def test_a_failed_collection_for_a_pipe_is_json_that_diagnose_understands(tmp_path: Path) -> None:
    told = failed("collect", "-o", "-", "--dsn", NOBODY)
    (tmp_path / "failed.json").write_text(json.dumps(told))
    again = failed("diagnose", "--json", str(tmp_path / "failed.json"))
    assert (
        "holds no readings, since collecting them failed: Instance 'shop' at 127.0.0.1:1" in again["error"]["message"]
    )


def test_a_failed_collection_for_a_file_leaves_standard_output_empty(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["collect", "-o", str(tmp_path / "b.json"), "--dsn", NOBODY]).stdout == ""
