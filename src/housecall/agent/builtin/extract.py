# ruff: noqa: E501 - a pattern is read whole
"""The exact things in a question: SQL text, names of tables, instances, settings, session ids, ordinals."""

import re
import unicodedata
from dataclasses import dataclass


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FENCE = re.compile(r"```[a-zA-Z]*\s*\n?(.*?)```", re.S)
_RAW_SQL = re.compile(
    r"(?<![A-Za-z_])(?<!show )((?:explain\s+(?:\([^)]*\)\s*|analy[sz]e\s+|verbose\s+)*)?"
    r"(?:select\s+[\s\S]+|with\s+\w+\s+as\s*\([\s\S]+|update\s+[\w.\"`]+\s+(?:\w+\s+)?set\s+[\s\S]+|delete\s+from\s+[\w.\"`]+[\s\S]*"
    r"|insert\s+into\s+[\w.\"`]+[\s\S]*|create\s+(?:unique\s+)?index\s+[\s\S]+\([\s\S]*|create\s+table\s+[\w.\"]+\s*(?:\(|as\b)[\s\S]*"
    r"|drop\s+(?:index|table)\s+(?:concurrently\s+)?(?!that|the|this|it\b)[\w.\"`]+[\s\S]*|alter\s+(?:table|system|database|role)\s+[\s\S]+|truncate\s+(?:table\s+)?[\w.\"]+[\s\S]*))",
    re.I,
)
_COMMAND = re.compile(
    r"^\W*(?:please\s+|请|帮我)?((?:vacuum(?:\s+full|\s+analy[sz]e|\s+freeze)*|analy[sz]e|reindex\s+(?:index|table|database))\s+(?!that|the|this|it\b|my\b|why|how)[A-Za-z0-9_.\"]+)",
    re.I,
)
_PROSE = re.compile(
    r"[`\s,，]+(?:(?:is|was|are|has been|has become|became|gets?|got|runs?|seems?)\s+(?:\w+\s+){0,2}?(?:slow\w*|stuck|hang\w*|block\w*|wait\w*|bad|expensive|fast\w*)\b"
    r"|takes?\s+(?:\w+\s+)?(?:long|forever|ages|\d)|took\s+(?:\w+\s+)?(?:long|forever|ages|\d)|hangs?\b|never\s+(?:ends?|finish\w*|returns?|comes?)\b|does(?:n't| not)\s+(?:end|finish|return|come)\b|tim(?:es?|ed)\s+out\b"
    r"|(?:很|太|非常|变得?|特别|一直|为什么|怎么|卡|这条|执行|需要|要不要|是不是))[\s\S]*$",
    re.I,
)
_SENTENCE = re.compile(
    r"\.\s+(?:Do|Does|Is|Are|Why|What|Should|Can|Could|How|We|It|The|Please|Which|Will|Would)\b[\s\S]*$"
)
_SQL_SHAPE = re.compile(
    r"\b(from|set|into|values|index|table|system|database|role|as)\b|\bselect\s+[\d'(*]|\bselect\s+[\w.]+\s*\(|truncate",
    re.I,
)
_NAME = r"[A-Za-z_\u00c0-\u024f][A-Za-z0-9_$\u00c0-\u024f]*"
_EDGE = r"(?<![A-Za-z0-9_.])"
_QUOTED_DOTTED = re.compile(r'((?:"[^"\n]{1,64}"|[A-Za-z_]\w*)\."[^"\n]{1,64}"|"[^"\n]{1,64}"\.[A-Za-z_]\w*)', re.A)
_QUOTED = re.compile(r"[`“”「『]([^`“”」』\n]{1,130})[`“”」』]|\"([^\"\n]{1,130})\"|'([\w.$ -]{1,130})'")
_DOTTED = re.compile(rf"(?<![A-Za-z0-9_.@/:])({_NAME}\.{_NAME})(?![A-Za-z0-9_.]*@|[A-Za-z0-9_])")
_KIND_THEN_NAME = re.compile(
    rf"\b(?:table|index|view|relation)\s+(?:called\s+|named\s+)?({_NAME})|\bindexes\s+(?:on|of|for)\s+(?:the\s+)?(?:table\s+)?({_NAME})"
    rf"|(?:表|索引|视图)(?:名为|叫)?\s*({_NAME})",
    re.I,
)
_NAME_THEN_KIND = re.compile(
    rf"{_EDGE}({_NAME})\s+(?:table|index)\b|{_EDGE}({_NAME})\s*(?:这个|这张|的)?\s*(?:表|索引)", re.I
)
_ABOUT = re.compile(
    rf"\b(?:what|how)\s+(?:about|is)\s+(?:the\s+)?({_NAME})\s*(?:\?|doing\b|$)|\b(?:rows|records|data|columns)\s+(?:are\s+)?in\s+(?:the\s+)?({_NAME})"
    rf"|{_EDGE}({_NAME})\s*(?:呢|怎么样|如何)|^\W*and\s+(?:the\s+)?({_NAME})\s*\?|\b(?:vacuum|analy[sz]e|reindex)\s+(?:the\s+)?({_NAME})",
    re.I,
)
_UNDERSCORED = re.compile(r"(?<![A-Za-z0-9_.])([A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+)(?![A-Za-z0-9_.])")
_INSTANCE = re.compile(
    r"\b(?:instance|server)(?:\s+|\s*[=:]\s*)[`'\"]?([A-Za-z][\w.-]*[A-Za-z0-9])|实例\s*[`'\"]?([A-Za-z][\w.-]*[A-Za-z0-9])|\b((?:rm|pgm|pg|pc|mysql|maria)-[\w-]{2,})",
    re.I,
)
_PID = re.compile(
    r"\b(?:pid|session|process|backend|connection|thread|kill(?:\s+(?:query|connection))?|terminate|cancel)\s*[#:=]?\s*(\d{1,8})\b|(?:会话|进程|杀掉?|终止|取消)\s*(\d{1,8})",
    re.I,
)
_ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "last": -1, "next": 0, "other": 0,
    "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9,
}  # fmt: skip
_ORDINAL = re.compile(
    r"\b(first|second|third|fourth|fifth|sixth|last|next)\b(?!\s+(?:week|month|night|hour|day|year|time|name))"
    r"|\b(\d)(?:st|nd|rd|th)\b|(?:#|number\s+|no\.?\s*|cause\s+|problem\s+)(\d)\b|第\s*([一二三四五六七八九\d])\s*(?:个|条|点|项|名)?|(最后|下)一个",
    re.I,
)
_STOP_WORDS = _words(
    """a an and any are be been big by can check could db do does doing down every for from have has help how i in is it
    its large long me most my need new no not now of off on one or our please right server database instance show
    slow slower so some stuck that the their them there these they this those to too unused used using want was we
    what whats when where which who why will with wrong you your missing duplicate bad good hot all each big table tables
    index indexes query queries statement statements going all size many much single whole same temp temporary things everything
    locks lock vacuum disk replication connections connection settings configuration postgres postgresql mysql mariadb health
    key keys foreign redundant create ddl definition healthy ok okay sql there here work working up prod production largest biggest smallest slowest describe explain second first third
    now then also else again other others rest last next more less same doing it is orphan status state load today"""
)
_BARE_SETTINGS = re.compile(r"(?<![A-Za-z_])(?:fsync|jit)(?![A-Za-z_])", re.I)
SETTING_NAMES = re.compile(
    r"^(work_mem|shared_buffers|max_\w+|min_\w+|autovacuum\w*|checkpoint_\w+|effective_\w+|maintenance_\w+|random_page_cost"
    r"|seq_page_cost|wal_\w+|statement_timeout|lock_timeout|idle_\w+_timeout|log_\w+|enable_\w+|jit\w*|fsync|full_page_writes"
    r"|innodb_\w+|\w+_buffer_size|tmp_table_size|(?:wait|interactive|lock_wait|connect|net_read|net_write)_timeout|long_query_time|slow_query_log\w*|general_log\w*|sync_binlog|binlog_\w+|table_open_cache\w*|thread_cache_size|sql_mode|(?:transaction|tx)_isolation|performance_schema|expire_logs_days|(?:super_)?read_only|gtid_\w+|query_cache_\w+|local_infile|skip_name_resolve|open_files_limit|server_id|character_set_server|collation_server|require_secure_transport|group_concat_max_len"
    r"|synchronous_\w+|temp_\w+|huge_pages|default_\w+|vacuum_\w+|track_\w+|deadlock_timeout|superuser_reserved_connections)$",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Extracted:
    """`text` is the question without its SQL, in one case and one width. `ordinal` 0 means "the next one", -1 the last."""

    text: str
    sql: str | None
    fenced: bool
    names: tuple[str, ...]
    settings: tuple[str, ...]
    instance_id: str | None
    pid: int | None
    ordinal: int | None


def extract(question: str) -> Extracted:
    """The parts of a question. Of very long questions only the beginning counts, SQL excepted."""
    normal = unicodedata.normalize("NFKC", question[:60_000])
    sql, fenced, rest = _sql(normal)
    rest = rest[:4_000]
    instance = _INSTANCE.search(rest)
    instance_id = next((each for each in instance.groups() if each), None) if instance else None
    if instance_id and instance_id.lower() in _STOP_WORDS:
        instance_id = None
    names = [name for name in _names(rest) if name != instance_id]
    pid = _PID.search(rest)
    return Extracted(
        text=rest.lower().strip(),
        sql=sql,
        fenced=fenced,
        names=tuple(name for name in names if not SETTING_NAMES.match(name)),
        settings=tuple(name.lower() for name in (*names, *_BARE_SETTINGS.findall(rest)) if SETTING_NAMES.match(name)),
        instance_id=instance_id,
        pid=int(next(each for each in pid.groups() if each)) if pid else None,
        ordinal=_ordinal(rest),
    )


def _sql(text: str) -> tuple[str | None, bool, str]:
    fenced = _FENCE.search(text)
    if fenced and fenced[1].strip():
        return fenced[1].strip().rstrip(";"), True, _FENCE.sub(" ", text)
    command = _COMMAND.search(text)
    if command and not text.rstrip().endswith(("?", "吗")):
        return command[1].strip(), False, ""
    raw = _RAW_SQL.search(text)
    if raw and _SQL_SHAPE.search(raw[1]):
        statement = re.split(r";|\n\s*\n|[？。]", raw[1], maxsplit=1)[0].strip().rstrip("?` ")
        if text[: raw.start()].endswith("`"):
            statement = statement.partition("`")[0].rstrip()
        statement = _without_prose(statement)
        return statement, False, text[: raw.start()] + " " + text[raw.start() + len(statement) :]
    return None, False, text


def _without_prose(statement: str) -> str:
    """The statement without the words behind it: `… WHERE id = 5 is slow. Do we need an index`."""
    for pattern in (_PROSE, _SENTENCE):
        prose = pattern.search(statement)
        if prose and prose.start() and statement[: prose.start()].count("'") % 2 == 0:
            statement = statement[: prose.start()].rstrip(" ,，.`")
    return statement


def _names(text: str) -> list[str]:
    found: list[str] = []
    for pattern in (_QUOTED_DOTTED, _QUOTED, _DOTTED, _KIND_THEN_NAME, _NAME_THEN_KIND, _ABOUT, _UNDERSCORED):
        for match in pattern.finditer(text):
            name = next((group for group in match.groups() if group), "").strip()
            plain = pattern in (_KIND_THEN_NAME, _NAME_THEN_KIND, _ABOUT)
            if (
                name
                and not any(name in each for each in found)
                and not (plain and name.lower() in _STOP_WORDS)
                and not _is_address(name)
            ):
                found.append(name)
    return found


def _is_address(name: str) -> bool:
    return bool(re.fullmatch(r"[\d.]+|[\w-]+\.(com|net|org|io|cn|local)", name, re.I)) or len(name.split()) > 4


def _ordinal(text: str) -> int | None:
    match = _ORDINAL.search(text)
    if not match:
        return None
    word = next(group for group in match.groups() if group).lower()
    if word.isdigit():
        return int(word)
    return {"最后": -1, "下": 0}.get(word, _ORDINALS.get(word))
