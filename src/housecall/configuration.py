"""The configuration file `housecall.toml`: the models that may answer, and settings that are not in the environment.

It is `HOUSECALL_CONFIG`, else `housecall.toml` in the home, else there is none. Mistakes are told with file and line,
all of them at once. What the environment says wins: a setting's own variable, and `HOUSECALL_MODEL` with its base URL
and key for the model that answers by default.

Keys are named, not written: `{ env = "NAME" }` or `{ file = "/path" }`; only `{ plain = "…" }` holds one itself. They
are read when a model is built and masked wherever a configuration is shown.
"""

import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from housecall.addresses import check_base_url
from housecall.errors import SetupError
from housecall.toml_lines import Place, line_of, lines_of

FILE_NAME = "housecall.toml"
BUILTIN = "builtin"
MAX_FILE_BYTES = 1024 * 1024
WAYS = '{ env = "NAME" }, { file = "/path" } or { plain = "…" }'

Feature = Literal["text", "vision"]
ThinkingLevel = Literal["default", "low", "high"]


class _Part(BaseModel):
    """A part of the file: every name in it is known, and none is guessed from another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


class KeyReference(_Part):
    """Where a key is: exactly one of the three."""

    env: str | None = None
    """Environment variable that holds the key."""
    file: str | None = None
    """File whose first line is the key."""
    plain: SecretStr | None = None
    """The key itself; whoever reads the file has it then."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(bool(each) for each in (self.env, self.file, self.plain)) != 1:
            raise ValueError(f"it must be one of {WAYS}")
        return self

    def read(self, what: str, environment: Mapping[str, str]) -> SecretStr:
        """The key. Raises SetupError naming `what` it is for and the variable or file that does not give it."""
        if self.plain is not None:
            return self.plain
        if self.env is not None:
            found = environment.get(self.env, "")
            if not found:
                raise SetupError(f"The key of {what} is not there: set the environment variable {self.env}.")
            return SecretStr(found)
        assert self.file is not None
        try:
            lines = Path(self.file).expanduser().read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise SetupError(f"The key of {what} cannot be read from {self.file}: {why}.") from error
        if not lines or not lines[0].strip():
            raise SetupError(f"The key of {what} is not there: the first line of {self.file} is empty.")
        return SecretStr(lines[0].strip())


class Price(_Part):
    """What a million tokens cost."""

    input: Annotated[float, Field(strict=False, ge=0, allow_inf_nan=False)]
    """Of the prompt."""
    output: Annotated[float, Field(strict=False, ge=0, allow_inf_nan=False)]
    """Of the answer, thinking included."""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    """Three letters such as USD or CNY."""


