"""Registered instances on a real state database, probing a real server (the state's own)."""

import pytest
from sqlalchemy import text

from housecall.app import open_app
from housecall.errors import InstanceError, NotFound, RequestError

from .scripted import ScriptedAnswerer

pytestmark = pytest.mark.anyio
DSN = "postgresql://reader:hunter2@db.example:6543/shop?sslmode=require"


@pytest.fixture
async def app(settings):
    async with open_app(settings, answerer=ScriptedAnswerer()) as opened:
        yield opened


async def test_what_was_added_comes_back_whole(app):
    labels = {"team": "shop"}
    added = await app.instances.add(
        app.root.account_id, "orders-db", DSN, region="eu", description="Orders", labels=labels, probe=False
    )
    assert await app.instances.get_instance(app.root.account_id, "orders-db") == added
    assert added.target.password.get_secret_value() == "hunter2"
    assert (added.target.host, added.target.port, added.target.database) == ("db.example", 6543, "shop")


async def test_the_store_holds_no_password_in_the_clear(app):
    await app.instances.add(app.root.account_id, "orders-db", DSN, probe=False)
    async with app.database.begin("looking") as connection:
        row = (await connection.execute(text("SELECT i::text FROM housecall.instances i"))).scalar_one()
    assert "hunter2" not in row
    assert b"hunter2".hex() not in row


async def test_instances_are_listed_by_id(app):
    for name in ("b", "a"):
        await app.instances.add(app.root.account_id, name, DSN, probe=False)
    assert [each.id for each in await app.instances.list_instances(app.root.account_id)] == ["a", "b"]


async def test_an_unknown_instance_names_those_there_are(app):
    with pytest.raises(NotFound, match="add one with"):
        await app.instances.get_instance(app.root.account_id, "nothing")
    await app.instances.add(app.root.account_id, "orders-db", DSN, probe=False)
    with pytest.raises(NotFound, match="There are: orders-db") as caught:
        await app.instances.get_instance(app.root.account_id, "nothing")
    assert caught.value.wire_code == "InstanceNotFound"


async def test_another_account_s_instance_is_not_found(app):
    await app.instances.add(app.root.account_id, "orders-db", DSN, probe=False)
    with pytest.raises(NotFound, match="No instance is registered"):
        await app.instances.get_instance("another", "orders-db")


@pytest.mark.parametrize("bad", ["", "-x", "a b", "x" * 64, "a/b"])
def test_ids_that_would_need_quoting_are_refused(bad):
    from housecall.instances.directory import ID_PATTERN

    assert not ID_PATTERN.fullmatch(bad)


async def test_the_same_id_twice_is_refused_and_replaced_on_demand(app):
    await app.instances.add(app.root.account_id, "orders-db", DSN, probe=False)
    with pytest.raises(RequestError, match="already"):
        await app.instances.add(app.root.account_id, "orders-db", DSN, probe=False)
    await app.instances.add(app.root.account_id, "orders-db", DSN.replace("6543", "6544"), probe=False, replace=True)
    assert (await app.instances.get_instance(app.root.account_id, "orders-db")).target.port == 6544


async def test_a_removed_instance_is_gone(app):
    await app.instances.add(app.root.account_id, "orders-db", DSN, probe=False)
    await app.instances.remove(app.root.account_id, "orders-db")
    with pytest.raises(NotFound):
        await app.instances.remove(app.root.account_id, "orders-db")


async def test_the_plan_limits_instances(app):
    async with app.database.begin("limiting the plan") as connection:
        await connection.execute(text("UPDATE housecall.plans SET max_instances = 1"))
    await app.instances.add(app.root.account_id, "a", DSN, probe=False)
    with pytest.raises(RequestError, match="allows 1 instances") as caught:
        await app.instances.add(app.root.account_id, "b", DSN, probe=False)
    assert (caught.value.wire_code, caught.value.http_status) == ("PermissionDenied", 400)
    await app.instances.add(app.root.account_id, "a", DSN, probe=False, replace=True)


async def test_a_server_that_does_not_answer_is_not_registered(app):
    with pytest.raises(InstanceError) as caught:
        await app.instances.add(app.root.account_id, "gone", "postgresql://u:hunter2@127.0.0.1:1/x")
    assert "hunter2" not in caught.value.message
    assert await app.instances.list_instances(app.root.account_id) == ()


async def test_a_server_that_answers_tells_its_version(app, cluster):
    added = await app.instances.add(app.root.account_id, "state", cluster.dsn())
    assert added.version
    assert added.version.split(".")[0].endswith("18")
    assert (await app.instances.test(app.root.account_id, "state")).version == added.version
