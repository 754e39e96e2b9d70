"""The remedy of two columns that should have one character set and collation."""

from typing import Any

from housecall.diagnosis.causes.mysql._changes import COPIES
from housecall.diagnosis.remedy import Remedy
from housecall.engines.mysql.quoting import qualified, quote_identifier
from housecall.wording import Say

_ALIGN = Say(en="Give {column} the collation {collation}", zh="将 {column} 的排序规则改为 {collation}")
_CAUTION = Say(
    en="Copies the table; for a large one use gh-ost or pt-online-schema-change. Columns of foreign keys must be"
    " changed on both sides. A DEFAULT or COMMENT of the column must be repeated here.",
    zh="会复制整张表，大表请使用 gh-ost 或 pt-online-schema-change。外键两侧的列必须一起修改。"
    "列的 DEFAULT 或 COMMENT 必须在此重复写出。",
)
_VERIFY = Say(en="both columns have the same collation", zh="两列的排序规则相同")


def align(details: dict[str, Any] | Any) -> Remedy:
    """MODIFY the column to the other's character set and collation."""
    target, column = qualified(details["schema"], details["table"]), quote_identifier(details["column"])
    null = "NOT NULL" if details["not_null"] else "NULL"
    kind = details["column_type"].upper()

    def modify(character_set: str, collation: str) -> str:
        return (
            f"ALTER TABLE {target} MODIFY COLUMN {column} {kind} CHARACTER SET {character_set}"
            f" COLLATE {collation} {null};"
        )

    return Remedy(
        title=_ALIGN(column=f"{target}({column})", collation=details["other_collation"]),
        statements=(modify(details["other_character_set"], details["other_collation"]),),
        lock=COPIES(table=target), risk="medium", when="later",
        rollback=(modify(details["character_set"], details["collation"]),), verify=_VERIFY(),
        verify_statement=f"SHOW FULL COLUMNS FROM {target};", caution=_CAUTION(),
    )  # fmt: skip
