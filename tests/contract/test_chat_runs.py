"""Runs on a real state database: what is promised whoever answers and wherever."""

import asyncio
import time
from contextlib import aclosing

import pytest
from sqlalchemy import text

from housecall.app import open_app
from housecall.chat.runs import NewQuestion
from housecall.errors import NotFound
from housecall.events import Happening
from housecall.turn import Outcome

from .scripted import ScriptedAnswerer, break_down, ignore_stop, wait_for_stop

pytestmark = pytest.mark.anyio


@pytest.fixture
def answerer():
    return ScriptedAnswerer({"wait": wait_for_stop, "ignore": ignore_stop, "break": break_down})


@pytest.fixture
async def app(settings, answerer):
    async with open_app(settings, answerer=answerer) as opened:
        yield opened


@pytest.fixture
async def other(app, settings, answerer):
    """A second installation on the same database: it follows and stops, the first executes."""
    async with open_app(settings, answerer=answerer) as opened:
        yield opened


def question(app, query="hello", **options):
    return NewQuestion(app.root.account_id, app.root.user_id, query, **options)


async def events_of(app, run_id, after=0):
    async with aclosing(app.runs.subscribe(run_id, after)) as events:
        return [event async for event in events]


def answer_of(events):
    text = ""
    for event in events:
        if event.happening.name == "message":
            text += event.happening.answer
        elif event.happening.name == "message_replace":
            text = event.happening.answer
    return text


async def first_text(app, run_id):
    async with aclosing(app.runs.subscribe(run_id)) as events:
        async for event in events:
            if event.happening.name == "message":
                return


async def ask(app, query="hello", **options):
    started = await app.runs.start(question(app, query, **options))
    return started, await events_of(app, started.run_id)


async def test_a_run_tells_its_events_in_order_from_start_to_end(app):
    _, events = await ask(app)
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert events[0].happening.name == "workflow_started"
    assert events[-1].happening == Happening("workflow_finished", "", {"status": "succeeded"})
    assert answer_of(events) == "Hello, shop"


async def test_the_message_keeps_answer_status_and_transcript(app):
    started, _ = await ask(app)
    page = await app.conversations.list_messages(app.root.account_id, started.conversation_id)
    (message,) = page.items
    assert (message.answer, message.status, message.run_id) == ("Hello, shop", "succeeded", started.run_id)
    assert message.started_at
    assert message.finished_at


async def test_a_follow_up_gets_the_history_of_its_branch(app, answerer):
    first, _ = await ask(app, "one")
    await ask(app, "two", conversation_id=first.conversation_id)
    await ask(app, "three", conversation_id=first.conversation_id, parent_message_id=first.message_id)
    assert [[past.query for past in turn.history] for turn in answerer.turns] == [[], ["one"], ["one"]]
    assert answerer.turns[1].history[0].answer == "Hello, shop"
    assert answerer.turns[1].history[0].transcript == {"said": "hello"}


async def test_history_is_oldest_first(app, answerer):
    started, _ = await ask(app, "one")
    for query in ("two", "three"):
        await ask(app, query, conversation_id=started.conversation_id)
    assert [past.query for past in answerer.turns[-1].history] == ["one", "two"]


async def test_what_the_caller_gave_reaches_the_agent(app, answerer):
    await ask(app, language="zh-CN", timezone="Asia/Shanghai", inputs={"model_id": "m"}, approval_mode="manual")
    (turn,) = answerer.turns
    assert (turn.language, turn.timezone, turn.inputs) == ("zh-CN", "Asia/Shanghai", {"model_id": "m"})
    assert turn.approval_mode == "manual"


async def test_the_approval_mode_is_the_conversation_s_until_another_is_given(app, answerer):
    started, _ = await ask(app, approval_mode="manual")
    await ask(app, conversation_id=started.conversation_id)
    assert answerer.turns[-1].approval_mode == "manual"


async def test_a_question_of_a_megabyte_is_kept_whole(app, answerer):
    query = "界" * 350_000
    await ask(app, query)
    assert answerer.turns[0].query == query


