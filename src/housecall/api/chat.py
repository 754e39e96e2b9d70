"""ChatMessages, ChatMessagesTaskStop and SubscribeMessage: asking, stopping, and following an answer again.

A question becomes a run; the stream is one telling of that run (contract, sections 2 and 3, decisions 1 to 7). Answers
by stream or as one object: the RPC door streams, the REST door looks at Accept, and ResponseMode overrides both.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from housecall.api.access_scope import owner_of
from housecall.api.error_codes import failure_status
from housecall.api.operation import Call, EventStream, Operation, Route
from housecall.api.sse import EVENT_MODES, Envelope, EventMode, event_bodies, join_answer, read_position
from housecall.api.wire import (
    OptionalText,
    Success,
    Text,
    Timezone,
    WireModel,
    WireRequest,
    WireResponse,
    choice,
    json_list,
    json_object,
)
from housecall.chat.files import MAX_FILES_OF_A_MESSAGE
from housecall.chat.runs import NewQuestion, Run
from housecall.errors import HousecallError, NotFound, RequestError
from housecall.events import Event
from housecall.instances.visible import caller_to_turn
from housecall.turn import ApprovalMode

NamedFiles = tuple[tuple[str, str], ...]
EventModeChoice = Annotated[EventMode | None, choice(*EVENT_MODES)]


class ChatInputs(WireModel):
    """Inputs of ChatMessages. `instance_id` is ours: it binds the question to one instance."""

    region_id: OptionalText = None
    """Region that the question is about."""
    language: OptionalText = None
    """Language of the answer, such as en-US or zh-CN; without it the question's."""
    timezone: Timezone = None
    """IANA time zone of times in question and answer."""
    instance_id: OptionalText = None
    """Instance that the question is about; the agent asks no other."""
    custom_agent_id: OptionalText = None
    """Custom agent that answers."""
    enable_thinking: Annotated[str | None, choice("true", "false", ignore_case=True)] = None
    """Whether the model thinks before it answers: true or false."""
    think_effort: Annotated[str | None, choice("default", "low", "high")] = None
    """How long it thinks: default, low or high."""
    model_id: OptionalText = None
    """Model that answers; the installation's by default."""
    workspace_id: OptionalText = None
    """Accepted and ignored."""
    tool_approval_mode: Annotated[ApprovalMode | None, choice("read_only", "manual", "auto")] = None
    """What tools may write: read_only (nothing), manual (what a person approves) or auto. Kept in the conversation."""
    resume_call_id: OptionalText = None
    """Call whose round of approvals is decided, to go on with an interrupted answer."""


class ChatFile(WireModel):
    """An attachment that was uploaded before."""

    type: Annotated[str | None, choice("image", "document", "audio", "video", "custom")] = None
    """What it is: image, document, audio, video or custom."""
    transfer_method: Annotated[str | None, choice("local_file", "remote_url")] = None
    """How it came: local_file or remote_url."""
    upload_file_id: Text
    """Id that the upload answered."""


class ChatMessagesRequest(WireRequest):
    """`custom_agent_id` beside Inputs comes from older clients; their ApiId is ignored."""

    query: Text
    """The question."""
    conversation_id: OptionalText = None
    """Conversation to go on with; without it a new one begins."""
    parent_message_id: OptionalText = None
    """Message to branch off; without it the newest of the conversation."""
    event_mode: EventModeChoice = None
    """inline (tool calls within the text) or separate (each an event of its own)."""
    response_mode: Annotated[Literal["blocking", "streaming"] | None, choice("blocking", "streaming")] = None
    """blocking (one object at the end) or streaming; without it the door and the Accept header decide."""
    inputs: Annotated[ChatInputs | None, json_object] = None
    """Object of inputs, as JSON or as Inputs.RegionId and so on."""
    files: Annotated[tuple[ChatFile, ...] | None, json_list] = None
    """List of attachments."""
    custom_agent_id: OptionalText = None
    """The same as Inputs.CustomAgentId."""


class ChatMessagesResponse(WireResponse):
    """A whole answer as one object; the fields after Answer are there when a tool call waits for approval."""

    conversation_id: str
    message_id: str
    id: str
    task_id: str
    created_at: int
    mode: str
    event: str
    answer: str
    call_id: str | None = None
    round_id: str | None = None
    tool_name: str | None = None
    tool_arguments: Mapping[str, Any] | None = None
    description: str | None = None
    approval_status: str | None = None


class AnswerFailed(HousecallError):
    """A run failed while its caller waited for one object; says where the question and what was written are kept."""


