"""The command line without processes, servers or a state store."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from housecall.cli.access_rules import plan_changes
from housecall.cli.failures import message_of, print_failure, without_passwords
from housecall.cli.main import app
from housecall.cli.targets import Choice, choose, choose_one
from housecall.errors import InstanceRefused, RequestError

HEAVY = {"sqlalchemy", "pydantic", "pydantic_ai", "dbos", "psycopg", "starlette", "asyncio", "rich"}
SECRET = "hunter2"
DSN = f"postgresql://reader:{SECRET}@db.example:5432/shop"


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_the_command_imports_nothing_heavy_before_it_knows_what_to_do() -> None:
    code = f"import sys, housecall.cli.main; print(sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "command",
    ["ask", "serve", "demo", "examine", "collect", "diagnose", "instance", "key", "check", "doctor", "version"],
)
def test_help_names_every_command(command: str) -> None:
    code, output = run("--help")
    assert code == 0
    assert command in output


@pytest.mark.parametrize("command", [(), ("examine",), ("collect",)])
def test_help_names_every_kind_of_server(command: tuple[str, ...]) -> None:
    _, output = run(*command, "--help")
    assert all(name in output.lower() for name in ("postgresql", "mysql", "mariadb"))


@pytest.mark.parametrize("command", ["examine", "diagnose"])
def test_help_of_a_judging_command_explains_its_exit_codes(command: str) -> None:
    _, output = run(command, "--help")
    assert "Exit code: 0 when clean, 1 when anything" in output


def test_no_instance_and_no_dsn_is_an_error_that_names_both() -> None:
    with pytest.raises(RequestError, match=r"instance's id, --dsn .* or HOUSECALL_DSN"):
        choose_one(None, None)


def test_an_instance_and_a_dsn_at_once_are_refused() -> None:
    with pytest.raises(RequestError, match="not both"):
        choose("shop", DSN)


def test_the_dsn_of_the_environment_counts_when_nothing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOUSECALL_DSN", DSN)
    assert choose(None, None) == Choice(None, DSN)


def test_a_named_instance_wins_over_the_dsn_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOUSECALL_DSN", DSN)
    assert choose("shop", None) == Choice("shop", None)


def test_a_choice_does_not_show_its_password() -> None:
    assert SECRET not in repr(choose(None, DSN))


@pytest.mark.parametrize(
    "text",
    [
        f"cannot reach {DSN}, sorry",
        f"host=db password={SECRET} user=reader",
        f"host=db password = '{SECRET} with blanks' user=reader",
        f"mysql://:{SECRET}@host/db",
    ],
)
def test_passwords_are_masked_in_any_text(text: str) -> None:
    assert SECRET not in without_passwords(text)


@pytest.mark.parametrize("text", ["12:34:56 at user@host", "http://127.0.0.1:7432/health", "the password is missing"])
def test_text_without_a_password_stays_as_it_is(text: str) -> None:
    assert without_passwords(text) == text


def test_an_error_of_ours_is_told_in_its_own_words_on_one_line() -> None:
    assert message_of(InstanceRefused("Instance 'shop'\n refused")) == "Instance 'shop' refused"


def test_a_bug_is_one_line_that_says_how_to_see_more() -> None:
    words = message_of(KeyError(DSN))
    assert "KeyError" in words
    assert "HOUSECALL_LOG_LEVEL=debug" in words
    assert SECRET not in words
    assert "\n" not in words


def failure(message: str) -> Exception:
    try:
        raise ValueError(message)
    except ValueError as error:
        return error


def test_a_traceback_is_not_shown_unasked(capsys: pytest.CaptureFixture[str]) -> None:
    print_failure(failure("no"))
    assert "Traceback" not in capsys.readouterr().err


def test_a_traceback_is_shown_at_log_level_debug_without_passwords(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOUSECALL_LOG_LEVEL", "debug")
    print_failure(failure(DSN))
    told = capsys.readouterr().err
    assert "Traceback" in told
    assert SECRET not in told


def test_version_is_told_to_people_and_machines() -> None:
    assert run("version")[1].startswith("housecall ")
    assert '"version":' in run("version", "--json")[1]


def test_check_list_names_every_check() -> None:
    from housecall.diagnosis.check import all_checks

    _, output = run("check", "list")
    assert all(each.check.id in output for each in all_checks())


def test_check_show_gives_the_page_and_the_reason_of_each_threshold() -> None:
    _, output = run("check", "show", "postgresql.key_exhaustion")
    assert "Why it matters:" in output
    assert "critical_share = 0.9:" in output


def test_a_misspelt_check_is_told_what_was_meant() -> None:
    with pytest.raises(RequestError, match=r"did you mean .*postgresql\.key_exhaustion"):
        run("check", "show", "key_exhaustion")


def test_a_language_that_is_not_spoken_is_refused_before_anything_is_opened() -> None:
    with pytest.raises(RequestError, match=r"'tlh' is not spoken; choose one of en, zh-CN"):
        run("ask", "hello", "--dsn", DSN, "--language", "tlh")


def test_an_empty_question_is_refused() -> None:
    with pytest.raises(RequestError, match="The question is empty"):
        run("ask", "  ", "--dsn", DSN)


def test_a_conversation_with_a_dsn_is_refused_since_nothing_is_kept() -> None:
    with pytest.raises(RequestError, match=r"Conversations are kept, .*for registered instances only"):
        run("ask", "hello", "--dsn", DSN, "--conversation", "c-1")


def test_docs_check_passes_on_fresh_pages_and_names_a_stale_one(tmp_path: Path) -> None:
    assert run("docs", "--into", str(tmp_path))[0] == 0
    assert run("docs", "--into", str(tmp_path), "--check")[0] == 0
    (tmp_path / "settings.md").write_text("old", encoding="utf-8")
    with pytest.raises(RequestError, match=r"settings\.md; render them with: make docs"):
        run("docs", "--into", str(tmp_path), "--check")


def test_the_page_of_the_command_line_has_every_command(tmp_path: Path) -> None:
    from housecall.cli.pages import cli_page

    page = cli_page()
    for command in ("ask", "instance add", "key create", "check show", "doctor", "diagnose"):
        assert f"## housecall {command}\n" in page


NO_LIMITS = {"concurrency": None, "tokens": None, "instances": None, "until": None}


def test_plan_set_changes_only_what_is_named() -> None:
    assert plan_changes(None, NO_LIMITS | {"tokens": 0}, ["until"]) == {"tokens_per_month": 0, "expires_at": None}
    assert plan_changes("team", NO_LIMITS, []) == {"name": "team"}


@pytest.mark.parametrize("unlimited", [["tokens"], ["everything"]])
def test_plan_set_refuses_to_lift_what_it_sets_or_does_not_know(unlimited: list[str]) -> None:
    with pytest.raises(RequestError, match="--unlimited"):
        plan_changes(None, NO_LIMITS | {"tokens": 5}, unlimited)
