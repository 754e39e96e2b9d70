"""Remedies that change a setting of MySQL or MariaDB, in the words of flavour and version.

MySQL keeps a change over a restart by itself (SET PERSIST). MariaDB does not: there the change is made with SET GLOBAL
and has to be written to the configuration file too. What cannot be changed while the server runs is prepared and left
to the next planned restart.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from housecall.diagnosis.remedy import Remedy, When
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.engine import Unavailable, Version
from housecall.engines.mysql.rows.statements import TopStatement
from housecall.wording import Message, Say

_SET = Say(en="Set {what}", zh="设置 {what}")
_SET_LATER = Say(en="Set {what} for the next planned restart", zh="设置 {what}，在下次计划内重启时生效")
_IN_FILE = Say(
    en="Write {what} under [mysqld] in the configuration file; it holds from the next planned restart",
    zh="在配置文件的 [mysqld] 段写入 {what}，下次计划内重启后生效",
)
NO_LOCK = Say(en="No lock; new sessions take the value over at once.", zh="不加锁；新会话立即使用新值。")
AT_RESTART = Say(
    en="No lock now; it takes effect at the next restart, which ends every session.",
    zh="当前不加锁；下次重启后生效，重启会断开所有会话。",
)
NOTHING_RUN = Say(en="Nothing is run on the server.", zh="不在服务器上执行任何操作。")
NO_UNDO = Say(en="Nothing to undo.", zh="无需回退。")
_VERIFY = Say(en="the server runs with {what}", zh="服务器以 {what} 运行")
_FILE_UNDO = Say(en="Take the line out of the configuration file again.", zh="从配置文件中删掉这一行即可。")
_ALSO_FILE = Say(
    en="Write it to the configuration file as well, or the next restart brings the old value back.",
    zh="还要写入配置文件，否则下次重启会恢复旧值。",
)


@dataclass(frozen=True, slots=True)
class Change:
    """A setting and its values as they stand in a SET statement. `old` None: unknown or the compiled default."""

    name: str
    value: str
    old: str | None = None


def set_variables(
    version: Version, changes: Sequence[Change], *, needs_restart: bool = False, in_file: bool = False,
    when: When = "now", caution: Message | None = None,
) -> Remedy:  # fmt: skip
    """Change settings together. `in_file`: what no statement can change, on either flavour."""
    if in_file or (version.flavour == "mariadb" and needs_restart):
        return _in_file(changes, caution)
    word = "GLOBAL" if version.flavour == "mariadb" else "PERSIST_ONLY" if needs_restart else "PERSIST"
    what = _told(changes)
    return Remedy(
        title=(_SET_LATER if needs_restart else _SET)(what=what),
        statements=tuple(f"SET {word} {each.name} = {each.value};" for each in changes),
        lock=AT_RESTART() if needs_restart else NO_LOCK(),
        risk="medium" if needs_restart else "low",
        when="later" if needs_restart else when,
        rollback=tuple(_undo(word, each) for each in reversed(changes)),
        verify=_VERIFY(what=what),
        verify_statement=_show(changes),
        caution=caution if version.flavour != "mariadb" else joined(caution, _ALSO_FILE()),
    )


def _in_file(changes: Sequence[Change], caution: Message | None) -> Remedy:
    return Remedy(
        title=_IN_FILE(what=_told(changes)), statements=(), lock=AT_RESTART(), risk="medium", when="later", rollback=(),
        rollback_note=_FILE_UNDO(), verify=_VERIFY(what=_told(changes)), verify_statement=_show(changes),
        caution=caution,
    )  # fmt: skip


def _undo(word: str, change: Change) -> str:
    if change.old is not None:
        return f"SET {word} {change.name} = {change.old};"
    return f"SET GLOBAL {change.name} = DEFAULT;" if word == "GLOBAL" else f"RESET PERSIST IF EXISTS {change.name};"


def _told(changes: Sequence[Change]) -> str:
    return ", ".join(f"{each.name} = {each.value}" for each in changes)


def _show(changes: Sequence[Change]) -> str:
    names = ", ".join(f"'{each.name}'" for each in changes)
    return f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({names});"


def advice(title: Message, verify: Message, *, verify_statement: str | None = None, when: When = "later",
           caution: Message | None = None, lock: Message | None = None) -> Remedy:  # fmt: skip
    """What a person has to do outside the server."""
    return Remedy(
        title=title, statements=(), lock=lock or NOTHING_RUN(), risk="low", when=when, rollback=(),
        rollback_note=NO_UNDO(), verify=verify, verify_statement=verify_statement, caution=caution,
    )  # fmt: skip


def by_age(confidence: float, age_seconds: float) -> float:
    """Confidence in what counters tell, lower while they are young: within a day they may show one unusual hour."""
    return confidence * (1.0 if age_seconds >= 24 * 3600 else 0.9 if age_seconds >= 3600 else 0.8)


def share_of_time(now: Snapshot, spills: Callable[[TopStatement], bool]) -> float:
    """The share of all statements' time that those take which `spills` tells; 0 where statements are not counted."""
    rows = now.get(TopStatement)
    if isinstance(rows, Unavailable) or not rows:
        return 0.0
    return min(1.0, sum(row.total_seconds for row in rows if spills(row)) / max(rows[0].all_seconds, 0.001))


def joined(first: Message | None, second: Message) -> Message:
    """Two sentences as one, in every language."""
    if first is None:
        return second
    say = Say(en=f"{first.say.en} {second.say.en}", zh=f"{first.say.zh}{second.say.zh}")
    return Message(say, {**first.values, **second.values})