class ModelEntry(_Part):
    """One model that callers may choose by its id."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,99}$")]
    """What Inputs.ModelId and GetChatModel call it."""
    provider: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")] = "openai"
    """openai speaks to every OpenAI-compatible endpoint; also anthropic, ollama and what pydantic-ai knows."""
    name: Annotated[str, Field(min_length=1, max_length=200)] = ""
    """What the provider calls it; the id by default."""
    allow_link_local: bool = False
    """Let base_url lead to link-local and metadata addresses, which give away a machine's credentials."""
    base_url: str | None = None
    """Where the endpoint is, such as http://127.0.0.1:8000/v1; the provider's own by default."""
    key: KeyReference | None = None
    """Where its key is: { env = "NAME" } or { file = "/path" }, or { plain = "…" } for the key itself."""
    context_window: Annotated[int, Field(ge=1024)] | None = None
    """Tokens that prompt, history and answer may have together."""
    features: tuple[Feature, ...] = ("text",)
    """text, vision."""
    thinking_levels: tuple[ThinkingLevel, ...] = ()
    """default, low, high: what Inputs.ThinkEffort may ask for. Empty: it does not think, and is not told to."""
    thinking_off: Mapping[str, Any] | None = None
    """Fields for the request body that turn thinking off, where the endpoint takes no reasoning_effort of none."""
    price: Price | None = None
    """What a million tokens cost."""
    fallback: str | None = None
    """Id of the model that answers when this one fails; builtin is always there."""
    default: bool = False
    """Whether it answers when nobody chose a model."""
    timeout_seconds: Annotated[float, Field(strict=False, gt=0, le=600)] = 60.0
    """Longest silence of the endpoint before it counts as failed."""
    retries: Annotated[int, Field(ge=0, le=5)] = 1
    """How often a request that failed for a passing reason is made again."""

    @field_validator("features", "thinking_levels", mode="before")
    @classmethod
    def _each_once(cls, value: Any) -> Any:
        if isinstance(value, list) and len({str(each) for each in value}) < len(value):
            raise ValueError("it names something twice")
        return tuple(value) if isinstance(value, list) else value

    @field_validator("base_url")
    @classmethod
    def _leads_somewhere_safe(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None:
            check_base_url(value, allow_link_local=info.data.get("allow_link_local", False))
        return value

    @property
    def model_name(self) -> str:
        return self.name or self.id


class Configuration(_Part):
    """What the file says. `settings` are values by the names of the settings table, secrets still as references."""

    path: Path | None = None
    settings: Mapping[str, Any] = Field(default_factory=dict)
    models: tuple[ModelEntry, ...] = ()


def find_file(home: Path, environment: Mapping[str, str]) -> Path | None:
    """The file that counts. Raises SetupError when HOUSECALL_CONFIG names one that is not there."""
    named = environment.get("HOUSECALL_CONFIG")
    if named:
        path = Path(named).expanduser()
        if not path.is_file():
            raise SetupError(f"HOUSECALL_CONFIG={named} is no file; write it, or unset the variable.")
        return path
    try:
        return found if (found := home / FILE_NAME).is_file() else None
    except OSError:  # a home that this user may not enter is told of where it is opened
        return None


def read_configuration(path: Path, known_settings: Mapping[str, Any]) -> Configuration:
    """The file's content. `known_settings` gives the type of every setting that the file may set.

    Raises:
        SetupError: each mistake on a line of its own, as `housecall.toml, line 12: …`.
    """
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise SetupError(f"{path} has {size} bytes; a configuration has at most {MAX_FILE_BYTES}.")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SetupError(f"{path} is not UTF-8: byte {error.start + 1} cannot be read.") from error
    return parse_configuration(text, path, known_settings)


def parse_configuration(text: str, path: Path, known_settings: Mapping[str, Any]) -> Configuration:
    """As `read_configuration`, from text. Pure."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SetupError(_syntax(path, str(error), text)) from None
    places = lines_of(text)
    mistakes = [
        *_unknown_tables(content),
        *_setting_mistakes(content.get("settings", {}), known_settings),
    ]
    models, more = _models(content.get("model", []))
    mistakes += more
    if mistakes:
        told = sorted({(line_of(places, where), what) for where, what in mistakes})
        raise SetupError("\n".join(f"{path}, line {line}: {what}" for line, what in told))
    return Configuration(path=path, settings=content.get("settings", {}), models=tuple(models))


Mistake = tuple[Place, str]


def _syntax(path: Path, message: str, text: str) -> str:
    """tomllib ends with `(at line 3, column 5)` or `(at end of document)`."""
    what, _, where = message.rpartition(" (at ")
    line = where.removeprefix("line ").partition(",")[0]
    number = int(line) if line.isdigit() else len(text.splitlines())
    return f"{path}, line {number}: this is no TOML: {what or message}."


def _unknown_tables(content: Mapping[str, Any]) -> Iterable[Mistake]:
    for name, value in content.items():
        if name not in ("settings", "model"):
            yield (name,), f"there is no table {name!r}; there are [settings] and [[model]]"
        elif name == "settings" and not isinstance(value, dict):
            yield (name,), "settings must be a table: write [settings]"


def _setting_mistakes(settings: Any, known: Mapping[str, Any]) -> Iterable[Mistake]:
    for name, value in settings.items() if isinstance(settings, dict) else ():
        place = ("settings", name)
        if name not in known:
            yield place, f"there is no setting {name!r}; there are {', '.join(sorted(known))}"
        elif "SecretStr" in str(known[name]):
            yield from _told(place, _problems(KeyReference, value))
        elif not _fits_type(value, known[name]):
            yield place, f"{name} must be {_type_name(known[name])}, not {value!r}"


def _fits_type(value: Any, kind: Any) -> bool:
    if kind in (int, float):
        return isinstance(value, int if kind is int else (int, float)) and not isinstance(value, bool)
    return isinstance(value, str)


def _type_name(kind: Any) -> str:
    return "a whole number" if kind is int else "a number" if kind is float else "a text"


def _models(found: Any) -> tuple[list[ModelEntry], list[Mistake]]:
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        return [], [(("model",), "models are written as [[model]], once for each")]
    models: list[ModelEntry] = []
    mistakes: list[Mistake] = []
    for number, each in enumerate(found):
        problems = _problems(ModelEntry, each)
        mistakes += _told(("model", number), problems)
        if not problems:
            models.append(ModelEntry.model_validate(each))
    return models, [*mistakes, *_between(_named(found))]


def _problems(kind: type[_Part], value: Any) -> list[tuple[Place, str]]:
    try:
        kind.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        return [(each["loc"], _sentence(kind, each)) for each in found]
    return []


def _sentence(kind: type[_Part], problem: Any) -> str:
    """What is wrong with one value. The value itself is not repeated: it may be a key in the wrong place."""
    name = ".".join(str(part + 1) if isinstance(part, int) else part for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        inner: Mapping[str, type[BaseModel]] = {"key": KeyReference, "price": Price}
        known = kind if len(problem["loc"]) == 1 else inner.get(str(problem["loc"][0]))
        there = f"; there are {', '.join(known.model_fields)}" if known else ""
        return f"there is no {name!r}{there}"
    if problem["type"] == "missing":
        return f"{name!r} is missing"
    if problem["type"] in ("model_type", "model_attributes_type") and (kind is KeyReference or name == "key"):
        return f"{name or 'a secret'} must say where it is: {WAYS}"
    what = str(problem["msg"]).removeprefix("Value error, ")
    return f"{name}: {what}" if name else what


def _told(place: Place, problems: Sequence[tuple[Place, str]]) -> list[Mistake]:
    return [((*place, *where), what) for where, what in problems]


@dataclass(frozen=True, slots=True)
class _Named:
    """What a model says of others, whatever else is wrong with it. `number` is its place in the file."""

    number: int
    id: str | None
    fallback: str | None
    default: bool


def _named(found: Sequence[Mapping[str, Any]]) -> list[_Named]:
    def text(each: Mapping[str, Any], name: str) -> str | None:
        return value if isinstance(value := each.get(name), str) else None

    return [
        _Named(number, text(each, "id"), text(each, "fallback"), each.get("default") is True)
        for number, each in enumerate(found)
    ]


def _between(models: Sequence[_Named]) -> Iterable[Mistake]:
    """What is wrong with several models together."""
    ids: dict[str, _Named] = {}
    for each in models:
        if each.id is not None and each.id in ids:
            yield ("model", each.number, "id"), f"model {each.id!r} is there twice"
        if each.id == BUILTIN:
            yield ("model", each.number, "id"), f"{BUILTIN!r} is the built-in diagnostician, which is always there"
        if each.id is not None:
            ids.setdefault(each.id, each)
    defaults = [each for each in models if each.default]
    for each in defaults[1:]:
        yield (
            ("model", each.number, "default"),
            f"only one model can be the default; {defaults[0].id or 'another'!r} is already",
        )
    for each in models:
        if each.fallback is not None and each.fallback not in (*ids, BUILTIN):
            known = ", ".join([*ids, BUILTIN])
            yield (
                ("model", each.number, "fallback"),
                f"there is no model {each.fallback!r} to fall back to; there are {known}",
            )
        elif each.fallback is not None and _goes_round(each, ids):
            yield ("model", each.number, "fallback"), "the fallbacks go round in a circle"


def _goes_round(start: _Named, by_id: Mapping[str, _Named]) -> bool:
    seen, at = {start.id}, start.fallback
    while at is not None and at in by_id:
        if at in seen:
            return True
        seen.add(at)
        at = by_id[at].fallback
    return False


def setting_values(
    configuration: Configuration, known: Mapping[str, Any], environment: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The settings of the file as values of their types. Keys are read now, unless a setting takes the reference: one
    that most commands do without. Raises SetupError for one not there."""
    source = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    for name, value in configuration.settings.items():
        if "KeyReference" in str(known[name]):
            values[name] = KeyReference.model_validate(value)
        elif "SecretStr" in str(known[name]):
            values[name] = KeyReference.model_validate(value).read(f"the setting {name!r}", source)
        elif "Path" in str(known[name]):
            values[name] = Path(value).expanduser()
        else:
            values[name] = float(value) if known[name] is float else value
    return values
