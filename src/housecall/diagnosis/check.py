"""Checks: pure functions from snapshots to findings, one small file each, found by their place in the tree.

A check module has a docstring (its page), a `CHECK`, and `judge(now, earlier, limits)`. `earlier` is a snapshot of
the same instance from before, for rates; None when there is only one. A check that needs a reading which is
Unavailable need not care: `Snapshot.rows` raises and the runner records NotEvaluated.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Literal

from housecall.diagnosis import unavailable
from housecall.diagnosis.finding import Finding, NotEvaluated, Severity
from housecall.diagnosis.snapshot import ReadingUnavailable, Snapshot
from housecall.engines.engine import EngineName
from housecall.wording import Say

Item = Literal[
    "instance_info", "resource_usage", "connection_session_management", "performance_metrics", "slow_query_analysis",
    "error_log_analysis", "lock_wait_deadlock_analysis", "backup_recovery_analysis",
    "high_availability_disaster_recovery_analysis", "security_configuration_analysis", "storage_engine_analysis",
    "schema_object_analysis",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Threshold:
    """A named number in a check and the reason, or the source, of its value."""

    name: str
    value: float
    why: str


class Limits:
    """The thresholds of one check by name, as attributes-by-index: `limits["min_size_bytes"]`."""

    def __init__(self, thresholds: Iterable[Threshold], overrides: Mapping[str, float] | None = None) -> None:
        self._values = {threshold.name: threshold.value for threshold in thresholds} | dict(overrides or {})

    def __getitem__(self, name: str) -> float:
        return self._values[name]


@dataclass(frozen=True, slots=True)
class Check:
    """What a check is. `severity` is the highest it gives; `title` is its name for people.

    `needs_window` marks a check whose findings come from counters since the last reset: when it finds something, the
    examination reads the counters again a little later, so that the past can be told from the present.
    """

    id: str
    item: Item
    severity: Severity
    title: Say
    thresholds: Sequence[Threshold] = ()
    needs_window: bool = False


Judge = Callable[[Snapshot, Snapshot | None, Limits], Iterator[Finding | NotEvaluated]]


@dataclass(frozen=True, slots=True)
class RegisteredCheck:
    """A check with its judge and its page (the module's docstring)."""

    check: Check
    judge: Judge
    page: str
    module: str
    limits: Limits = field(compare=False)

    @property
    def engine(self) -> str:
        return self.check.id.partition(".")[0]


def modules_below(package: ModuleType) -> list[ModuleType]:
    """Every module in a package and its subpackages, by name."""
    return [
        importlib.import_module(found.name)
        for found in sorted(pkgutil.walk_packages(package.__path__, package.__name__ + "."), key=lambda each: each.name)
        if not found.ispkg
    ]


@cache
def all_checks() -> tuple[RegisteredCheck, ...]:
    """Every check of every engine, sorted by id. A module below `checks/` without a CHECK is an error."""
    from housecall.diagnosis import checks

    registered = [
        RegisteredCheck(
            module.CHECK, module.judge, module.__doc__ or "", module.__name__, Limits(module.CHECK.thresholds)
        )
        for module in modules_below(checks)
        if not module.__name__.rpartition(".")[2].startswith("_")
    ]
    return tuple(sorted(registered, key=lambda each: each.check.id))


def checks_of(engine: EngineName) -> tuple[RegisteredCheck, ...]:
    return tuple(each for each in all_checks() if each.engine == engine)


def run_check(
    registered: RegisteredCheck, now: Snapshot, earlier: Snapshot | None
) -> tuple[list[Finding], list[NotEvaluated]]:
    """What one check says. A check that fails by a bug of ours is NotEvaluated, with the bug told, never healthy."""
    findings: list[Finding] = []
    not_evaluated: list[NotEvaluated] = []
    try:
        for outcome in registered.judge(now, earlier, registered.limits):
            if isinstance(outcome, Finding):
                findings.append(outcome)
            else:
                not_evaluated.append(outcome)
    except ReadingUnavailable as missing:
        if missing.unavailable.kind not in ("version", "not_applicable"):
            not_evaluated.append(unavailable.not_evaluated(registered.check.id, missing.unavailable, now))
    except Exception as error:  # noqa: BLE001 - the check runner: one broken check must not hide the others
        not_evaluated.append(unavailable.broken(registered.check.id, error))
    return findings, not_evaluated
