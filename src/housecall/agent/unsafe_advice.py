"""Advice in a model's answer that makes an outage worse, for a word of caution under it. Pure.

The remedies of Housecall's own causes never hold these (their tests see to it), or hold them with the condition that
makes them right; so a statement that a tool returned is left alone, and so is advice against it ("never run …").
Nothing is carried out from here: a change goes through its tool and a person's approval, whatever an answer says.
"""

import re
from dataclasses import dataclass

from housecall.agent.grounding import Sources
from housecall.wording import Language, Say

_AGAINST = re.compile(
    r"\b(?:no|not|never|don't|doesn't|avoid|without|instead of|rather than|refrain|must not|shouldn't|beware)\b"
    r"|不要|不应|切勿|避免|不能|請勿|请勿|不可|勿|しない|避け|ないで",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?;。！？；]\s|\n")
_BEFORE = 120
"""Characters of the same sentence in which a "never" counts, before and from there on ("… must not be run")."""


@dataclass(frozen=True, slots=True)
class _Danger:
    pattern: re.Pattern[str]
    why: Say


def _danger(pattern: str, en: str, zh: str) -> _Danger:
    return _Danger(re.compile(pattern, re.IGNORECASE), Say(en=en, zh=zh))


_DANGERS = (
    _danger(
        r"\bVACUUM\s*(?:\(\s*FULL|FULL\b)[^;`\n]*",
        "VACUUM FULL locks the table against everybody, readers too, until it is done",
        "VACUUM FULL 会锁住整张表，直到完成之前连读都不行",
    ),
    _danger(
        r"\bkill\s+(?:-9|-KILL|-s\s+KILL)\b[^;`\n]*|\bkillall\s+-9\b[^;`\n]*",
        "kill -9 of one server process makes the server throw out every session and recover from its log",
        "对数据库进程 kill -9 会让服务器断开所有会话并进行崩溃恢复",
    ),
    _danger(
        r"\brm\s+-?[^\n`;]*\b(?:pg_wal|pg_xlog|binlog|mysql-bin|ib_logfile|pg_xact|pg_clog)\b[^;`\n]*",
        "log files deleted by hand cannot be recovered from, and the server may not start again",
        "手工删除日志文件后将无法恢复，服务器也可能再也启动不了",
    ),
    _danger(
        r"\b(?:fsync|full_page_writes)\b['\"`]?\s*(?:=|TO\b)\s*'?(?:off|0|false)\b[^;`\n]*"
        r"|\binnodb_flush_log_at_trx_commit\s*=\s*[02]\b|\binnodb_doublewrite\s*=\s*(?:0|off)\b|\bsync_binlog\s*=\s*0\b",
        "durability switched off loses committed data, or the whole database, at the next crash",
        "关闭持久性设置后，下一次崩溃会丢失已提交的数据，甚至整个数据库",
    ),
    _danger(
        r"\bpg_drop_replication_slot\s*\([^;`\n]*",
        "a slot belongs to somebody: dropped unasked, his replica or feed must be built anew",
        "复制槽属于某个使用者：未经询问就删除，他的副本或订阅必须重建",
    ),
    _danger(
        r"\bpg_terminate_backend\s*\([^;`\n]*|(?<!\w)KILL\s+(?:CONNECTION\s+|QUERY\s+)?\d+\b",
        "no tool found that this session may be ended; ending those that wait helps nobody, only the one they wait for",
        "没有任何工具结果表明可以结束这个会话；结束等待者无济于事，应处理的是它们所等待的会话",
    ),
)
_NOTE = Say(en="⚠ Careful with {what:code}: {why}.", zh="⚠ 请谨慎对待 {what:code}：{why}。")


def unsafe_advice(answer: str, sources: Sources, language: Language) -> list[str]:
    """One sentence for each kind of dangerous advice that no tool gave, in the language of the answer."""
    told: list[str] = []
    for danger in _DANGERS:
        for found in danger.pattern.finditer(answer):
            if _is_from_a_tool(found.group(), sources) or _is_advised_against(answer, found):
                continue
            told.append(_NOTE(what=found.group()[:120].strip(), why=danger.why().render(language)).render(language))
            break
    return told


def _is_from_a_tool(statement: str, sources: Sources) -> bool:
    plain = " ".join(statement.split()).rstrip("; ")
    return len(plain) > len("VACUUM FULL") and plain in sources.text


def _is_advised_against(answer: str, found: "re.Match[str]") -> bool:
    before = _SENTENCE_END.split(answer[max(0, found.start() - _BEFORE) : found.start()])[-1]
    within = _SENTENCE_END.split(answer[found.start() : found.start() + _BEFORE])[0]
    return bool(_AGAINST.search(before) or _AGAINST.search(within))
