"""What every benchmark does with its figures: a table on the terminal and `benchmarks/results/<name>.json`."""

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


def publish(name: str, title: str, rows: list[dict[str, Any]], notes: list[str]) -> None:
    """Print the rows (same keys in each) and write them with the facts of the machine."""
    table = Table(title=title)
    for column in rows[0]:
        table.add_column(column.replace("_", " "), justify="right")
    for row in rows:
        table.add_row(*(_show(value) for value in row.values()))
    console = Console()
    console.print(table)
    for note in notes:
        console.print(note)
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    written = {
        "benchmark": name,
        "at": datetime.now(UTC).isoformat(),
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "rows": rows,
        "notes": notes,
    }
    path.write_text(json.dumps(written, indent=2), encoding="utf-8")
    console.print(f"Written to benchmarks/results/{path.name}")


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie, by nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _show(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.3f}" if value < 10 else f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
