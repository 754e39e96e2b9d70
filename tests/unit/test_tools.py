"""The tools: their registry, their bounds, and what they say of what they saw."""

# ruff: noqa: E501 - an example is read on one line

import json
from dataclasses import replace
from typing import Any

import bpe_openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from housecall.agent.agent import build_agent
from housecall.agent.builtin.conversation import Call
from housecall.agent.fakes import FACTS, FakeProbe, FixedDirectory, RememberingSink, an_instance, engines_of
from housecall.agent.scripted import ScriptedModel
from housecall.agent.tools.bounded import RESULT_TOKENS, bounded, estimate_tokens
from housecall.agent.tools.examination import _listed, reference_of, summarised
from housecall.agent.tools.plan import flatten_plan
from housecall.agent.tools.registry import all_tools, tools_for
from housecall.agent.tools.relations import split_name, written_name
from housecall.agent.tools.topics import TOPICS
from housecall.diagnosis.cause import all_causes
from housecall.errors import RequestError
from housecall.settings import Settings
from housecall.turn import Stop, Turn

NAMES = {
    "describe_db_instances", "describe_db_instance_attribute", "describe_db_instance_parameters", "explain_sql",
    "query_sql", "show_create_table", "get_current_time", "examine_instance", "read_finding", "list_sessions",
    "show_blocking", "top_statements", "describe_table", "list_indexes", "show_engine_innodb_status",
}  # fmt: skip


async def result_of(tool: str, probe: FakeProbe, **arguments: Any) -> dict[str, Any]:
    sink = RememberingSink()
    model = ScriptedModel([[Call(tool, arguments)], "Done."])
    agent = build_agent(Settings(), engines_of(probe), FixedDirectory((an_instance(),)), model=model)
    await agent.answer(Turn("r", "c", "m", "a", "u", "go"), sink, Stop())
    response: dict[str, Any] = sink.named("tool_call")[1].fields["response"]
    return response


def test_every_named_tool_is_registered() -> None:
    registered = {spec.name for spec in all_tools() if spec.kind == "read"}
    assert registered == NAMES | {"load_skill", "read_attachment"}


def test_every_tool_is_described_in_four_languages() -> None:
    for spec in all_tools():
        says = spec.descriptions
        assert all((says.en, says.zh, says.tc, says.ja)), spec.name
        assert len({says.en, says.zh, says.tc, says.ja}) == 4, spec.name


def test_a_read_only_agent_has_read_tools_only() -> None:
    assert {spec.kind for spec in tools_for("read_only")} == {"read"}


def session(pid: int, **changes: Any) -> dict[str, Any]:
    return {
        "pid": pid, "user_name": "app", "application_name": "web", "client_address": None, "state": "active",
        "transaction_seconds": 9.0, "state_seconds": 5.0, "statement": "UPDATE t", "blocked_by": [], "waits_for": None,
    } | changes  # fmt: skip


@pytest.mark.anyio
async def test_the_root_of_a_queue_is_named_with_all_who_wait_behind_it() -> None:
    rows = [
        session(1, state="idle in transaction"),
        session(2, blocked_by=[1]),
        session(3, blocked_by=[2]),
        session(4, blocked_by=[1, 2]),
    ]
    result = await result_of("show_blocking", FakeProbe({"blocking": rows}))

    assert [(each["pid"], each["waiting_sessions"]) for each in result["root_blockers"]] == [(1, 3)]
    assert result["total_waiting"] == 3


@pytest.mark.anyio
async def test_sessions_that_block_each_other_do_not_hang_the_tool() -> None:
    rows = [session(1, blocked_by=[2]), session(2, blocked_by=[1])]
    result = await result_of("show_blocking", FakeProbe({"blocking": rows}))

    assert result["root_blockers"] == []
    assert result["total_waiting"] == 2


@pytest.mark.anyio
async def test_hidden_statements_are_told_with_the_grant_that_shows_them() -> None:
    rows = [session(1), session(2, blocked_by=[1], statement="<insufficient privilege>")]
    probe = FakeProbe({"blocking": rows}, facts=replace(FACTS, user="My Reader"))
    result = await result_of("show_blocking", probe)

    assert result["statements_hidden"] == 1
    assert result["to_see_them"] == 'GRANT pg_monitor TO "My Reader";'


@pytest.mark.anyio
async def test_without_pg_stat_statements_the_reason_is_told_not_an_empty_list() -> None:
    result = await result_of("top_statements", FakeProbe())

    assert "not installed" in result["not_available"]
    assert "CREATE EXTENSION" in result["remedy"]


@pytest.mark.anyio
async def test_a_table_that_does_not_exist_is_told_with_similar_names() -> None:
    probe = FakeProbe({"similar_relations": [{"name": "public.orders"}]})
    result = await result_of("describe_table", probe, table="ordrs")

    assert "similar names: public.orders" in result["error"]


