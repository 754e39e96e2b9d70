"""What a model's answer says without a source is found, and what tools returned is left alone."""

import pytest

from housecall.agent.grounding import MOST_TOLD, note_on, sources_of, ungrounded
from housecall.wording import LANGUAGES

RESULTS = [
    {
        "causes": [
            {"id": "missing_index", "object": "shop.orders(customer_id)", "evidence": {"scans": 1234, "share": 0.4567}}
        ],
        "tables": ["public.orders", "public.customers", "audit_log"],
        "size_bytes": 5_368_709_120,
        "seconds": 7260,
    }
]
SOURCES = sources_of(RESULTS, ["Why is checkout slow since 500 customers came?"])


@pytest.mark.parametrize(
    "answer",
    [
        "The table `orders` was scanned 1,234 times.",
        "`shop.orders(customer_id)` takes 45.67% of the time, 45.7 % or 0.4567 of it; 100% would be all.",
        "It is 5 GB large and ran for 2 hours, that is 121 minutes.",
        "There are 3 tables and 1 cause. Step 2: raise `work_mem`, see pg_stat_statements and `pg_class`.",
        "You say that 500 customers came.",
        "```sql\nCREATE INDEX CONCURRENTLY orders_new_idx ON public.orders (customer_id);\n```",
        "```sql\nWITH few AS (SELECT customer_id AS who FROM orders) SELECT who FROM few;\n```",
        "On 2026-11-28 at 14:30:07 PostgreSQL 18.1 and 8.0.36 said so; `VACUUM` and `examine_instance` help.",
        "表 `orders` 被扫描了 1234 次。",
    ],
)
def test_what_sources_say_is_grounded(answer: str) -> None:
    assert ungrounded(answer, SOURCES, ["examine_instance"]) == []


@pytest.mark.parametrize(
    ("answer", "made_up"),
    [
        ("The table `orders_archive` is large.", ["orders_archive"]),
        ("Somebody locks order_items_2019 now.", ["order_items_2019"]),
        ("It was scanned 1,235 times.", ["1,235"]),
        ("It takes 45.68% of the time.", ["45.68"]),
        ("It is 6.5 GB large.", ["6.5"]),
        ("Query `SELECT total FROM invoices` is slow.", ["total", "invoices"]),
        ("```sql\nDROP INDEX x;\nSELECT * FROM ghosts;\n```", ["ghosts"]),
        ("31 and 31 again", ["31"]),
        ("表 `幽灵表` 没有问题，`ghost_table` 有 777777 行。", ["ghost_table", "777777"]),
    ],
)
def test_what_no_source_says_is_found(answer: str, made_up: list[str]) -> None:
    found = ungrounded(answer, SOURCES)
    assert [each for each in found if each in made_up] == made_up


@pytest.mark.parametrize(("number", "is_made_up"), [("30", False), ("31", True), ("30.5", True)])
def test_small_whole_numbers_may_count_the_answer_s_own_things(number: str, is_made_up: bool) -> None:
    assert bool(ungrounded(f"It has {number} of them.", sources_of([]))) is is_made_up


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_note_names_what_has_no_source_and_how_much_more_there_is(language) -> None:
    few, many = note_on(["a_b", "77"], language), note_on([str(n) for n in range(MOST_TOLD + 5)], language)
    assert "`a_b`, `77`" in few
    assert "5" in many
    assert f"`{MOST_TOLD}`" not in many


def test_each_of_many_made_up_numbers_is_found_among_many_results() -> None:
    sources = sources_of([{"rows": [[n * 2, f"name_{n}"] for n in range(20_000)]}])
    answer = " ".join(f"`name_{n}` has {1_000_001 + 2 * n} rows." for n in range(300))
    assert len(ungrounded(answer, sources)) == 300


@pytest.mark.parametrize("answer", ["```", "`", "``` sql\nSELECT (((\n```", "9" * 400, "`" * 300, "SELECT " * 3000])
def test_odd_answers_are_no_trouble(answer: str) -> None:
    ungrounded(answer, SOURCES)
