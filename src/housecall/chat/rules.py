"""What mode `auto` lets pass without a person: one table of rules, which the documentation renders.

The first rule that fits decides; what none fits is for a person. A rule is data: a tool and conditions on facts that
were measured, so that nobody has to read code to know what may happen unattended.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from housecall.turn import ApprovalMode
from housecall.wording import Message, Say

Verdict = Literal["refused", "waiting", "allowed"]
Comparison = Literal["is", "at_least", "at_most"]

LONG_SECONDS = 60.0
"""A read that runs longer than this is more than a page waits for."""

SMALL_BYTES = 1024**3
"""VACUUM reads about this much in seconds on any disk of a server."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A fact of the change compared with a value. A fact that is missing fits nothing."""

    fact: str
    comparison: Comparison
    value: bool | float

    def holds(self, facts: Mapping[str, Any]) -> bool:
        found = facts.get(self.fact)
        if found is None:
            return False
        if self.comparison == "is":
            return bool(found) is bool(self.value)
        return bool(found >= self.value if self.comparison == "at_least" else found <= self.value)

    def __str__(self) -> str:
        words = {"is": "is", "at_least": "is at least", "at_most": "is at most"}[self.comparison]
        return (
            f"{self.fact} {words} {str(self.value).lower() if isinstance(self.value, bool) else f'{self.value:,.0f}'}"
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """`tools` empty means every tool."""

    id: str
    tools: tuple[str, ...]
    conditions: tuple[Condition, ...]
    allows: bool
    reason: Say

    def fits(self, tool: str, facts: Mapping[str, Any]) -> bool:
        return (not self.tools or tool in self.tools) and all(each.holds(facts) for each in self.conditions)


def _when(fact: str, comparison: Comparison, value: bool | float) -> Condition:
    return Condition(fact, comparison, value)


RULES: tuple[Rule, ...] = (
    Rule(
        "uncommitted-writes",
        ("cancel_query", "terminate_session"),
        (_when("wrote", "is", True),),
        False,
        Say("the session has written and not committed: its work would be lost", "该会话有未提交的写入，会丢失"),
    ),
    Rule(
        "ends-a-session",
        ("terminate_session",),
        (),
        False,
        Say("ending a session throws its application out", "终止会话会断开应用的连接"),
    ),
    Rule(
        "long-read",
        ("cancel_query",),
        (
            _when("active", "is", True),
            _when("reads", "is", True),
            _when("wrote", "is", False),
            _when("statement_seconds", "at_least", LONG_SECONDS),
        ),
        True,
        Say(
            "a read that runs for more than a minute loses nothing but time", "运行超过一分钟的只读语句，取消只损失时间"
        ),
    ),
    Rule("drops", (), (_when("drops", "is", True),), False, Say("it removes something", "它会删除对象")),
    Rule("rewrites", (), (_when("rewrites", "is", True),), False, Say("it builds storage anew", "它会重写存储")),
    Rule(
        "exclusive-lock-on-a-busy-table",
        (),
        (_when("exclusive", "is", True), _when("busy", "is", True)),
        False,
        Say("it needs an exclusive lock on a table in use", "它需要对正在使用的表加排他锁"),
    ),
    Rule(
        "statistics",
        ("analyze_table",),
        (),
        True,
        Say("ANALYZE reads a sample and blocks neither reads nor writes", "ANALYZE 只读取样本，不阻塞读写"),
    ),
    Rule(
        "small-vacuum",
        ("vacuum_table",),
        (_when("freezes", "is", False), _when("size_bytes", "at_most", SMALL_BYTES)),
        True,
        Say("VACUUM of a table up to 1 GB blocks neither reads nor writes", "对 1 GB 以内的表做 VACUUM 不阻塞读写"),
    ),
)
NO_RULE = Rule("no-rule", (), (), False, Say("no rule lets this pass without a person", "没有规则允许它不经人工批准"))
ASKED = Rule("model-asks", (), (), False, Say("the model asked for a person", "模型要求人工批准"))
MANUAL = Rule(
    "manual", (), (), False, Say("in mode manual a person decides on every change", "manual 模式下每项变更都由人决定")
)
READ_ONLY = Rule(
    "read-only", (), (), False, Say("in mode read_only nothing is changed", "read_only 模式下不做任何修改")
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What becomes of a call, by which rule, and why."""

    verdict: Verdict
    rule: str
    reason: Message


def judge(mode: ApprovalMode, tool: str, facts: Mapping[str, Any], *, wants_person: bool = False) -> Judgement:
    """Whether a change is refused, waits for a person, or may be made at once. A model can only make it stricter."""
    if mode == "read_only":
        return Judgement("refused", READ_ONLY.id, READ_ONLY.reason())
    if mode == "manual":
        return Judgement("waiting", MANUAL.id, MANUAL.reason())
    if wants_person:
        return Judgement("waiting", ASKED.id, ASKED.reason())
    rule = next((each for each in RULES if each.fits(tool, facts)), NO_RULE)
    return Judgement("allowed" if rule.allows else "waiting", rule.id, rule.reason())