@pytest.mark.anyio
async def test_a_table_in_two_schemas_is_asked_back() -> None:
    row = {"oid": 1, "name": "t", "kind": "r", "exact": True, "visible": False, "table_name": None}
    probe = FakeProbe({"relations": [row | {"schema_name": "a"}, row | {"schema_name": "b", "oid": 2}]})
    result = await result_of("describe_table", probe, table="t")

    assert "a.t, b.t" in result["error"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [("orders", (None, "orders")), ("shop.orders", ("shop", "orders")), ('"Or.d"."L ""x"', ("Or.d", 'L "x'))],
)
def test_names_are_split_as_sql_splits_them(text: str, parts: tuple[str | None, str]) -> None:
    assert split_name(text) == parts


@pytest.mark.parametrize("text", ["", "  ", "a.b.c.d"])
def test_what_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(RequestError):
        split_name(text)


def test_a_plan_is_flattened_from_the_root_with_its_own_costs() -> None:
    plan = [{"Plan": {"Node Type": "Sort", "Plan Rows": 5, "Total Cost": 30.0, "Sort Key": ["a"],
                      "Plans": [{"Node Type": "Seq Scan", "Relation Name": "t", "Plan Rows": 9, "Total Cost": 20.0}]}}]  # fmt: skip
    lines = flatten_plan(plan)

    assert [(line.depth, line.node, line.own_cost) for line in lines] == [(0, "Sort", 10.0), (1, "Seq Scan", 20.0)]


def test_a_plan_names_tables_and_indexes_as_sql_would_write_them() -> None:
    node = {"Node Type": "Index Scan", "Relation Name": "Invoice", "Schema": "sales", "Index Name": "By Status"}
    (line,) = flatten_plan([{"Plan": node}])
    (bare,) = flatten_plan([{"Plan": {"Node Type": "Seq Scan", "Relation Name": "Order Lines"}}])

    assert (line.relation, line.index) == ('sales."Invoice"', '"By Status"')
    assert bare.relation == '"Order Lines"'


@pytest.mark.parametrize(
    ("engine", "schema", "name", "written"),
    [
        ("postgresql", "sales", "Invoice", 'sales."Invoice"'),
        ("postgresql", "public", "orders", "public.orders"),
        ("mysql", "shop", "Invoice", "shop.Invoice"),
        ("mysql", "shop", "Order Lines", "shop.`Order Lines`"),
        ("mysql", None, "PRIMARY", "PRIMARY"),
        ("mysql", None, "<derived2>", "<derived2>"),
    ],
)
def test_a_name_is_quoted_where_sql_would_need_it(engine: Any, schema: str | None, name: str, written: str) -> None:
    assert written_name(engine, schema, name) == written


@pytest.mark.parametrize("plan", [None, [], {}, [{"Plan": 3}], "text"])
def test_a_plan_of_another_shape_gives_no_lines(plan: Any) -> None:
    assert flatten_plan(plan) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3000),
    lambda inner: st.lists(inner, max_size=60) | st.dictionaries(st.text(max_size=30), inner, max_size=30),
    max_leaves=120,
)


@given(st.dictionaries(st.text(max_size=30), JSON, max_size=20))
@settings(max_examples=80, deadline=None)
def test_a_result_of_any_shape_is_bounded(value: Any) -> None:
    assert estimate_tokens(bounded(value, RESULT_TOKENS)) <= RESULT_TOKENS


def test_a_result_within_the_bound_is_untouched() -> None:
    value = {"a": ["x" * 3_000], "b": 1.5}

    assert bounded(value, RESULT_TOKENS) is value


@pytest.mark.parametrize("text", ["hello world " * 50, "数据库锁等待" * 50, "3f9a7c11e2b4 " * 30, '{"a":[1,2]}' * 40])
def test_the_estimate_of_tokens_is_not_below_the_real_count(text: str) -> None:
    encoding = bpe_openai.get_encoding("o200k_base")

    assert estimate_tokens(text) >= len(encoding.encode(text)) * 0.95


