"""Plans told in words."""

from housecall.advisor.plan import parse_postgresql_plan
from housecall.advisor.plan_words import MAX_NODES_SHOWN, describe

SLOW_SCAN = {
    "Node Type": "Seq Scan", "Relation Name": "customers", "Plan Rows": 100, "Total Cost": 9.0, "Actual Rows": 1,
    "Actual Loops": 1, "Actual Total Time": 5.4, "Filter": "(lower(email) = $1)", "Rows Removed by Filter": 19999
}  # fmt: skip


def described(raw, language="en", **more):
    return describe(parse_postgresql_plan([{"Plan": raw, **more}]), language)


def test_description_says_where_the_time_goes_and_why():
    text = described(SLOW_SCAN, **{"Execution Time": 5.5})
    assert "The statement ran for 5.5 ms." in text
    assert "Seq Scan on customers reads 20,000 rows and keeps 1" in text
    assert "an index on email alone cannot help" in text


def test_description_speaks_chinese():
    text = described(SLOW_SCAN, "zh-CN", **{"Execution Time": 5.5})
    assert "读取 20,000 行，只保留 1 行" in text
    assert "执行步骤：" in text


def test_plan_that_was_not_run_says_so():
    assert "was not run" in described({"Node Type": "Result", "Plan Rows": 1, "Total Cost": 0.01})


def test_long_plan_is_cut_and_says_how_much_is_missing():
    leaf = {"Node Type": "Seq Scan", "Plan Rows": 1, "Total Cost": 1.0}
    text = described({"Node Type": "Append", "Plan Rows": 1, "Total Cost": 99.0, "Plans": [leaf] * 40})
    assert text.count("- Seq Scan") == MAX_NODES_SHOWN - 1
    assert "and 16 more steps" in text
