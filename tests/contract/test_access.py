"""Keys, bearer tokens, nonces and admission on a real state database."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from housecall.access.accounts import ensure_root
from housecall.access.admission import Admission
from housecall.access.keys import Keys
from housecall.access.vault import Vault
from housecall.errors import LimitReached, NotFound, RequestError
from housecall.store.database import Database

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
async def database(database_url):
    opened = Database(database_url)
    await opened.prepare()
    yield opened
    await opened.close()


@pytest.fixture
def keys(database):
    return Keys(database, Vault(bytes(32)))


async def set_plan(database, assignment):
    async with database.begin("changing the plan") as connection:
        await connection.execute(text(f"UPDATE housecall.plans SET {assignment}"))


async def admit(database, account_id, clock=lambda: NOW):
    async with database.begin("admitting") as connection:
        await Admission(clock).admit_run(connection, account_id)


async def test_first_starts_at_once_make_one_root_user(database):
    callers = await asyncio.gather(*(ensure_root(database) for _ in range(5)))
    assert len(set(callers)) == 1


async def test_a_new_key_is_found_with_its_secret(keys):
    made = await keys.create()
    found = await keys.find(made.access_key_id)
    root = await keys.root()
    assert found.secret == made.access_key_secret
    assert (found.active, found.user_exists, found.account_id, found.user_id) == (
        True,
        True,
        root.account_id,
        root.user_id,
    )
    assert len(made.access_key_secret.get_secret_value()) >= 30
    assert made.access_key_secret.get_secret_value() not in repr((made, found))


async def test_the_store_holds_no_secret_in_the_clear(keys, database):
    made = await keys.create()
    async with database.begin("looking") as connection:
        rows = (await connection.execute(text("SELECT secret FROM housecall.access_keys"))).scalars().all()
    assert all(made.access_key_secret.get_secret_value().encode() not in bytes(row) for row in rows)


async def test_an_unknown_key_is_none(keys):
    for unknown in ("", "HCunknown", "x\x00y", "'; DROP TABLE", "y" * 5000):
        assert await keys.find(unknown) is None


async def test_a_disabled_key_is_found_as_inactive(keys):
    made = await keys.create()
    await keys.find(made.access_key_id)
    await keys.disable(made.access_key_id)
    assert not (await keys.find(made.access_key_id)).active


async def test_disabling_an_unknown_key_is_not_found(keys):
    with pytest.raises(NotFound):
        await keys.disable("HCnothing")


async def test_a_key_whose_user_is_gone_says_so(keys, database):
    made = await keys.create()
    async with database.begin("removing the user") as connection:
        await connection.execute(text("DELETE FROM housecall.users"))
    assert not (await keys.find(made.access_key_id)).user_exists


async def test_a_key_for_an_unknown_user_is_refused(keys):
    with pytest.raises(NotFound) as caught:
        await keys.create("nobody")
    assert caught.value.wire_code == "UserNotFound"


async def test_keys_are_listed_oldest_first_with_their_last_use(keys):
    first, second = await keys.create(), await keys.create()
    await keys.use_nonce(second.access_key_id, "n", datetime.now(UTC) + timedelta(minutes=15))
    listed = await keys.list()
    assert [key.access_key_id for key in listed] == [first.access_key_id, second.access_key_id]
    assert listed[0].last_used_at is None
    assert listed[1].last_used_at is not None
    assert listed[0].user_name == "root"


async def test_a_bearer_token_stands_for_its_user_and_is_kept_as_a_hash(keys, database):
    made = await keys.create_bearer()
    token = made.token
    assert await keys.find_bearer(token.get_secret_value()) == await keys.root()
    assert await keys.find_bearer(token.get_secret_value() + "x") is None
    async with database.begin("looking") as connection:
        (kept,) = (await connection.execute(text("SELECT hash FROM housecall.bearer_tokens"))).scalars().all()
    assert token.get_secret_value().encode() not in bytes(kept)


async def test_a_bearer_token_is_taken_back_by_its_id(keys):
    made, other = await keys.create_bearer(), await keys.create_bearer()
    assert [each.access_key_id for each in await keys.list_bearers()] == [made.id, other.id]
    assert made.token.get_secret_value() not in repr(await keys.list_bearers())

    await keys.set_bearer_active(made.id, active=False)
    assert await keys.find_bearer(made.token.get_secret_value()) is None
    assert await keys.find_bearer(other.token.get_secret_value()) is not None
    await keys.set_bearer_active(made.id, active=True)
    assert await keys.find_bearer(made.token.get_secret_value()) is not None

    await keys.delete_bearer(made.id)
    assert await keys.find_bearer(made.token.get_secret_value()) is None
    assert [each.access_key_id for each in await keys.list_bearers()] == [other.id]


@pytest.mark.parametrize("bearer_id", ["hcb-0000000000000000", "hcb-", "hcb-%", "HC1"])
async def test_an_unknown_bearer_token_is_named(keys, bearer_id):
    await keys.create_bearer()
    with pytest.raises(NotFound) as caught:
        await keys.delete_bearer(bearer_id)
    assert caught.value.wire_code == "InvalidBearerToken"
    assert len(await keys.list_bearers()) == 1


async def test_a_nonce_is_used_once(keys):
    expires = datetime.now(UTC) + timedelta(minutes=15)
    assert await keys.use_nonce("HC1", "nonce", expires)
    assert not await keys.use_nonce("HC1", "nonce", expires)
    assert await keys.use_nonce("HC2", "nonce", expires), "another key's nonce is another nonce"


async def test_of_many_uses_at_once_one_is_the_first(keys, database):
    others = [Keys(database, Vault(bytes(32))) for _ in range(3)]
    expires = datetime.now(UTC) + timedelta(minutes=15)
    uses = (each.use_nonce("HC1", "same", expires) for each in (*others, keys) for _ in range(5))
    assert sum(await asyncio.gather(*uses)) == 1


async def test_an_expired_nonce_may_be_used_again(database):
    now = NOW
    keys = Keys(database, Vault(bytes(32)), clock=lambda: now)
    assert await keys.use_nonce("HC1", "nonce", NOW + timedelta(minutes=15))
    now = NOW + timedelta(minutes=15) - timedelta(microseconds=1)
    assert not await keys.use_nonce("HC1", "nonce", NOW + timedelta(minutes=15))
    now = NOW + timedelta(minutes=15)
    assert await keys.use_nonce("HC1", "nonce", NOW + timedelta(minutes=30))


async def test_the_first_account_has_an_unlimited_plan(database):
    root = await ensure_root(database)
    await admit(database, root.account_id)


async def test_without_a_plan_permission_is_denied(database):
    with pytest.raises(RequestError) as caught:
        await admit(database, "nobody")
    assert (caught.value.wire_code, caught.value.http_status) == ("PermissionDenied", 400)
    assert caught.value.message == "No valid order found or permission denied."


async def test_an_expired_plan_is_no_plan(database):
    root = await ensure_root(database)
    await set_plan(database, "expires_at = '2026-11-23 12:00:00+00'")
    with pytest.raises(RequestError):
        await admit(database, root.account_id)
    await admit(database, root.account_id, clock=lambda: NOW - timedelta(microseconds=1))


async def test_no_place_is_too_many_requests(database):
    root = await ensure_root(database)
    await set_plan(database, "max_concurrent_runs = 0")
    with pytest.raises(LimitReached) as caught:
        await admit(database, root.account_id)
    assert (caught.value.wire_code, caught.value.http_status) == ("TooManyRequests", 429)
    assert caught.value.message.startswith("The current maximum concurrent requests have exceeded the threshold.")


async def test_used_up_tokens_have_their_own_code(database):
    root = await ensure_root(database)
    await set_plan(database, "tokens_per_month = 0")
    with pytest.raises(LimitReached) as caught:
        await admit(database, root.account_id)
    assert caught.value.wire_code == "MoQuotaExceeded"