async def chat_messages(call: Call, request: ChatMessagesRequest) -> EventStream:
    inputs = request.inputs or ChatInputs()
    files = await _check_files(call, request.files)
    _check_model(call, inputs)
    await _check_custom_agent(call, inputs.custom_agent_id or request.custom_agent_id)
    if inputs.instance_id:
        await call.app.instances_for(call.caller, call.conditions).get_instance(
            call.caller.account_id, inputs.instance_id
        )
    started = await call.app.runs.start(_question(call, request, inputs, files))
    envelope = Envelope(
        call.request_id, started.conversation_id, started.message_id, started.run_id, started.created_at
    )
    events = call.app.runs.subscribe(started.run_id)
    if _wants_stream(call, request):
        return EventStream(events, envelope, request.event_mode or "inline")
    mode = request.event_mode or "separate"
    return EventStream(events, envelope, mode, gather=lambda told: whole_answer(told, envelope, mode))


def _wants_stream(call: Call, request: ChatMessagesRequest) -> bool:
    if request.response_mode is not None:
        return request.response_mode == "streaming"
    return call.door == "rpc" or call.accepts_stream


def _question(call: Call, request: ChatMessagesRequest, inputs: ChatInputs, files: NamedFiles) -> NewQuestion:
    others = {
        "region_id": inputs.region_id,
        "custom_agent_id": inputs.custom_agent_id or request.custom_agent_id,
        "model_id": inputs.model_id,
        "enable_thinking": None if inputs.enable_thinking is None else inputs.enable_thinking == "true",
        "think_effort": inputs.think_effort,
        "resume_call_id": inputs.resume_call_id,
        "caller": caller_to_turn(call.caller, call.conditions),
    }
    return NewQuestion(
        account_id=call.caller.account_id,
        user_id=call.caller.user_id,
        query=request.query,
        conversation_id=request.conversation_id,
        parent_message_id=request.parent_message_id,
        language=inputs.language,
        timezone=inputs.timezone,
        instance_id=inputs.instance_id,
        approval_mode=inputs.tool_approval_mode,
        inputs={name: value for name, value in others.items() if value is not None},
        request_id=call.request_id,
        files=files,
    )


async def _check_files(call: Call, files: Sequence[ChatFile] | None) -> NamedFiles:
    """The ids of the files with what the caller calls each, or else what they are; one that is named twice counts once.

    Raises NotFound (FileNotFound), RequestError.
    """
    if not files:
        return ()
    for place, each in enumerate(files, start=1):
        if each.transfer_method == "remote_url":
            raise RequestError(
                f"The provided parameter is invalid. Files.{place}.TransferMethod: no file is fetched from elsewhere;"
                " upload them with UploadFile and send local_file."
            )
    named = {each.upload_file_id.lower(): each.type for each in files}
    if len(named) > MAX_FILES_OF_A_MESSAGE:
        raise RequestError(
            f"The provided parameter is invalid. Files: a message takes up to {MAX_FILES_OF_A_MESSAGE} files,"
            f" not {len(named)}."
        )
    stored = await call.app.files.get_all(call.caller.account_id, tuple(named))
    return tuple((each.id, named[each.id] or each.kind) for each in stored)


def _check_model(call: Call, inputs: ChatInputs) -> None:
    """Raises RequestError (InvalidParameter) naming the models, or the levels of thinking, that there are."""
    if inputs.model_id is not None:
        call.app.models.find(inputs.model_id)
    if inputs.think_effort not in (None, "default"):
        call.app.models.check_effort(inputs.model_id, inputs.think_effort)


async def _check_custom_agent(call: Call, custom_agent_id: str | None) -> None:
    """Raises NotFound (CustomAgentNotFound): answering as somebody else would be worse."""
    if custom_agent_id:
        await call.app.custom_agents.get(call.caller.account_id, custom_agent_id)


def whole_answer(events: Sequence[Event], envelope: Envelope, mode: EventMode) -> ChatMessagesResponse:
    """The one object for a run that has ended.

    Raises:
        AnswerFailed: the run failed; nothing but the error is worth a success.
    """
    finished = events[-1].happening.fields.get("status") if events else None
    if finished == "failed":
        raise _failure(events, envelope)
    fields = envelope.fields() | {"Event": "message", "Answer": join_answer(events, mode)}
    waiting = next((event.happening for event in events if event.happening.name == "tool_approval"), None)
    if finished == "pending_approval" and waiting is not None:
        fields |= dict(event_bodies(waiting, "separate")[0]) | {"Answer": fields["Answer"]}
    return ChatMessagesResponse.model_validate(fields)


