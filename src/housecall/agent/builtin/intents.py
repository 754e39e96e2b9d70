# ruff: noqa: E501 - a pattern is read whole
"""What a question asks for, in English or Chinese: words and shapes, with patience for typing errors.

A question is matched against the shapes of follow-ups and requests first, then against topics. What matches nothing
is `outside`: an honest short answer beats a wrong guess.
"""

import difflib
import re
from dataclasses import dataclass
from typing import Literal

from housecall.agent.builtin.extract import Extracted, extract
from housecall.agent.tools.topics import KINDS_OF_INDEXES, Topic

Kind = Literal[
    "attributes", "diagnose", "topic", "explain", "query", "table", "definition", "instances", "settings", "time", "capabilities",
    "thanks", "greeting", "ordinal", "sql", "why", "rest", "fixed", "change", "outside",
]  # fmt: skip
Suspect = Literal["network", "cpu", "memory", "disk", "locks", "replication", "connections", "vacuum", "indexes"]


@dataclass(frozen=True, slots=True)
class Intent:
    """`suspects` are what the question supposes to be the cause: hypotheses to confirm or dismiss."""

    kind: Kind
    found: Extracted
    topic: Topic | None = None
    suspects: tuple[Suspect, ...] = ()


_INDEX = r"(?:ind(?:ex|exes|ices|icies)\b|索引)"
_TOPIC_WORDS: dict[Topic, str] = {
    "unused_indexes": rf"(?:\b(?:unused|useless|needless|unneeded|not used|never used)\b|(?:没有?(?:被)?(?:使?用)|未(?:被)?使用|无用|没用|不用|用不到))[^?.,;，。；？]{{0,16}}{_INDEX}|{_INDEX}[^?.;。；？]{{0,24}}(?:\b(?:unused|useless|not (?:being )?used|never (?:been |being |get )?used|no (?:query|one|body) uses?)\b|没有?(?:被)?(?:使?用)|未(?:被)?使用|无用|没用|用不到)",
    "duplicate_indexes": rf"(?:\b(?:duplicat\w+|redundant|double|doubled|overlapping)\b|重复|冗余|多余)[^?.,;，。；？]{{0,12}}{_INDEX}|{_INDEX}[^?.;。；？]{{0,24}}(?:\b(?:duplicat\w+|redundant|overlap\w*)\b|重复|冗余)",
    "foreign_keys": rf"\b(?:foreign[- ]keys?|fks?)\b(?=.*{_INDEX})|{_INDEX}(?=.{{0,40}}\bforeign[- ]keys?)|外键(?=.*索引)|索引(?=.{{0,20}}外键)",
    "locks": r"\b(?:long.running|open|old(?:est)?) transactions?\b|\bhold(?:s|ing)? (?:\w+ ){1,2}up\b|\bdead-?locks?\b|\bun?locks?\b|\block(?:ed|ing|s)?\b|\bblock(?:s|ed|ing|ers?)?\b|\bidle in transaction\b|\bcontention\b|\bwait(?:s|ing)?\b|\bhang(?:s|ing)?\b|\bstuck\b|锁|阻塞|堵|卡住|卡死|空闲事务|长事务|等待",
    "wraparound": r"\bwrap-?around\b|\bx?xids?\b|\btransaction ids?\b|\bfreez\w+|\bmultixact|回卷|事务\s*(?:id|号)|冻结",
    "vacuum": r"\b(?:stale |old |planner )?statistics\b|统计信息|\b(?:auto)?-?vacuum\w*|\bdead (?:tuples?|rows?)\b|\bbloat\w*|自动清理|死元组|死行|膨胀|清理",
    "replication": r"\breplic\w+|\bstand-?by\w*|\bslots?\b|\bwal\b|\barchiv\w+|\blag(?:s|ging)?\b|复制|主从|备库|从库|只读库|归档|复制槽",
    "connections": r"\bconnect\w*|\btoo many clients\b|\bpool\w*|\bsessions?\b|\bwho is (?:on|logged)\b|连接|会话",
    "indexes": r"\bind(?:ex|exes|ices|icies)\b|索引",
    "keys": r"\bsequences?\b|\bint4\b|\bprimary keys?\b|\brun(?:ning)? out of (?:ids|keys|numbers)\b|\b(?:integer|int|ids?|keys?|columns?|counters?)\b.{0,20}\boverflow\w*|序列|主键|自增",
    "statements": r"\bslow(?:est)? (?:quer|statement|sql)\w*|\b(?:top|worst|expensive|heav\w+|costly|long.running) (?:\d+ )?(?:quer|statement|sql)\w*|\bquer(?:y|ies) .{0,30}\b(?:most|slow\w*|expensive|long)|\bmost (?:expensive|time)\b|\btop sql\b|\bn ?\+ ?1\b|\bwhat(?:'s| is) running\b|\bwhich (?:quer|statement)\w*|慢\s*(?:查询|sql|语句)|最慢|最耗|耗时|top\s*sql|正在(?:执行|运行)",
    "configuration": r"\bconfig\w*|\bsettings?\b|\bparameters?\b|\btun(?:e|ing)\b|\bpending restart\b|配置|参数|设置|调优",
    "memory": r"\bmemory\b|\bcache\w*|\bbuffers?\b|\bspill\w*|\btemp(?:orary)? files?\b|\bcheckpoint\w*|\bram\b|内存|缓存|命中率|临时文件|检查点",
    "disk": r"\bdisks?\b|\bspace\b|\bstorage\b|\bbig(?:gest)?\b|\blargest\b|最大的?.{0,4}表|表.{0,4}最大|大表|\bgrow\w*|\bfull\b|\bbloat\w*|磁盘|硬盘|空间|容量|存储|占用",
}  # fmt: skip
_TOPICS = {topic: re.compile(words) for topic, words in _TOPIC_WORDS.items()}

