"""What the causes about sessions say on every engine: who waits, what is undone, and what only developers can mend."""

from collections.abc import Iterable, Mapping
from typing import Any

from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.wording import Message, Say

LONGEST_WAIT = Say(
    "{waiting:count} session{waiting:|s} {waiting:waits|wait} for it, the longest for {longest:duration}.",
    "有 {waiting:count} 个会话在等它，最长已等 {longest:duration}。",
)
LAST_STATEMENT = Say("Its last statement: {statement:code}.", "它最后执行的语句：{statement:code}。")
ROLLED_BACK = Say(
    "Nothing to undo: the transaction is rolled back, and its client gets an error and may start again.",
    "无需回滚：该事务会被回滚，客户端收到错误后可以重试。",
)
CHANGES_APPLICATION = Say(
    "A change of the application: nothing is run on the server.", "修改应用程序，不在数据库上执行。"
)


def application_change(title: Message, verify: Message, verify_statement: str | None = None) -> Remedy:
    """A remedy that only the application's developers can apply."""
    return Remedy(
        title=title,
        statements=(),
        lock=CHANGES_APPLICATION(),
        risk="low",
        when="later",
        rollback=(),
        rollback_note=CHANGES_APPLICATION(),
        verify=verify,
        verify_statement=verify_statement,
    )


def share_held_up(queue: Mapping[str, Any]) -> float:
    """Of the sessions with work, the share that waits in a queue; from the details of the check of blocked sessions."""
    share: float = queue["waiting"] / max(1, queue["working"])
    return min(1.0, share)


def fingerprints(findings: Iterable[Finding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(finding.fingerprint for finding in findings))
