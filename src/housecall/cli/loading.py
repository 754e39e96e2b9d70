"""What most commands begin with: settings, the language of the text, and an event loop."""

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from housecall.errors import RequestError

if TYPE_CHECKING:
    from housecall.settings import Settings
    from housecall.wording import Language

ResultT = TypeVar("ResultT")


def settings_for_command(**overrides: Any) -> "Settings":
    """The settings, with warnings and worse logged to stderr; more with HOUSECALL_LOG_LEVEL=debug."""
    import logging
    import os

    from housecall.cli.failures import wants_traceback
    from housecall.settings import load_settings

    os.environ.setdefault("PYDANTIC_AI_NO_BANNER", "1")  # it would stand in the middle of the first answer
    logging.basicConfig(
        level=logging.DEBUG if wants_traceback() else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    return load_settings(**overrides)


def language_for(settings: "Settings", tag: str | None) -> "Language":
    """The language that an option or the settings name, else English. Raises RequestError for one not spoken."""
    from housecall.wording import DEFAULT_LANGUAGE, LANGUAGES, language_of_tag

    if tag and language_of_tag(tag) is None:
        raise RequestError(f"Language '{tag}' is not spoken; choose one of {', '.join(LANGUAGES)}")
    return language_of_tag(tag) or language_of_tag(settings.language) or DEFAULT_LANGUAGE


def run_in_loop(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    import asyncio

    return asyncio.run(work)