_DIAGNOSE = re.compile(
    r"\bslow\w*|\bwhat'?s? (?:is |are )?(?:wrong|up|happening|going on|the (?:matter|problem|issue))|\bwrong\b|\bhealth\w*|\bcheck[- ]?up\b|\bdiagnos\w+|\bexamin\w+"
    r"|\bproblems?\b|\bissues?\b|\btrouble\w*|\bperform\w*|\blaten\w+|\btime-?outs?\b|\btiming out\b|\bdegrad\w+|\bcpu\b|\bload\b|\bsluggish\b|\bunresponsive\b|\bfast(?:er)?\b"
    r"|\binvestigate\b|\blook at\b|\bcheck\b|\breview\b|\baudit\b|\balerts?\b|\boutage\b|\brestart\w*\b|\breboot\w*\b|\brisks?\b|\blos(?:e|ing) data\b|\btakes? (?:so |too |very )?long|\btakes? \d+|\bdown\b|\boptimi[sz]e\b|\bis (?:it|everything|the db|the database|my \w+) (?:ok|okay|fine|alright|healthy)"
    r"|慢|卡(?!片)|健康|体检|诊断|检查|问题|怎么了|怎么回事|异常|故障|性能|优化|延迟|超时|负载|巡检|正常吗|状态|响应|不对劲|告警|报警|宕|重启"
)
_THANKS = re.compile(
    r"^\W*(?:ok|okay|got it|understood|alright|cool|好的?|明白|知道|收到|了解)(?:了)?\W*$|\b(?:thanks?|thank you|thx|ty|cheers|great|perfect|awesome|nice|well done)\b|谢|感谢|辛苦|太好了|不错"
)
_GREETING = re.compile(
    r"^\W*(?:hi|hello|hey|good (?:morning|afternoon|evening)|你好|您好|嗨|早上好|下午好|晚上好|早)\b|^\W*(?:你好|您好|嗨|早上好)"
)
_CAPABILITIES = re.compile(
    r"\bwhat (?:can|do) you (?:do|know|help)|\bwho are you\b|\bwhat are you\b|^\W*help(?: me)?\W*$|\bhow (?:can|do) (?:you|i) (?:help|use|work)|\byour (?:tools|abilities|capabilities|features)"
    r"|你(?:能|会|可以)(?:做|干|帮我做|帮我干)?(?:些)?什么|能帮我(?:做)?什么|你是谁|^\W*帮助\W*$|怎么(?:使)?用你|有(?:什么|哪些)功能"
)
_INSTANCES = re.compile(
    r"\b(?:list|which|what|show|how many|all)\b.{0,30}\b(?:instances|servers|databases (?:do|are|can))\b|有(?:哪些|几个|多少)(?:个)?(?:实例|数据库|服务器)|(?:列出|查看|显示)(?:所有|全部)?(?:的)?(?:实例|数据库列表)|实例列表"
)
_TIME = re.compile(r"\bwhat(?:'s| is)? (?:the )?(?:current )?time\b|\bcurrent time\b|几点|现在(?:的)?时间")
_VERSION = re.compile(r"\bversion\b|\bwhich (?:postgres\w*|mysql|mariadb|engine)\b|\buptime\b|版本|运行了多久")
_FIXED = re.compile(
    r"^\W*(?:all |is it |it )?(?:fixed|solved|better|resolved|gone|done)(?: now)?\W*$|\b(?:is|are|was|were|did|does|has|have)\b.{0,20}\b(?:fixed|solved|resolved|gone|better|cleared|help(?:ed)?|work(?:ed)?|recovered|improved|ok now|fine now|good now)\b"
    r"|\b(?:still)\b.{0,20}(?:slow|there|block|lock|broken|bad|wrong|same|happening)|\b(?:check|look|examine|run|try|test|diagnose)\b.{0,12}\bagain\b|\bre-?(?:check|examine|run|diagnose|test)\b|\bhow about now\b|\b(?:and|what about) now\b|^\W*now\W*$"
    r"|(?:好|解决|修复|恢复|处理|搞定)(?:了|好了|完了)(?:吗|没|么)|现在(?:呢|好|怎么样|如何|正常)|还(?:在|慢|有|是|卡|会).{0,8}(?:吗|么|嘛)|再(?:看|查|检查|诊断|跑|测)(?:一)?(?:下|遍|次)?|重新(?:检查|诊断|看)|复查"
)
_CHANGE = re.compile(
    r"^\W*(?:please |pls |now |ok |okay |yes |go ahead and |just |then |can you |could you |would you |will you |i want you to |go |let'?s )*"
    r"(?:kill|terminate|drop|delete|remove|create|add|build|truncate|alter|reindex|restart|reboot|vacuum|analy[sz]e|set|reset|increase|raise|lower|disable|enable|turn|cancel|apply|fix|execute|do it|do that|do so|repair|rebuild|stop|change|grant|revoke|insert|update)\b(?! (?:the )?(?:health|performance|slow|why|what|how|this|my|our) ?(?:check|query|sql)?\b.*\?)"
    r"|^\W*(?:请|帮我|麻烦|给我|那就|直接|现在|立刻|马上|能不能|可以)*\s*(?:把.{0,40}(?:杀|删|停|终止|取消|关|改|调|重启|重建)|(?:杀掉?|终止|删除|删掉|创建|新建|建一?个|加一?个|添加|重建|重启|执行(?!计划)|取消|修复|清空|关闭|开启|启用|禁用|调大|调小|修改|改成|应用))"
)
_SHOULD = re.compile(
    r"\b(?:should|shall|may|can|could) (?:i|we)\b|\bhow (?:do|can|to|should)\b|\bwhy\b|\bis it (?:safe|ok)|应该|该不该|可以.{0,12}吗|怎么|如何|为什么|能不能.{0,12}吗|安全吗"
)
_SQL = re.compile(
    r"\b(?:show|give|get|see|paste|print|send|want|need|write|what(?:'s| is)?)\b.{0,25}\b(?:sql|statements?|commands?|fix(?:es)?|remed\w+|solution)\b|\bhow (?:do|can|to|should)\b.{0,15}\b(?:fix|solve|repair|resolve|address|mend)\b|^\W*(?:the )?sql\W*$|\bwhat (?:should|can|do) (?:i|we) do\b|\bhow to fix\b"
    r"|(?:给|看|显示|发|要|展示|写).{0,10}(?:sql|语句|命令|修复|脚本)|怎么(?:修|解决|处理|办|改|弄)|如何(?:修|解决|处理|优化)|解决(?:方法|方案|办法)|该怎么"
)
_WHY = re.compile(
    r"^\W*(?:but |and )?why\W*$|^\W*(?:but |and )?why (?:is|does|do|would|did) (?:that|it|this|so)\b.{0,20}$|\bhow (?:do|can|did) you know\b|\bevidence\b|\bprove\b|\bproof\b|\bare you (?:sure|certain)\b|\b(?:more )?details?\b|\bexplain (?:that|it|more|further|this cause|why)\b|\btell me more\b|\belaborate\b"
    r"|^\W*(?:那)?(?:这是)?为(?:什么|何|啥)(?:呢|啊|这么说|会这样)?\W*$|依据|证据|怎么知道|凭什么|你确定|确定吗|详细|展开|具体(?:说|讲|点)|多说"
)
_REST = re.compile(
    r"\bwhat else\b|\banything else\b|\bthe (?:rest|others)\b|\bother (?:problems|causes|issues|ones)\b|\bshow (?:me )?(?:all|more)\b|\bmore (?:problems|causes)\b|^\W*more\W*$|还有(?:呢|什么|别的|其他|哪些)|其他(?:的|问题|原因)|更多|其余|剩下|全部(?:列出|问题|原因)"
)
_NEXT = re.compile(r"\b(?:the )?other one\b|\banother one\b|\bthe next\b|另一个|另外一个|下一个")
_DEFINITION = re.compile(r"\bcreate table\b|\bddl\b|\bdefinition\b|\bschema of\b|\bstructure\b|建表|表结构|ddl|定义")
_EXPLAIN = re.compile(r"\bexplain\b|\bplan\b|执行计划|解释")
_RUN = re.compile(r"\b(?:run|execute|result of|rows? of|fetch)\b|(?:运行|执行|跑|查)(?:一下)?(?!计划)|结果")
_ROWS = re.compile(r"\bhow many rows\b|\brow count\b|\bsize of\b|\bhow big\b|多少行|多大")
_EXPLAINED = re.compile(
    r"\b(?:slow|why|index|plan|explain|optimi|faster|improve|tune|hang|stuck|block|wait|takes? |took |time)|慢|计划|解释|优化|为什么|索引|卡|堵|等"
)
_SUSPECTS: dict[Suspect, re.Pattern[str]] = {
    "network": re.compile(r"\bnetwork\w*|\bbandwidth\b|\bpacket loss\b|网络|带宽|丢包"),
    "cpu": re.compile(r"(?<![a-z])cpus?(?![a-z])|\bcores?\b|处理器"),
    "memory": re.compile(r"\bmemory\b|\bram\b|\bcache\b|内存|缓存"),
    "disk": re.compile(r"\bdisks?\b|\bi/?o\b|\bstorage\b|磁盘|硬盘|存储"),
    "locks": _TOPICS["locks"],
    "replication": _TOPICS["replication"],
    "connections": _TOPICS["connections"],
    "vacuum": _TOPICS["vacuum"],
    "indexes": _TOPICS["indexes"],
}
_SUPPOSES = re.compile(
    r"\b(?:is|are|was) (?:it|this|that|the|there|our|my)\b|\bcould (?:it|this|the)\b|\bbecause of\b|\bdue to\b|\bcaused? by\b|\bmaybe\b|\bperhaps\b|\bsuspect\b|\bi think\b|\bblame\b|\b(?:do|should|shall|must) (?:we|i) (?:need|buy|add|get|have|upgrade|double)\b|要不要|需不需要|该不该|是不是|是否|会不会|因为|可能|怀疑|难道|吗"
)
_READS_ONLY = re.compile(r"^\s*(?:explain|select|with|show|table|values)\b", re.I)
_SLOW = re.compile(r"\bslow|慢|卡")
_COMPLAINS = re.compile(
    r"\bslow\w*|\bsluggish\b|\blaten\w+|\btime-?outs?\b|\btiming out\b|\bdegrad\w+|\bunresponsive\b|\bhigh (?:cpu|load)\b|\bcpu\b.{0,16}\b(?:high|busy|100|full|pegged|maxed)"
    r"|慢|卡|超时|延迟|cpu.{0,6}(?:高|满|飙)|负载.{0,4}高"
)
_VOCABULARY = (
    "slow", "queries", "query", "statements", "statement", "locks", "blocked", "blocking", "deadlock", "waiting", "connections",
    "connection", "sessions", "vacuum", "autovacuum", "bloat", "wraparound", "replication", "replica", "indexes", "index",
    "duplicate", "unused", "configuration", "settings", "parameters", "memory", "checkpoint", "sequences", "database",
    "performance", "healthy", "health", "diagnose", "examine", "problem", "problems", "instances", "explain", "thanks", "expensive",
)  # fmt: skip


