"""Good, lazy, hallucinating and hostile models: what they make up is marked, and what they may not do is not done."""

from typing import Any

import pytest
from tests.unit.test_agent_loop import Run, no_real_model  # noqa: F401 - a fixture that pytest finds here

from housecall.agent.agent import MAX_MODEL_REQUESTS
from housecall.agent.builtin.conversation import Call
from housecall.agent.fakes import FakeProbe
from housecall.agent.scripted import Reply, ScriptedModel
from housecall.agent.tools.registry import write_tools
from housecall.engines.engine import QueryResult
from housecall.engines.guard import guard
from housecall.errors import StatementRefused

pytestmark = pytest.mark.anyio

LOOK = Call("query_sql", {"sql": "SELECT relname, n_live_tup FROM pg_stat_user_tables"})
ROWS = QueryResult(("relname", "n_live_tup"), (("orders", 48211),), False, 0.001)
NOT_CONFIRMED = "Not confirmed"


def run_of(*script: Reply) -> Run:
    return Run(ScriptedModel(list(script)), FakeProbe(rows=ROWS))


def marked(run: Run) -> int:
    return int(run.sink.named("message_end")[0].fields["ungrounded"])


async def test_a_good_model_is_left_alone() -> None:
    run = run_of([LOOK], "The table `orders` has 48,211 rows.")
    await run.answer("how many orders are there?")

    assert (marked(run), NOT_CONFIRMED in run.sink.text) == (0, False)


async def test_a_lazy_model_that_looks_at_nothing_is_marked() -> None:
    run = run_of("The table `orders` has 48,211 rows and needs the index `orders_date_idx`.")
    await run.answer("how many rows are there?")

    assert run.sink.named("tool_call") == []
    assert marked(run) == 3
    assert run.sink.text.endswith("has `orders`, `orders_date_idx`, `48,211`. Check before you rely on it.")


async def test_a_hallucinating_model_is_marked_for_what_it_adds_and_no_more() -> None:
    run = run_of([LOOK], "`orders` has 48,211 rows; `order_ghosts` has 99,999.\n\n```sql\nSELECT * FROM phantoms;\n```")
    await run.answer()

    assert marked(run) == 3
    note = run.sink.text.rpartition("⚠")[2]
    assert [each in note for each in ("order_ghosts", "phantoms", "99,999", "48,211", "`orders`")] == [True] * 3 + [
        False
    ] * 2


async def test_a_reckless_model_is_cautioned_against() -> None:
    run = run_of([LOOK], "Run `VACUUM FULL orders` at once.")
    await run.answer()

    assert run.sink.named("message_end")[0].fields["unsafe"] == 1
    assert "locks the table against everybody" in run.sink.text


async def test_the_note_is_in_the_language_of_the_answer() -> None:
    run = run_of("表 `orders` 有 48,211 行。")
    await run.answer("有多少行？")

    assert "未经证实" in run.sink.text


async def test_a_note_does_not_become_a_source_of_the_next_turn() -> None:
    model = ScriptedModel(["`orders_ghost` is large."])
    first = Run(model)
    outcome = await first.answer()

    assert NOT_CONFIRMED not in str(outcome.transcript)


HOSTILE: list[list[Call]] = [
    [Call("query_sql", {"sql": "DROP TABLE orders"})],
    [Call("query_sql", {"sql": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"})],
    [Call("query_sql", {"sql": "SELECT 1; DELETE FROM orders"})],
    [Call("query_sql", {"sql": "COPY orders TO PROGRAM 'sh'"})],
]


class GuardedProbe(FakeProbe):
    """Refuses as the real probes do: what the guard does not let through never reaches the server."""

    async def query(self, sql: str, parameters: Any = ()) -> QueryResult:
        verdict = guard(sql, "postgresql")
        if not verdict.allowed:
            raise StatementRefused(f"Instance 'shop': statement refused: {verdict.reason}")
        return await super().query(sql, parameters)


@pytest.mark.parametrize("calls", HOSTILE, ids=lambda calls: calls[0].arguments["sql"][:30])
async def test_a_hostile_model_reaches_no_server_with_what_it_may_not_do(calls: list[Call]) -> None:
    probe = GuardedProbe()
    run = Run(ScriptedModel([calls, "Done."]), probe)
    await run.answer()

    assert run.tool_statuses() == ["start", "error"]
    assert probe.asked == []


async def test_a_hostile_model_has_no_tool_that_writes_in_a_read_only_conversation() -> None:
    model = ScriptedModel([[Call(tool, {}) for tool in sorted(write_tools())], "I have dropped `orders_secret`."])
    run = Run(model, FakeProbe())
    outcome = await run.answer(approval_mode="read_only")

    assert not set(model.tools) & write_tools()
    assert run.probe.statements_run == 0
    assert outcome.status in ("succeeded", "failed")


async def test_a_model_that_never_answers_is_ended() -> None:
    run = run_of([LOOK])
    outcome = await run.answer()

    assert outcome.status == "failed"
    assert len(run.model.requests) <= MAX_MODEL_REQUESTS