async def test_unstorable_characters_cost_nothing_but_themselves(app, answerer):
    async def odd(turn, sink, stop):
        await sink.report(Happening("message", "a\x00b\ud800c"))
        await sink.report(Happening("tool_call", "{}", {"call_id": "1", "status": "end", "response": "\x00"}))
        return Outcome("succeeded", {"text": "x\x00", "ratio": float("nan")})

    answerer.scripts["odd\x00"] = answerer.scripts["odd\ufffd"] = odd
    _, events = await ask(app, "odd\x00")
    assert answer_of(events) == "a\ufffdb\ufffdc"
    assert events[-1].happening.fields["status"] == "succeeded"


@pytest.mark.parametrize("unknown", ["nonsense", "00000000-0000-4000-8000-000000000000", "\x00"])
async def test_an_unknown_conversation_is_not_found_and_nothing_is_stored(app, unknown):
    with pytest.raises(NotFound) as caught:
        await app.runs.start(question(app, conversation_id=unknown))
    assert caught.value.wire_code == "ConversationNotFound"
    page = await app.conversations.list_conversations(app.root.account_id, app.root.user_id)
    assert page.items == ()


async def test_a_parent_of_another_conversation_is_not_found(app):
    first, _ = await ask(app)
    second, _ = await ask(app)
    with pytest.raises(NotFound) as caught:
        await app.runs.start(question(app, conversation_id=second.conversation_id, parent_message_id=first.message_id))
    assert caught.value.wire_code == "MessageNotFound"


async def test_another_account_s_conversation_is_not_found(app):
    started, _ = await ask(app)
    async with app.database.begin("making another account") as connection:
        await connection.execute(text("INSERT INTO housecall.accounts (id, name) VALUES ('another', 'another')"))
        await connection.execute(text("INSERT INTO housecall.plans (account_id, name) VALUES ('another', 'free')"))
    with pytest.raises(NotFound) as caught:
        await app.runs.start(NewQuestion("another", "their user", "hello", conversation_id=started.conversation_id))
    assert caught.value.wire_code == "ConversationNotFound"


async def test_a_returning_subscriber_gets_the_rest(app):
    started, events = await ask(app)
    assert await events_of(app, started.run_id, after=2) == events[2:]


async def test_subscribing_after_the_last_event_ends_at_once(app):
    started, events = await ask(app)
    assert await events_of(app, started.run_id, after=events[-1].number) == []
    assert await events_of(app, started.run_id, after=10_000) == []


async def test_subscribing_to_an_unknown_run_is_not_found(app):
    for unknown in ("nonsense", "00000000-0000-4000-8000-000000000000"):
        with pytest.raises(NotFound):
            await events_of(app, unknown)


async def test_many_subscribers_see_the_same_and_a_leaver_harms_nobody(app):
    started = await app.runs.start(question(app, "wait"))
    followers = [asyncio.create_task(events_of(app, started.run_id)) for _ in range(20)]
    await first_text(app, started.run_id)
    followers.pop().cancel()
    await app.runs.stop(app.root.account_id, started.run_id)
    seen = await asyncio.gather(*followers)
    assert all(events == seen[0] for events in seen)
    assert seen[0][-1].happening.fields["status"] == "stopped"


async def test_a_subscriber_in_another_process_sees_every_event_live(app, other):
    started = await app.runs.start(question(app, "wait"))
    following = asyncio.create_task(events_of(other, started.run_id))
    await first_text(other, started.run_id)
    await app.runs.stop(app.root.account_id, started.run_id)
    assert await following == await events_of(app, started.run_id)


async def test_a_run_that_another_process_asked_for_is_executed(app, other):
    _, events = await ask(other)
    assert answer_of(events) == "Hello, shop"


async def test_stop_from_another_process_ends_the_run_within_a_second(app, other):
    started = await app.runs.start(question(app, "wait"))
    await first_text(other, started.run_id)
    began = time.monotonic()
    await other.runs.stop(app.root.account_id, started.run_id)
    assert await other.runs.wait(started.run_id) == "stopped"
    assert time.monotonic() - began < 2.0


async def test_an_agent_that_ignores_stop_is_ended_all_the_same(app):
    started = await app.runs.start(question(app, "ignore"))
    await first_text(app, started.run_id)
    await app.runs.stop(app.root.account_id, started.run_id)
    events = await events_of(app, started.run_id)
    assert events[-1].happening.fields["status"] == "stopped"
    assert answer_of(events) == "Working"


async def test_stopping_a_finished_run_does_nothing(app):
    started, events = await ask(app)
    await app.runs.stop(app.root.account_id, started.run_id)
    assert await events_of(app, started.run_id) == events


