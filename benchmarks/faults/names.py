"""What a seed decides: names of tables and columns, row counts, and the values of a scenario. Pure.

The same seed gives the same names, on every machine. Placeholders are `{name}`; `{pid:holder}` becomes known while a
program runs, and `{random:1:500}` and `{n}` are put in at each repetition. `{series:5000}` is a derived table of the
numbers from 1, for engines that have no generate_series.
"""

import random
import re
from collections.abc import Mapping
from typing import Any

from benchmarks.faults.scenario import Scenario, ScenarioError, Schema

SPREAD = 0.5
"""Row counts vary by this share around the base, both ways."""
_PLACEHOLDER = re.compile(r"\{([a-z_]+(?::[a-z_0-9]+)?)\}")
_NUMBERS = re.compile(r"\{numbers:(\d+)\}")
_SERIES = re.compile(r"\{series:(\d+)\}")
_RANDOM = re.compile(r"\{random:(\d+):(\d+)\}")

Values = dict[str, str]


def generator(*parts: Any) -> random.Random:
    """A generator of its own for these parts; text seeds it alike everywhere."""
    return random.Random("|".join(str(part) for part in parts))


def schema_values(schema: Schema, seed: int) -> Values:
    """The names and row counts of a schema under a seed."""
    chance = generator(schema.id, seed)
    names = {role: chance.choice(list(pool)) for role, pool in sorted(schema.names.items())}
    rows = {
        role: str(round(base * chance.uniform(1 - SPREAD, 1 + SPREAD))) for role, base in sorted(schema.rows.items())
    }
    return names | rows


def scenario_values(scenario: Scenario, known: Mapping[str, str], seed: int, variant: str) -> Values:
    """A scenario's own values on top of the schema's: one of several texts, or a number between two."""
    chance = generator(scenario.id, seed, variant)
    values = dict(known)
    for name, choices in scenario.values.items():
        whole = len(choices) == 2 and all(isinstance(each, int) for each in choices)
        picked = str(chance.randint(*choices)) if whole else render(str(chance.choice(list(choices))), values)
        values[name] = picked
    return values


def render(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders filled; `{pid:…}` may stay for later.

    Raises:
        ScenarioError: a placeholder that nothing fills.
    """

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        if name in values:
            return values[name]
        if ":" in name or name == "n":
            return match[0]
        raise ScenarioError(f"nothing fills {match[0]} in: {text[:120]}")

    return _SERIES.sub(_series, _PLACEHOLDER.sub(fill, text))


def _series(found: re.Match[str]) -> str:
    last = found[1]
    return f"(WITH RECURSIVE g (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {last}) SELECT n FROM g) AS g"


def repetition(text: str, number: int, chance: random.Random) -> str:
    """The text of one repetition; `{numbers:4000}` becomes a list of so many."""
    text = _NUMBERS.sub(lambda found: ", ".join(str(chance.randint(1, 90_000)) for _ in range(int(found[1]))), text)
    return _RANDOM.sub(lambda found: str(chance.randint(int(found[1]), int(found[2]))), text).replace(
        "{n}", str(number)
    )
