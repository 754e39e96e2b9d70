"""A hot statement on MySQL or MariaDB wraps a column in a function, so that the column's index cannot serve."""

import re
from collections.abc import Iterator

from housecall.advisor.shape import ROW, SEARCHES
from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._changes import COPIES, ONLINE, WAIT_SHORTLY, create_index
from housecall.diagnosis.causes.mysql._settings import joined
from housecall.diagnosis.causes.mysql._statement_causes import application_change, proposals_for, statement_cause
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.quoting import qualified, quote_identifier
from housecall.wording import Say

CAUSE = CauseRule(
    id="function_on_column",
    title=Say(en="Filter by a function of a column", zh="过滤条件对列使用函数"),
    checks=("mysql.function_on_column", "mysql.top_statements", "mysql.missing_index", "mysql.wrong_index_order"),
)
_SUMMARY = Say(
    en="A hot statement filters {table} by {expression}; no index holds that expression, so every row is read and"
    " computed.",
    zh="热点语句按 {expression} 过滤 {table}；没有包含该表达式的索引，只能逐行读取并计算。",
)
_SUMMARY_OF_ROWS = Say(
    en="A hot statement compares {expression} of {table} as a whole row, which no index serves: nearly every row is"
    " read and compared.",
    zh="热点语句把 {table} 的 {expression} 作为整行比较，索引无法使用：几乎每一行都要读取并比较。",
)
_PLAIN = Say(
    en="There is an index on {column} itself; it cannot serve this filter.",
    zh="列 {column} 本身有索引，但无法用于该过滤条件。",
)
_RANGE = Say(
    en="Write a range on the bare column in place of {expression} (column >= start AND column < end)",
    zh="用对裸列的范围条件代替 {expression}（列 >= 起点 AND 列 < 终点）",
)
_REWRITE = Say(
    en="Or rewrite the filter so that {column} stands bare (store the value in the form that is searched)",
    zh="或改写条件，让 {column} 不被函数包裹（按查询的形式存储该值）",
)
_GENERATED = Say(en="Index a generated column that holds {expression}", zh="为保存 {expression} 的生成列建索引")
_GONE = Say(en="the statement reads the table through the new index", zh="语句通过新索引读取该表")
_GENERATED_CAUTION = Say(
    en="MariaDB uses the index only where the statement names the column {name} in place of the expression"
    " (from 11.8 on also for the expression itself).",
    zh="只有当语句改用列 {name} 代替该表达式时，MariaDB 才会使用此索引（11.8 起也识别表达式本身）。",
)
_ALSO_EXPRESSION = Say(
    en="MySQL uses the index for the expression as well as for the column {name}.",
    zh="语句使用该表达式或列 {name} 时，MySQL 都会使用此索引。",
)
_LENGTH = Say(
    en="Values longer than 255 characters are refused once the index is there: choose the length that yours need.",
    zh="建索引后，超过 255 个字符的值会被拒绝写入：请按实际数据选择长度。",
)
_ANY_TEXT = "VARCHAR(255)"
_LONG_TYPES = ("json", "text", "tinytext", "mediumtext", "longtext", "blob", "tinyblob", "mediumblob", "longblob")
_SHORT_RESULTS = ("length", "char_length", "character_length", "json_length", "json_value", "crc32", "ascii", "sign")
_ARITHMETIC = re.compile(r"\s[-+*/%]\s|\sDIV\s|\sMOD\s", re.IGNORECASE)
_DATES_BY_TYPE = ("date", "datetime", "timestamp")


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.function_on_column"):
        details = finding.details
        because = (_PLAIN(column=details["column"]),) if details["has_plain_index"] else ()
        is_row = details["function"] == ROW
        yield statement_cause(
            CAUSE.id, finding, found,
            (_SUMMARY_OF_ROWS if is_row else _SUMMARY)(
                table=qualified(details["schema"], details["table"]), expression=details["expression"]
            ),
            tuple(_remedies(finding, now)), confidence=0.95 if details["seen_in_plan"] else 0.8,
            because=(_ROWS(),) if is_row else because,
            absorbs=proposals_for(found, finding), object_name=details["target"],
        )  # fmt: skip


_ROWS = Say(
    en="A comparison of rows as a whole makes no range of an index: the table is read from its beginning until the"
    " first row fits.",
    zh="整行比较不会转换为索引范围：表从头开始读取，直到第一行满足条件。",
)
_WRITE_OUT = Say(
    en="Write {expression} > (x, y) out: {column} >= x AND ({column} > x OR the other column > y); the first part is a"
    " range of the index",
    zh="把 {expression} 的整行比较展开：{column} >= x，并且 {column} > x 或另一列 > y；前一部分可使用索引范围",
)
_OWN_TABLE = Say(
    en="Keep the elements of {column} as rows of a table of their own (the key of {table} and one element, with an"
    " index on the element), and join it",
    zh="把 {column} 中的各个元素存为单独一张表的行（{table} 的主键加一个元素，并在元素上建索引），查询时连接该表",
)
_MULTI_VALUED = Say(
    en="Or index the array itself: a multi-valued index, KEY ((CAST({column} -> '$.path' AS CHAR(64) ARRAY))), serves"
    " MEMBER OF, JSON_CONTAINS and JSON_OVERLAPS with the same path",
    zh="或为数组本身（c 即 {column}）建多值索引 KEY ((CAST(c -> '$.path' AS CHAR(64) ARRAY)))，"
    "可用于路径相同的 MEMBER OF、JSON_CONTAINS 和 JSON_OVERLAPS",
)
_SEARCH_TEXT = Say(
    en="Search {column} by a full-text index (MATCH … AGAINST); where the beginning is fixed, write LIKE 'beginning%',"
    " which an index on {column} serves",
    zh="用全文索引（MATCH … AGAINST）搜索 {column}；如果开头固定，写成 LIKE '开头%'，可使用 {column} 上的索引",
)
_IN_JSON = ("json_contains", "json_overlaps", "json_search", "member of")
_MULTI_VALUED_SINCE = 80017