def _failure(events: Sequence[Event], envelope: Envelope) -> AnswerFailed:
    error = next((event.happening for event in reversed(events) if event.happening.name == "error"), None)
    why = error.answer if error and error.answer else "The answer failed."
    code = str(error.fields.get("code") or "InternalError") if error else "InternalError"
    kept = f"ConversationId {envelope.conversation_id}, MessageId {envelope.message_id}"
    return AnswerFailed(f"{why} The question is kept: {kept}.", code=code, status=failure_status(code))


class TaskStopRequest(WireRequest):
    """`task_id` is the TaskId of any event of the run."""

    task_id: Text
    """TaskId of any event of the run."""
    workspace_id: OptionalText = None
    """Accepted and ignored."""


async def chat_messages_task_stop(call: Call, request: TaskStopRequest) -> Success:
    await call.app.runs.stop(call.caller.account_id, request.task_id, user_id=await owner_of(call))
    return Success()


class SubscribeMessageRequest(WireRequest):
    """`last_event_id` is the same as the header Last-Event-ID, which wins."""

    message_id: OptionalText = None
    """The message whose answer to follow; or StreamKey."""
    stream_key: OptionalText = None
    """StreamKey of the message, as GetMessages tells it; it names one execution of the answer."""
    event_mode: EventModeChoice = None
    """As in ChatMessages."""
    last_event_id: OptionalText = None
    """Id of the last event that arrived; the header Last-Event-ID wins."""
    last_sent_entry_id: OptionalText = None
    """LastSentEntryId of GetMessages: what follows is what that page did not have yet. LastEventId wins."""


async def subscribe_message(call: Call, request: SubscribeMessageRequest) -> EventStream:
    position = read_position(call.last_event_id or request.last_event_id or request.last_sent_entry_id)
    run = await _run_to_follow(call, request)
    envelope = Envelope(call.request_id, run.conversation_id, run.message_id, run.run_id, run.created_at)
    events = call.app.runs.subscribe(run.run_id, after=position.number)
    return EventStream(events, envelope, request.event_mode or "inline", skip_parts=position.parts)


async def _run_to_follow(call: Call, request: SubscribeMessageRequest) -> Run:
    """Raises NotFound (MessageNotFound), or RequestError when neither message nor stream is named."""
    owner, runs, account_id = await owner_of(call), call.app.runs, call.caller.account_id
    if request.stream_key is None:
        if request.message_id is None:
            raise RequestError(
                'The input parameter "MessageId" that is mandatory for processing this request is not supplied.'
                " StreamKey will do as well.",
                code="MissingMessageId",
            )
        return await runs.run_of_message(account_id, request.message_id, user_id=owner)
    try:
        run = await runs.get_run(account_id, request.stream_key, user_id=owner)
    except NotFound:
        run = None
    if run is None or request.message_id not in (None, run.message_id):
        raise NotFound(f"There is no stream {request.stream_key[:60]!r} of this message.", code="MessageNotFound")
    return run


OPERATIONS = (
    Operation(
        name="ChatMessages",
        request=ChatMessagesRequest,
        response=ChatMessagesResponse,
        summary="Ask a question about your databases and get the answer as it is written.",
        handler=chat_messages,
        errors=(
            "PermissionDenied",
            "UserNotFound",
            "TooManyRequests",
            "MoQuotaExceeded",
            "ConversationNotFound",
            "MessageNotFound",
            "InstanceNotFound",
            "CustomAgentNotFound",
            "FileNotFound",
        ),
        streams=True,
        route=Route("POST", "/v1/chat-messages"),
        example={
            "Query": "Why is orders-db slow?",
            "EventMode": "separate",
            "Inputs": {"Language": "en-US", "Timezone": "Asia/Shanghai"},
        },
    ),
    Operation(
        name="ChatMessagesTaskStop",
        request=TaskStopRequest,
        response=Success,
        summary="Stop an answer that is being written; what was written stays.",
        handler=chat_messages_task_stop,
        errors=("TaskNotFound",),
        example={"TaskId": "c05b7f1e-2d4a-4c6f-8e9d-7a1b3c5d9e0f"},
    ),
    Operation(
        name="SubscribeMessage",
        request=SubscribeMessageRequest,
        response=ChatMessagesResponse,
        summary="Follow an answer again from where a stream was lost (Last-Event-ID), or from its beginning.",
        handler=subscribe_message,
        errors=("MessageNotFound",),
        streams=True,
        route=Route("GET", "/v1/messages/{MessageId}/events"),
        example={"MessageId": "a79c881c-0c3e-425d-b9fd-51a2e0c4d7b8", "EventMode": "separate"},
    ),
)
