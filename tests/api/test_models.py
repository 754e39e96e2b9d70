"""GetChatModel and Inputs.ModelId through the official SDK, over an installation with a configuration file."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_rdsai20250507 import models
from alibabacloud_rdsai20250507.client import Client
from darabonba.runtime import RuntimeOptions
from tests.api.test_sdk import client_of, refused, told
from tests.api.test_types import mismatches

from housecall.agent.entries import load_roster
from housecall.settings import load_settings

FILE = """
[[model]]
id = "qwen3.8-max"
base_url = "http://127.0.0.1:9/v1"
key = { env = "QWEN_KEY" }
context_window = 1000000
features = ["text", "vision"]
thinking_levels = ["default", "low"]
default = true

[[model]]
id = "glm-5.2"
base_url = "http://127.0.0.1:9/v1"
"""


@pytest.fixture
def several(whole: Any) -> Iterator[Any]:
    """The installation with the models of the file, for one test."""
    folder = Path(tempfile.mkdtemp(prefix="housecall-models-"))
    (folder / "housecall.toml").write_text(FILE, encoding="utf-8")
    before = whole.app
    # The handlers see the application that the server was started with, so its roster is exchanged in place.
    object.__setattr__(before, "models", load_roster(load_settings({"HOUSECALL_HOME": str(folder)})))
    try:
        yield whole
    finally:
        object.__setattr__(before, "models", load_roster(before.settings))
        shutil.rmtree(folder)


def answered(client: Client, query: str, **inputs: Any) -> Any:
    request = models.ChatMessagesRequest(query=query, inputs=models.ChatMessagesRequestInputs(**inputs))
    return list(client.chat_messages_with_sse(request, RuntimeOptions()))


def test_the_diagnostician_is_always_a_model(whole: Any) -> None:
    (only,) = client_of(whole).get_chat_model(models.GetChatModelRequest()).body.data
    assert (only.model_id, only.default, only.features, only.thinking_levels) == ("builtin", True, ["text"], [])


def test_the_configured_models_are_listed_with_what_they_can(several: Any) -> None:
    body = client_of(several).get_chat_model(models.GetChatModelRequest()).body
    first, second, last = body.data
    assert (first.model_id, first.default, first.context_window) == ("qwen3.8-max", True, 1_000_000)
    assert (first.features, first.thinking_levels) == (["text", "vision"], ["default", "low"])
    assert (second.model_id, second.default, last.model_id) == ("glm-5.2", False, "builtin")
    assert mismatches(body.to_map(), models.GetChatModelResponseBody) == []


def test_the_chosen_model_and_thinking_reach_the_run(several: Any) -> None:
    question = several.script("fine")
    answered(client_of(several), question, model_id="glm-5.2", enable_thinking="true", think_effort="low")
    inputs = several.answerer.turns[question].inputs
    assert (inputs["model_id"], inputs["enable_thinking"], inputs["think_effort"]) == ("glm-5.2", True, "low")


def test_a_question_that_chooses_none_names_none(several: Any) -> None:
    question = several.script("fine")
    told(client_of(several), question)
    assert "model_id" not in several.answerer.turns[question].inputs


def test_an_unknown_model_is_refused_naming_those_that_there_are(several: Any) -> None:
    error = refused(lambda: answered(client_of(several), "hi", model_id="gpt-9"))
    assert (error.code, error.statusCode) == ("InvalidParameter", 400)
    assert "there is no model 'gpt-9'; there are qwen3.8-max, glm-5.2, builtin" in error.message


def test_a_level_that_the_model_does_not_have_is_refused(several: Any) -> None:
    error = refused(lambda: answered(client_of(several), "hi", think_effort="high"))
    assert (error.code, error.statusCode) == ("InvalidParameter", 400)
    assert "it has default, low" in error.message
