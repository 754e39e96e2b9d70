"""Models of the configuration file at work, over HTTP: who is asked, with what, and who answers when one fails."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.compatible_endpoint import Endpoint, endpoint

from housecall.agent.agent import build_agent
from housecall.agent.entries import BUILTIN_WINDOW, load_roster
from housecall.agent.fakes import FakeProbe, FixedDirectory, RememberingSink, an_instance, engines_of
from housecall.agent.history import HISTORY_TOKENS
from housecall.agent.models import entry_reachable, thinking_of
from housecall.errors import RequestError, SetupError
from housecall.settings import Settings, load_settings
from housecall.turn import Outcome, Stop, Turn

pytestmark = pytest.mark.anyio

MODEL = """
[[model]]
id = "{id}"
base_url = "{url}"
key = {{ plain = "sk-planted-secret" }}
retries = 0
{more}
"""


def a_model(model_id: str, at: Endpoint | str, more: str = "") -> str:
    return MODEL.format(id=model_id, url=at if isinstance(at, str) else at.url, more=more)


class Asked:
    """One question to an installation with these models, and what it reported."""

    def __init__(self, folder: Path, text: str) -> None:
        (folder / "housecall.toml").write_text(text, encoding="utf-8")
        self.settings = load_settings({"HOUSECALL_HOME": str(folder)})
        self.agent = build_agent(self.settings, engines_of(FakeProbe()), FixedDirectory((an_instance(),)))
        self.sink = RememberingSink()

    async def ask(self, query: str = "What time is it?", stop: Stop | None = None, **inputs: Any) -> Outcome:
        turn = Turn("r", "c", "m", "a", "u", query, language="en", inputs=inputs)
        return await self.agent.answer(turn, self.sink, stop or Stop())

    @property
    def answered_by(self) -> str:
        return str(self.sink.named("message_end")[0].fields["model"])

    @property
    def error(self) -> Any:
        (error,) = self.sink.named("error")
        return error


async def test_the_default_of_the_file_answers(tmp_path: Path) -> None:
    with endpoint("Hello from one.") as one, endpoint("Hello from two.") as two:
        asked = Asked(tmp_path, a_model("one", one) + a_model("two", two, "default = true"))
        outcome = await asked.ask()
    assert (asked.sink.text, asked.answered_by) == ("Hello from two.", "two")
    assert (outcome.status, outcome.input_tokens, outcome.output_tokens) == ("succeeded", 7, 3)
    assert one.bodies == []
    assert two.keys == ["Bearer sk-planted-secret"]


async def test_the_model_that_is_chosen_answers(tmp_path: Path) -> None:
    with endpoint("Hello from one.") as one:
        asked = Asked(tmp_path, a_model("one", one, 'name = "qwen3-32b"'))
        await asked.ask(model_id="one")
        assert asked.answered_by == "one"
        assert one.bodies[0]["model"] == "qwen3-32b"
        builtin = Asked(tmp_path, a_model("one", one, "default = true"))
        await builtin.ask(model_id="builtin")
    assert builtin.answered_by == "builtin"
    assert len(one.bodies) == 1


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (401, "refused the key"),
        (404, "does not know it"),
        (429, "rate limit"),
        (500, "failed"),
        (503, "did not answer"),
    ],
)
async def test_a_model_that_fails_is_a_clear_error(tmp_path: Path, status: int, why: str) -> None:
    with endpoint(status) as one:
        asked = Asked(tmp_path, a_model("one", one, "default = true"))
        outcome = await asked.ask()
    assert outcome.status == "failed"
    assert "The model 'one' did not answer" in asked.error.answer
    assert why in asked.error.answer
    assert "abcdef123456" not in asked.error.answer
    assert asked.error.fields == {"code": "ModelError"}


@pytest.mark.parametrize("failure", [401, 429, 500, "cut:I was about to say", ""])
async def test_where_a_fallback_is_configured_it_answers_and_says_so(tmp_path: Path, failure: str | int) -> None:
    with endpoint(failure) as one, endpoint("From two.") as two:
        text = a_model("one", one, 'default = true\nfallback = "two"') + a_model("two", two)
        asked = Asked(tmp_path, text)
        outcome = await asked.ask()
    assert (outcome.status, asked.sink.text, asked.answered_by) == ("succeeded", "From two.", "two")
    assert asked.error.fields == {"code": "ModelError", "fallback": "two"}
    assert asked.error.answer.endswith("The model 'two' answers instead.")


async def test_the_builtin_diagnostician_is_a_fallback(tmp_path: Path) -> None:
    with endpoint(500) as one:
        asked = Asked(tmp_path, a_model("one", one, 'default = true\nfallback = "builtin"'))
        await asked.ask()
    assert asked.answered_by == "builtin"
    assert "UTC" in asked.sink.text


async def test_who_answered_goes_on_to_the_end_of_the_turn(tmp_path: Path) -> None:
    """The diagnostician takes two requests, a tool call and an answer; the failed model is asked once."""
    with endpoint(500) as one:
        asked = Asked(tmp_path, a_model("one", one, 'default = true\nfallback = "builtin"'))
        await asked.ask()
    assert len(one.bodies) == 1
    assert len(asked.sink.named("error")) == 1


async def test_the_last_of_a_chain_that_fails_is_the_answers_failure(tmp_path: Path) -> None:
    with endpoint(500) as one, endpoint(401) as two:
        text = a_model("one", one, 'default = true\nfallback = "two"') + a_model("two", two)
        asked = Asked(tmp_path, text)
        outcome = await asked.ask()
    assert outcome.status == "failed"
    first, last = asked.sink.named("error")
    assert "'one'" in first.answer
    assert "'two' did not answer: it refused the key" in last.answer


async def test_an_endpoint_that_is_silent_too_long_has_failed(tmp_path: Path) -> None:
    with endpoint("hang") as one:
        asked = Asked(tmp_path, a_model("one", one, 'default = true\nfallback = "builtin"\ntimeout_seconds = 0.3'))
        await asked.ask()
    assert asked.answered_by == "builtin"
    assert "silent for too long" in asked.error.answer


async def test_a_request_is_made_again_as_often_as_configured(tmp_path: Path) -> None:
    with endpoint(500, "At last.") as one:
        asked = Asked(tmp_path, a_model("one", one, "default = true").replace("retries = 0", "retries = 1"))
        await asked.ask()
    assert asked.sink.text == "At last."
    assert len(one.bodies) == 2


async def test_a_stop_ends_a_model_that_hangs(tmp_path: Path) -> None:
    with endpoint("hang") as one:
        asked = Asked(tmp_path, a_model("one", one, 'default = true\nfallback = "builtin"'))
        stop = Stop()
        stop.set()
        outcome = await asked.ask(stop=stop)
    assert outcome.status == "stopped"


async def test_a_model_that_was_taken_out_of_the_file_is_named(tmp_path: Path) -> None:
    asked = Asked(tmp_path, a_model("one", "http://127.0.0.1:9/v1"))
    outcome = await asked.ask(model_id="gone")
    assert outcome.status == "failed"
    assert "there is no model 'gone'; there are one, builtin" in asked.error.answer


class TestThinking:
    LEVELS = 'default = true\nthinking_levels = ["default", "low", "high"]\n'

    @pytest.mark.parametrize(
        ("inputs", "sent"),
        [
            ({}, None),
            ({"enable_thinking": True}, "medium"),
            ({"enable_thinking": True, "think_effort": "default"}, "medium"),
            ({"enable_thinking": True, "think_effort": "low"}, "low"),
            ({"think_effort": "high"}, "high"),
            ({"enable_thinking": False}, "none"),
            ({"enable_thinking": False, "think_effort": "high"}, "none"),
        ],
    )
    async def test_is_asked_for_on_the_wire(self, tmp_path: Path, inputs: dict[str, Any], sent: str | None) -> None:
        with endpoint("Done.") as one:
            await Asked(tmp_path, a_model("one", one, self.LEVELS)).ask(**inputs)
        assert one.bodies[0].get("reasoning_effort") == sent

    async def test_is_turned_off_in_the_endpoints_own_words(self, tmp_path: Path) -> None:
        more = self.LEVELS + "thinking_off = { chat_template_kwargs = { enable_thinking = false } }"
        with endpoint("Done.") as one:
            await Asked(tmp_path, a_model("one", one, more)).ask(enable_thinking=False)
        assert one.bodies[0]["chat_template_kwargs"] == {"enable_thinking": False}
        assert "reasoning_effort" not in one.bodies[0]

    async def test_is_not_asked_of_a_model_without_levels(self, tmp_path: Path) -> None:
        with endpoint("Done.") as one:
            await Asked(tmp_path, a_model("one", one, "default = true")).ask(enable_thinking=True, think_effort="high")
        assert "reasoning_effort" not in one.bodies[0]

    async def test_is_told_apart_from_the_answer(self, tmp_path: Path) -> None:
        with endpoint("thinking:The answer.") as one:
            asked = Asked(tmp_path, a_model("one", one, self.LEVELS))
            await asked.ask(enable_thinking=True)
        assert asked.sink.text == "The answer."
        assert [each.answer for each in asked.sink.named("thinking")] == ["Let me think."]

    def test_no_wish_is_no_setting(self) -> None:
        assert thinking_of({"think_effort": "default"}) is None


class TestAddresses:
    async def test_a_redirect_is_not_followed(self, tmp_path: Path) -> None:
        with endpoint("You should not be here.") as other, endpoint(f"redirect:{other.url}/chat/completions") as one:
            asked = Asked(tmp_path, a_model("one", one, "default = true"))
            assert (await asked.ask()).status == "failed"
        assert other.bodies == []

    async def test_a_name_that_leads_to_a_metadata_address_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from housecall.agent import models

        with endpoint("You should not be here.") as one:
            monkeypatch.setattr(models, "is_forbidden_address", lambda host: host == "127.0.0.1")
            asked = Asked(tmp_path, a_model("one", one, "default = true"))
            assert (await asked.ask()).status == "failed"
        assert one.bodies == []
        assert "where machines keep their credentials" in asked.error.answer

    async def test_one_that_is_allowed_is_asked(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from housecall.agent import models

        with endpoint("Hello.") as one:
            monkeypatch.setattr(models, "is_forbidden_address", lambda host: host == "127.0.0.1")
            asked = Asked(tmp_path, a_model("one", one, "default = true\nallow_link_local = true"))
            assert (await asked.ask()).status == "succeeded"


class TestRoster:
    def test_without_a_file_the_diagnostician_is_alone(self) -> None:
        roster = load_roster(Settings())
        assert (roster.ids, roster.default_id) == (("builtin",), "builtin")

    def test_the_diagnosticians_window_is_what_it_gets_of_a_conversation(self) -> None:
        assert BUILTIN_WINDOW == HISTORY_TOKENS

    def test_the_environments_model_is_first_and_the_default(self, tmp_path: Path) -> None:
        (tmp_path / "housecall.toml").write_text(a_model("one", "http://h/v1", "default = true"), encoding="utf-8")
        environment = {"HOUSECALL_HOME": str(tmp_path), "HOUSECALL_MODEL": "openai:gpt-5"}
        roster = load_roster(load_settings(environment))
        assert (roster.ids, roster.default_id) == (("openai:gpt-5", "one", "builtin"), "openai:gpt-5")

    def test_the_environment_can_choose_the_default_by_id(self, tmp_path: Path) -> None:
        text = a_model("one", "http://h/v1", "default = true") + a_model("two", "http://h/v1")
        (tmp_path / "housecall.toml").write_text(text, encoding="utf-8")
        for chosen in ("two", "builtin"):
            settings = load_settings({"HOUSECALL_HOME": str(tmp_path), "HOUSECALL_MODEL": chosen})
            assert load_roster(settings).default_id == chosen

    def test_url_and_key_of_the_environment_win(self, tmp_path: Path) -> None:
        (tmp_path / "housecall.toml").write_text(a_model("one", "http://h/v1"), encoding="utf-8")
        environment = {
            "HOUSECALL_HOME": str(tmp_path),
            "HOUSECALL_MODEL": "one",
            "HOUSECALL_MODEL_BASE_URL": "http://other/v1",
            "HOUSECALL_MODEL_API_KEY": "sk-other",
        }
        entry = load_roster(load_settings(environment)).default
        assert entry.base_url == "http://other/v1"
        assert entry.key is not None
        assert entry.key.read("x", {}).get_secret_value() == "sk-other"

    def test_a_metadata_address_of_the_environment_is_refused(self) -> None:
        with pytest.raises(SetupError, match=r"HOUSECALL_MODEL_BASE_URL.*credentials"):
            load_roster(Settings(model="openai:x", model_base_url="http://169.254.169.254/v1"))

    def test_an_unknown_model_names_those_that_there_are(self) -> None:
        with pytest.raises(RequestError, match=r"Inputs.ModelId: there is no model 'gpt'; there are builtin"):
            load_roster(Settings()).find("gpt")

    def test_a_level_that_a_model_does_not_have_names_its_levels(self, tmp_path: Path) -> None:
        text = a_model("one", "http://h/v1", 'thinking_levels = ["default", "low"]')
        (tmp_path / "housecall.toml").write_text(text, encoding="utf-8")
        roster = load_roster(load_settings({"HOUSECALL_HOME": str(tmp_path)}))
        roster.check_effort("one", "low")
        roster.check_effort("builtin", "high")
        with pytest.raises(RequestError, match="no level 'high'; it has default, low"):
            roster.check_effort("one", "high")


async def test_a_key_is_in_no_report_and_no_repr(tmp_path: Path) -> None:
    with endpoint(401) as one:
        asked = Asked(tmp_path, a_model("one", one, "default = true"))
        await asked.ask()
        reachable = await entry_reachable(load_roster(asked.settings).default)
    shown = json.dumps([repr(asked.sink.happenings), repr(load_roster(asked.settings)), reachable])
    assert "planted-secret" not in shown
    assert "refused the key" in str(reachable)
