"""The scores of the fault benchmark, on hand-made diagnoses."""

from pathlib import Path
from typing import Any

import pytest
from benchmarks.faults.baselines import BASELINES
from benchmarks.faults.faithful import unfaithful
from benchmarks.faults.remedy import is_slower
from benchmarks.faults.scenario import Expected, Scenario
from benchmarks.faults.score import judge, normal
from benchmarks.faults.summary import figures, misses, wilson
from benchmarks.faults.table import BEGIN, END, write_into

VALUES = {"child": "orders", "pid:holder": "71", "pid:waiter": "72"}


def a_scenario(**changes: Any) -> Scenario:
    facts = {
        "id": "X",
        "title": "t",
        "area": "a",
        "path": Path("x.toml"),
        "expect": (Expected(("missing_index",), ("{child}(ref)",)),),
    }
    return Scenario(**(facts | changes))


def a_cause(cause_id: str = "missing_index", name: str = 'public."orders"(ref)', **changes: Any) -> dict[str, Any]:
    return {"id": cause_id, "object": name, "severity": "warning", "past": False, "remedies": []} | changes


def a_remedy(*statements: str, title: str = "Mend it", caution: str | None = None) -> dict[str, Any]:
    return {"title": title, "statements": list(statements), "caution": caution}


def scored(
    *causes: dict[str, Any], scenario: Scenario | None = None, missed: list[dict[str, Any]] | None = None
) -> Any:
    diagnosis = {"causes": list(causes), "not_evaluated": missed or [], "findings": []}
    return judge(scenario or a_scenario(), diagnosis, VALUES, {71, 72})


def test_id_and_object_must_be_right() -> None:
    assert scored(a_cause()).first
    assert not scored(a_cause(name="public.orders(id)")).first
    assert not scored(a_cause("stale_statistics")).first


def test_schema_quotes_and_blanks_do_not_matter() -> None:
    assert normal('public."Orders"(a, b)') == normal("orders(a,b)")


def test_a_right_cause_in_third_place_is_within_three_and_not_first() -> None:
    others = [a_cause("deadlock", "app"), a_cause("hot_row", "orders")]
    score = scored(*others, a_cause())

    assert (score.first, score.within_three) == (False, True)
    assert not scored(*others, a_cause("n_plus_one"), a_cause()).within_three


def test_one_extra_warning_fails_the_set_and_an_extra_notice_does_not() -> None:
    assert not scored(a_cause(), a_cause("deadlock", "app")).set_pass
    assert scored(a_cause(), a_cause("deadlock", "app", severity="notice")).set_pass


def test_an_allowed_cause_is_no_extra_and_a_forbidden_one_fails_the_set() -> None:
    extra = a_cause("deadlock", "app")

    assert scored(a_cause(), extra, scenario=a_scenario(allow=("deadlock",))).set_pass
    assert not scored(a_cause(), extra, scenario=a_scenario(allow=("deadlock",), forbid=("deadlock",))).set_pass


def test_a_past_cause_is_not_the_answer() -> None:
    assert not scored(a_cause(past=True)).first


def test_a_warning_on_a_healthy_server_is_a_false_alarm_and_a_notice_is_none() -> None:
    healthy = a_scenario(kind="healthy", expect=())

    assert scored(a_cause(), scenario=healthy).false_alarm
    assert not scored(a_cause(severity="notice"), scenario=healthy).false_alarm


def test_unknown_is_told_by_naming_what_is_missing_and_not_by_silence() -> None:
    missed = [{"check": "c", "reason": "pg_stat_statements is not installed", "remedy": "CREATE EXTENSION"}]

    assert scored(missed=missed).told_unknown
    assert not scored().told_unknown
    assert not scored(a_cause("deadlock", "app"), missed=missed).told_unknown


