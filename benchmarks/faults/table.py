"""The Markdown that docs/benchmarks.md carries between its markers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- faults: written by make bench-faults -->", "<!-- faults: end -->"
_GOALS = (
    ("rc_at_1", "RC@1: the first cause is right, object included", "≥ 95 %"),
    ("rc_at_3", "RC@3", "≥ 98 %"),
    ("set_pass", "Set pass (F1 ≥ 0.8, no forbidden cause)", "≥ 90 %"),
    ("remedy_valid", "First remedy works when it is run", ""),
    ("safe", "Nothing forbidden is proposed", ""),
    ("safe_pass", "Safe Pass", "≥ 90 %"),
    ("without_statistics", "Without what counts statements: right, or what is missing is named", ""),
    ("false_alarms", "False alarms on healthy servers", "≤ 5 %"),
    ("alert_answers", "Answers to misleading questions that say what is the matter", ""),
    ("number_faithfulness", "Answers whose every number and name is from a tool", "100 %"),
)
_PLAIN = (
    ("extra_causes", "Extra causes a faulty run", "≤ 0.2"),
    ("seconds_p95", "Seconds a diagnosis, 95th percentile", "≤ 10"),
    ("queries_p95", "Statements on the target, 95th percentile", "≤ 40"),
    ("target_seconds_p95", "Processor seconds of the server a diagnosis, 95th percentile", ""),
    ("target_share", "Share of one core of the server while it is examined, mean", "≤ 0.01"),
    ("words_p95", "Words of an English answer beside its SQL, 95th percentile", "< 300"),
)


def interval(figure: Mapping[str, Any]) -> str:
    if figure["share"] is None:
        return "no runs"
    low, high = f"{figure['low']:.0%}".rstrip("%"), f"{figure['high']:.0%}"
    return f"{figure['share']:.1%} ({figure['hits']}/{figure['runs']}, {low}–{high})"


def markdown(engine: str, result: Mapping[str, Any], command: str, facts: str) -> str:
    lines = [
        f"### {engine}",
        "",
        f"`{command}`, {facts}.",
        "",
        "| | measured (95 % interval) | to reach |",
        "|---|---|---|",
    ]
    lines += [f"| {title} | {interval(result['intervals'][key])} | {goal} |" for key, title, goal in _GOALS]
    lines += [f"| {title} | {_plain(result[key])} | {goal} |" for key, title, goal in _PLAIN]
    lines += ["", "| runs | RC@1 | set pass | Safe Pass | false alarms |", "|---|---|---|---|---|"]
    lines += [_row(name, figures) for name, figures in {**result["by_variant"], **result["by_area"]}.items()]
    lines += [_row(f"baseline: {name}", figures) for name, figures in result["baselines"].items()]
    lines += ["", "Misses:", ""]
    lines += [_miss(each) for each in result["misses"]] or ["* none"]
    return "\n".join(lines) + "\n"


def write_into(page: Path, sections: Sequence[str]) -> None:
    """Replace what stands between the markers."""
    text = page.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    page.write_text(f"{head}{BEGIN}\n" + "\n".join(sections) + f"{END}{tail}", encoding="utf-8")


def _row(name: str, figures: Mapping[str, Any]) -> str:
    cells = [
        interval(figures[key]) if figures.get(key, {}).get("runs") else ""
        for key in ("rc_at_1", "set_pass", "safe_pass", "false_alarms")
    ]
    return f"| {name} | {' | '.join(cells)} |"


def _plain(value: Any) -> str:
    return "not measured" if value is None else f"{value:g}"


def _miss(miss: Mapping[str, Any]) -> str:
    said = ", ".join(miss["said"]) or "nothing"
    where = f"{miss['variant']}, {miss['schema']}, seed {miss['seed']}"
    return f"* **{miss['scenario']}** {miss['title']} ({where}): {'; '.join(miss['why'])}. Said: {said}."
