"""What other tools print, read as causes."""

from benchmarks.faults.tools import DUPLICATE_KEYS, MYSQLTUNER, causes_of

TUNED = """
 >>  MySQLTuner 1.9.9
[!!] Your MySQL version 10.11.19-MariaDB is EOL software!  Upgrade soon!
[!!] Table cache hit rate: 5% (1 hits / 17 requests)
[OK] InnoDB Read buffer efficiency: 99.73% (14799 hits/ 16493 total)
[!!] InnoDB Read buffer efficiency: 89.73% (14799 hits/ 16493 total)
[!!] InnoDB buffer pool / data size: 8.0M / 46.0M
"""
DUPLICATES = """
# Key by_ref ends with a prefix of the clustered index
# To remove this duplicate index, execute:
ALTER TABLE `app`.`orders` DROP INDEX `by_ref`;
"""


def told(printed: str, complaint: str, rules: object) -> list[tuple[str, str]]:
    return [(each["id"], each["object"]) for each in causes_of(printed, complaint, rules)]  # type: ignore[arg-type]


def test_only_complaints_count_and_the_same_cause_counts_once() -> None:
    assert told(TUNED, r"^\[!!\]", MYSQLTUNER) == [
        ("table_cache_small", "table_open_cache"),
        ("buffer_too_small", "innodb_buffer_pool_size"),
    ]


def test_the_index_that_a_tool_would_drop_is_the_object() -> None:
    assert told(DUPLICATES, "^ALTER", DUPLICATE_KEYS) == [("duplicate_index", "`app`.`orders`.`by_ref`")]


def test_a_tool_without_complaints_names_no_cause() -> None:
    assert causes_of("[OK] fine", r"^\[!!\]", MYSQLTUNER) == []
