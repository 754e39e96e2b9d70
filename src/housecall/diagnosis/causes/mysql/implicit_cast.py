"""A comparison makes MySQL or MariaDB convert an indexed text column for every row, so its index is not used."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._statement_causes import application_change, proposals_for, statement_cause
from housecall.diagnosis.snapshot import Snapshot
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="implicit_cast",
    title=Say(en="Comparison converts the column", zh="隐式类型转换"),
    checks=("mysql.implicit_cast", "mysql.top_statements", "mysql.missing_index", "mysql.wrong_index_order"),
)
_SUMMARY = Say(
    en="{column} is {type} but compared with a number: the server converts every row and cannot use the column's"
    " index.",
    zh="{column} 的类型是 {type}，却与数字比较：服务器要逐行转换，无法使用该列的索引。",
)
_JOINED = Say(
    en="{column} is {type} but joined with the numbers of {other}: the server converts every row and cannot use the"
    " column's index.",
    zh="{column} 的类型是 {type}，却与数字列 {other} 连接：服务器要逐行转换，无法使用该列的索引。",
)
_AS_TEXT = Say(
    en="{column} is {type} but searched by LIKE: the server converts every row to text and cannot use an index.",
    zh="{column} 的类型是 {type}，却用 LIKE 查询：服务器要把每一行转换为文本，无法使用索引。",
)
_RANGE = Say(
    en="Write a range on the bare column in place of LIKE ({column} >= start AND {column} < end), which an index on it"
    " serves",
    zh="用对裸列的范围条件代替 LIKE（{column} >= 起点 AND {column} < 终点），可使用该列上的索引",
)
_THEN_INDEX = Say(
    en="The column has no index yet: with the range, create one on {column}",
    zh="该列还没有索引：改为范围条件后，在 {column} 上建索引",
)
_ONE_TYPE = Say(
    en="Give {column} and {other} one type (if all of the texts are numbers, make the text column the number that it"
    " holds); until then write CAST(… AS CHAR) around the number in the join",
    zh="让 {column} 与 {other} 类型一致（若文本全是数字，把文本列改为数字类型）；在此之前，在连接条件中对数字一侧写"
    " CAST(… AS CHAR)",
)
_HIDDEN = Say(
    en="The value itself is not shown by the digest; the column has an index that would have served a text, and it is"
    " never used.",
    zh="摘要中看不到具体的值；该列有索引，若以文本比较本可使用，却从未被使用。",
)
_FIX = Say(
    en="Pass the value as text (WHERE {column} = '…', a string parameter in the driver), so that the column stays as"
    " it is",
    zh="以文本传入该值（WHERE {column} = '…'，驱动中使用字符串参数），让列保持原样",
)


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.implicit_cast"):
        details = finding.details
        because: tuple[Message, ...] = () if details["is_seen"] else (_HIDDEN(),)
        summary = (_AS_TEXT if details["as_text"] else _JOINED if details["other"] else _SUMMARY)(
            column=details["target"], type=details["column_type"], other=details["other"]
        )
        fix = _ONE_TYPE(column=details["target"], other=details["other"]) if details["other"] else _FIX(
            column=details["column"]
        )  # fmt: skip
        remedies = [application_change(fix)]
        if details["as_text"]:
            remedies = [application_change(_RANGE(column=details["column"]))]
            if not details["has_plain_index"]:
                remedies.append(application_change(_THEN_INDEX(column=details["target"])))
        yield statement_cause(
            CAUSE.id, finding, found, summary, tuple(remedies),
            confidence=0.95 if details["is_seen"] else 0.75, because=because,
            absorbs=proposals_for(found, finding), object_name=details["target"],
        )  # fmt: skip
