"""Live events for the subscribers of one process."""

import asyncio
from datetime import UTC, datetime

import pytest

from housecall.chat.feeds import FOLLOWED_SECONDS, KEPT_EVENTS, Feeds, Followed
from housecall.events import Event, Happening

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def event(number, name="message"):
    return Event("run", number, NOW, Happening(name, str(number)))


def events(first, last):
    return [event(number) for number in range(first, last + 1)]


async def test_a_local_feed_answers_from_memory():
    feed = Feeds().begin("run")
    feed.publish(events(1, 3))
    assert feed.since(1) == events(2, 3)
    assert feed.since(3) == []


async def test_a_feed_that_has_seen_nothing_sends_to_the_store():
    assert Feeds().begin("run").since(0) is None


async def test_a_remote_feed_sends_to_the_store():
    feeds = Feeds()
    feed = feeds.enter("run")
    feeds.wake("run")
    assert feed.since(0) is None


async def test_a_subscriber_that_fell_behind_is_sent_to_the_store():
    feed = Feeds().begin("run")
    feed.publish(events(1, KEPT_EVENTS + 1))
    assert feed.since(0) is None
    assert feed.since(1) == events(2, KEPT_EVENTS + 1)


async def test_everybody_who_waits_is_woken_by_one_publication():
    feeds = Feeds()
    feed = feeds.begin("run")
    waiting = [asyncio.ensure_future(feed.wait_beyond(feed.version)) for _ in range(3)]
    await asyncio.sleep(0)
    feeds.publish("run", events(1, 1))
    await asyncio.gather(*waiting)


async def test_who_took_the_version_before_a_change_does_not_wait_for_the_next():
    feed = Feeds().begin("run")
    before = feed.version
    feed.wake()
    await feed.wait_beyond(before)


async def test_who_leaves_while_he_waits_takes_nothing_from_the_others():
    feed = Feeds().begin("run")
    leaves, stays = (asyncio.ensure_future(feed.wait_beyond(feed.version)) for _ in range(2))
    await asyncio.sleep(0)
    leaves.cancel()
    await asyncio.wait({leaves})
    feed.wake()
    await stays


async def test_a_wait_for_a_remote_run_ends_by_itself():
    await Feeds().begin("run").wait_beyond(0, timeout_seconds=0.001)


async def test_a_run_that_goes_on_elsewhere_is_no_longer_answered_from_memory():
    feeds = Feeds()
    feed = feeds.enter("run")
    feeds.begin("run").publish(events(1, 2))
    feeds.end("run")
    assert feed.since(0) is None


async def test_the_end_of_a_run_is_known_after_its_execution():
    feeds = Feeds()
    feed = feeds.enter("run")
    feeds.begin("run").publish([event(1, "workflow_finished")])
    feeds.end("run")
    assert feed.finished
    assert feed.since(1) == []


async def test_a_feed_goes_when_nobody_needs_it():
    feeds = Feeds()
    feeds.begin("run")
    feeds.enter("run")
    feeds.leave("run")
    assert len(feeds) == 1
    feeds.end("run")
    assert len(feeds) == 0


def test_only_runs_that_somebody_follows_are_told():
    followed = Followed()
    assert followed.among({"run"}) == []
    assert followed.note("run")
    assert not followed.note("run")
    assert followed.among({"other", "run"}) == ["run"]


def test_who_does_not_ask_again_no_longer_follows(monkeypatch):
    clock = iter([0.0, FOLLOWED_SECONDS, FOLLOWED_SECONDS + 0.1, FOLLOWED_SECONDS + 0.2])
    monkeypatch.setattr("housecall.chat.feeds.time.monotonic", lambda: next(clock))
    followed = Followed()
    followed.note("run")
    assert followed.among({"run"}) == ["run"]
    assert followed.among({"run"}) == []
    assert followed.note("run")
