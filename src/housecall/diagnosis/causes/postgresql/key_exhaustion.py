"""A number key comes to the end of its range; then every insert fails.

The object is the column whose range ends, or the sequence when it fills no column.
"""

from collections.abc import Iterator
from dataclasses import replace

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.postgresql._changes import (
    ABOUT,
    BUILD_BYTES_PER_SECOND,
    LOCK_EXCLUSIVE,
    LOCK_NONE,
    MOMENT,
)
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.postgresql.quoting import qualified, quote_identifier, quote_literal
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="key_exhaustion",
    title=Say(en="A number key near its end", zh="整型主键或序列即将耗尽"),
    checks=("postgresql.key_exhaustion",),
)
SMALL_TABLE_BYTES = 1024**3
"""Up to here the rewrite takes under half a minute at the rate that index builds were measured with."""
_SUMMARY = Say(
    en="{key} has used {share:percent} of its range; after {left:count} more inserts every insert fails.",
    zh="{key} 已用掉取值范围的 {share:percent}；再插入 {left:count} 次之后，所有插入都会失败。",
)
_COLLIDES = Say(
    en="The sequence of {key} has reached its end and begins anew, but the old keys are still there: inserts fail with"
    " a duplicate key.",
    zh="{key} 的序列已到尽头并从头循环，但旧键仍在表中：插入会因键重复而失败。",
)
_NO_CYCLE = Say(
    en="Let {key} go on behind its old end, and cycle no more",
    zh="让 {key} 从原上限之后继续取值，并取消循环（NO CYCLE）",
)
_WHICH_COLUMN = Say(
    en="The column is {type}, which ends at {limit:count}; its sequence stands at {last:count}.",
    zh="该列类型为 {type}，上限 {limit:count}；序列当前为 {last:count}。",
)
_WHICH_SEQUENCE = Say(
    en="The sequence ends at {limit:count} and stands at {last:count}; the column could hold more.",
    zh="序列上限 {limit:count}，当前 {last:count}；列本身还能容纳更大的值。",
)
_REFERENCES = Say(
    en="Columns that refer to it are integer too and must be widened first: {columns}.",
    zh="引用它的列同样是 integer，必须先加宽：{columns}。",
)
_WIDEN = Say(en="Widen {key} to bigint", zh="将 {key} 改为 bigint")
_WIDEN_VERIFY = Say(en="column and sequence are bigint", zh="列与序列均为 bigint")
_WIDEN_CAUTION = Say(
    en="Rewrites the table and its indexes while everybody waits, and needs as much free disk. On a large table do"
    " it without the"
    " lock: add a bigint column, fill it in batches with a trigger for new rows, then swap the columns in one short"
    " transaction.",
    zh="会在独占锁下重写表及其索引，并需要同样大的空闲磁盘。大表请改用在线方式：新增 bigint 列，"
    "用触发器同步新行并分批回填，最后在一个短事务中交换列。",
)
_NEGATIVE = Say(
    en="Buy time: restart the sequence in the unused negative half of the range",
    zh="争取时间：让序列从未使用的负数区间开始",
)
_NEGATIVE_CAUTION = Say(
    en="Only when no code relies on positive or growing keys, and no negative keys exist. It buys as many values"
    " again, not a cure.",
    zh="仅当没有代码依赖键为正数或递增、且表中没有负数键时使用。它只是换来同样多的值，并不能根治。",
)
_RAISE = Say(en="Raise the limit of sequence {sequence}", zh="提高序列 {sequence} 的上限")
_VERIFY = Say(en="the share used is small again", zh="已用比例重新变小")