async def test_stopping_an_unknown_or_foreign_run_is_not_found(app):
    started, _ = await ask(app)
    for account, run_id in (
        (app.root.account_id, "nonsense"),
        ("another", started.run_id),
        (app.root.account_id, "00000000-0000-4000-8000-000000000000"),
    ):
        with pytest.raises(NotFound) as caught:
            await app.runs.stop(account, run_id)
        assert caught.value.wire_code == "TaskNotFound"


async def test_a_bug_in_the_agent_is_an_error_event_and_a_failed_run(app, caplog):
    _, events = await ask(app, "break")
    assert [event.happening.name for event in events[-2:]] == ["error", "workflow_finished"]
    assert events[-1].happening.fields["status"] == "failed"
    assert "ZeroDivisionError" in caplog.text


async def test_a_run_is_found_by_its_message(app):
    started, _ = await ask(app)
    run = await app.runs.run_of_message(app.root.account_id, started.message_id)
    assert (run.run_id, run.status, run.input_tokens, run.output_tokens) == (started.run_id, "succeeded", 3, 2)
    with pytest.raises(NotFound):
        await app.runs.run_of_message("another", started.message_id)


async def test_a_lost_database_session_loses_no_event(app, answerer):
    lost = asyncio.Event()

    async def through_the_loss(turn, sink, stop):
        await sink.report(Happening("message", "before "))
        await sink.flush()
        async with app.database.begin("ending sessions") as connection:
            await connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'housecall events' AND datname = current_database()"
                )
            )
        lost.set()
        await sink.report(Happening("message", "after"))
        return Outcome("succeeded", None)

    answerer.scripts["lose"] = through_the_loss
    _, events = await ask(app, "lose")
    assert lost.is_set()
    assert answer_of(events) == "before after"
    assert [event.number for event in events] == list(range(1, len(events) + 1))


async def test_closing_leaves_a_run_for_the_next_start(settings):
    async with open_app(settings, answerer=ScriptedAnswerer({"wait": wait_for_stop})) as app:
        started = await app.runs.start(question(app, "wait"))
        await first_text(app, started.run_id)
    async with open_app(settings, answerer=ScriptedAnswerer()) as app:
        events = await events_of(app, started.run_id)
    assert answer_of(events) == "Hello, shop"
    assert [event.happening.name for event in events].count("workflow_finished") == 1


async def test_old_workflow_records_go_and_the_run_stays(app):
    started, events = await ask(app)
    while not await app.runs._peers.forget_ended(older_than_seconds=-1.0):
        pass  # the workflow ends a moment after its run
    async with app.database.begin("looking") as connection:
        left = await connection.execute(text("SELECT count(*) FROM dbos.workflow_status"))
        assert left.scalar_one() == 0
    assert await events_of(app, started.run_id) == events


async def test_a_process_that_was_believed_dead_says_nothing_more_of_a_run_that_was_taken_over(app, answerer):
    begun, taken = [], asyncio.Event()

    async def twice(turn, sink, stop):
        begun.append(turn.run_id)
        if len(begun) > 1:
            await sink.report(Happening("message", "second"))
            return Outcome("succeeded", None)
        await sink.report(Happening("message", "first"))
        await sink.flush()
        await lose_session_and_runs(app)
        taken.set()
        while True:
            await sink.report(Happening("doc", "too late"))
            await asyncio.sleep(0)

    answerer.scripts["twice"] = twice
    _, events = await ask(app, "twice")
    assert taken.is_set()
    assert len(begun) == 2
    assert answer_of(events) == "second"
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert [event.happening.name for event in events].count("workflow_finished") == 1


async def lose_session_and_runs(app):
    """What another process does to one whose session has ended."""
    # The real one holds the dead process's lock meanwhile; here its owner is kept from coming back in between.
    async with app.runs._session.write_lock, app.database.begin("taking over") as connection:
        await connection.execute(
            text(
                "UPDATE dbos.workflow_status SET status = 'ENQUEUED', owner_xid = NULL,"
                " queue_name = '_dbos_internal_queue' WHERE status = 'PENDING'"
            )
        )
        await connection.execute(text("DELETE FROM housecall.processes"))
        await connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'housecall events' AND datname = current_database()"
            )
        )
