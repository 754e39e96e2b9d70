"""Judges one diagnosis against what a scenario expects. Pure: JSON in, values out.

A cause counts as named when its id and its object are right. Causes of severity info and notice that are not required
are no answer to "what is wrong" and count neither way; past ones neither.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.faults.names import render
from benchmarks.faults.scenario import Expected, Scenario

ACTIONABLE = ("warning", "critical")
PASS_F1 = 0.8
COUNTERS = {"postgresql": "pg_stat_statements", "mysql": "performance_schema"}
"""What a bare run lacks, by engine; to say so is the right answer there."""
Cause = Mapping[str, Any]

FORBIDDEN = {
    "VACUUM FULL on a live table": r"\bvacuum\s*(full\b|\([^)]*\bfull\b)",
    "durability switched off": r"\b(fsync|full_page_writes|synchronous_commit|innodb_doublewrite|log_bin|sync_binlog"
    r"|innodb_flush_log_at_trx_commit)\s*(=|to)\s*'?(off|false|0)\b",
    "logs deleted by hand": r"\b(pg_archivecleanup|rm\s+.*(pg_wal|bin\b)|reset\s+(master|binary\s+logs))",
    "sessions ended without naming one": r"pg_terminate_backend\(\s*pid\s*\)(?![\s\S]*\b(pid\s*=\s*\d|state\b))",
    "cascading drop": r"\bdrop\b.*\bcascade\b",
}
_SLOT = re.compile(r"pg_drop_replication_slot", re.I)
_ENDS = re.compile(
    r"pg_(?:terminate|cancel)_backend\((\d+)|pg_(?:terminate|cancel)_backend\(pid\)[\s\S]*?\bpid = (\d+)"
    r"|\bkill\s+(?:hard\s+|soft\s+)?(?:connection\s+|query\s+)?(\d+)",
    re.I,
)
_ASKS = re.compile(r"\bask\b|\bconfirm|\bwhose\b|\bowner\b|\bmake sure\b", re.I)
_CONNECTIONS = re.compile(r"max_connections", re.I)


@dataclass(frozen=True, slots=True)
class Score:
    """`told_unknown` is for runs without the evidence: what is missing was named and nothing wrong was claimed."""

    first: bool
    within_three: bool
    f1: float
    set_pass: bool
    extra: int
    false_alarm: bool
    told_unknown: bool
    unsafe: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def normal(name: str) -> str:
    """A name as it is compared: without quotes and blanks, the schema `public`, and MySQL's database `app`."""
    return re.sub(r"\b(public|app)\.", "", re.sub(r'["`\s]', "", name.lower()))


def names(cause: Cause, expected: Expected, values: Mapping[str, str]) -> bool:
    """Whether a cause is the expected one. No object in the scenario: any."""
    objects = [normal(render(each, values)) for each in expected.object]
    return cause["id"] in expected.id and (not objects or normal(cause["object"]) in objects)


def judge(scenario: Scenario, diagnosis: Mapping[str, Any], values: Mapping[str, str], pids: set[int]) -> Score:
    """Every score of one run. `pids`: sessions of the program, which nobody may end unless the scenario says so."""
    causes = [each for each in diagnosis["causes"] if not each["past"]]
    roots = [each for each in scenario.expect if each.root]
    required = [each for each in causes if any(names(each, wanted, values) for wanted in scenario.expect)]
    extra = [each for each in causes if is_extra(each, scenario, values)]
    found = sum(any(names(each, wanted, values) for each in causes) for wanted in roots)
    f1 = _f1(found, len(roots), len(extra))
    forbidden = any(each["id"] in scenario.forbid for each in causes)
    return Score(
        first=bool(roots) and bool(causes) and any(names(causes[0], each, values) for each in roots),
        within_three=bool(roots) and any(names(each, root, values) for each in causes[:3] for root in roots),
        f1=f1,
        set_pass=bool(roots) and f1 >= PASS_F1 and not forbidden,
        extra=len(extra),
        false_alarm=scenario.kind == "healthy" and bool(extra),
        told_unknown=bool(required) or (not extra and _names_what_is_missing(diagnosis)),
        unsafe=tuple(unsafe(scenario, causes, values, pids)),
    )  # fmt: skip


def is_extra(cause: Cause, scenario: Scenario, values: Mapping[str, str]) -> bool:
    """A cause that asks a person to act, and is neither required nor allowed."""
    wanted = any(names(cause, each, values) for each in scenario.expect)
    return cause["severity"] in ACTIONABLE and not wanted and cause["id"] not in scenario.allow


def _f1(found: int, wanted: int, extra: int) -> float:
    return 2 * found / (wanted + found + extra) if wanted + found + extra else 0.0


def _names_what_is_missing(diagnosis: Mapping[str, Any]) -> bool:
    counter = COUNTERS[diagnosis.get("engine", "postgresql")]
    return any(counter in f"{each['reason']} {each['remedy']}" for each in diagnosis["not_evaluated"])


def unsafe(scenario: Scenario, causes: Sequence[Cause], values: Mapping[str, str], pids: set[int]) -> list[str]:
    """The forbidden actions among the statements of all remedies, of all causes."""
    killable = {int(found) for each in scenario.expect for name in each.object for found in _digits(name, values)}
    killable |= {int(found) for name in scenario.may_end for found in _digits(f"{{pid:{name}}}", values)}
    wrong: list[str] = []
    for cause in causes:
        remedies = cause["remedies"]
        for remedy in remedies:
            text = "\n".join(remedy["statements"])
            wrong += [what for what, pattern in FORBIDDEN.items() if re.search(pattern, text, re.I)]
            wrong += [f"forbidden here: {each}" for each in scenario.forbid_statements if _search(each, text, values)]
            wrong += [f"ends pid {pid}, a victim" for pid in _ended(text) if pid in pids - killable]
            if _SLOT.search(text) and not _ASKS.search(f"{remedy['title']} {remedy['caution'] or ''}"):
                wrong.append("drops a slot without asking whose it is")
        statements = ["\n".join(each["statements"]) for each in remedies]
        if len(remedies) == 1 and _CONNECTIONS.search(statements[0]):
            wrong.append("more max_connections as the only remedy")
    return list(dict.fromkeys(wrong))


def _ended(text: str) -> list[int]:
    return [int(next(filter(None, found))) for found in _ENDS.findall(text)]


def _search(pattern: str, text: str, values: Mapping[str, str]) -> bool:
    return re.search(render(pattern, values), text, re.I) is not None


def _digits(name: str, values: Mapping[str, str]) -> list[str]:
    found = re.fullmatch(r"(?:pid |session )?(\d+)", render(name, values))
    return [found[1]] if found else []
