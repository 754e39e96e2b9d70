"""Paging through conversations and messages on a real state database."""

import pytest
from sqlalchemy import text

from housecall.app import open_app
from housecall.chat.runs import NewQuestion
from housecall.errors import NotFound

from .scripted import ScriptedAnswerer, wait_for_stop

pytestmark = pytest.mark.anyio
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
async def app(settings):
    async with open_app(settings, answerer=ScriptedAnswerer({"wait": wait_for_stop})) as opened:
        yield opened


async def ask(app, query, **options):
    started = await app.runs.start(NewQuestion(app.root.account_id, app.root.user_id, query, **options))
    await app.runs.wait(started.run_id)
    return started


async def names(app, **options):
    page = await app.conversations.list_conversations(app.root.account_id, app.root.user_id, **options)
    return [item.name for item in page.items], page.has_more


async def queries(app, conversation_id, **options):
    page = await app.conversations.list_messages(app.root.account_id, conversation_id, **options)
    return [item.query for item in page.items], page.has_more


async def test_conversations_are_listed_newest_first(app):
    for query in ("a", "b", "c"):
        await ask(app, query)
    assert await names(app) == (["c", "b", "a"], False)
    assert await names(app, sort_by="CreatedAt") == (["a", "b", "c"], False)


async def test_the_update_order_follows_new_messages(app):
    first = await ask(app, "a")
    await ask(app, "b")
    await ask(app, "more", conversation_id=first.conversation_id)
    assert await names(app, sort_by="-UpdatedAt") == (["a", "b"], False)
    assert await names(app, sort_by="UpdatedAt") == (["b", "a"], False)


@pytest.mark.parametrize(
    ("sort_by", "expected"),
    [("-CreatedAt", "edcba"), ("CreatedAt", "abcde"), ("-UpdatedAt", "edcba"), ("UpdatedAt", "abcde")],
)
async def test_pages_follow_one_another_without_gap_or_repeat(app, sort_by, expected):
    for query in "abcde":
        await ask(app, query)
    seen, last_id, more = "", None, True
    while more:
        page = await app.conversations.list_conversations(
            app.root.account_id, app.root.user_id, last_id=last_id, limit=2, sort_by=sort_by
        )
        seen += "".join(item.name for item in page.items)
        last_id, more = page.items[-1].id, page.has_more
    assert seen == expected


async def test_a_full_last_page_has_no_more(app):
    for query in "ab":
        await ask(app, query)
    assert await names(app, limit=2) == (["b", "a"], False)
    assert await names(app, limit=1) == (["b"], True)


async def test_an_unknown_last_id_is_not_found(app):
    for unknown in ("nonsense", UNKNOWN):
        with pytest.raises(NotFound):
            await names(app, last_id=unknown)


async def test_only_the_user_s_own_conversations_are_listed(app):
    await ask(app, "mine")
    page = await app.conversations.list_conversations(app.root.account_id, "another user")
    assert page.items == ()


async def test_pinned_conversations_can_be_asked_for(app):
    await ask(app, "plain")
    kept = await ask(app, "kept")
    async with app.database.begin("pinning") as connection:
        await connection.execute(
            text("UPDATE housecall.conversations SET pinned = true WHERE id = :id"), {"id": kept.conversation_id}
        )
    assert await names(app, pinned=True) == (["kept"], False)
    assert await names(app, pinned=False) == (["plain"], False)


async def test_a_conversation_is_running_while_its_run_lives(app):
    started = await app.runs.start(NewQuestion(app.root.account_id, app.root.user_id, "wait"))
    (running,) = (await app.conversations.list_conversations(app.root.account_id, app.root.user_id)).items
    await app.runs.stop(app.root.account_id, started.run_id)
    await app.runs.wait(started.run_id)
    (idle,) = (await app.conversations.list_conversations(app.root.account_id, app.root.user_id)).items
    assert (running.status, running.is_running, idle.status) == ("running", True, "idle")


