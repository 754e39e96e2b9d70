"""History within its budget, and models from settings."""

import pytest
from pydantic import SecretStr
from pydantic_ai.messages import ModelResponse, TextPart, UserPromptPart

from housecall.agent.builtin.model import DiagnosticianModel
from housecall.agent.context import language_of_turn
from housecall.agent.history import history_of
from housecall.agent.models import build_model, clean, model_reachable
from housecall.errors import SetupError
from housecall.settings import Settings
from housecall.turn import PastTurn, Turn


def past(number: int, size: int = 10) -> PastTurn:
    return PastTurn(f"question {number}", "word " * size, None)


def test_history_keeps_the_latest_turns_within_the_budget() -> None:
    turns = [past(number, 500) for number in range(50)]
    kept = [
        str(part.content)
        for message in history_of(turns, 3_000)
        for part in message.parts
        if isinstance(part, UserPromptPart)
    ]

    assert kept[-1] == "question 49"
    assert 1 < len(kept) < 10


def test_history_within_the_budget_is_whole() -> None:
    assert len(history_of([past(1), past(2)])) == 4


def test_a_turn_without_an_answer_still_alternates() -> None:
    messages = history_of([PastTurn("q", "", None)])

    assert isinstance(messages[1], ModelResponse)
    assert isinstance(messages[1].parts[0], TextPart)


def a_turn(query: str, language: str | None = None, *earlier: str) -> Turn:
    history = tuple(PastTurn(each, "", None) for each in earlier)
    return Turn("r", "c", "m", "a", "u", query, language=language, history=history)


@pytest.mark.parametrize(
    ("turn", "language"),
    [
        (a_turn("why?", "zh-cn"), "zh-CN"),
        (a_turn("为什么慢"), "zh-CN"),
        (a_turn("why is it slow"), "en"),
        (a_turn("SELECT 1 FROM t", None, "为什么慢"), "zh-CN"),
        (a_turn("???"), "en"),
    ],
)
def test_the_language_is_the_callers_else_the_questions(turn: Turn, language: str) -> None:
    assert language_of_turn(turn, None) == language


def test_builtin_is_the_default_model() -> None:
    assert isinstance(build_model(Settings()), DiagnosticianModel)


def test_an_openai_compatible_endpoint_is_built_from_base_url_and_key() -> None:
    model = build_model(
        Settings(model="openai:qwen3", model_base_url="http://127.0.0.1:9/v1", model_api_key=SecretStr("sk-secret"))
    )

    assert model.model_name == "qwen3"
    assert model.base_url == "http://127.0.0.1:9/v1/"
    assert model.profile["openai_chat_streaming_requires_finish_reason"] is True
    assert "sk-secret" not in repr(model)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (Settings(model="nonsense:thing"), "HOUSECALL_MODEL"),
        (Settings(model="openai:"), "HOUSECALL_MODEL"),
        (Settings(model="openai:x", model_base_url="localhost:8000"), "HOUSECALL_MODEL_BASE_URL"),
        (Settings(model="anthropic:x", model_base_url="http://localhost"), "HOUSECALL_MODEL_BASE_URL"),
    ],
)
def test_settings_that_cannot_work_name_their_variable(settings: Settings, named: str) -> None:
    with pytest.raises(SetupError, match=named):
        build_model(settings)


def test_a_key_in_a_providers_message_is_masked() -> None:
    assert "abcdef123456" not in clean("Incorrect API key provided: sk-abcdef123456. See")


@pytest.mark.anyio
async def test_the_built_in_model_is_always_reachable() -> None:
    assert await model_reachable(Settings()) is None


@pytest.mark.anyio
async def test_a_bad_setting_is_told_by_reachable() -> None:
    assert "HOUSECALL_MODEL" in str(await model_reachable(Settings(model="nonsense:x")))
