"""Users and groups of the caller's account, under the names that the cloud's RAM has for them."""

from housecall.access.names import user_arn
from housecall.access.people import Group, User
from housecall.access.policy import Policy
from housecall.api.access_shared import (
    PageRequest,
    PageResponse,
    check_giving,
    check_taking_away,
    one_page,
    ram_operation,
    time_text,
)
from housecall.api.operation import Call
from housecall.api.wire import OptionalText, Success, Text, WireModel, WireRequest, WireResponse


class UserName(WireRequest):
    """One user."""

    user_name: Text
    """Name of the user."""


class UserItem(WireModel):
    """A user. The account's root is one, too."""

    user_id: str
    user_name: str
    is_root: bool
    create_date: str | None


class UserResponse(WireResponse):
    """One user."""

    user: UserItem


class UserList(WireModel):
    """The list within the list, as RAM answers it."""

    user: tuple[UserItem, ...]


class ListUsersResponse(PageResponse):
    """A page of users, by name."""

    users: UserList


def _user(user: User) -> UserItem:
    return UserItem(
        user_id=user.user_id, user_name=user.name, is_root=user.is_root, create_date=time_text(user.created_at)
    )


async def policies_of_trusting_roles(call: Call, user_name: str) -> list[Policy]:
    """What the roles give that trust a user of this name, whether or not there is one."""
    access = call.app.access
    found: list[Policy] = []
    for role in await access.roles.trusting(user_arn(call.caller.account_id, user_name)):
        found += [each.policy for each in await access.policies.attached_to(role.account_id, "role", role.name)]
    return found


async def create_user(call: Call, request: UserName) -> UserResponse:
    """A role may trust the name of a user who is gone: whoever takes that name takes its place."""
    await check_giving(call, "ram:CreateUser", await policies_of_trusting_roles(call, request.user_name))
    made = await call.app.access.people.create_user(call.caller.account_id, request.user_name)
    return UserResponse(user=_user(made))


async def get_user(call: Call, request: UserName) -> UserResponse:
    return UserResponse(user=_user(await call.app.access.people.get_user(call.caller.account_id, request.user_name)))


async def list_users(call: Call, request: PageRequest) -> ListUsersResponse:
    users = await call.app.access.people.list_users(call.caller.account_id)
    shown, page = one_page(users, request, lambda user: user.name)
    return ListUsersResponse(users=UserList(user=tuple(map(_user, shown))), **page)


async def delete_user(call: Call, request: UserName) -> Success:
    await call.app.access.people.delete_user(call.caller.account_id, request.user_name)
    call.app.access.rights.forget()
    return Success()


class GroupName(WireRequest):
    """One group."""

    group_name: Text
    """Name of the group."""


class CreateGroupRequest(GroupName):
    """A new group."""

    comments: OptionalText = None
    """What the group is for."""


class GroupMember(GroupName):
    """A user and a group."""

    user_name: Text
    """Name of the user."""


class GroupItem(WireModel):
    """A group."""

    group_name: str
    comments: str
    create_date: str | None


class GroupResponse(WireResponse):
    """One group."""

    group: GroupItem


class GroupList(WireModel):
    """The list within the list."""

    group: tuple[GroupItem, ...]


class ListGroupsResponse(PageResponse):
    """A page of groups, by name."""

    groups: GroupList


class PagedGroupName(PageRequest, GroupName):
    """One group, and which page."""


class PagedUserName(PageRequest, UserName):
    """One user, and which page."""


def _group(group: Group) -> GroupItem:
    return GroupItem(group_name=group.name, comments=group.description, create_date=time_text(group.created_at))


async def create_group(call: Call, request: CreateGroupRequest) -> GroupResponse:
    people = call.app.access.people
    return GroupResponse(
        group=_group(await people.create_group(call.caller.account_id, request.group_name, request.comments or ""))
    )


async def list_groups(call: Call, request: PageRequest) -> ListGroupsResponse:
    groups = await call.app.access.people.list_groups(call.caller.account_id)
    shown, page = one_page(groups, request, lambda group: group.name)
    return ListGroupsResponse(groups=GroupList(group=tuple(map(_group, shown))), **page)


async def list_groups_for_user(call: Call, request: PagedUserName) -> ListGroupsResponse:
    people = call.app.access.people
    user = await people.get_user(call.caller.account_id, request.user_name)
    shown, page = one_page(
        await people.list_groups(call.caller.account_id, user.user_id), request, lambda group: group.name
    )
    return ListGroupsResponse(groups=GroupList(group=tuple(map(_group, shown))), **page)


