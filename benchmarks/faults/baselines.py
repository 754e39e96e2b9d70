"""Answers that need no diagnosis, scored by the same rules: what the benchmark gives away for nothing."""

from collections.abc import Callable, Mapping
from typing import Any

from housecall.diagnosis.cause import all_causes

Diagnosis = Mapping[str, Any]
_RANK = ("info", "notice", "warning", "critical")


def _verdict(diagnosis: Diagnosis, *causes: dict[str, Any]) -> dict[str, Any]:
    return {**diagnosis, "causes": list(causes), "not_evaluated": []}


def _cause(cause_id: str, name: str) -> dict[str, Any]:
    return {"id": cause_id, "object": name, "severity": "warning", "past": False, "remedies": []}


def always_healthy(diagnosis: Diagnosis, _largest: str) -> dict[str, Any]:
    return _verdict(diagnosis)


def always_missing_index(diagnosis: Diagnosis, largest: str) -> dict[str, Any]:
    """On the foreign key of the largest table: the likeliest guess that needs no look."""
    return _verdict(diagnosis, _cause("missing_index", largest))


def largest_deviation(diagnosis: Diagnosis, _largest: str) -> dict[str, Any]:
    """The finding of the highest severity, first one wins, under the name of the first cause built on its check: what
    a list of threshold alarms gives, without reasoning about what explains what."""
    findings = sorted(diagnosis["findings"], key=lambda each: -_RANK.index(each["severity"]))
    for finding in findings:
        rules = [each.rule.id for each in all_causes() if finding["check"] in each.rule.checks]
        if rules:
            short = finding["check"].partition(".")[2]
            return _verdict(diagnosis, _cause(short if short in rules else rules[0], finding["object"]))
    return _verdict(diagnosis)


BASELINES: Mapping[str, Callable[[Diagnosis, str], dict[str, Any]]] = {
    "always healthy": always_healthy,
    "always missing_index": always_missing_index,
    "largest deviation": largest_deviation,
}
