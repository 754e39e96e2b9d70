"""The sink of one run: numbers, order, and the gathering of text."""

import asyncio

import pytest

from housecall.chat.event_sql import ClosedRun
from housecall.chat.run_log import MAX_TEXT_ROW, LogClosed, RunLog
from housecall.errors import StoreError
from housecall.events import Happening

pytestmark = pytest.mark.anyio


class Writer:
    """Keeps what it is given and stores it when told."""

    backlog = 0
    trouble = None

    def __init__(self):
        self.rows = []
        self.closes = []
        self.stores_at_once = False
        self.added = asyncio.Event()

    def add_row(self, row):
        self.rows.append(row)
        self.added.set()
        if self.stores_at_once:
            self.store()

    def add_close(self, close):
        self.closes.append(close)

    def store(self):
        self.rows[-1].sink.stored_up_to(self.rows[-1].event.number)

    @property
    def told(self):
        return [(row.event.number, row.event.happening.name, row.event.happening.answer) for row in self.rows]


@pytest.fixture
def writer():
    return Writer()


def text(delta):
    return Happening("message", delta)


def call(status, call_id="c1"):
    return Happening("tool_call", "{}", {"call_id": call_id, "status": status})


async def test_the_first_text_goes_at_once(writer):
    await RunLog("run", writer).report(text("a"))
    assert writer.told == [(1, "message", "a")]


async def test_text_that_follows_is_gathered_until_its_time(writer):
    log = RunLog("run", writer)
    for delta in "abc":
        await log.report(text(delta))
    assert writer.told == [(1, "message", "a")]
    writer.added.clear()
    await writer.added.wait()
    assert writer.told[1] == (2, "message", "bc")


async def test_anything_else_forces_the_gathered_text_out_before_it(writer):
    log = RunLog("run", writer)
    for happening in (text("a"), text("b"), call("start")):
        await log.report(happening)
    assert [name for _, name, _ in writer.told] == ["message", "message", "tool_call"]
    assert [number for number, _, _ in writer.told] == [1, 2, 3]


async def test_thinking_and_text_do_not_mix(writer):
    log = RunLog("run", writer)
    for happening in (text("a"), text("b"), Happening("thinking", "hm"), text("c")):
        await log.report(happening)
    log.abandon()
    assert [(name, answer) for _, name, answer in writer.told] == [
        ("message", "a"),
        ("message", "b"),
        ("thinking", "hm"),
        ("message", "c"),
    ]


async def test_text_of_different_steps_does_not_mix(writer):
    step = 1
    log = RunLog("run", writer, current_step=lambda: step)
    await log.report(text("a"))
    await log.report(text("b"))
    step = 2
    await log.report(text("c"))
    log.abandon()
    assert [(row.step, row.event.happening.answer) for row in writer.rows] == [(1, "a"), (1, "b"), (2, "c")]


async def test_the_text_so_far_is_known_before_it_is_stored(writer):
    log = RunLog("run", writer, text="old")
    await log.report(Happening("message_replace", "new"))
    await log.report(text(" text"))
    assert log.text == "new text"


async def test_a_replacement_that_changes_nothing_is_not_told(writer):
    log = RunLog("run", writer, text="same")
    await log.report(Happening("message_replace", "same"))
    assert writer.rows == []


async def test_what_an_earlier_execution_told_is_not_told_again(writer):
    log = RunLog("run", writer, told=frozenset({("tool_call", "c1", "start")}))
    for happening in (call("start"), call("end"), call("start", "c2")):
        await log.report(happening)
    assert [row.event.happening for row in writer.rows] == [call("end"), call("start", "c2")]


async def test_an_empty_delta_is_no_event(writer):
    await RunLog("run", writer).report(text(""))
    assert writer.rows == []


async def test_a_huge_delta_is_several_events(writer):
    await RunLog("run", writer).report(text("x" * (MAX_TEXT_ROW + 1)))
    assert [len(answer) for _, _, answer in writer.told] == [MAX_TEXT_ROW, 1]


async def test_flush_returns_when_everything_is_stored(writer):
    log = RunLog("run", writer)
    await log.report(text("a"))
    await log.report(text("b"))
    flushing = asyncio.create_task(log.flush())
    await asyncio.sleep(0)
    assert len(writer.rows) == 2
    assert not flushing.done()
    writer.store()
    await flushing


async def test_closing_is_the_last_event_and_nothing_comes_after(writer):
    writer.stores_at_once = True
    log = RunLog("run", writer)
    await log.report(text("a"))
    await log.close(ClosedRun("run", "message", "conversation", "succeeded", "a", None))
    assert writer.told[-1] == (2, "workflow_finished", "")
    with pytest.raises(LogClosed):
        await log.report(text("late"))


async def test_after_a_failure_the_numbers_go_on_behind_the_last_stored_event(writer):
    log = RunLog("run", writer)
    await log.report(call("start"))
    writer.store()
    await log.report(call("end"))
    log.fail(StoreError("no"))
    with pytest.raises(StoreError):
        await log.flush()
    log.recover()
    await log.report(Happening("error", "no"))
    assert writer.told[-1] == (2, "error", "no")
