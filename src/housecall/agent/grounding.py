"""What a model's answer says that nothing it was given says: numbers and names without a source. Pure.

The built-in diagnostician renders from evidence and needs none of this. Any other model may make things up, and its
reader must see which parts nobody measured. So every number and every object name of an answer is looked for in what
the turn had: tool results, the questions, and the texts that people wrote for the agent.

A number is grounded when a source has it, when it is one in another unit, a percentage of one, the length of a list,
or small enough to count things of the answer itself. A name is one in backticks, one with an underscore, or a table or
column of an SQL block; what a block creates is new by right. Names of the product itself (`work_mem`, `pg_class`) are
no claim about this server and pass.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from housecall.wording import Language, Say

SMALL = 30
"""Up to this many, a whole number may count causes, checks or steps of the answer itself."""
MOST_TOLD = 10
MAX_BLOCK_CHARACTERS = 20_000

_NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?")
_VALUE = re.compile(r"\d[\d,]*(?:\.\d+)?(?:[eE][+-]?\d+)?")
_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?|\b\d{1,2}:\d\d(?::\d\d)?\b"
)
_VERSION = re.compile(r"\b\d+(?:\.\d+){2,}\b|\b(?:PostgreSQL|MySQL|MariaDB)\s+\d+(?:\.\d+)*", re.IGNORECASE)
_BLOCK = re.compile(r"^(`{3,})[^\n]*\n(.*?)^\1\s*$", re.DOTALL | re.MULTILINE)
_QUOTED = re.compile(r"`([^`\n]{2,200})`")
_SNAKE = re.compile(r"(?<![\w.$/-])[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+(?:\.[A-Za-z_]\w*)?(?![\w/-])")
_NAME = re.compile(r'"?[A-Za-z_][\w$]*"?(?:\."?[A-Za-z_][\w$]*"?){0,2}')
_WORD = re.compile(r"[A-Za-z_][\w$]*")
_UNITS = (1.0, 100.0, 1000.0, 0.001, 1 / 60, 1 / 3600, 1 / 86400, 60.0, 1 / 1024, 1 / 1024**2, 1 / 1024**3, 1 / 1024**4)
_ALWAYS = frozenset({100.0})  # of a percentage
_OF_THE_PRODUCT = re.compile(
    r"pg_\w+|information_schema|performance_schema|innodb_\w+|mysql|sys|public|(?:auto)?vacuum_\w+|autovacuum\w*|"
    r"\w+_(?:mem|buffers|timeout|connections|cost|scale_factor|threshold|workers|size|limit|delay|target)|"
    r"(?:shared|wal|max|min|log|track|enable|jit|random|seq|default|checkpoint|hot|statement|idle|lock|synchronous|"
    r"effective|maintenance|work|temp|binlog|sync|query|join|sort|tmp|read|thread|table|long|slow)_\w+"
)


@dataclass(frozen=True, slots=True)
class Sources:
    """What a turn had to go by, made ready for looking up."""

    values: tuple[float, ...]
    text: str
    words: frozenset[str]


def sources_of(results: Iterable[Any], texts: Iterable[str] = ()) -> Sources:
    """From tool results (JSON values) and what people wrote."""
    kept = list(results)
    whole = "\n".join([json.dumps(each, ensure_ascii=False, default=str) for each in kept] + list(texts))
    values = {float(found.replace(",", "")) for found in _VALUE.findall(whole) if len(found) < 40}
    values |= {float(count) for each in kept for count in _lengths(each)}
    text = _squeezed(whole.replace("\\n", " ").replace('\\"', '"'))
    return Sources(tuple(sorted(values)), text, frozenset(_WORD.findall(text)))


def ungrounded(answer: str, sources: Sources, vocabulary: Iterable[str] = ()) -> list[str]:
    """The numbers and names of an answer that no source has, in the order of the answer, each once.

    `vocabulary` are names of this product itself: tools, skills and the like.
    """
    own = {each.lower() for each in vocabulary}
    prose = _BLOCK.sub("", answer)
    wrong = [each for each in _names(prose) if not _is_known(each, sources, own)]
    wrong += [
        each
        for _fence, block in _BLOCK.findall(answer)
        if _squeezed(block) not in sources.text
        for each in _objects(block)
        if not _is_known(each, sources, own)
    ]
    wrong += [number for number in _numbers(prose) if not _is_told(number, sources.values)]
    return list(dict.fromkeys(wrong))


_NOTE = Say(
    en="⚠ Not confirmed: no tool result of this conversation has {what}. Check before you rely on it.",
    zh="⚠ 未经证实：本次对话的任何工具结果中都没有 {what}。采信之前请先核实。",
    tc="⚠ 未經證實：本次對話的任何工具結果中都沒有 {what}。採信之前請先核實。",
    ja="⚠ 未確認：この会話のツールの結果に {what} はありません。使う前に確かめてください。",
)
_MORE = Say(
    en="{what} and {more} more",
    zh="{what} 以及另外 {more} 项",
    tc="{what} 以及另外 {more} 項",
    ja="{what} と他 {more} 件",
)


def note_on(found: Sequence[str], language: Language) -> str:
    """The sentence that stands under an answer of which these have no source."""
    what = ", ".join(f"`{each}`" for each in found[:MOST_TOLD])
    if len(found) > MOST_TOLD:
        what = _MORE(what=what, more=len(found) - MOST_TOLD).render(language)
    return _NOTE(what=what).render(language)


def _names(prose: str) -> Iterator[str]:
    for quoted in _QUOTED.findall(prose):
        if _NAME.fullmatch(quoted):
            yield quoted
        elif re.match(
            r"\s*(?:select|insert|update|delete|with|create|drop|alter|explain|analyze|vacuum)\b", quoted, re.I
        ):
            yield from _objects(quoted)
    yield from _SNAKE.findall(_QUOTED.sub(" ", prose))


def _objects(statement: str) -> Iterator[str]:
    """Tables and columns that SQL speaks of, without what it creates. Nothing for what is no SQL."""
    if len(statement) > MAX_BLOCK_CHARACTERS:
        return
    for dialect in ("postgres", "mysql"):
        try:
            trees = [tree for tree in sqlglot.parse(statement, read=dialect) if tree is not None]
        except SqlglotError:
            continue
        made = {name for tree in trees for name in _made(tree)}
        for tree in trees:
            for node in tree.find_all(exp.Table, exp.Column):
                if node.name and node.name.lower() not in made:
                    yield node.name
        return


def _made(tree: exp.Expr) -> Iterator[str]:
    """Names that a statement itself introduces."""
    for alias in tree.find_all(exp.CTE, exp.TableAlias, exp.Alias):
        yield alias.alias_or_name.lower()
    for create in tree.find_all(exp.Create):
        if create.args.get("kind") in ("INDEX", "TABLE", "VIEW") and create.this is not None:
            made = create.this.this if isinstance(create.this, exp.Schema) else create.this
            yield made.name.lower()


def _is_known(name: str, sources: Sources, own: set[str]) -> bool:
    plain = name.replace('"', "")
    if plain.lower() in own or plain.isupper() or plain in sources.text:
        return True
    parts = plain.split(".")
    return all(part in sources.words or _OF_THE_PRODUCT.fullmatch(part.lower()) is not None for part in parts)


def _numbers(prose: str) -> Iterator[str]:
    for found in _NUMBER.finditer(_VERSION.sub(" ", _MOMENT.sub(" ", prose))):
        yield found.group().rstrip(",")


def _is_told(number: str, known: tuple[float, ...]) -> bool:
    value = float(number.replace(",", ""))
    if (value <= SMALL and value == int(value)) or value in _ALWAYS:
        return True
    half = 0.5 * 10.0 ** -len(number.partition(".")[2])
    return any(_has_between(known, (value - half) / unit, (value + half) / unit) for unit in _UNITS)


def _has_between(known: tuple[float, ...], least: float, most: float) -> bool:
    place = bisect_left(known, least)
    return place < len(known) and known[place] <= most


def _lengths(value: Any) -> Iterator[int]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _lengths(each)
    elif isinstance(value, list):
        yield len(value)
        for each in value:
            yield from _lengths(each)


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().rstrip(";…")
