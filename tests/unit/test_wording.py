"""Text in several languages, and how values are shown."""

import pytest

from housecall.wording import (
    Say,
    format_bytes,
    format_count,
    format_duration,
    format_percent,
    language_of_tag,
    language_of_text,
)

HELLO = Say(en="{n:count} rows in {t:duration}", zh="{t:duration}内 {n:count} 行")


def test_a_message_is_told_in_the_language_asked_for() -> None:
    message = HELLO(n=12345, t=2.5)
    assert message.render("en") == "12,345 rows in 2.5 s"
    assert message.render("zh-CN") == "2.5 s内 12,345 行"


@pytest.mark.parametrize("text", ['{"Timezone": "../x"}', "{", "}}", "{count:code}", "plain"])
def test_what_somebody_else_wrote_is_told_as_it_stands(text: str) -> None:
    assert Say.verbatim(text)().render("zh-CN") == text


def test_a_missing_language_falls_back_to_the_nearest() -> None:
    assert HELLO(n=1, t=1).render("zh-TW").endswith("1 行")
    assert HELLO(n=1, t=1).render("ja").startswith("1 rows")


def test_a_value_that_was_not_measured_is_shown_as_unknown() -> None:
    assert HELLO(n=None, t=1).render() == "? rows in 1 s"


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (0, "0 sessions wait"), (1, "1 session waits"), (2, "2 sessions wait"), (0.9, "1 session waits"),
        (1.6, "2 sessions wait"), (None, "? sessions wait"),
    ],
)  # fmt: skip
def test_a_word_goes_with_its_number(count: float | None, told: str) -> None:
    assert Say(en="{n:count} session{n:|s} wait{n:s|}")(n=count).render() == told


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("zh-cn", "zh-CN"), ("ZH_CN", "zh-CN"), ("zh-Hant-HK", "zh-TW"), ("zh-HK", "zh-TW"), ("en-US", "en"),
        ("ja-JP", "ja"), ("", None), (None, None), ("fr", None), ("zhuang", None),
    ],
)  # fmt: skip
def test_language_tags(tag: str | None, language: str | None) -> None:
    assert language_of_tag(tag) == language


@pytest.mark.parametrize(
    ("text", "language"),
    [("why is it slow", "en"), ("为什么慢", "zh-CN"), ("なぜ遅い", "ja"), ("orders 表太慢", "zh-CN"), ("", "en")],
)
def test_the_language_of_a_question_is_seen_by_its_script(text: str, language: str) -> None:
    assert language_of_text(text) == language


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 bytes"), (1023, "1023 bytes"), (1024, "1 kB"), (1536, "1.5 kB"), (150 * 1024**2, "150 MB"),
        (3 * 1024**5, "3072 TB"),
    ],
)  # fmt: skip
def test_sizes(size: int, shown: str) -> None:
    assert format_bytes(size) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0004, "0.4 ms"), (0.035, "35 ms"), (0.9999, "1 s"), (1, "1 s"), (59.94, "59.9 s"), (60, "1 min"),
        (250, "4 min 10 s"), (3600, "1 h"), (11100, "3 h 5 min"), (48 * 3600, "2 d"), (187200, "2 d 4 h"),
    ],
)  # fmt: skip
def test_durations(seconds: float, shown: str) -> None:
    assert format_duration(seconds) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0, "0 %"),
        (0.034, "3.4 %"),
        (0.5, "50 %"),
        (1, "100 %"),
        (0.99999, "99.999 %"),
        (0.9994, "99.9 %"),
        (0.999999999, "> 99.99999 %"),
        (1.5, "150 %"),
    ],
)
def test_shares(share: float, shown: str) -> None:
    assert format_percent(share) == shown


def test_counts_are_grouped() -> None:
    assert format_count(1234567.6) == "1,234,568"
