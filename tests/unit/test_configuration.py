"""The configuration file: what it may say, and where it is wrong."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from housecall.addresses import is_forbidden_address
from housecall.agent.entries import load_roster
from housecall.agent.models import build_entry
from housecall.configuration import Configuration, parse_configuration
from housecall.errors import SetupError
from housecall.settings import FILE_SETTINGS, Settings, load_settings, read_file
from housecall.toml_lines import line_of, lines_of

PATH = Path("housecall.toml")


def parsed(text: str) -> Configuration:
    return parse_configuration(text, PATH, FILE_SETTINGS)


def mistakes(text: str) -> list[str]:
    with pytest.raises(SetupError) as caught:
        parsed(text)
    return [line.removeprefix("housecall.toml, ") for line in caught.value.message.splitlines()]


class TestModels:
    def test_one_line_is_enough(self) -> None:
        (model,) = parsed('[[model]]\nid = "qwen"').models
        assert (model.id, model.provider, model.model_name) == ("qwen", "openai", "qwen")
        assert (model.features, model.thinking_levels, model.fallback) == (("text",), (), None)

    def test_everything_can_be_said(self) -> None:
        (model,) = parsed(
            """
            [[model]]
            id = "deep"
            provider = "openai"
            name = "qwen3-32b"
            base_url = "https://gateway.example/v1"
            key = { env = "GATEWAY_KEY" }
            context_window = 131072
            features = ["text", "vision"]
            thinking_levels = ["default", "low", "high"]
            price = { input = 0.4, output = 2, currency = "CNY" }
            fallback = "builtin"
            default = true
            """
        ).models
        assert model.price is not None
        assert (model.price.input, model.price.output, model.price.currency) == (0.4, 2.0, "CNY")
        assert model.features == ("text", "vision")

    def test_a_key_is_read_from_its_variable(self) -> None:
        (model,) = parsed('[[model]]\nid = "x"\nkey = { env = "KEY" }').models
        assert model.key is not None
        assert model.key.read("x", {"KEY": "planted"}).get_secret_value() == "planted"
        with pytest.raises(SetupError, match="set the environment variable KEY"):
            model.key.read("model 'x'", {})

    def test_a_key_is_the_first_line_of_its_file(self, tmp_path: Path) -> None:
        file = tmp_path / "key"
        file.write_text("planted\nmore\n", encoding="utf-8")
        (model,) = parsed(f'[[model]]\nid = "x"\nkey = {{ file = "{file}" }}').models
        assert model.key is not None
        assert model.key.read("x", {}).get_secret_value() == "planted"
        file.unlink()
        with pytest.raises(SetupError, match="cannot be read"):
            model.key.read("x", {})

    def test_a_key_that_stands_in_the_file_is_masked(self) -> None:
        assert "planted" not in repr(parsed('[[model]]\nid = "x"\nkey = { plain = "planted" }'))


class TestMistakes:
    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ('[[model]]\nid = "a"\nname = ', "line 3: this is no TOML"),
            ('\n[models]\nid = "a"', "line 2: there is no table 'models'"),
            ('[[model]]\nid = "a"\nkey = "sk-planted"', "line 3: key must say where it is"),
            ('[[model]]\nid = "a"\nkey = { env = "A", file = "b" }', "line 3: key: it must be one of"),
            ('[[model]]\nid = "a"\n\nbase_url = "ftp://x"', "line 4: base_url: it must begin with http"),
            ('[[model]]\nid = "a"\nbase_url = "http://u:p@x"', "line 3: base_url: it must not hold a user"),
            ('[[model]]\nid = "a"\nfeatures = [\n  "text",\n  "smell",\n]', "line 3: features.2: "),
            ('[[model]]\nid = "a"\ncontext_window = "big"', "line 3: context_window: "),
            ('[[model]]\nid = "a"\nwindow = 3', "line 3: there is no 'window'; there are id, provider, name"),
            ('[[model]]\nname = "a"', "line 1: 'id' is missing"),
            ('[[model]]\nid = "a"\n[[model]]\nid = "a"', "line 4: model 'a' is there twice"),
            ('[[model]]\nid = "builtin"', "line 2: 'builtin' is the built-in diagnostician"),
            (
                '[[model]]\nid = "a"\nfallback = "b"',
                "line 3: there is no model 'b' to fall back to; there are a, builtin",
            ),
            (
                '[[model]]\nid = "a"\nfallback = "b"\n[[model]]\nid = "b"\nfallback = "a"',
                "line 3: the fallbacks go round",
            ),
            (
                '[[model]]\nid = "a"\ndefault = true\n[[model]]\nid = "b"\ndefault = true',
                "line 6: only one model can be the default; 'a' is already",
            ),
            ('[settings]\nport = "x"', "line 2: port must be a whole number"),
            ("[settings]\nhome = 3", "line 2: there is no setting 'home'"),
            ('[settings]\nmodel_api_key = "sk-planted"', "line 2: a secret must say where it is"),
        ],
    )
    def test_are_told_with_their_line(self, text: str, told: str) -> None:
        first = mistakes(text)[0]
        assert first.startswith(told)
        assert "planted" not in first

    def test_are_told_all_at_once_in_the_order_of_the_file(self) -> None:
        found = mistakes('[settings]\nport = "x"\nnope = 1\n[[model]]\nid = "a b"\nretries = 9')
        assert [each.partition(":")[0] for each in found] == ["line 2", "line 3", "line 5", "line 6"]

    def test_of_several_models_together_are_told_with_those_of_one(self) -> None:
        found = mistakes(
            '[settings]\nport = "x"\n'
            '[[model]]\nid = "a"\ncontext_window = "big"\ndefault = true\n'
            '[[model]]\nid = "a"\nfallback = "gone"\ndefault = true\n'
            '[[model]]\nid = "b"\nfallback = "c"\n'
            '[[model]]\nid = "c"\nfallback = "b"\nretries = 9\n'
            '[[model]]\nname = "nameless"\nfallback = "nowhere"\n'
        )
        assert [each.partition(":")[0].removeprefix("line ") for each in found] == [
            "2", "5", "8", "9", "10", "13", "16", "17", "18", "20",
        ]  # fmt: skip
        assert found[2] == "line 8: model 'a' is there twice"
        assert found[3] == "line 9: there is no model 'gone' to fall back to; there are a, b, c, builtin"

    def test_a_model_with_a_mistake_is_there_to_fall_back_to(self) -> None:
        found = mistakes('[[model]]\nid = "a"\nretries = 9\n[[model]]\nid = "b"\nfallback = "a"')
        assert [each.partition(":")[0] for each in found] == ["line 3"]

    def test_of_a_file_that_is_no_text(self, tmp_path: Path) -> None:
        (tmp_path / "housecall.toml").write_bytes(b"\xff\xfe")
        with pytest.raises(SetupError, match="not UTF-8"):
            read_file(tmp_path / "housecall.toml")


class TestAddresses:
    @pytest.mark.parametrize(
        "host",
        [
            "169.254.169.254", "169.254.1.2", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "fe80::1",
            "fe80::1%eth0", "::ffff:169.254.169.254", "100.100.100.200", "fd00:ec2::254", "2002:a9fe:a9fe::1",
        ],
    )  # fmt: skip
    def test_of_metadata_are_forbidden_in_any_notation(self, host: str) -> None:
        assert is_forbidden_address(host)

    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "::1", "10.0.0.7", "192.168.1.1", "8.8.8.8", "models.example", "1.example"]
    )
    def test_of_models_are_not(self, host: str) -> None:
        assert not is_forbidden_address(host)

    @pytest.mark.parametrize(
        "url", ["http://169.254.169.254/v1", "http://[fe80::1]/v1", "http://metadata.google.internal./"]
    )
    def test_are_refused_in_the_file_unless_they_are_allowed(self, url: str) -> None:
        text = f'[[model]]\nid = "a"\nbase_url = "{url}"'
        assert "where machines keep their credentials" in mistakes(text)[0]
        assert parsed(f"{text}\nallow_link_local = true").models[0].base_url == url


class TestSettings:
    def test_of_the_file_count_where_the_environment_is_silent(self, tmp_path: Path) -> None:
        (tmp_path / "housecall.toml").write_text('[settings]\nport = 9999\nlanguage = "zh-CN"\n', encoding="utf-8")
        settings = load_settings({"HOUSECALL_HOME": str(tmp_path), "HOUSECALL_PORT": "8888"})
        assert (settings.port, settings.language) == (8888, "zh-CN")
        assert settings.config == tmp_path / "housecall.toml"

    def test_an_option_wins_over_both(self, tmp_path: Path) -> None:
        (tmp_path / "housecall.toml").write_text("[settings]\nport = 9999\n", encoding="utf-8")
        assert load_settings({"HOUSECALL_HOME": str(tmp_path)}, port=7777).port == 7777

    def test_a_secret_is_read_from_where_the_file_says(self, tmp_path: Path) -> None:
        (tmp_path / "housecall.toml").write_text(
            '[settings]\ndatabase_url = { env = "STATE" }\nprobe_connect_timeout_seconds = 3\n', encoding="utf-8"
        )
        settings = load_settings({"HOUSECALL_HOME": str(tmp_path), "STATE": "postgresql://a:planted@h/d"})
        assert settings.database_url == SecretStr("postgresql://a:planted@h/d")
        assert settings.probe_connect_timeout_seconds == 3.0
        assert "planted" not in repr(settings)

    def test_the_key_of_the_model_is_read_when_the_model_is_built(self, tmp_path: Path) -> None:
        (tmp_path / "housecall.toml").write_text(
            '[settings]\nmodel = "openai:x"\nmodel_api_key = { env = "NOT_HERE" }\n',
            encoding="utf-8",
        )
        settings = load_settings({"HOUSECALL_HOME": str(tmp_path)})
        with pytest.raises(SetupError, match="set the environment variable NOT_HERE"):
            build_entry(load_roster(settings).default)

    def test_the_file_may_lie_elsewhere(self, tmp_path: Path) -> None:
        file = tmp_path / "other.toml"
        file.write_text("[settings]\nport = 9999\n", encoding="utf-8")
        assert load_settings({"HOUSECALL_HOME": str(tmp_path / "x"), "HOUSECALL_CONFIG": str(file)}).port == 9999

    def test_a_file_that_is_named_and_not_there_is_a_mistake(self, tmp_path: Path) -> None:
        with pytest.raises(SetupError, match=r"HOUSECALL_CONFIG=.*is no file"):
            load_settings({"HOUSECALL_CONFIG": str(tmp_path / "none.toml")})

    def test_without_a_file_nothing_changes(self, tmp_path: Path) -> None:
        assert load_settings({"HOUSECALL_HOME": str(tmp_path)}) == Settings(home=tmp_path)


class TestLines:
    @pytest.mark.parametrize(
        ("text", "place", "line"),
        [
            ('a = 1\n"b c" = 2', ("b c",), 2),
            ("a = [\n 1,\n 2 # ]\n]\nb = 1", ("b",), 5),
            ('a = """\n[x]\nb = 1\n"""\nb = 1', ("b",), 5),
            ("a = '''x\ny'''' \nb = 1", ("b",), 3),
            ('a = "#["\nb = 1', ("b",), 2),
            ("[[m]]\na = 1\n[[m]]\na = 2", ("m", 1, "a"), 4),
            ("[[m]]\n[m.k]\na = 1", ("m", 0, "k", "a"), 3),
            ("k.env = 1", ("k", "env"), 1),
            ("[ x . y ]\na = 1", ("x", "y", "a"), 2),
        ],
    )
    def test_of_keys_are_found_behind_values_of_several_lines(self, text: str, place: Any, line: int) -> None:
        assert lines_of(text)[place] == line

    def test_of_what_is_within_a_value_is_that_of_the_value(self) -> None:
        assert line_of(lines_of("\nk = { a = 1 }"), ("k", "a")) == 2
        assert line_of(lines_of(""), ("nowhere",)) == 1
