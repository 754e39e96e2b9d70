"""Which models there are to choose from: those of the configuration file, the one of the environment, and `builtin`.

Light to import: GetChatModel and the command line list models without loading any.
"""

from dataclasses import dataclass

from pydantic import SecretStr, ValidationError

from housecall.addresses import check_base_url
from housecall.configuration import BUILTIN, KeyReference, ModelEntry
from housecall.errors import RequestError, SetupError
from housecall.settings import Settings, read_file

BUILTIN_WINDOW = 24_000
"""What the diagnostician gets to read of a conversation (`history.HISTORY_TOKENS`)."""

COMPATIBLE = ("openai", "openai-chat", "ollama")
"""Providers that are an OpenAI-compatible endpoint, so that a base URL makes sense."""


@dataclass(frozen=True, slots=True)
class ModelRoster:
    """Every model by its place in the list: the configured ones in the order of the file, `builtin` last."""

    entries: tuple[ModelEntry, ...]
    default_id: str

    @property
    def default(self) -> ModelEntry:
        return self.find(self.default_id)

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(each.id for each in self.entries)

    def find(self, model_id: str) -> ModelEntry:
        """Raises RequestError (InvalidParameter) naming the models that there are."""
        for each in self.entries:
            if each.id == model_id:
                return each
        raise RequestError(
            f"The provided parameter is invalid. Inputs.ModelId: there is no model {model_id[:100]!r}; there are"
            f" {', '.join(self.ids)}."
        )

    def chain(self, model_id: str) -> tuple[ModelEntry, ...]:
        """The model and those that answer when it fails, in order. Raises RequestError as `find`."""
        found = [self.find(model_id)]
        while (fallback := found[-1].fallback) is not None and all(each.id != fallback for each in found):
            found.append(self.find(fallback))
        return tuple(found)

    def check_effort(self, model_id: str | None, effort: str | None) -> None:
        """Raises RequestError when a model that thinks at several levels has no such one.

        A model that does not think has nothing to set, and ignores the wish.
        """
        levels = self.find(model_id or self.default_id).thinking_levels
        if effort not in (None, "default", *levels) and levels:
            raise RequestError(
                f"The provided parameter is invalid. Inputs.ThinkEffort: model {model_id or self.default_id!r} has no"
                f" level {effort!r}; it has {', '.join(levels)}."
            )


def builtin_entry() -> ModelEntry:
    return ModelEntry(id=BUILTIN, provider=BUILTIN, context_window=BUILTIN_WINDOW)


def load_roster(settings: Settings) -> ModelRoster:
    """The models of this installation.

    Raises:
        SetupError: the file or HOUSECALL_MODEL cannot work, with the line or the variable.
    """
    entries = [*(read_file(settings.config).models if settings.config else ()), builtin_entry()]
    named = settings.model.strip()
    if named.lower() == BUILTIN:
        return ModelRoster(tuple(entries), BUILTIN)
    if named:
        known = next((each for each in entries if each.id == named), None)
        chosen = _overridden(known, settings) if known else _from_environment(named, settings)
        entries = [chosen, *(each for each in entries if each.id != chosen.id)]
        return ModelRoster(tuple(entries), chosen.id)
    default = next((each.id for each in entries if each.default), BUILTIN)
    return ModelRoster(tuple(entries), default)


def _overridden(entry: ModelEntry, settings: Settings) -> ModelEntry:
    changes: dict[str, object] = {}
    if settings.model_base_url:
        changes["base_url"] = _checked(settings.model_base_url)
    if settings.model_api_key:
        changes["key"] = _reference(settings.model_api_key)
    return entry.model_copy(update=changes) if changes else entry


def _from_environment(named: str, settings: Settings) -> ModelEntry:
    """`provider:model`, or the bare name of what an OpenAI-compatible endpoint serves."""
    provider, _, name = named.partition(":") if ":" in named else ("", "", named)
    if not name:
        raise SetupError(f"HOUSECALL_MODEL={named!r} names no model; write it as provider:model, as in openai:gpt-5")
    if not provider and not settings.model_base_url:
        raise SetupError(
            f"HOUSECALL_MODEL={named!r} is neither a model of the configuration file nor provider:model, as in"
            " openai:gpt-5"
        )
    if settings.model_base_url and provider and provider not in COMPATIBLE:
        raise SetupError(
            f"HOUSECALL_MODEL_BASE_URL is for OpenAI-compatible endpoints; write HOUSECALL_MODEL=openai:{name},"
            f" or unset HOUSECALL_MODEL_BASE_URL to use {provider!r}"
        )
    try:
        return ModelEntry(
            id=named,
            provider=provider or "openai",
            name=name,
            base_url=_checked(settings.model_base_url) if settings.model_base_url else None,
            key=_reference(settings.model_api_key) if settings.model_api_key else None,
        )
    except ValidationError as error:
        why = error.errors(include_url=False, include_input=False)[0]["msg"]
        raise SetupError(f"HOUSECALL_MODEL={named!r} cannot be used: {why}") from None


def _reference(key: SecretStr | KeyReference) -> KeyReference:
    return key if isinstance(key, KeyReference) else KeyReference(plain=key)


def _checked(url: str) -> str:
    try:
        check_base_url(url)
    except ValueError as error:
        raise SetupError(
            f"HOUSECALL_MODEL_BASE_URL={url!r} cannot be used: {error}; a model that needs more than a URL and a key"
            " belongs into housecall.toml"
        ) from None
    return url


def only(model_id: str) -> ModelRoster:
    """A roster of one model that is not configured: what tests and embedders hand in."""
    entry = builtin_entry().model_copy(update={"id": model_id})
    return ModelRoster((entry,), model_id)