async def list_users_for_group(call: Call, request: PagedGroupName) -> ListUsersResponse:
    users = await call.app.access.people.members(call.caller.account_id, request.group_name)
    shown, page = one_page(users, request, lambda user: user.name)
    return ListUsersResponse(users=UserList(user=tuple(map(_user, shown))), **page)


async def delete_group(call: Call, request: GroupName) -> Success:
    await check_taking_away(call, "ram:DeleteGroup", await group_policies(call, request.group_name))
    await call.app.access.people.delete_group(call.caller.account_id, request.group_name)
    call.app.access.rights.forget()
    return Success()


async def add_user_to_group(call: Call, request: GroupMember) -> Success:
    await check_giving(call, "ram:AddUserToGroup", await group_policies(call, request.group_name))
    await call.app.access.people.add_member(call.caller.account_id, request.group_name, request.user_name)
    call.app.access.rights.forget()
    return Success()


async def remove_user_from_group(call: Call, request: GroupMember) -> Success:
    await check_taking_away(call, "ram:RemoveUserFromGroup", await group_policies(call, request.group_name))
    await call.app.access.people.remove_member(call.caller.account_id, request.group_name, request.user_name)
    call.app.access.rights.forget()
    return Success()


async def group_policies(call: Call, group: str) -> list[Policy]:
    attached = await call.app.access.policies.attached_to(call.caller.account_id, "group", group)
    return [each.policy for each in attached]


OPERATIONS = (
    ram_operation(
        name="CreateUser",
        request=UserName,
        response=UserResponse,
        summary="Make a user in your account; it may do nothing until a policy is attached.",
        handler=create_user,
        access="create",
        errors=("EntityAlreadyExists.User", "LimitExceeded.User"),
        example={"UserName": "ada"},
    ),
    ram_operation(
        name="GetUser",
        request=UserName,
        response=UserResponse,
        summary="Show one user.",
        handler=get_user,
        access="get",
        errors=("EntityNotExist.User",),
        example={"UserName": "ada"},
    ),
    ram_operation(
        name="ListUsers",
        request=PageRequest,
        response=ListUsersResponse,
        summary="List the users of your account by name.",
        handler=list_users,
        access="list",
        example={"MaxItems": 50},
    ),
    ram_operation(
        name="DeleteUser",
        request=UserName,
        response=Success,
        summary="Remove a user with its memberships, sessions and attached policies.",
        handler=delete_user,
        access="delete",
        errors=("EntityNotExist.User", "DeleteConflict.User.Root"),
        example={"UserName": "ada"},
    ),
    ram_operation(
        name="CreateGroup",
        request=CreateGroupRequest,
        response=GroupResponse,
        summary="Make a group, whose policies count for each of its users.",
        handler=create_group,
        access="create",
        errors=("EntityAlreadyExists.Group", "LimitExceeded.Group"),
        example={"GroupName": "dba", "Comments": "Database administrators"},
    ),
    ram_operation(
        name="ListGroups",
        request=PageRequest,
        response=ListGroupsResponse,
        summary="List the groups of your account by name.",
        handler=list_groups,
        access="list",
        example={"MaxItems": 50},
    ),
    ram_operation(
        name="ListGroupsForUser",
        request=PagedUserName,
        response=ListGroupsResponse,
        summary="List the groups that a user is in.",
        handler=list_groups_for_user,
        access="list",
        errors=("EntityNotExist.User",),
        example={"UserName": "ada"},
    ),
    ram_operation(
        name="ListUsersForGroup",
        request=PagedGroupName,
        response=ListUsersResponse,
        summary="List the users of a group.",
        handler=list_users_for_group,
        access="list",
        errors=("EntityNotExist.Group",),
        example={"GroupName": "dba"},
    ),
    ram_operation(
        name="DeleteGroup",
        request=GroupName,
        response=Success,
        summary="Remove a group with its memberships and attached policies.",
        handler=delete_group,
        access="delete",
        errors=("EntityNotExist.Group",),
        example={"GroupName": "dba"},
    ),
    ram_operation(
        name="AddUserToGroup",
        request=GroupMember,
        response=Success,
        summary="Put a user into a group. You must have the rights of the group yourself.",
        handler=add_user_to_group,
        access="update",
        errors=("EntityNotExist.User", "EntityNotExist.Group"),
        example={"UserName": "ada", "GroupName": "dba"},
    ),
    ram_operation(
        name="RemoveUserFromGroup",
        request=GroupMember,
        response=Success,
        summary="Take a user out of a group.",
        handler=remove_user_from_group,
        access="update",
        errors=("EntityNotExist.User", "EntityNotExist.Group"),
        example={"UserName": "ada", "GroupName": "dba"},
    ),
)