def understand(question: str, *, follows: bool = False) -> Intent:
    """What is asked. `follows` tells that an earlier turn showed causes, so "the second one" means one of them."""
    found = extract(question)
    text = _corrected(found.text)
    suspects = _suspects(text)
    if found.sql is not None:
        return Intent(_sql_kind(found, text), found)
    topic = _topic(text)
    follow_up = _follow_up(text, found, topic) if follows else None
    if follow_up:
        return Intent(follow_up, found, topic, suspects)
    kind = _plain_kind(text, found, topic)
    if kind == "topic" and len(suspects) > 1 and _SLOW.search(text):
        kind = "diagnose"  # "is it the network or the disk that is slow?" asks for the cause, not for one topic
    if kind == "topic" and topic in ("disk", "memory") and _COMPLAINS.search(text):
        kind = "diagnose"  # so does "the server is slow, do we need a faster disk?"
    return Intent(kind, found, topic, suspects if kind in ("diagnose", "topic") else ())


def _sql_kind(found: Extracted, text: str) -> Kind:
    """A statement that reads is explained, or run where running is what was asked; others are explained or refused."""
    assert found.sql is not None
    reads = bool(_READS_ONLY.match(found.sql))
    data_change = bool(re.match(r"\s*(insert|update|delete|merge)\b", found.sql, re.I))
    asked = bool(_EXPLAIN.search(text) or _EXPLAINED.search(text))
    if reads:
        return "query" if _RUN.search(text) and not _EXPLAINED.search(text) else "explain"
    return "explain" if data_change and asked else "change"


