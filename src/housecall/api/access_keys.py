"""Access keys of the users of the caller's account, under the names that the cloud's RAM has for them."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from housecall.access.keys import KeyInfo
from housecall.access.people import User
from housecall.api.access_shared import check_giving, own_user_name, ram_operation, refusal, time_text
from housecall.api.access_users import group_policies, policies_of_trusting_roles
from housecall.api.operation import Call
from housecall.api.wire import OptionalText, Success, Text, WireModel, WireRequest, WireResponse, choice
from housecall.errors import RequestError

KeyStatus = Literal["Active", "Inactive"]


class KeyOfUser(WireRequest):
    """Whose keys."""

    user_name: OptionalText = None
    """Name of the user; the caller by default."""


class OneKey(KeyOfUser):
    """One key of a user."""

    user_access_key_id: Text
    """The key's id."""


class UpdateKeyRequest(OneKey):
    """A key's new state."""

    status: Annotated[KeyStatus | None, choice("Active", "Inactive")] = None
    """Active or Inactive."""


class KeyItem(WireModel):
    """A key as it is listed. `last_used_date` may be a minute old."""

    access_key_id: str
    status: KeyStatus
    create_date: str | None
    last_used_date: str | None = None


class NewKeyItem(KeyItem):
    """A key with its secret, which is shown this once."""

    access_key_secret: str = Field(repr=False)


class CreateAccessKeyResponse(WireResponse):
    """The new key."""

    access_key: NewKeyItem


class KeyList(WireModel):
    """The list within the list."""

    access_key: tuple[KeyItem, ...]


class ListAccessKeysResponse(WireResponse):
    """A user's keys, oldest first."""

    access_keys: KeyList


async def create_access_key(call: Call, request: KeyOfUser) -> CreateAccessKeyResponse:
    user = await _key_owner(call, request, "ram:CreateAccessKey")
    if user.user_id != call.caller.user_id:
        await _check_taking_the_place_of(call, user)
    made = await call.app.keys.create(user.user_id)
    (listed,) = [
        key for key in await call.app.keys.list(user_id=user.user_id) if key.access_key_id == made.access_key_id
    ]
    shown = _key(listed).model_dump() | {"access_key_secret": made.access_key_secret.get_secret_value()}
    return CreateAccessKeyResponse(access_key=NewKeyItem(**shown))


async def list_access_keys(call: Call, request: KeyOfUser) -> ListAccessKeysResponse:
    user = await _key_owner(call, request)
    keys: Sequence[KeyInfo] = await call.app.keys.list(user_id=user.user_id)
    return ListAccessKeysResponse(access_keys=KeyList(access_key=tuple(map(_key, keys))))


async def update_access_key(call: Call, request: UpdateKeyRequest) -> Success:
    if request.status is None:
        raise RequestError(
            'The input parameter "Status" that is mandatory for processing this request is not supplied.',
            code="MissingStatus",
        )
    user = await _key_owner(call, request, "ram:UpdateAccessKey")
    active = request.status == "Active"
    await call.app.keys.set_active(request.user_access_key_id, active=active, user_id=user.user_id)
    return Success()


async def delete_access_key(call: Call, request: OneKey) -> Success:
    user = await _key_owner(call, request, "ram:DeleteAccessKey")
    await call.app.keys.delete(request.user_access_key_id, user_id=user.user_id)
    return Success()


def _key(key: KeyInfo) -> KeyItem:
    return KeyItem(
        access_key_id=key.access_key_id,
        status="Active" if key.active else "Inactive",
        create_date=time_text(key.created_at),
        last_used_date=time_text(key.last_used_at),
    )


async def _key_owner(call: Call, request: KeyOfUser, changing: str | None = None) -> User:
    """Raises NotFound, and NotAllowed for who is `changing` a key of root without being root."""
    name = request.user_name or await own_user_name(call)
    user = await call.app.access.people.get_user(call.caller.account_id, name)
    if changing and user.is_root and not (await call.app.access.rights.principal(call.caller)).layers.is_root:
        raise await refusal(call, changing, "only root changes the keys of root")
    return user


async def _check_taking_the_place_of(call: Call, user: User) -> None:
    """Who has another's key has his rights, those of the roles that trust him included."""
    access, account_id = call.app.access, call.caller.account_id
    policies = [each.policy for each in await access.policies.attached_to(account_id, "user", user.name)]
    for group in await access.people.list_groups(account_id, user.user_id):
        policies += await group_policies(call, group.name)
    policies += await policies_of_trusting_roles(call, user.name)
    await check_giving(call, "ram:CreateAccessKey", policies)


OPERATIONS = (
    ram_operation(
        name="CreateAccessKey",
        request=KeyOfUser,
        response=CreateAccessKeyResponse,
        summary="Make an access key, two at most for a user; its secret is shown this once.",
        handler=create_access_key,
        access="create",
        errors=("EntityNotExist.User", "LimitExceeded.User.AccessKey"),
        example={"UserName": "ada"},
    ),
    ram_operation(
        name="ListAccessKeys",
        request=KeyOfUser,
        response=ListAccessKeysResponse,
        summary="List a user's access keys, without secrets, with their last use.",
        handler=list_access_keys,
        access="list",
        errors=("EntityNotExist.User",),
        example={"UserName": "ada"},
    ),
    ram_operation(
        name="UpdateAccessKey",
        request=UpdateKeyRequest,
        response=Success,
        summary="Disable an access key, or enable it again.",
        handler=update_access_key,
        access="update",
        errors=("EntityNotExist.User", "InvalidAccessKeyId.NotFound"),
        example={"UserName": "ada", "UserAccessKeyId": "HCq2mVb7Zc4Xr9Tt1Ns8Kd5Lw", "Status": "Inactive"},
    ),
    ram_operation(
        name="DeleteAccessKey",
        request=OneKey,
        response=Success,
        summary="Remove an access key for good.",
        handler=delete_access_key,
        access="delete",
        errors=("EntityNotExist.User", "InvalidAccessKeyId.NotFound"),
        example={"UserName": "ada", "UserAccessKeyId": "HCq2mVb7Zc4Xr9Tt1Ns8Kd5Lw"},
    ),
)