async def test_messages_come_newest_page_first_and_oldest_first_within_it(app):
    first = await ask(app, "1")
    for query in "2345":
        await ask(app, query, conversation_id=first.conversation_id)
    page = await app.conversations.list_messages(app.root.account_id, first.conversation_id, limit=2)
    assert [item.query for item in page.items] == ["4", "5"]
    assert page.has_more
    before = page.items[0].id
    assert await queries(app, first.conversation_id, first_id=before, limit=2) == (["2", "3"], True)
    assert await queries(app, first.conversation_id, first_id=before, limit=3) == (["1", "2", "3"], False)
    assert await queries(app, first.conversation_id, first_id=first.message_id) == ([], False)


async def test_unknown_and_foreign_conversations_and_messages_are_not_found(app):
    started = await ask(app, "mine")
    other = await ask(app, "other")
    for account, conversation_id, first_id, code in (
        (app.root.account_id, "nonsense", None, "ConversationNotFound"),
        (app.root.account_id, UNKNOWN, None, "ConversationNotFound"),
        ("another", started.conversation_id, None, "ConversationNotFound"),
        (app.root.account_id, started.conversation_id, "nonsense", "MessageNotFound"),
        (app.root.account_id, started.conversation_id, other.message_id, "MessageNotFound"),
    ):
        with pytest.raises(NotFound) as caught:
            await app.conversations.list_messages(account, conversation_id, first_id=first_id)
        assert caught.value.wire_code == code


async def test_history_holds_the_events_that_were_streamed(app):
    started = await ask(app, "a")
    page = await app.conversations.list_messages(app.root.account_id, started.conversation_id)
    events = await app.conversations.events_of(page.items)
    streamed = [event async for event in app.runs.subscribe(started.run_id)]
    assert list(events[started.message_id]) == streamed


async def test_a_live_answer_is_told_as_far_as_it_is_known(app):
    started = await app.runs.start(NewQuestion(app.root.account_id, app.root.user_id, "wait"))
    async for event in app.runs.subscribe(started.run_id):
        if event.happening.name == "message":
            page = await app.conversations.list_messages(app.root.account_id, started.conversation_id)
            assert [(item.answer, item.status) for item in page.items] == [("Working", "running")]
            await app.runs.stop(app.root.account_id, started.run_id)


async def test_a_rating_is_kept_and_revoked(app):
    started = await ask(app, "a")

    async def rating():
        page = await app.conversations.list_messages(app.root.account_id, started.conversation_id)
        return page.items[0].feedback

    await app.conversations.set_feedback(app.root.account_id, started.message_id, "like", "well done")
    assert await rating() == "like"
    await app.conversations.set_feedback(app.root.account_id, started.message_id, None)
    assert await rating() is None


async def test_rating_an_unknown_or_foreign_message_is_not_found(app):
    started = await ask(app, "a")
    for account, message_id in ((app.root.account_id, UNKNOWN), ("another", started.message_id), ("x", "\x00")):
        with pytest.raises(NotFound):
            await app.conversations.set_feedback(account, message_id, "like")


async def test_each_message_tells_the_last_event_of_its_own_run(app):
    first = await ask(app, "a short answer")
    second = await ask(app, "another", conversation_id=first.conversation_id)
    page = await app.conversations.list_messages(app.root.account_id, first.conversation_id)
    events = await app.conversations.events_of(page.items)
    assert [message.run_id for message in page.items] == [first.run_id, second.run_id]
    async with app.database.begin("making the first run longer") as connection:
        await connection.execute(
            text(
                "INSERT INTO housecall.run_events (run_id, number, name, answer, fields, at)"
                " VALUES (:run, 4711, 'message', '', '{}', now())"
            ),
            {"run": first.run_id},
        )
    page = await app.conversations.list_messages(app.root.account_id, first.conversation_id)
    assert [message.last_event_number for message in page.items] == [4711, events[page.items[1].id][-1].number]
