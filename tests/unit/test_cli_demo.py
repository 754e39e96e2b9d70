"""The demo without its servers: the client's reading of the stream, and what it tells people to type."""

import shlex
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from housecall.access.keys import NewKey
from housecall.cli.demo.client import bodies, happening_of
from housecall.cli.demo.farewell import MORE_QUESTIONS, Address, ask_command, curl_command
from housecall.cli.demo.patient import FAULTS, free_port, template_dir
from housecall.settings import Settings

ADDRESS = Address(NewKey("HC1", SecretStr("s")), SecretStr("hct_1"), "http://127.0.0.1:7432")
SETTINGS = replace(Settings(), home=Path("/var/lib/my house/demo"))


async def lines(*given: str) -> AsyncIterator[str]:
    for line in given:
        yield line


@pytest.mark.anyio
async def test_the_client_reads_data_lines_and_passes_over_comments() -> None:
    stream = lines("id: 1", "event: message", 'data: {"Event":"message","Answer":"a"}', "", ": ping", "")
    assert [body async for body in bodies(stream)] == [{"Event": "message", "Answer": "a"}]


def test_a_tool_call_of_the_wire_is_a_happening_with_its_fields() -> None:
    answer = '{"tool_call_id":"c","tool_call_name":"list_sessions","status":"end","elapsed_ms":12}'
    happening = happening_of({"Event": "tool_call", "Answer": answer})
    assert dict(happening.fields) == {"tool_name": "list_sessions", "status": "end", "elapsed_ms": 12}


def test_the_end_of_a_run_carries_its_status() -> None:
    assert happening_of({"Event": "workflow_finished", "Answer": "", "Status": "failed"}).fields["status"] == "failed"


def test_the_ask_command_is_one_that_a_shell_takes_apart_rightly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOUSECALL_DATABASE_URL", raising=False)
    words = shlex.split(ask_command(SETTINGS, "What's up?"))
    assert words[0] == "HOUSECALL_HOME=/var/lib/my house/demo"
    assert words[-4:] == ["ask", "--instance", "shop", "What's up?"]


def test_the_ask_command_keeps_to_the_demos_state_when_another_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOUSECALL_DATABASE_URL", "postgresql://elsewhere")
    assert shlex.split(ask_command(SETTINGS, "hello"))[1] == "HOUSECALL_DATABASE_URL="


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_the_curl_command_carries_token_question_and_instance(language: str) -> None:
    question = MORE_QUESTIONS[language][2]  # type: ignore[index]
    words = shlex.split(curl_command(ADDRESS, question, language))  # type: ignore[arg-type]
    assert "http://127.0.0.1:7432/v1/chat-messages" in words
    assert "Authorization: Bearer hct_1" in words
    assert f"Query={question}" in words
    assert "Inputs.InstanceId=shop" in words


def test_a_wanted_port_that_is_taken_is_replaced_by_a_free_one() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert free_port(port) not in (0, port)


def test_the_demo_has_at_least_six_faults() -> None:
    assert len(set(FAULTS)) >= 6


def test_the_template_of_another_shop_has_another_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = template_dir(tmp_path)
    monkeypatch.setattr("housecall.cli.demo.patient._shop_sql", lambda: "SELECT 1")
    assert template_dir(tmp_path) != before
