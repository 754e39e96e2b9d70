"""Answers on their way to a person: blocks of Markdown, what is shown, what is collected for machines."""

from typing import Any

import pytest

from housecall.cli.answers import PlainAnswer, show
from housecall.cli.asking import Told
from housecall.cli.markdown import Blocks
from housecall.events import Happening

ANSWER = """**shop** is slow.

### 1. An index is missing

```sql
CREATE INDEX i

ON orders (customer_id)
```

1. first

   belongs to first

2. second

Done."""


def call(status: str, **fields: Any) -> Happening:
    return Happening("tool_call", "", {"tool_name": "examine_instance", "status": status, **fields})


class Recorded:
    """An AnswerView that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def __enter__(self) -> "Recorded":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def text(self, delta: str) -> None:
        self.told.append(delta)

    def note(self, words: str, *, lasting: bool = True) -> None:
        self.told.append(f"({words})")

    def start_again(self) -> None:
        self.told.append("(void)")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_blocks_put_together_are_the_text_whatever_the_deltas(size: int) -> None:
    blocks = Blocks()
    deltas = [ANSWER[start : start + size] for start in range(0, len(ANSWER), size)]
    assert "".join([*map(blocks.feed, deltas), blocks.end()]) == ANSWER


def finished(text: str) -> list[str]:
    """The blocks that come out when the text arrives letter by letter."""
    blocks = Blocks()
    return [block for block in [*map(blocks.feed, text), blocks.end()] if block]


def test_a_paragraph_is_finished_when_the_next_one_begins() -> None:
    assert finished("one\n\ntwo") == ["one\n\n", "two"]


def test_a_blank_line_in_a_code_fence_ends_nothing() -> None:
    assert finished("```sql\na\n\nb\n```\n\nend") == ["```sql\na\n\nb\n```\n\n", "end"]


def test_an_indented_paragraph_stays_with_its_list_item() -> None:
    assert finished("1. first\n\n   more\n\nend") == ["1. first\n\n   more\n\n", "end"]


def test_a_single_line_end_finishes_nothing() -> None:
    blocks = Blocks()
    assert blocks.feed("| a | b |\n| - | - |\n| 1 | 2 |\n") == ""


def test_tool_calls_are_noted_with_the_time_they_took() -> None:
    view = Recorded()
    for happening in (call("start"), call("end", elapsed_ms=1532), call("error", elapsed_ms=20)):
        show(view, happening)
    assert view.told == [
        "(examine_instance ...)",
        "(examine_instance done (1.5 s))",
        "(examine_instance failed (0.0 s))",
    ]


def test_text_that_became_void_is_said_to_be() -> None:
    view = Recorded()
    for happening in (
        Happening("message", "Half an"),
        Happening("message_replace", ""),
        Happening("message", "A whole"),
    ):
        show(view, happening)
    assert view.told == ["Half an", "(void)", "", "A whole"]


def test_plain_output_is_the_answer_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    with PlainAnswer() as view:
        for happening in (call("start"), Happening("message", "All "), call("end"), Happening("message", "is well.")):
            show(view, happening)
    assert capsys.readouterr().out == "All is well.\n"


def test_what_a_machine_reads_has_answer_status_calls_and_usage() -> None:
    told = Told(Recorded())
    told.take(call("start", arguments={"instance_id": "shop"}))
    told.take(call("end", arguments={"instance_id": "shop"}, elapsed_ms=3))
    told.take(Happening("message", "void"))
    told.take(Happening("message_replace", ""))
    told.take(Happening("message", "Fine."))
    told.take(Happening("message_end", "", {"input_tokens": 1, "output_tokens": 2, "model": "builtin"}))
    told.take(Happening("workflow_finished", "", {"status": "succeeded"}))
    assert told.to_json() == {
        "status": "succeeded",
        "answer": "Fine.",
        "error": None,
        "conversation_id": None,
        "message_id": None,
        "task_id": None,
        "tool_calls": [
            {"tool_name": "examine_instance", "status": "end", "arguments": {"instance_id": "shop"}, "elapsed_ms": 3}
        ],
        "waiting_calls": [],
        "usage": {"input_tokens": 1, "output_tokens": 2, "model": "builtin"},
    }


def test_calls_that_wait_for_a_decision_are_named() -> None:
    told = Told(None)
    told.take(Happening("tool_approval", "", {"call_id": "c1", "approval_status": "pending"}))
    told.take(Happening("tool_approval", "", {"call_id": "c2", "approval_status": "approved"}))
    assert told.to_json()["waiting_calls"] == ["c1"]


def test_an_answer_that_failed_keeps_the_reason() -> None:
    told = Told(None)
    told.take(Happening("error", "Instance 'shop' cannot be reached", {"code": "InstanceUnreachable"}))
    told.take(Happening("workflow_finished", "", {"status": "failed"}))
    assert told.to_json()["error"] == "Instance 'shop' cannot be reached"
    assert told.status == "failed"
