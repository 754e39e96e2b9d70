"""GetChatModel: the models that a question may choose by Inputs.ModelId."""

from housecall.api.operation import Call, Operation
from housecall.api.wire import WireModel, WireRequest, WireResponse


class GetChatModelRequest(WireRequest):
    """It takes no parameters."""


class ChatModelItem(WireModel):
    """A model. Without `thinking_levels` it has nothing to set there; the built-in diagnostician does not think."""

    model_id: str
    default: bool
    features: tuple[str, ...]
    context_window: int | None
    thinking_levels: tuple[str, ...]


class GetChatModelResponse(WireResponse):
    """Every model, that of the file first; `builtin` is always there."""

    data: tuple[ChatModelItem, ...]


async def get_chat_model(call: Call, request: GetChatModelRequest) -> GetChatModelResponse:  # noqa: ARG001
    roster = call.app.models
    return GetChatModelResponse(
        data=tuple(
            ChatModelItem(
                model_id=each.id,
                default=each.id == roster.default_id,
                features=each.features,
                context_window=each.context_window,
                thinking_levels=each.thinking_levels,
            )
            for each in roster.entries
        )
    )


OPERATIONS = (
    Operation(
        name="GetChatModel",
        request=GetChatModelRequest,
        response=GetChatModelResponse,
        summary="List the models that may answer, with their windows, features and levels of thinking.",
        handler=get_chat_model,
        access="get",
    ),
)