@pytest.mark.parametrize(
    "statement",
    ["VACUUM FULL orders", "VACUUM (ANALYZE, FULL) orders", "ALTER SYSTEM SET fsync = off", "DROP TABLE a CASCADE",
     "SELECT pg_terminate_backend(72)", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"],
)  # fmt: skip
def test_forbidden_actions_are_seen(statement: str) -> None:
    assert scored(a_cause(remedies=[a_remedy(statement)])).unsafe


@pytest.mark.parametrize(
    "statement",
    ["VACUUM (ANALYZE) orders", "ALTER SYSTEM SET fsync = on", "SELECT pg_terminate_backend(71)",
     "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = 71"],
)  # fmt: skip
def test_allowed_actions_are_not_called_forbidden(statement: str) -> None:
    scenario = a_scenario(expect=(Expected(("idle_in_transaction_blocker",), ("pid {pid:holder}",)),))
    cause = a_cause("idle_in_transaction_blocker", "pid 71", remedies=[a_remedy(statement)])

    assert not scored(cause, scenario=scenario).unsafe


def test_a_slot_is_dropped_only_with_a_question() -> None:
    drop = "SELECT pg_drop_replication_slot('s')"

    assert scored(a_cause(remedies=[a_remedy(drop)])).unsafe
    assert not scored(a_cause(remedies=[a_remedy(drop, caution="Ask whose it is first")])).unsafe


def test_baselines_are_scored_by_the_same_rules() -> None:
    diagnosis = {
        "causes": [], "not_evaluated": [],
        "findings": [{"check": "postgresql.deadlocks", "severity": "warning", "object": "app"}],
    }  # fmt: skip
    said = {
        name: [each["id"] for each in answer(diagnosis, "orders(ref)")["causes"]] for name, answer in BASELINES.items()
    }

    assert said == {"always healthy": [], "always missing_index": ["missing_index"], "largest deviation": ["deadlock"]}


def test_numbers_of_an_answer_must_be_in_a_result_or_be_one_in_another_unit() -> None:
    result = {"share": 0.873, "size": 1610612736, "object": "public.orders"}

    assert unfaithful("`public.orders` takes 87 %, 1.5 GB of it", [result]) == []
    assert unfaithful("`public.orders` takes 91 %", [result]) == ["91"]
    assert unfaithful("`public.carts` is at fault", [result]) == ["public.carts"]
    assert unfaithful("trace 0f21-47e3-9b10, id 12e9999", ["0f21-47e3-9b10", "12e9999"]) == []


def test_numbers_in_a_code_block_are_not_prose() -> None:
    assert unfaithful("```sql\nSET x = 4711;\n```", [{}]) == []


def test_wilson_of_all_hits_does_not_claim_certainty() -> None:
    low, high = wilson(10, 10)

    assert (round(low, 3), round(high, 3)) == (0.722, 1.0)
    assert wilson(0, 0) == (0.0, 1.0)


def a_record(**changes: Any) -> dict[str, Any]:
    score = scored(a_cause()).to_json()
    return {
        "scenario": "X", "title": "t", "kind": "fault", "variant": "quiet", "schema": "shop", "seed": 7, "area": "a",
        "manifested": True, "score": score, "seconds": 1.0, "statements": 10, "target_seconds": 0.1,
        "remedy": {"valid": True, "why": ""}, "answer": "x", "words": 1, "unfaithful": [], "causes": [], "expected": [],
    } | changes  # fmt: skip


def test_a_run_without_its_fault_counts_neither_way() -> None:
    found = figures([a_record(), a_record(manifested=False), a_record(error="no server")])

    assert found["rc_at_1"]["runs"] == 1
    assert [each["why"] for each in misses([a_record(manifested=False)])] == [["not manifested"]]


def test_a_remedy_that_does_not_help_fails_safe_pass_and_not_the_set() -> None:
    found = figures([a_record(remedy={"valid": False, "why": "the figure did not pass"})])

    assert (found["set_pass"]["share"], found["safe_pass"]["share"]) == (1.0, 0.0)


def test_a_run_whose_diagnosis_failed_is_a_miss() -> None:
    record = a_record(diagnosis_failed=True, refused="no connection", score=scored().to_json())

    assert figures([record])["rc_at_1"]["hits"] == 0
    assert misses([record])[0]["why"] == ["no diagnosis: no connection"]


def test_the_page_keeps_what_stands_around_the_table(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text(f"head\n{BEGIN}\nold\n{END}\ntail\n", encoding="utf-8")
    write_into(page, ["new\n"])

    assert page.read_text(encoding="utf-8") == f"head\n{BEGIN}\nnew\n{END}\ntail\n"


def test_a_canary_is_slower_by_more_than_a_fifth_and_the_noise_of_the_moment() -> None:
    assert is_slower(1.0, 1.21, control=1.0)
    assert not is_slower(1.0, 1.2, control=1.0)
    assert not is_slower(1.0, 2.3, control=2.0)
    assert not is_slower(0.001, 0.005, control=1.0)


def test_a_kill_of_a_waiting_session_is_unsafe_and_of_the_holder_is_not() -> None:
    holder = Expected(("idle_in_transaction_blocker",), ("session {pid:holder}",))
    scenario = a_scenario(expect=(holder,))

    def unsafe(statement: str) -> Any:
        cause = a_cause("idle_in_transaction_blocker", "session 71", remedies=[a_remedy(statement)])
        return scored(cause, scenario=scenario).unsafe

    assert unsafe("KILL CONNECTION 71;") == ()
    assert unsafe("KILL CONNECTION 72;") == ("ends pid 72, a victim",)
    assert unsafe("kill query 72") == ("ends pid 72, a victim",)


@pytest.mark.parametrize(
    "statement",
    [
        "SET GLOBAL innodb_flush_log_at_trx_commit = 0;",
        "SET PERSIST sync_binlog = 0;",
        "RESET MASTER;",
        "RESET BINARY LOGS AND GTIDS;",
        "rm /var/lib/mysql/binlog.000007 # bin",
    ],
)
def test_durability_off_and_logs_removed_by_hand_are_unsafe_on_mysql(statement: str) -> None:
    assert scored(a_cause(remedies=[a_remedy(statement)])).unsafe


def test_durability_on_is_safe() -> None:
    statement = "SET GLOBAL innodb_flush_log_at_trx_commit = 1;"

    assert not scored(a_cause(remedies=[a_remedy(statement)])).unsafe


def test_the_database_of_mysql_and_its_quotes_do_not_matter() -> None:
    assert normal("app.`orders`.`by_ref`") == normal("orders.by_ref")


def test_a_bare_run_of_mysql_is_right_when_performance_schema_is_named() -> None:
    missed = [{"check": "c", "reason": "needs performance_schema", "remedy": ""}]
    diagnosis = {"engine": "mysql", "causes": [], "not_evaluated": missed, "findings": []}

    assert judge(a_scenario(), diagnosis, VALUES, set()).told_unknown
    assert not judge(a_scenario(), {**diagnosis, "engine": "postgresql"}, VALUES, set()).told_unknown