def _follow_up(text: str, found: Extracted, topic: Topic | None) -> Kind | None:
    named = bool(found.names)
    if _REST.search(text) and not named:
        return "rest"
    if _FIXED.search(text) and not named:
        return "fixed"
    if _CHANGE.search(text) and not _SHOULD.search(text):
        return "change"
    asks_sql = bool(_SQL.search(text)) and topic != "statements"
    if (found.ordinal is not None or _NEXT.search(text)) and not named and len(text) < 80:
        return "sql" if asks_sql else "ordinal"
    if asks_sql and not named:
        return "sql"
    return "why" if _WHY.search(text) and not named and len(text) < 60 else None


def _plain_kind(text: str, found: Extracted, topic: Topic | None) -> Kind:
    if _CAPABILITIES.search(text):
        return "capabilities"
    if _CHANGE.search(text) and not _SHOULD.search(text) and not text.endswith(("?", "？", "吗")):
        return "change"
    if _INSTANCES.search(text) and topic in (None, "connections"):
        return "instances"
    if _TIME.search(text):
        return "time"
    if topic is None and not found.names and _VERSION.search(text):
        return "attributes"
    if topic is None and not found.names and (_FIXED.search(text) or _SQL.search(text)):
        return "diagnose"
    if found.settings:
        return "settings"
    if found.names and _DEFINITION.search(text):
        return "definition"
    about_a_table = (None, "indexes", *KINDS_OF_INDEXES, "disk", "vacuum", "statements")
    if found.names and topic in about_a_table and not _too_many(found):
        return "table"
    if topic is not None:
        return "topic"
    if len(text) < 60 and _THANKS.search(text) and not _DIAGNOSE.search(text):
        return "thanks"
    if len(text) < 40 and _GREETING.search(text) and not _DIAGNOSE.search(text):
        return "greeting"
    return "diagnose" if _DIAGNOSE.search(text) or found.instance_id else "outside"


