"""Which model answers: the built-in diagnostician, or any model that pydantic-ai can reach."""

from typing import Any

from pydantic_ai.exceptions import AgentRunError, UserError
from pydantic_ai.models import Model, infer_model

from housecall.errors import ModelError, SetupError
from housecall.settings import Settings

BUILTIN = "builtin"
_COMPATIBLE_PREFIXES = ("openai", "openai-chat", "")


def build_model(settings: Settings) -> Model[Any]:
    """The model of these settings.

    Raises:
        SetupError: the name, the base URL or the key cannot work, with the variable's name.
    """
    name = settings.model.strip()
    if name.lower() in ("", BUILTIN):
        from housecall.agent.builtin.model import DiagnosticianModel

        return DiagnosticianModel()
    provider, _, model_name = name.rpartition(":")
    if not model_name:
        raise SetupError(f"HOUSECALL_MODEL={name!r} names no model; write it as provider:model, as in openai:gpt-5")
    if settings.model_base_url:
        return _compatible(settings, provider, model_name, settings.model_base_url)
    if settings.model_api_key and provider in (*_COMPATIBLE_PREFIXES, "anthropic"):
        return _with_key(settings, provider, model_name)
    return _inferred(name)


def _compatible(settings: Settings, provider: str, model_name: str, base_url: str) -> Model[Any]:
    """An OpenAI-compatible endpoint: vLLM, Ollama, DeepSeek, DashScope and many gateways."""
    if not base_url.startswith(("http://", "https://")):
        raise SetupError(f"HOUSECALL_MODEL_BASE_URL={base_url!r} is no URL; it starts with http:// or https://")
    if provider not in (*_COMPATIBLE_PREFIXES, "ollama"):
        raise SetupError(
            f"HOUSECALL_MODEL_BASE_URL is for OpenAI-compatible endpoints; write HOUSECALL_MODEL=openai:{model_name},"
            f" or unset HOUSECALL_MODEL_BASE_URL to use {provider!r}"
        )
    return _openai(model_name, base_url, _key(settings) or "none")


def _with_key(settings: Settings, provider: str, model_name: str) -> Model[Any]:
    key = _key(settings)
    if provider == "anthropic":
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.providers.anthropic import AnthropicProvider

        return AnthropicModel(model_name, provider=AnthropicProvider(api_key=key))
    return _openai(model_name, None, key)


def _openai(model_name: str, base_url: str | None, key: str | None) -> Model[Any]:
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.profiles.openai import OpenAIModelProfile
    from pydantic_ai.providers.openai import OpenAIProvider

    # Without the flag a stream that a proxy cuts in the middle passes for a complete answer.
    profile = OpenAIModelProfile(openai_chat_streaming_requires_finish_reason=True)
    return OpenAIChatModel(model_name, provider=OpenAIProvider(base_url=base_url, api_key=key), profile=profile)


def _key(settings: Settings) -> str | None:
    return settings.model_api_key.get_secret_value() if settings.model_api_key else None


def _inferred(name: str) -> Model[Any]:
    try:
        return infer_model(name)
    except (UserError, ValueError) as error:
        reason = str(error).splitlines()[0][:300]
        raise SetupError(f"HOUSECALL_MODEL={name!r} cannot be used: {reason}; see HOUSECALL_MODEL_API_KEY") from error
    except ImportError as error:
        raise SetupError(f"HOUSECALL_MODEL={name!r} needs a package that is not installed: {error}") from error


async def model_reachable(settings: Settings) -> str | None:
    """None when the model answers a tiny request, else what is wrong. For `housecall doctor`."""
    from pydantic_ai.direct import model_request
    from pydantic_ai.messages import ModelRequest

    try:
        model = build_model(settings)
        if settings.model.strip().lower() not in ("", BUILTIN):
            await model_request(model, [ModelRequest.user_text_prompt("Reply with the word ok.")])
    except SetupError as error:
        return error.message
    except (AgentRunError, UserError, OSError) as error:
        return model_error(settings.model, error).message
    return None


def model_error(name: str, error: BaseException) -> ModelError:
    """A failure of a model as a sentence for a person. Never the request, which may hold the key."""
    from pydantic_ai import exceptions

    advice = (
        "check HOUSECALL_MODEL, HOUSECALL_MODEL_BASE_URL and HOUSECALL_MODEL_API_KEY, or use HOUSECALL_MODEL=builtin"
    )
    reasons: list[tuple[type[BaseException], str]] = [
        (exceptions.ModelAuthenticationError, f"it refused the key; {advice}"),
        (exceptions.ModelNotFoundError, f"its endpoint does not know it; {advice}"),
        (exceptions.ModelRateLimitError, "it is over its rate limit; try again in a minute"),
        (exceptions.ModelQuotaExceededError, "its quota is used up; top it up, or use HOUSECALL_MODEL=builtin"),
        (exceptions.ModelContextWindowExceededError, "the conversation is too long for it; start a new one"),
        (exceptions.ModelConnectionError, f"its endpoint cannot be reached; {advice}"),
        (exceptions.ModelServerError, "its endpoint failed; try again"),
        (
            exceptions.UsageLimitExceeded,
            "it did not come to an answer within the steps of a turn; ask for less at once",
        ),
    ]
    found = next((why for kind, why in reasons if isinstance(error, kind)), None)
    if found is None:
        found = f"{clean(str(error))}; {advice}"
    return ModelError(f"The model '{name}' did not answer: {found}")


def clean(text: str) -> str:
    """The first line of a provider's message, short, with anything that looks like a key masked."""
    import re

    line = text.strip().splitlines()[0][:300] if text.strip() else "it gave no reason"
    return re.sub(r"\b(sk|key|pk|Bearer)[-_ ][A-Za-z0-9_\-]{6,}", "***", line)