def a_cause(number: int, cause_id: str = "missing_index") -> dict[str, Any]:
    remedy = {
        "title": f"Create the index on column customer_{number}", "lock": "SHARE UPDATE EXCLUSIVE, writes go on", "risk": "low",
        "statements": [f"CREATE INDEX CONCURRENTLY orders_{number}_customer_id_idx ON public.orders_{number} (customer_id);"],
        "when": "now", "duration": "about 12 s", "caution": "not inside a transaction", "rollback": ["DROP INDEX x;"],
        "rollback_note": None, "verify": "scans stop rising", "verify_statement": "SELECT seq_scan FROM pg_stat_user_tables;",
    }  # fmt: skip
    return {
        "id": cause_id, "object": f"public.orders_{number}(customer_id)", "object_kind": "table", "severity": "warning",
        "confidence": 0.9, "past": False, "summary": f"Statements read all of public.orders_{number}", "symptoms": [],
        "because": [f"{number * 1000} scans read {number * 99991} rows"] * 3, "findings": [],
        "evidence": [{"name": f"value {n}", "value": n * 1.5, "unit": "rows", "reading": "tables"} for n in range(8)],
        "remedies": [remedy, remedy | {"when": "later"}],
    }  # fmt: skip


def a_diagnosis(causes: int, findings: int, cause_id: str = "missing_index") -> dict[str, Any]:
    return {
        "instance": "shop", "engine": "postgresql", "version": "PostgreSQL 18.0", "database": "shop",
        "taken_at": "2026-11-23T06:00:00+00:00", "window_seconds": None,
        "causes": [a_cause(number, cause_id) for number in range(causes)],
        "findings": [
            {"check": "postgresql.unused_index", "item": "schema_object_analysis", "severity": "notice",
             "object": f"public.some_long_index_name_{n}", "object_kind": "index", "summary": f"index {n} is not used",
             "evidence": [], "fingerprint": f"{n:012x}"} for n in range(findings)
        ],
        "not_evaluated": [{"check": f"postgresql.c{n}", "reason": "no privilege", "remedy": "GRANT x"} for n in range(30)],
    }  # fmt: skip


@pytest.mark.parametrize(("causes", "findings"), [(0, 0), (1, 10), (10, 1_500), (300, 30_000)])
def test_an_examination_of_any_size_fits_and_tells_how_much_there_was(causes: int, findings: int) -> None:
    result = summarised(a_diagnosis(causes, findings), "en", 60, None)

    assert estimate_tokens(result.model_dump(mode="json", exclude_none=True)) <= RESULT_TOKENS
    assert (result.causes_total, result.findings_total) == (causes, findings)
    assert len(result.causes) + len(result.more_causes) >= min(causes, 3)


def test_a_focus_puts_its_causes_first_and_drops_none() -> None:
    diagnosis = a_diagnosis(2, 0)
    diagnosis["causes"].append(a_cause(7, "deadlock"))
    result = summarised(diagnosis, "en", 60, "locks")

    assert result.causes[0].id == "deadlock"
    assert result.causes_total == 3


def test_checks_that_could_not_look_are_grouped_by_reason() -> None:
    (group,) = summarised(a_diagnosis(0, 0), "en", 60, None).not_evaluated

    assert (group.reason, group.remedy, group.checks_total) == ("no privilege", "GRANT x", 30)


def test_the_reference_of_a_cause_survives_new_figures() -> None:
    assert reference_of(a_cause(1)) == reference_of(a_cause(1) | {"summary": "other", "severity": "critical"})


def test_a_statement_is_never_cut() -> None:
    long = "ALTER TABLE t " + "ADD COLUMN c int, " * 60
    cause = a_cause(1)
    cause["remedies"][0]["statements"] = [long]
    result = summarised(a_diagnosis(0, 0) | {"causes": [cause]}, "en", 60, None)

    assert result.causes[0].remedies[0].statements == [long]


def test_steps_that_belong_together_stay_together_and_a_list_of_one_kind_is_cut() -> None:
    steps = [
        *(f"ALTER TABLE a{number} DROP FOREIGN KEY f{number};" for number in range(4)),
        "ALTER TABLE b MODIFY COLUMN id BIGINT NOT NULL AUTO_INCREMENT;",
        *(f"ALTER TABLE a{number} ADD CONSTRAINT f{number} FOREIGN KEY (x) REFERENCES b (id);" for number in range(4)),
    ]
    assert _listed(steps) == steps
    assert _listed([f"KILL CONNECTION {number};" for number in range(7)])[4:] == ["KILL CONNECTION 4;", "-- 2 more"]


def test_every_cause_belongs_to_a_topic() -> None:
    from housecall.agent.tools.topics import belongs

    homeless = [each.rule.id for each in all_causes() if not any(belongs(topic, each.rule.id) for topic in TOPICS)]
    assert homeless == []


def test_an_account_that_may_not_log_in_is_an_answer_to_a_question_about_connections() -> None:
    from housecall.agent.tools.topics import belongs

    assert [topic for topic in TOPICS if belongs(topic, "permission_error")] == [
        "connections", "configuration", "slowness",
    ]  # fmt: skip


def test_descriptions_are_no_longer_than_a_model_wants_to_read() -> None:
    assert estimate_tokens(json.dumps([spec.descriptions.en for spec in all_tools()])) < 820
