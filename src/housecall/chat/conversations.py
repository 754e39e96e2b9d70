"""Conversations and their messages, as people page through them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Literal, TypeVar

from housecall.events import Event, RunStatus
from housecall.turn import ApprovalMode

ItemT = TypeVar("ItemT")
SortBy = Literal["CreatedAt", "-CreatedAt", "UpdatedAt", "-UpdatedAt"]
ConversationStatus = Literal["idle", "running", "pending_approval"]
Rating = Literal["like", "dislike"]


@dataclass(frozen=True, slots=True)
class Page(Generic[ItemT]):
    """Some items and whether there are more in the direction of paging."""

    items: tuple[ItemT, ...]
    has_more: bool
    limit: int


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as it is listed. `status` is pending_approval before running before idle."""

    id: str
    name: str
    introduction: str
    created_at: datetime
    updated_at: datetime
    status: ConversationStatus
    pinned: bool
    approval_mode: ApprovalMode

    @property
    def is_running(self) -> bool:
        return self.status == "running"


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One question with its answer. `answer` is what is known so far while the run lives."""

    id: str
    conversation_id: str
    parent_id: str | None
    query: str
    answer: str
    status: RunStatus
    feedback: Rating | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    run_id: str


class Conversations:
    """Reads conversations and messages of one account and user; keeps ratings."""

    async def list_conversations(
        self,
        account_id: str,
        user_id: str,
        *,
        last_id: str | None = None,
        limit: int = 100,
        pinned: bool | None = None,
        sort_by: SortBy = "-CreatedAt",
    ) -> Page[Conversation]:
        """The conversations after `last_id` in the wished order. Raises NotFound (ConversationNotFound) for `last_id`."""
        raise NotImplementedError

    async def list_messages(
        self, account_id: str, conversation_id: str, *, first_id: str | None = None, limit: int = 100
    ) -> Page[StoredMessage]:
        """The newest messages, or those before `first_id`; oldest first within the page.

        Raises NotFound (ConversationNotFound, MessageNotFound).
        """
        raise NotImplementedError

    async def events_of(self, messages: Sequence[StoredMessage]) -> dict[str, tuple[Event, ...]]:
        """The stored events of each message's run, by message id; the same that its stream gave."""
        raise NotImplementedError

    async def set_feedback(
        self, account_id: str, message_id: str, rating: Rating | None, content: str | None = None
    ) -> None:
        """Keep what a person thinks of an answer; None revokes. Raises NotFound (MessageNotFound)."""
        raise NotImplementedError
