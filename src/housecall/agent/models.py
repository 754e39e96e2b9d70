"""The models that answer, built from their entries: the built-in diagnostician, or any that pydantic-ai can reach.

Endpoints are reached by a client that follows no redirects and asks no link-local or metadata address, also when a
name leads there, unless the entry allows it.
"""

import asyncio
import os
import re
import socket
from typing import Any

import httpx2
from pydantic_ai.exceptions import AgentRunError, UserError
from pydantic_ai.models import Model, infer_model
from pydantic_ai.settings import ModelSettings

from housecall.addresses import is_forbidden_address
from housecall.agent.entries import COMPATIBLE, load_roster
from housecall.configuration import BUILTIN, ModelEntry
from housecall.errors import ModelError, SetupError
from housecall.settings import Settings

__all__ = ["BUILTIN", "build_entry", "build_model", "entry_reachable", "model_error", "model_reachable", "settings_for"]


class ForbiddenAddress(httpx2.ConnectError):
    """A name of a model's endpoint leads to an address where machines keep their credentials."""


def build_model(settings: Settings) -> Model[Any]:
    """The model that answers by default. Raises SetupError as `load_roster` and `build_entry`."""
    return build_entry(load_roster(settings).default)


def build_entry(entry: ModelEntry) -> Model[Any]:
    """The model of an entry. Its key is read now.

    Raises:
        SetupError: the name, the provider or the key cannot work.
    """
    if entry.provider == BUILTIN:
        from housecall.agent.builtin.model import DiagnosticianModel

        return DiagnosticianModel()
    key = entry.key.read(f"model {entry.id!r}", os.environ).get_secret_value() if entry.key else None
    if entry.provider in COMPATIBLE and (entry.base_url or key) and (entry.base_url or entry.provider != "ollama"):
        return _openai(entry, key)
    if entry.provider == "anthropic" and (entry.base_url or key):
        return _anthropic(entry, key)
    if entry.base_url or key:
        raise SetupError(
            f"Model {entry.id!r}: a base URL or a key can be set for openai, ollama (with its URL) and anthropic only;"
            f" {entry.provider!r} takes them from environment variables of its own."
        )
    return _inferred(entry)


def settings_for(entry: ModelEntry, inputs: Any) -> ModelSettings | None:
    """What a request to this model is to be made with; `inputs` are the turn's. None for the diagnostician."""
    if entry.provider == BUILTIN:
        return None
    settings = ModelSettings(timeout=entry.timeout_seconds, max_retries=entry.retries)
    thinking = thinking_of(inputs)
    if thinking is not None:
        settings["thinking"] = thinking
    return settings


def thinking_of(inputs: Any) -> Any:
    """The wish for thinking: False, True, "low", "high", or None when the caller has none.

    A level without EnableThinking asks for thinking; EnableThinking=false wins over a level.
    """
    enabled, effort = inputs.get("enable_thinking"), inputs.get("think_effort")
    if enabled is False:
        return False
    return effort if effort in ("low", "high") else enabled


def _openai(entry: ModelEntry, key: str | None) -> Model[Any]:
    """An OpenAI-compatible endpoint: vLLM, Ollama, DeepSeek, DashScope and many gateways."""
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.profiles.openai import OpenAIModelProfile
    from pydantic_ai.providers.openai import OpenAIProvider

    # Without the flag a stream that a proxy cuts in the middle passes for a complete answer.
    profile = OpenAIModelProfile(openai_chat_streaming_requires_finish_reason=True)
    if entry.thinking_levels:
        profile["supports_thinking"] = True
    if entry.thinking_off is not None:
        profile["openai_chat_thinking_false_body"] = dict(entry.thinking_off)
    if entry.context_window is not None:
        profile["context_window"] = entry.context_window
    provider = OpenAIProvider(base_url=entry.base_url, api_key=key or "none", http_client=_client(entry))
    _hand_over(provider, entry)
    return OpenAIChatModel(entry.model_name, provider=provider, profile=profile)


def _anthropic(entry: ModelEntry, key: str | None) -> Model[Any]:
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    if key is None:
        raise SetupError(f'Model {entry.id!r} needs a key: add key = {{ env = "NAME" }}.')
    provider = AnthropicProvider(api_key=key, base_url=entry.base_url, http_client=_client(entry))
    _hand_over(provider, entry)
    return AnthropicModel(entry.model_name, provider=provider)


