"""A change card as text: what a person reads before he decides. Pure.

Names come from databases and may try to look like instructions: lines are cut to one line each, SQL is fenced.
"""

import re
from collections.abc import Mapping
from typing import Any

from housecall.wording import Language, Say, format_bytes

_LABELS: Mapping[str, Say] = {
    "instance_id": Say("Instance", "实例"),
    "lock": Say("Lock", "锁"),
    "size_bytes": Say("Size", "大小"),
    "duration": Say("Takes", "耗时"),
    "risk": Say("Risk", "风险"),
    "caution": Say("Caution", "注意"),
    "rollback": Say("Undo", "回退"),
    "rollback_note": Say("Undo", "回退"),
    "verify": Say("Check afterwards", "执行后检查"),
    "state": Say("Seen", "所见状态"),
}
WHY = Say("Why a person decides", "为何需要人工决定")


def describe(card: Mapping[str, Any], reason: str, language: Language) -> str:
    """The card in lines. `reason` is why it waits, or may pass."""
    lines = [_one_line(card["title"]), _fenced(card["statements"])]
    for name, label in _LABELS.items():
        value = card.get(name)
        if value:
            lines.append(f"{label.template(language)}: {_value(name, value)}")
    lines.append(f"{WHY.template(language)}: {_one_line(reason)}")
    return "\n".join(lines)


def _value(name: str, value: Any) -> str:
    if name == "size_bytes":
        return format_bytes(value)
    if name == "rollback":
        return "; ".join(_one_line(each) for each in value)
    if name == "state":
        return ", ".join(f"{key}={_one_line(each)}" for key, each in value.items())
    return _one_line(value)


def _one_line(value: Any) -> str:
    return " ".join(str(value).split())


def _fenced(statements: Any) -> str:
    body = ";\n".join(str(each) for each in statements) + ";"
    fence = "`" * max(3, max((len(run) for run in re.findall(r"`+", body)), default=0) + 1)
    return f"{fence}sql\n{body}\n{fence}"
