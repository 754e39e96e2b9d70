"""A hot statement on MySQL or MariaDB searches with LIKE '%…', which no B-tree index can serve."""

from collections.abc import Iterator

from housecall.diagnosis.cause import Cause, CauseRule, Found
from housecall.diagnosis.causes.mysql._changes import COPIES
from housecall.diagnosis.causes.mysql._statement_causes import application_change, proposals_for, statement_cause
from housecall.diagnosis.finding import Finding
from housecall.diagnosis.remedy import Remedy
from housecall.diagnosis.snapshot import Snapshot
from housecall.engines.mysql.quoting import qualified, quote_identifier
from housecall.wording import Message, Say

CAUSE = CauseRule(
    id="leading_wildcard",
    title=Say(en="Search with a leading wildcard", zh="前导通配符查询"),
    checks=("mysql.leading_wildcard", "mysql.top_statements", "mysql.missing_index", "mysql.wrong_index_order"),
)
_SUMMARY = Say(
    en="{column} is searched with a pattern that begins with a wildcard: every row is read, whatever the indexes.",
    zh="对 {column} 的查询以通配符开头：无论有什么索引，都要读取每一行。",
)
_HIDDEN = Say(
    en="The pattern is not shown by the digest; the column has an index that a pattern with a beginning would use, and"
    " it is never used.",
    zh="摘要中看不到具体的模式；该列有索引，若模式有固定开头本可使用，却从未被使用。",
)
_FULLTEXT = Say(
    en="A full-text index on {column}, and `MATCH ({column}) AGAINST (…)` in place of LIKE",
    zh="在 {column} 上建全文索引，并用 `MATCH ({column}) AGAINST (…)` 代替 LIKE",
)
_NGRAM = Say(
    en="It finds parts of words by pairs of letters; the statement must be changed to MATCH … AGAINST.",
    zh="它按双字符片段查找；语句必须改为 MATCH … AGAINST。",
)
_WORDS = Say(
    en="It finds whole words and their beginnings, not parts of words; the statement must be changed to MATCH …"
    " AGAINST.",
    zh="它按整词和词首查找，不支持词中片段；语句必须改为 MATCH … AGAINST。",
)
_USED = Say(en="the changed statement's plan has access type fulltext", zh="改写后语句的访问类型为 fulltext")
_ANCHOR = Say(
    en="Or let people search by the beginning ('word%'), which the index on the column serves",
    zh="或只支持按开头查询（'词%'），可使用该列上的索引",
)


def conclude(found: Found, now: Snapshot) -> Iterator[Cause]:
    for finding in found.of("mysql.leading_wildcard"):
        details = finding.details
        because: tuple[Message, ...] = () if details["is_seen"] else (_HIDDEN(),)
        yield statement_cause(
            CAUSE.id, finding, found, _SUMMARY(column=details["target"]),
            (_fulltext(finding, now), application_change(_ANCHOR())), confidence=0.9 if details["is_seen"] else 0.7,
            because=because, absorbs=proposals_for(found, finding), object_name=details["target"],
        )  # fmt: skip


def _fulltext(finding: Finding, now: Snapshot) -> Remedy:
    details = finding.details
    target, column = qualified(details["schema"], details["table"]), quote_identifier(details["column"])
    name = quote_identifier(f"ft_{details['table']}_{details['column']}"[:64])
    has_ngram = now.facts.version.flavour == "mysql"
    return Remedy(
        title=_FULLTEXT(column=details["column"]),
        statements=(
            f"ALTER TABLE {target} ADD FULLTEXT INDEX {name} ({column}){' WITH PARSER ngram' if has_ngram else ''};",
        ),
        lock=COPIES(table=target), risk="medium", when="later",
        rollback=(f"ALTER TABLE {target} DROP INDEX {name};",), verify=_USED(),
        verify_statement=f"SHOW INDEX FROM {target};", caution=(_NGRAM if has_ngram else _WORDS)(),
    )  # fmt: skip
