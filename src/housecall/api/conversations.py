"""Conversations and messages: what was asked and answered before, to read, to rate, to pin, to rename and to delete.

The oddities of the wire are kept as they are (contract, 4.1): times are texts of Unix seconds, HasMore of
GetConversations is the text "true" or "false" and that of GetMessages a boolean, and the events of a message have
lower-case `event` and `answer`. They are the very events that the stream told.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from housecall.api.access_scope import owner_of
from housecall.api.chat import EventModeChoice
from housecall.api.files import message_file
from housecall.api.operation import Call, Operation
from housecall.api.sse import event_bodies, join_answer
from housecall.api.wire import (
    Flag,
    OptionalText,
    Success,
    Text,
    WireModel,
    WireRequest,
    WireResponse,
    choice,
    whole_number,
)
from housecall.chat.conversations import Conversation, Rating, SortBy, StoredMessage
from housecall.errors import RequestError
from housecall.events import Event, Happening

DEFAULT_LIMIT = 100
MAX_NAME_CHARACTERS = 200
MAX_INTRODUCTION_CHARACTERS = 2_000
STOP_SECONDS = 5.0
"""A stop takes effect within a second; after this long the answer is said to be running still."""

Limit = Annotated[int | None, whole_number(1, 100)]


def unix_text(moment: datetime | None) -> str | None:
    return None if moment is None else str(int(moment.timestamp()))


class GetConversationsRequest(WireRequest):
    """`last_id` is the last conversation of the page before."""

    last_id: OptionalText = None
    """Last conversation of the page before."""
    limit: Limit = None
    """Conversations on a page, 1 to 100; 100 by default."""
    pinned: Flag = None
    """Only pinned ones, or only the others."""
    sort_by: Annotated[SortBy | None, choice("CreatedAt", "-CreatedAt", "UpdatedAt", "-UpdatedAt")] = None
    """CreatedAt or UpdatedAt, with a leading - for newest first; -CreatedAt by default."""
    workspace_id: OptionalText = None
    """Accepted and ignored."""


class ConversationItem(WireModel):
    """A conversation; times are texts of Unix seconds."""

    id: str
    name: str
    introduction: str
    created_at: str
    updated_at: str
    is_running: bool
    status: str
    pinned: bool


class GetConversationsResponse(WireResponse):
    """`has_more` is a text here, as the SDKs declare it."""

    data: tuple[ConversationItem, ...]
    has_more: Literal["true", "false"]
    limit: int


def _conversation_item(conversation: Conversation) -> ConversationItem:
    return ConversationItem(
        id=conversation.id,
        name=conversation.name,
        introduction=conversation.introduction,
        created_at=unix_text(conversation.created_at) or "",
        updated_at=unix_text(conversation.updated_at) or "",
        is_running=conversation.is_running,
        status=conversation.status,
        pinned=conversation.pinned,
    )


async def get_conversations(call: Call, request: GetConversationsRequest) -> GetConversationsResponse:
    page = await call.app.conversations.list_conversations(
        call.caller.account_id,
        call.caller.user_id,
        last_id=request.last_id,
        limit=request.limit or DEFAULT_LIMIT,
        pinned=request.pinned,
        sort_by=request.sort_by or "-CreatedAt",
    )
    return GetConversationsResponse(
        data=tuple(_conversation_item(item) for item in page.items),
        has_more="true" if page.has_more else "false",
        limit=page.limit,
    )


class PinConversationRequest(WireRequest):
    """Pinned ones are found with Pinned of GetConversations."""

    conversation_id: Text
    """The conversation."""
    pinned: Flag = None
    """false takes the pin away; true by default."""


class RenameConversationRequest(WireRequest):
    """What is left out stays."""

    conversation_id: Text
    """The conversation."""
    name: OptionalText = None
    """Its name, up to 200 characters."""
    introduction: OptionalText = None
    """What it is about, up to 2,000 characters."""


class ConversationResponse(WireResponse):
    """The conversation as it is now."""

    conversation: ConversationItem


class DeleteConversationRequest(WireRequest):
    """An answer that is being written is stopped first."""

    conversation_id: Text
    """The conversation."""


async def pin_conversation(call: Call, request: PinConversationRequest) -> ConversationResponse:
    changed = await call.app.conversations.change_conversation(
        call.caller.account_id, call.caller.user_id, request.conversation_id, pinned=request.pinned is not False
    )
    return ConversationResponse(conversation=_conversation_item(changed))


async def rename_conversation(call: Call, request: RenameConversationRequest) -> ConversationResponse:
    _check_length("Name", request.name, MAX_NAME_CHARACTERS)
    _check_length("Introduction", request.introduction, MAX_INTRODUCTION_CHARACTERS)
    changed = await call.app.conversations.change_conversation(
        call.caller.account_id,
        call.caller.user_id,
        request.conversation_id,
        name=request.name,
        introduction=request.introduction,
    )
    return ConversationResponse(conversation=_conversation_item(changed))


def _check_length(name: str, text: str | None, most: int) -> None:
    if text is not None and (len(text) > most or not text.strip()):
        raise RequestError(
            f"The provided parameter is invalid. {name}: it must have 1 to {most} characters, not {len(text)}."
        )


async def delete_conversation(call: Call, request: DeleteConversationRequest) -> Success:
    account_id, user_id = call.caller.account_id, call.caller.user_id
    for run_id in await call.app.conversations.live_runs(account_id, user_id, request.conversation_id):
        await call.app.runs.stop(account_id, run_id, user_id=user_id)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await call.app.runs.wait(run_id)
    await call.app.conversations.delete_conversation(account_id, user_id, request.conversation_id)
    return Success()


class GetMessagesRequest(WireRequest):
    """`first_id` is the oldest message of the page before. Without `event_mode` Answer is the text alone.

    With `separate` each message has its events and the documents it used; with `inline` Answer embeds both.
    """

    conversation_id: Text
    """The conversation."""
    first_id: OptionalText = None
    """Oldest message of the page before, to get earlier ones."""
    limit: Limit = None
    """Messages on a page, 1 to 100; 100 by default."""
    event_mode: EventModeChoice = None
    """separate adds the events of each message, inline embeds tool calls in Answer; without it Answer is the text."""
    workspace_id: OptionalText = None
    """Accepted and ignored."""


class MessageEvent(WireModel):
    """An event as history. The first two names are lower case on the wire."""

    event: str = Field(alias="event")
    answer: str = Field(alias="answer")
    conversation_id: str
    message_id: str
    call_id: str | None = None
    round_id: str | None = None
    tool_name: str | None = None
    tool_arguments: Mapping[str, Any] | None = None
    description: str | None = None
    approval_status: str | None = None


class MessageItem(WireModel):
    """A question and its answer. `stream_key` is the run, `last_sent_entry_id` the number of its last event."""

    id: str
    conversation_id: str
    query: str
    answer: str
    created_at: str
    feedback: Rating | None
    retriever_resources: tuple[Mapping[str, Any], ...] = ()
    message_files: tuple[Mapping[str, Any], ...] = ()
    events: tuple[MessageEvent, ...] = ()
    generation_status: str
    generation_started_at: str | None
    generation_finished_at: str | None
    stream_key: str
    last_sent_entry_id: str


class GetMessagesResponse(WireResponse):
    """A page of messages, oldest first."""

    data: tuple[MessageItem, ...]
    has_more: bool
    limit: int


def _message_events(message: StoredMessage, events: Sequence[Event]) -> tuple[MessageEvent, ...]:
    place = {"ConversationId": message.conversation_id, "MessageId": message.id}
    bodies = [body for event in events for body in event_bodies(event.happening, "separate")]
    return tuple(
        MessageEvent.model_validate(body | place | {"event": body["Event"], "answer": body["Answer"]})
        for body in bodies
    )


def _resource(happening: Happening) -> Mapping[str, Any]:
    return {"Content": happening.answer}


def _message_item(
    message: StoredMessage, events: Sequence[Event], files: tuple[Mapping[str, Any], ...], request: GetMessagesRequest
) -> MessageItem:
    return MessageItem(
        message_files=files,
        id=message.id,
        conversation_id=message.conversation_id,
        query=message.query,
        answer=join_answer(events, "inline") if request.event_mode == "inline" else message.answer,
        created_at=unix_text(message.created_at) or "",
        feedback=message.feedback,
        retriever_resources=tuple(_resource(each.happening) for each in events if each.happening.name == "doc"),
        events=_message_events(message, events) if request.event_mode == "separate" else (),
        generation_status=message.status,
        generation_started_at=unix_text(message.started_at),
        generation_finished_at=unix_text(message.finished_at),
        stream_key=message.run_id,
        last_sent_entry_id=str(message.last_event_number),
    )


async def get_messages(call: Call, request: GetMessagesRequest) -> GetMessagesResponse:
    conversations = call.app.conversations
    page = await conversations.list_messages(
        call.caller.account_id,
        request.conversation_id,
        user_id=await owner_of(call),
        first_id=request.first_id,
        limit=request.limit or DEFAULT_LIMIT,
    )
    events = await conversations.events_of(page.items) if request.event_mode else {}  # many rows; read when asked for
    attached = await call.app.files.of_messages([message.id for message in page.items])
    files = {
        message_id: tuple(message_file(call.app, each) for each in listed) for message_id, listed in attached.items()
    }
    return GetMessagesResponse(
        data=tuple(
            _message_item(message, events.get(message.id, ()), files.get(message.id, ()), request)
            for message in page.items
        ),
        has_more=page.has_more,
        limit=page.limit,
    )


class ModifyMessagesFeedbacksRequest(WireRequest):
    """An empty rating revokes."""

    message_id: Text
    """The message that was answered."""
    rating: Annotated[Rating | None, choice("like", "dislike")] = None
    """like or dislike; empty takes it back."""
    content: OptionalText = None
    """What a person has to say about it."""
    workspace_id: OptionalText = None
    """Accepted and ignored."""


async def modify_messages_feedbacks(call: Call, request: ModifyMessagesFeedbacksRequest) -> Success:
    await call.app.conversations.set_feedback(
        call.caller.account_id, request.message_id, request.rating, request.content, user_id=await owner_of(call)
    )
    return Success()


OPERATIONS = (
    Operation(
        name="GetConversations",
        request=GetConversationsRequest,
        response=GetConversationsResponse,
        summary="List your conversations, newest first.",
        handler=get_conversations,
        errors=("ConversationNotFound",),
        example={"Limit": 10, "SortBy": "-UpdatedAt"},
    ),
    Operation(
        name="PinConversation",
        request=PinConversationRequest,
        response=ConversationResponse,
        summary="Pin a conversation, or take the pin away.",
        handler=pin_conversation,
        access="update",
        errors=("ConversationNotFound",),
        example={"ConversationId": "8227be22-5c94-4d0e-9b1a-0f3c2d7e6a51", "Pinned": True},
    ),
    Operation(
        name="RenameConversation",
        request=RenameConversationRequest,
        response=ConversationResponse,
        summary="Give a conversation another name or introduction.",
        handler=rename_conversation,
        access="update",
        errors=("ConversationNotFound",),
        example={"ConversationId": "8227be22-5c94-4d0e-9b1a-0f3c2d7e6a51", "Name": "The slow shop"},
    ),
    Operation(
        name="DeleteConversation",
        request=DeleteConversationRequest,
        response=Success,
        summary="Delete a conversation with its messages, their events and the files that came with it.",
        handler=delete_conversation,
        access="delete",
        errors=("ConversationNotFound", "ConversationRunning"),
        example={"ConversationId": "8227be22-5c94-4d0e-9b1a-0f3c2d7e6a51"},
    ),
    Operation(
        name="GetMessages",
        request=GetMessagesRequest,
        response=GetMessagesResponse,
        summary="Read the questions and answers of a conversation, page by page from the newest.",
        handler=get_messages,
        errors=("ConversationNotFound", "MessageNotFound"),
        example={"ConversationId": "8227be22-5c94-4d0e-9b1a-0f3c2d7e6a51", "Limit": 10, "EventMode": "separate"},
    ),
    Operation(
        name="ModifyMessagesFeedbacks",
        request=ModifyMessagesFeedbacksRequest,
        response=Success,
        summary="Say whether an answer helped, or take that back.",
        handler=modify_messages_feedbacks,
        access="update",
        errors=("MessageNotFound",),
        example={"MessageId": "a79c881c-0c3e-425d-b9fd-51a2e0c4d7b8", "Rating": "like", "Content": "That was it."},
    ),
)