def conclude(found: Found, _now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("postgresql.key_exhaustion"):
        yield _cause(finding)


def _cause(finding: Finding) -> Cause:
    details = finding.details
    ends_first = details["sequence_max"] < details["column_max"]
    because: tuple[Message, ...] = (
        _WHICH_SEQUENCE(limit=details["limit"], last=details["last_value"])
        if ends_first or not details["column"]
        else _WHICH_COLUMN(type=details["column_type"], limit=details["limit"], last=details["last_value"]),
    )
    if details["references"]:
        because += (_REFERENCES(columns=", ".join(details["references"])),)
    return Cause(
        id=CAUSE.id,
        object=finding.object,
        object_kind=finding.object_kind,
        severity=finding.severity,
        confidence=0.97,
        summary=_COLLIDES(key=finding.object)
        if details["collides"]
        else _SUMMARY(key=finding.object, share=details["share"], left=details["left"]),
        because=because,
        evidence=finding.evidence,
        remedies=tuple(_remedies(finding)),
        rests_on=(finding.fingerprint,),
    )


def _remedies(finding: Finding) -> Iterator[Remedy]:
    details = finding.details
    sequence = qualified(details["schema"], details["sequence"])
    if details["collides"]:
        yield _go_on(finding, sequence)
    elif not details["column"] or details["sequence_max"] < details["column_max"]:
        yield _raise(sequence, details["sequence_max"], details["column_max"])
    else:
        yield _widen(finding, sequence)
        if details["column_max"] < 2**63 - 1 and not details["references"]:
            yield _negative(sequence, details["column_max"], details["last_value"])


def _go_on(finding: Finding, sequence: str) -> Remedy:
    """Behind the old end, where the column has room or is given it."""
    details = finding.details
    base = (
        _raise(sequence, details["sequence_max"], details["column_max"])
        if details["sequence_max"] < details["column_max"]
        else _widen(finding, sequence)
    )
    on = (
        f"ALTER SEQUENCE {sequence} NO CYCLE;",
        f"SELECT pg_catalog.setval({quote_literal(sequence)}, {details['limit']});",
    )
    back = (f"SELECT pg_catalog.setval({quote_literal(sequence)}, {details['last_value']});",)
    return replace(
        base, title=_NO_CYCLE(key=finding.object), statements=(*base.statements, *on), rollback=(*back, *base.rollback)
    )


def _widen(finding: Finding, sequence: str) -> Remedy:
    details = finding.details
    table, column = qualified(details["table_schema"], details["table"]), quote_identifier(details["column"])
    size = float(details["table_bytes"] or 0)
    old = details["column_type"]
    references = [_reference(each) for each in details["references"]]
    widen = [f"ALTER TABLE {target} ALTER COLUMN {name} TYPE bigint;" for target, name in references]
    return Remedy(
        title=_WIDEN(key=finding.object),
        statements=(
            *widen,
            f"ALTER TABLE {table} ALTER COLUMN {column} TYPE bigint;",
            f"ALTER SEQUENCE {sequence} AS bigint;",
        ),
        lock=LOCK_EXCLUSIVE(table=table),
        risk="high" if size > SMALL_TABLE_BYTES else "medium",
        when="later" if size > SMALL_TABLE_BYTES else "now",
        rollback=(
            f"ALTER SEQUENCE {sequence} AS {old};",
            f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {old};",
        ),
        verify=_WIDEN_VERIFY(),
        verify_statement=_state(details["schema"], details["sequence"]),
        duration=ABOUT(seconds=max(size / BUILD_BYTES_PER_SECOND, 1.0), size=size),
        caution=_WIDEN_CAUTION(),
    )


def _reference(text: str) -> tuple[str, str]:
    """`public.lines.order_id` as table and column; a dot inside quotes is part of a name."""
    parts, quoted = [""], False
    for letter in text:
        quoted = quoted != (letter == '"')
        if letter == "." and not quoted:
            parts.append("")
        else:
            parts[-1] += letter
    return ".".join(parts[:-1]), parts[-1]


def _raise(sequence: str, old: int, column_max: int) -> Remedy:
    as_type = "bigint" if column_max > 2_147_483_647 else "integer" if column_max > 32_767 else "smallint"
    schema, _, name = sequence.rpartition(".")
    return Remedy(
        title=_RAISE(sequence=sequence),
        statements=(f"ALTER SEQUENCE {sequence} AS {as_type} MAXVALUE {column_max};",),
        lock=LOCK_NONE(),
        risk="low",
        when="now",
        rollback=(f"ALTER SEQUENCE {sequence} MAXVALUE {old};",),
        verify=_VERIFY(),
        verify_statement=f"SELECT last_value FROM {schema}.{name};",
        duration=MOMENT(),
    )


def _negative(sequence: str, column_max: int, last: int) -> Remedy:
    low = -column_max - 1
    return Remedy(
        title=_NEGATIVE(),
        statements=(f"ALTER SEQUENCE {sequence} MINVALUE {low} START WITH {low} RESTART WITH {low};",),
        lock=LOCK_NONE(),
        risk="medium",
        when="now",
        rollback=(f"ALTER SEQUENCE {sequence} MINVALUE 1 START WITH 1 RESTART WITH {last + 1};",),
        verify=_VERIFY(),
        verify_statement=f"SELECT last_value FROM {sequence};",
        duration=MOMENT(),
        caution=_NEGATIVE_CAUTION(),
    )


def _state(schema: str, name: str) -> str:
    return (
        "SELECT data_type, last_value, max_value FROM pg_sequences"
        f" WHERE schemaname = {quote_literal(schema)} AND sequencename = {quote_literal(name)};"
    )
