"""Whose conversations a caller may read: his own, or with one more right those of the whole account."""

from typing import Final

from housecall.api.operation import Call

OTHERS: Final = "rdsai:AccessConversationsOfOthers"
"""The action, no operation of its own, that opens the conversations of an account's other users: to read, to rate and
to stop. Root has it. Asking on in another's conversation is never possible."""


async def owner_of(call: Call) -> str | None:
    """The user whose conversations count for this call; None when those of every user of the account do."""
    ruling = await call.app.access.rights.decide(call.caller, OTHERS, context=call.conditions)
    return None if ruling.allowed else call.caller.user_id