def _hand_over(provider: Any, entry: ModelEntry) -> None:
    """Let the provider close its client when the last request is over and make another for the next.

    It does so with clients that it made itself; one with our hook it would leave open.
    """
    provider._own_http_client = provider.client._client  # noqa: SLF001
    provider._http_client_factory = lambda: _client(entry)  # noqa: SLF001


def _client(entry: ModelEntry) -> Any:
    from pydantic_ai.models import create_async_httpx2_client

    client = create_async_httpx2_client()
    if not entry.allow_link_local:
        client.event_hooks["request"] = [*client.event_hooks["request"], _refuse_forbidden_addresses]
    return client


async def _refuse_forbidden_addresses(request: Any) -> None:
    """Raises ForbiddenAddress. Asked before each request, since what a name leads to changes."""
    host = request.url.host
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, request.url.port, type=socket.SOCK_STREAM)
    except OSError:
        return  # a proxy may know the name, and a connection that cannot be made says so itself
    for _, _, _, _, address in found:
        if is_forbidden_address(str(address[0])):
            raise ForbiddenAddress(
                f"{host} leads to {address[0]}, where machines keep their credentials; set allow_link_local = true in"
                " its [[model]] if it is meant"
            )


def _inferred(entry: ModelEntry) -> Model[Any]:
    name = f"{entry.provider}:{entry.model_name}"
    try:
        return infer_model(name)
    except (UserError, ValueError) as error:
        reason = str(error).splitlines()[0][:300]
        raise SetupError(
            f"Model {entry.id!r} ({name}) cannot be used: {reason}; see HOUSECALL_MODEL and its key"
        ) from error
    except ImportError as error:
        raise SetupError(f"Model {entry.id!r} ({name}) needs a package that is not installed: {error}") from error


async def model_reachable(settings: Settings) -> str | None:
    """None when the default model answers a tiny request, else what is wrong. For `housecall doctor`."""
    try:
        entry = load_roster(settings).default
    except SetupError as error:
        return error.message
    return await entry_reachable(entry)


async def entry_reachable(entry: ModelEntry) -> str | None:
    """None when this model answers a tiny request, else what is wrong."""
    from pydantic_ai.direct import model_request
    from pydantic_ai.messages import ModelRequest

    try:
        model = build_entry(entry)
        if entry.provider != BUILTIN:
            question = [ModelRequest.user_text_prompt("Reply with the word ok.")]
            async with model:
                await model_request(model, question, model_settings=settings_for(entry, {}))
    except SetupError as error:
        return error.message
    except (AgentRunError, UserError, OSError) as error:
        return model_error(entry.id, error).message
    return None


ADVICE = "check its name, base URL and key in housecall.toml or HOUSECALL_MODEL, or choose the model 'builtin'"


def model_error(name: str, error: BaseException) -> ModelError:
    """A failure of a model as a sentence for a person. Never the request, which may hold the key."""
    from pydantic_ai import exceptions

    reasons: list[tuple[type[BaseException], str]] = [
        (exceptions.ModelAuthenticationError, f"it refused the key; {ADVICE}"),
        (exceptions.ModelNotFoundError, f"its endpoint does not know it; {ADVICE}"),
        (exceptions.ModelRateLimitError, "it is over its rate limit; try again in a minute"),
        (exceptions.ModelQuotaExceededError, "its quota is used up; top it up, or choose the model 'builtin'"),
        (exceptions.ModelContextWindowExceededError, "the conversation is too long for it; start a new one"),
        (exceptions.ModelTimeoutError, "its endpoint was silent for too long; try again, or raise its timeout_seconds"),
        (exceptions.ModelConnectionError, f"its endpoint cannot be reached; {ADVICE}"),
        (exceptions.ModelServerError, "its endpoint failed; try again"),
        (
            exceptions.UsageLimitExceeded,
            "it did not come to an answer within the steps of a turn; ask for less at once",
        ),
    ]
    forbidden = _forbidden(error)
    found = str(forbidden) if forbidden else next((why for kind, why in reasons if isinstance(error, kind)), None)
    if found is None:
        found = f"{clean(str(error))}; {ADVICE}"
    return ModelError(f"The model '{name}' did not answer: {found}")


def _forbidden(error: BaseException | None) -> ForbiddenAddress | None:
    while error is not None and not isinstance(error, ForbiddenAddress):
        error = error.__cause__ or error.__context__
    return error


def clean(text: str) -> str:
    """The first line of a provider's message, short, with anything that looks like a key masked."""
    line = text.strip().splitlines()[0][:300] if text.strip() else "it gave no reason"
    return re.sub(r"\b(sk|key|pk|Bearer)[-_ ][A-Za-z0-9_\-]{6,}", "***", line)