def _too_many(found: Extracted) -> bool:
    """An alert quotes many names; then none of them is the one asked about."""
    return len(found.names) > 2


def _topic(text: str) -> Topic | None:
    """The topic that is named most; of equals the more specific one, which stands first in the table."""
    counts = {topic: len({match[0] for match in pattern.finditer(text)}) for topic, pattern in _TOPICS.items()}
    best = max(counts, key=lambda topic: counts[topic])
    if best in ("unused_indexes", "duplicate_indexes") and len(set(_KIND_WORDS.findall(text))) > 1:
        return "indexes"  # "which are missing, unused or duplicate?" asks for all of them
    return best if counts[best] else None


_KIND_WORDS = re.compile(r"\b(?:unused|missing|invalid|bloat|duplicat)|未使用|没用|缺失|缺少|重复|无效|膨胀")


def _suspects(text: str) -> tuple[Suspect, ...]:
    if not _SUPPOSES.search(text):
        return ()
    return tuple(suspect for suspect, pattern in _SUSPECTS.items() if pattern.search(text))


def _corrected(text: str) -> str:
    """The text with misspelt words of our trade put right: `wich qurey is slwo` still asks for slow queries."""
    return re.sub(r"[a-z]{4,}", lambda word: _correct(word[0]), text)


def _correct(word: str) -> str:
    if word in _VOCABULARY or word in _KNOWN:
        return word
    if len(word) == 4:
        return "slow" if sorted(word) == sorted("slow") else word
    near = difflib.get_close_matches(word, [each for each in _VOCABULARY if each[0] == word[0]], 1, 0.78)
    return near[0] if near else word


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_KNOWN = _words(
    """block blocks blocker locked locking state statistics sequence parameter setting lock query session instance replicas
    explained sequential problematic examined healthier unlock connected connecting connect connector vacuuming indexed
    indices slower slowest blocked memories disks explains examines replicate replicated thank status queried"""
)