def _search_remedies(finding: Finding, now: Snapshot) -> Iterator[Remedy]:
    """For what is looked for inside a column: an index on the whole expression would hold one value's answer."""
    details, version = finding.details, now.facts.version
    names = {"column": details["column"], "table": qualified(details["schema"], details["table"])}
    if details["function"] == ROW:
        yield application_change(_WRITE_OUT(expression=details["expression"], column=details["column"]))
    elif details["function"] == "find_in_set" or details["function"] in _IN_JSON:
        yield application_change(_OWN_TABLE(**names))
        is_array = details["function"] in _IN_JSON and details["function"] != "json_search"
        if is_array and version.flavour == "mysql" and version.number >= _MULTI_VALUED_SINCE:
            yield application_change(_MULTI_VALUED(column=details["column"]))
    else:
        yield application_change(_SEARCH_TEXT(column=details["column"]))


def _remedies(finding: Finding, now: Snapshot) -> Iterator[Remedy]:
    details = finding.details
    if details["function"] == ROW or details["function"] in SEARCHES:
        yield from _search_remedies(finding, now)
        return
    if details["column_type"].lower().startswith(_DATES_BY_TYPE):
        yield application_change(_RANGE(expression=details["expression"]))
    if "?" not in details["expression"]:
        yield _index(finding, now)
    if not details["column_type"].lower().startswith(_DATES_BY_TYPE):
        yield application_change(_REWRITE(column=details["column"]))


def _index(finding: Finding, now: Snapshot) -> Remedy:
    """An index on the expression itself, where the server has such; values that a digest hides cannot be indexed."""
    details = finding.details
    has_functional = now.facts.version.flavour == "mysql" and now.facts.version.number >= 80013
    if has_functional and not _is_long_text(details["column_type"], _suffix(details["expression"])):
        return create_index(
            details["schema"], details["table"], [details["column"], _suffix(details["expression"])],
            key=f"({details['expression']})", is_functional=True,
        )  # fmt: skip
    return _generated(finding, is_mysql=now.facts.version.flavour == "mysql")


def _is_long_text(column_type: str, function: str) -> bool:
    """Whether the expression is a document or a text without a length, which MySQL indexes by no functional key part
    (errors 3753 and 3757)."""
    is_long = column_type.lower().startswith(_LONG_TYPES)
    return is_long and function not in _SHORT_RESULTS


def _unquoted(expression: str) -> str:
    """A value out of a document as the text that it is compared as: without its quotes."""
    is_document = expression.lower().startswith("json_extract(") or ("->" in expression and "->>" not in expression)
    return f"json_unquote({expression})" if is_document else expression


def _generated(finding: Finding, *, is_mysql: bool) -> Remedy:
    """A virtual column takes no space and no copy of the table; its index is built in place."""
    details = finding.details
    target = qualified(details["schema"], details["table"])
    name = quote_identifier(f"{details['column']}_{_suffix(details['expression'])}"[:60])
    index = quote_identifier(f"ix_{details['table']}_{details['column']}_{_suffix(details['expression'])}"[:64])
    column_type = _type_of(_suffix(details["expression"]), details["column_type"], details["expression"])
    expression = _unquoted(details["expression"])
    caution = (_ALSO_EXPRESSION if is_mysql else _GENERATED_CAUTION)(name=name)
    if column_type == _ANY_TEXT:
        caution = joined(caution, _LENGTH())
    return Remedy(
        title=_GENERATED(expression=details["expression"]),
        statements=(
            f"ALTER TABLE {target} ADD COLUMN {name} {column_type} AS ({expression}) VIRTUAL;",
            f"ALTER TABLE {target} ADD INDEX {index} ({name});",
        ),
        lock=ONLINE(table=target) if details["column_type"] else COPIES(table=target),
        risk="low", when="later",
        rollback=(f"ALTER TABLE {target} DROP INDEX {index};", f"ALTER TABLE {target} DROP COLUMN {name};"),
        verify=_GONE(), verify_statement=f"SHOW INDEX FROM {target};",
        caution=caution if details["column_type"] else WAIT_SHORTLY(),
    )  # fmt: skip


def _suffix(expression: str) -> str:
    """The function's name for the name of an index; `value` where there is none."""
    word = expression.strip("`( ").partition("(")[0].strip("` ")
    return word if word.isidentifier() else "value"


def _type_of(function: str, column_type: str, expression: str) -> str:
    numbers = {"year": "INT", "month": "INT", "day": "INT", "length": "INT", "char_length": "INT", "to_days": "INT"}
    if function in numbers:
        return numbers[function]
    if column_type.lower().startswith(_DATES_BY_TYPE):
        return column_type.upper() if function == "value" else "DATE"
    if function == "value" and _ARITHMETIC.search(expression):
        return "DOUBLE"  # a sum or product that were kept as text would be compared as text, and not by the index
    return column_type.upper() if column_type.lower().startswith(("varchar", "char")) else _ANY_TEXT
